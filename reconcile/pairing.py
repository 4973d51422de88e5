"""Pairs that need no thought: one row on either side under one key, found for all rows at once.

A pair is made on equal strings, never on equal hashes, and only where the key is unique on both
sides; everything else is left for `residue`.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pyarrow.compute as pc

from reconcile.codes import Array, Bools, Ints
from reconcile.hashing import Keys, Words, mixed, same
from reconcile.rules import BY_LINE, BY_SOURCE, PASSES
from reconcile.sides import Ours, Theirs, differences, take

Result = TypeVar("Result")

PARTS, PARTS_FROM = 2, 200_000
"""Threads that search for pairs (a power of two), and the number of rows from which that pays."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of row numbers and the pass that made each."""

    e: Ints
    r: Ints
    step: Array
    """Position in `rules.PASSES`."""
    fields: Array
    """Bits of `sides.FIELDS` in which each pair differs."""

    @classmethod
    def of(cls, e: Ints, r: Ints, fields: Array, name: str) -> "Pairs":
        """Pairs that were all made by one pass."""
        return cls(e, r, np.full(len(e), PASSES.index(name), np.int8), fields)

    def without(self, places: Ints) -> "Pairs":
        """All pairs but those at `places`."""
        if not len(places):
            return self
        kept = np.ones(len(self.e), bool)
        kept[places] = False
        return Pairs(self.e[kept], self.r[kept], self.step[kept], self.fields[kept])

    @classmethod
    def joined(cls, *parts: "Pairs") -> "Pairs":
        """All pairs of several."""
        parts = tuple(part for part in parts if len(part.e)) or parts[:1]
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.e for part in parts]),
            np.concatenate([part.r for part in parts]),
            np.concatenate([part.step for part in parts]),
            np.concatenate([part.fields for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class Plain:
    """Outcome of the plain passes."""

    pairs: Pairs
    """Finished pairs, agreeing or not."""
    e_left: Ints
    """Expected rows for the rich passes."""
    r_left: Ints
    """Reported rows for the rich passes."""
    linked_e: Ints
    """Those of `e_left` whose reference is the line id of a row in `r_left`."""
    linked_r: Ints
    """Those of `r_left` whose line id an expected row names."""
    e_free: Ints
    """Expected rows that are in no pair by a unique line id; no other row has their reference."""
    r_free: Ints
    """Reported rows that are in no pair by a unique line id; no other row has their line id."""


def pair_plainly(ours: Ours, theirs: Theirs) -> Plain:
    """Pair by line reference, then by source and kind, wherever the key is unique on both sides."""
    mine, reported = at_once(partial(Keys.of, ours.reference), partial(Keys.of, theirs.reference))
    e, r = _unique_pairs(mine, mine.hashes, reported, reported.hashes)
    middle = len(e) // 2
    halves = slice(None, middle), slice(middle, None)
    fields = np.concatenate(
        at_once(*(partial(differences, ours, theirs, e[half], r[half]) for half in halves))
    )
    e_free, r_free = _left(len(ours), e), _left(len(theirs), r)
    linked_e, linked_r = _linked(ours, theirs, e_free, r_free)
    by_source = _by_source(ours, theirs, e_free[~linked_e], r_free[~linked_r])
    e_rest = np.setdiff1d(e_free, by_source.e, assume_unique=True)
    r_rest = np.setdiff1d(r_free, by_source.r, assume_unique=True)

    # A pair that disagrees is final, unless loose rows of the same source might be its other parts.
    odd = np.flatnonzero(fields)
    loose = np.setdiff1d(r_rest, r_free[linked_r], assume_unique=True)
    held = odd[_has_siblings(theirs, r[odd], loose)]
    by_line = Pairs.of(e, r, fields, BY_LINE).without(held)
    named_e = np.union1d(e_free[linked_e], e[held])
    named_r = np.union1d(r_free[linked_r], r[held])
    near_e, near_r = _reachable(ours, theirs, e_rest, r_rest)
    related = is_in(take(theirs.source, loose), take(theirs.source, named_r))
    return Plain(
        Pairs.joined(by_line, by_source),
        np.union1d(near_e, named_e),
        np.union1d(np.concatenate([near_r, loose[related]]), named_r),
        named_e,
        named_r,
        e_free,
        r_free,
    )


def at_once(*tasks: Callable[[], Result]) -> list[Result]:
    """Run tasks that spend their time outside the interpreter side by side."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [done.result() for done in [pool.submit(task) for task in tasks]]


def _reachable(ours: Ours, theirs: Theirs, e_rest: Ints, r_rest: Ints) -> tuple[Ints, Ints]:
    """Rows whose reference is the source of a row of the other side: others have no partner."""
    references, sources = take(ours.reference, e_rest), take(theirs.source, r_rest)
    return e_rest[is_in(references, sources)], r_rest[is_in(sources, references)]


def _unique_pairs(mine: Keys, e_hash: Words, reported: Keys, r_hash: Words) -> tuple[Ints, Ints]:
    """Row numbers of equal keys whose hash occurs once on either side.

    Equal hashes share their last bits, so parts by last bits can be searched side by side.
    """
    parts = PARTS if len(e_hash) > PARTS_FROM else 1
    last_bits = np.uint64(parts - 1)

    def part(number: int) -> tuple[Ints, Ints]:
        e_some = np.flatnonzero((e_hash & last_bits) == number)
        r_some = np.flatnonzero((r_hash & last_bits) == number)
        e, r = _equal_once(e_hash[e_some], r_hash[r_some])
        order = np.argsort(e)  # neighbours in memory are compared faster
        e, r = e_some[e[order]], r_some[r[order]]
        proven = same(mine, e, reported, r)
        return e[proven], r[proven]

    found = at_once(*(partial(part, number) for number in range(parts)))
    return np.concatenate([e for e, _ in found]), np.concatenate([r for _, r in found])


def _equal_once(e_hash: Words, r_hash: Words) -> tuple[Ints, Ints]:
    """Positions of values that occur exactly once in each array."""
    e_values, e_at = _singles(e_hash)
    r_values, r_at = _singles(r_hash)
    if not (len(e_values) and len(r_values)):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    place = np.searchsorted(r_values, e_values)
    np.minimum(place, len(r_values) - 1, out=place)
    hit = r_values[place] == e_values
    return e_at[hit], r_at[place[hit]]


def _singles(values: Words) -> tuple[Words, Ints]:
    """The values that occur once, sorted, and where they stand."""
    order = np.argsort(values)
    ordered = values[order]
    differs = np.concatenate([[True], ordered[1:] != ordered[:-1], [True]])
    single = differs[1:] & differs[:-1] if len(values) else np.empty(0, bool)
    return ordered[single], order[single]


def _by_source(ours: Ours, theirs: Theirs, e_free: Ints, r_free: Ints) -> Pairs:
    """Pairs by source and kind among rows that no line reference claims."""
    known = theirs.kind[r_free] >= 0
    r_free = r_free[known]
    mine, sources = Keys.of(take(ours.reference, e_free)), Keys.of(take(theirs.source, r_free))
    e, r = _unique_pairs(
        mine,
        mixed(mine.hashes, ours.kind[e_free]),
        sources,
        mixed(sources.hashes, theirs.kind[r_free]),
    )
    proven = (ours.kind[e_free[e]] == theirs.kind[r_free[r]]) & (sources.lengths[r] > 0)
    e, r = e_free[e[proven]], r_free[r[proven]]
    return Pairs.of(e, r, differences(ours, theirs, e, r), BY_SOURCE)


def _linked(ours: Ours, theirs: Theirs, e_free: Ints, r_free: Ints) -> tuple[Bools, Bools]:
    """Which of the free rows share a line reference with a free row of the other side."""
    references, lines = take(ours.reference, e_free), take(theirs.reference, r_free)
    return is_in(references, lines), is_in(lines, references)


def _has_siblings(theirs: Theirs, held: Ints, loose: Ints) -> Bools:
    """Which held reported rows have loose rows of the same source and kind."""
    keys, others = Keys.of(take(theirs.source, held)), Keys.of(take(theirs.source, loose))
    found = np.isin(mixed(keys.hashes, theirs.kind[held]), mixed(others.hashes, theirs.kind[loose]))
    return found & (keys.lengths > 0)


def is_in(values: Any, known: Any) -> Bools:
    """Which non-empty strings also occur in `known`."""
    found = pc.and_(pc.is_in(values, value_set=known), pc.not_equal(values, ""))
    return np.asarray(found.to_numpy(), dtype=bool)


def _left(size: int, taken: Ints) -> Ints:
    free = np.ones(size, bool)
    free[taken] = False
    return np.flatnonzero(free)
