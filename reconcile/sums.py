"""Sets of numbers with a given sum: exactly, and only where the search can be complete."""

from collections.abc import Sequence
from itertools import combinations

SEARCH_MAX = 32
"""Numbers that are searched: both halves of them have 65,536 sets each."""

_ENOUGH = 2
"""One set is an answer; that there is a second one is all there is to know."""


def solutions(values: Sequence[int], target: int) -> list[tuple[int, ...]]:
    """Up to two sets of places whose values sum to `target`; empty sets do not count.

    Equal values are interchangeable: sets that differ only in which of them they take are one.

    Raises:
        ValueError: more than `SEARCH_MAX` values.
    """
    if len(values) > SEARCH_MAX:
        raise ValueError(f"at most {SEARCH_MAX} values can be searched")
    middle = len(values) // 2
    right = _sets(values, range(middle, len(values)))
    found: dict[tuple[int, ...], tuple[int, ...]] = {}
    for total, lefts in _sets(values, range(middle)).items():
        for rest in right.get(target - total, ()):
            for left in lefts:
                places = (*left, *rest)
                if places:
                    found.setdefault(tuple(sorted(values[place] for place in places)), places)
                if len(found) == _ENOUGH:
                    return list(found.values())
    return list(found.values())


def _sets(values: Sequence[int], places: range) -> dict[int, list[tuple[int, ...]]]:
    """Sets of these places by their sum, of each sum at most two that differ in their values."""
    found: dict[int, dict[tuple[int, ...], tuple[int, ...]]] = {}
    for size in range(len(places) + 1):
        for chosen in combinations(places, size):
            total = sum(values[place] for place in chosen)
            kinds = found.setdefault(total, {})
            if len(kinds) < _ENOUGH:
                kinds.setdefault(tuple(sorted(values[place] for place in chosen)), chosen)
    return {total: list(kinds.values()) for total, kinds in found.items()}
