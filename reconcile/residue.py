"""The rich passes: the few rows whose key is not unique, or that may be one row in several parts.

Every choice goes by a fixed order of the rows' contents, so the order in which they arrive means
nothing; a row is used at most once; amount and date alone never pair.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from reconcile.codes import Ints
from reconcile.pairing import Pairs, Plain
from reconcile.parts import Value, compatible, unique_parts
from reconcile.rules import BY_ADJUSTMENT, BY_LINE, BY_SOURCE, PASSES
from reconcile.sides import ADJUSTMENT, Ours, Theirs, differences, some_rows


@dataclass(slots=True)
class Row:
    """One row of either side, as far as pairing needs it."""

    at: int
    """Row number in its frame."""
    reference: str
    source: str
    """Empty on the expected side."""
    kind: int
    value: Value
    succeeded: bool
    order: tuple[Any, ...]
    """Contents in a fixed order: what decides between rows that are equally good."""
    used: bool = False


@dataclass(slots=True)
class Outcome:
    """What the rich passes found."""

    pairs: list[tuple[int, int, int]] = field(default_factory=list)
    """(expected row, reported row, position in `rules.PASSES`)."""
    parts: list[tuple[list[int], list[int]]] = field(default_factory=list)
    """Expected rows and reported rows that are the same money, one against several."""

    def pair(self, ours: Row, theirs: Row, name: str) -> None:
        """Pair two rows, which are then used."""
        ours.used = theirs.used = True
        self.pairs.append((ours.at, theirs.at, PASSES.index(name)))

    def as_pairs(self, ours: Ours, theirs: Theirs) -> Pairs:
        """The pairs as arrays, with what they differ in."""
        e, r, step = np.array(self.pairs, np.int64).reshape(-1, 3).T
        return Pairs(e, r, step.astype(np.int8), differences(ours, theirs, e, r))


@dataclass(slots=True)
class Group:
    """Rows of both sides under one key."""

    ours: list[Row] = field(default_factory=list)
    theirs: list[Row] = field(default_factory=list)

    def free(self) -> tuple[list[Row], list[Row]]:
        """The rows not yet used, in their fixed order."""
        return _free(self.ours), _free(self.theirs)


Groups = dict[Hashable, Group]


def pair_richly(expected: pd.DataFrame, reported: pd.DataFrame, plain: Plain) -> Outcome:
    """Pair what the plain passes left over; unpaired rows simply do not appear."""
    outcome = Outcome()
    if not (plain.e_left.size and plain.r_left.size):
        return outcome
    ours, theirs = _our_rows(expected, plain.e_left), _their_rows(reported, plain.r_left)
    linked_e, linked_r = set(plain.linked_e.tolist()), set(plain.linked_r.tolist())
    lines = _grouped(
        (row for row in ours if row.at in linked_e),
        (row for row in theirs if row.at in linked_r),
        lambda row: row.reference,
        lambda row: row.reference,
    )
    loose = [row for row in theirs if row.at not in linked_r]
    sources = _grouped(
        (row for row in ours if row.at not in linked_e and row.reference),
        (row for row in loose if row.source and row.kind >= 0),
        lambda row: (row.reference, row.kind),
        lambda row: (row.source, row.kind),
    )
    for groups, name in ((lines, BY_LINE), (sources, BY_SOURCE)):
        _pair_level(groups, name, outcome, _exact)
    _line_parts(lines, loose, outcome)
    _source_parts(sources, outcome)
    for groups, name in ((lines, BY_LINE), (sources, BY_SOURCE)):
        for level in (_exact_money, _same_money, _same_amount, _same_kind, _anything):
            _pair_level(groups, name, outcome, level)
    _adjustments(ours, loose, linked_e, outcome)
    return outcome


def _exact(row: Row) -> Hashable:
    # A row of ours that did not succeed agrees with nothing, so it waits for the next level.
    return (row.kind, row.value) if row.succeeded else None


def _exact_money(row: Row) -> Hashable:
    return row.kind, row.value


def _same_money(row: Row) -> Hashable:
    return row.value


def _same_amount(row: Row) -> Hashable:
    return row.kind, row.value[:2]


def _same_kind(row: Row) -> Hashable:
    return row.kind


def _anything(row: Row) -> Hashable:
    return True


def _pair_level(
    groups: Groups, name: str, outcome: Outcome, key: Callable[[Row], Hashable]
) -> None:
    """Within each group pair the rows that agree in `key`, in their fixed order."""
    for group in groups.values():
        ours, theirs = group.free()
        waiting: dict[Hashable, list[Row]] = defaultdict(list)
        for row in reversed(theirs):
            waiting[key(row)].append(row)
        for row in ours:
            if key(row) is not None and waiting.get(key(row)):
                outcome.pair(row, waiting[key(row)].pop(), name)


def _line_parts(lines: Groups, loose: list[Row], outcome: Outcome) -> None:
    """A line that disagrees alone, but agrees with its loose siblings of the same source."""
    families: dict[Hashable, list[Row]] = defaultdict(list)
    for row in loose:
        families[row.source, row.kind].append(row)
    wanted: dict[Hashable, list[tuple[Row, Row]]] = defaultdict(list)
    for group in lines.values():
        ours, theirs = group.free()
        if len(theirs) == 1 and len(ours) > 1:
            _split_ours(ours, theirs[0], outcome)
        elif len(theirs) == 1 and len(ours) == 1 and ours[0].succeeded and theirs[0].source:
            wanted[theirs[0].source, theirs[0].kind].append((ours[0], theirs[0]))
    for key, anchors in wanted.items():
        siblings = _free(families[key])
        values = [row.value for row in siblings]
        answers = {}
        for place, (mine, anchor) in enumerate(anchors):
            found = unique_parts(mine.value, [anchor.value, *values], anchor.value)
            if found is not None:
                found[anchor.value] -= 1
                answers[place] = +found
        for place, parts in compatible(answers, values).items():
            mine, anchor = anchors[place]
            _claim([mine], [anchor, *_pick(siblings, parts.elements())], outcome)


def _source_parts(sources: Groups, outcome: Outcome) -> None:
    """Rows of one source and kind, one on one side and several on the other."""
    for group in sources.values():
        ours, theirs = group.free()
        settled = [row for row in ours if row.succeeded]
        values = [row.value for row in theirs]
        found = {place: unique_parts(row.value, values) for place, row in enumerate(settled)}
        answers = {place: parts for place, parts in found.items() if parts is not None}
        for place, parts in compatible(answers, values).items():
            _claim([settled[place]], _pick(theirs, parts.elements()), outcome)
        ours, theirs = group.free()
        if len(theirs) == 1:
            _split_ours(ours, theirs[0], outcome)


def _split_ours(ours: list[Row], theirs: Row, outcome: Outcome) -> None:
    """Several rows of ours that are one of theirs."""
    settled = [row for row in ours if row.succeeded and row.kind == theirs.kind]
    parts = unique_parts(theirs.value, [row.value for row in settled])
    if parts is not None:
        _claim(_pick(settled, parts.elements()), [theirs], outcome)


def _adjustments(ours: list[Row], loose: list[Row], linked: set[int], outcome: Outcome) -> None:
    """The provider's unspecific word under the same source, with exactly the same money."""
    groups = _grouped(
        (row for row in ours if not row.used and row.reference and row.at not in linked),
        (row for row in loose if not row.used and row.source and row.kind == ADJUSTMENT),
        lambda row: (row.reference, row.value),
        lambda row: (row.source, row.value),
    )
    for group in groups.values():
        mine, theirs = group.free()
        settled = [row for row in mine if row.succeeded]
        kinds = {row.kind for row in settled}
        # Rows of different kinds are not interchangeable: with too few partners, whose is it?
        if len(kinds) > 1 and len(theirs) < len(settled):
            continue
        for row, other in zip(settled, theirs, strict=False):
            outcome.pair(row, other, BY_ADJUSTMENT)


