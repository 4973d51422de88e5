"""One row on one side that is several on the other: exact sums of amount and fee, never a guess.

When two different sets of parts would do, or two rows want the same part, none is taken.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product

Value = tuple[int, int, int]
"""(currency code, amount_minor, fee_minor) of one row."""

PARTS_MAX = 12
"""Rows of one key that are searched; more than that has no unique answer worth trusting."""

_SETS_MAX = 20_000


def unique_parts(
    target: Value, available: Sequence[Value], must_have: Value | None = None
) -> Counter[Value] | None:
    """The one multiset of at least two of `available` that sums to `target`, or None.

    Equal values are interchangeable and count as one answer. `must_have` has to be among the parts.
    """
    same_currency = [value for value in available if value[0] == target[0]]
    if not 2 <= len(same_currency) <= PARTS_MAX:
        return None
    counts = Counter(same_currency)
    values = sorted(counts)
    sizes = 1
    for value in values:
        sizes *= counts[value] + 1
    if sizes > _SETS_MAX:
        return None
    answer: Counter[Value] | None = None
    for chosen in product(*(range(counts[value] + 1) for value in values)):
        if sum(chosen) < 2:
            continue
        amount = sum(value[1] * times for value, times in zip(values, chosen, strict=True))
        fee = sum(value[2] * times for value, times in zip(values, chosen, strict=True))
        if (amount, fee) != target[1:]:
            continue
        found = Counter({v: n for v, n in zip(values, chosen, strict=True) if n})
        if must_have is not None and not found[must_have]:
            continue
        if answer is not None:
            return None
        answer = found
    return answer


def compatible(
    wanted: Mapping[int, Counter[Value]], available: Sequence[Value]
) -> Mapping[int, Counter[Value]]:
    """The answers if all can be had at once, else none: whose is the part, nobody can say."""
    demand: Counter[Value] = Counter()
    for parts in wanted.values():
        demand.update(parts)
    return wanted if demand <= Counter(available) else {}