def _claim(ours: list[Row], theirs: list[Row], outcome: Outcome) -> None:
    for row in (*ours, *theirs):
        row.used = True
    outcome.parts.append(([row.at for row in ours], [row.at for row in theirs]))


def _pick(rows: list[Row], values: Iterable[Value]) -> list[Row]:
    """The first free row of each value, each row once."""
    taken: list[Row] = []
    for value in values:
        row = next(row for row in rows if not row.used and row.value == value)
        row.used = True
        taken.append(row)
    return taken


def _free(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row.used]


def _grouped(
    ours: Iterable[Row],
    theirs: Iterable[Row],
    our_key: Callable[[Row], Hashable],
    their_key: Callable[[Row], Hashable],
) -> Groups:
    """Groups that have rows on both sides, their rows in the fixed order."""
    groups: Groups = defaultdict(Group)
    for row in ours:
        groups[our_key(row)].ours.append(row)
    for row in theirs:
        key = their_key(row)
        if key in groups:
            groups[key].theirs.append(row)
    return {key: group for key, group in groups.items() if group.theirs}


def _our_rows(frame: pd.DataFrame, rows: Ints) -> list[Row]:
    part = some_rows(frame, rows)
    columns = zip(
        rows.tolist(),
        part["provider_reference"].tolist(),
        part["kind"].cat.codes.tolist(),
        part["currency"].cat.codes.tolist(),
        part["amount_minor"].tolist(),
        part["fee_minor"].tolist(),
        (part["status"] == "succeeded").tolist(),
        part["occurred_at"].tolist(),
        part["transaction_id"].tolist(),
        part["payment_id"].tolist(),
        part["status"].tolist(),
        part["line"].tolist(),
        strict=True,
    )
    made = [
        Row(at, ref, "", kind, (cur, amt, fee), good, (not good, cur, amt, fee, kind, *rest))
        for at, ref, kind, cur, amt, fee, good, *rest in columns
    ]
    return sorted(made, key=lambda row: row.order)


def _their_rows(frame: pd.DataFrame, rows: Ints) -> list[Row]:
    part = some_rows(frame, rows)
    columns = zip(
        rows.tolist(),
        part["reference"].tolist(),
        part["source"].tolist(),
        part["kind"].cat.codes.tolist(),
        part["currency"].cat.codes.tolist(),
        part["amount_minor"].tolist(),
        part["fee_minor"].tolist(),
        part["occurred_at"].tolist(),
        part["category"].tolist(),
        part["file"].tolist(),
        part["line"].tolist(),
        strict=True,
    )
    made = [
        Row(at, ref, src, kind, (cur, amt, fee), True, (cur, amt, fee, kind, when, ref, src, *rest))
        for at, ref, src, kind, cur, amt, fee, when, *rest in columns
    ]
    return sorted(made, key=lambda row: row.order)
