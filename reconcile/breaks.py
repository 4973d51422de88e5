"""The breaks of a comparison as one frame: found from the buckets, sorted, named.

One break per disagreeing pair, per lonely row that should have a partner, per unreadable row.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from domain.breaks import break_id
from domain.buckets import AGREED, KINDS, Bucket
from domain.settlement import Reject
from reconcile.classify import BUCKETS, CODE, Verdict
from reconcile.codes import Array, Ints
from reconcile.frames import Expected, Reported
from reconcile.rules import BY_LINE, BY_SOURCE, PASSES, Rules
from reconcile.sides import AMOUNT, FIELDS, some_rows

BREAK_COLUMNS = (
    "break_id", "kind", "line_kind", "provider_reference", "currency", "expected_minor",
    "reported_minor", "difference_minor", "expected_fee_minor", "reported_fee_minor", "fields",
    "transaction_id", "file", "line",
)  # fmt: skip
"""Columns of the breaks CSV, in order."""

_SUMS = ("expected_minor", "reported_minor", "expected_fee_minor", "reported_fee_minor")
_MONEY = tuple(name for name in BREAK_COLUMNS if name.endswith("_minor"))
_ORDER = [
    "rank", "currency", "line_kind", "provider_reference", "transaction_id", "file", "line",
    "expected_minor", "reported_minor", "expected_fee_minor", "reported_fee_minor", "fields",
]  # fmt: skip
_FIELD_TEXT = ["|".join(name for bit, name in FIELDS.items() if bits & bit) for bits in range(32)]
"""Every set of differing fields as text, by its bits."""


NOWHERE = np.zeros(len(PASSES), np.int64)
"""No pairs of any pass."""

Members = tuple[tuple[int, ...], tuple[int, ...]]
"""Row numbers of ours and of theirs that one break is about."""


@dataclass(frozen=True, slots=True)
class Found:
    """The breaks in their fixed order."""

    frame: pd.DataFrame
    """`BREAK_COLUMNS` and `detail`; money as nullable int64, text as str."""
    kinds: Array
    """Position in `classify.BUCKETS` of each break's kind."""
    e: Ints
    """Expected row of each break, -1 for none; of several the one that names the break."""
    r: Ints
    """Reported row of each break, -1 for none; of several the first by content."""
    groups: tuple[Members, ...]
    group: Ints
    """Position in `groups` of the breaks that are about several rows, -1 for the others."""

    def members(self) -> list[Members]:
        """The rows of every break, made anew each time."""
        return [
            self.groups[group] if group >= 0 else (_row(e), _row(r))
            for e, r, group in zip(
                self.e.tolist(), self.r.tolist(), self.group.tolist(), strict=True
            )
        ]

    def only(self, kept: Array) -> "Found":
        """The breaks for which `kept` is true."""
        return Found(
            self.frame[kept].reset_index(drop=True),
            self.kinds[kept],
            self.e[kept],
            self.r[kept],
            self.groups,
            self.group[kept],
        )


def _row(row: int) -> tuple[int, ...]:
    return (row,) if row >= 0 else ()


def find_breaks(
    expected: Expected,
    reported: Reported,
    verdict: Verdict,
    rules: Rules,
    elsewhere: Array,
) -> Found:
    """All breaks of a comparison; `elsewhere`: see `names_sources`."""
    by_source = names_sources(verdict, elsewhere)
    e, r, bits, kinds = _rows(verdict)
    groups = [_ordered(expected, reported, members) for members, _ in verdict.groups]
    e = np.concatenate([e, np.array([mine[0] for mine, _ in groups], np.int64)])
    r = np.concatenate([r, np.array([theirs[0] for _, theirs in groups], np.int64)])
    bits = np.concatenate([bits, np.full(len(groups), AMOUNT, np.int64)])
    named = np.array([CODE[bucket] for _, bucket in verdict.groups], np.int64)
    frame = _frame(expected, reported, e, r, by_source)
    frame["fields"] = np.array(_FIELD_TEXT, object)[bits]
    frame["code"], frame["e"], frame["r"] = np.concatenate([kinds, named]), e, r
    frame["group"] = np.concatenate([np.full(len(kinds), -1), np.arange(len(groups))])
    frame["scope"] = rules.scope
    _sum_groups(frame, expected, reported, groups)
    frame = pd.concat([frame, _unreadable(expected, reported, rules)], ignore_index=True)
    ranks = {BUCKETS.index(kind): rank for rank, kind in enumerate(KINDS)}
    frame["rank"] = frame["code"].map(ranks)
    frame = frame.sort_values(_ORDER, kind="stable", ignore_index=True)
    frame["kind"] = [BUCKETS[code].value for code in frame["code"].tolist()]
    frame["break_id"] = _ids(frame)
    return Found(
        frame[[*BREAK_COLUMNS, "detail"]],
        frame["code"].to_numpy(np.int64),
        frame["e"].to_numpy(np.int64),
        frame["r"].to_numpy(np.int64),
        tuple(groups),
        frame["group"].to_numpy(np.int64),
    )


def _ordered(
    expected: Expected, reported: Reported, members: tuple[list[int], list[int]]
) -> Members:
    """The rows of a group by their contents, so that the first one names it whatever the order."""
    mine = some_rows(expected.frame, np.array(members[0], np.int64))
    theirs = some_rows(reported.frame, np.array(members[1], np.int64))
    ours = mine.sort_values(["transaction_id", "line"], kind="stable").index
    other = theirs.sort_values(
        ["reference", "source", "amount_minor", "occurred_at", "file", "line"], kind="stable"
    ).index
    return tuple(members[0][at] for at in ours), tuple(members[1][at] for at in other)


def _sum_groups(
    frame: pd.DataFrame, expected: Expected, reported: Reported, groups: list[Members]
) -> None:
    """Put the sums of all rows where a break is about several, and say which they are."""
    if not groups:
        return
    columns = {name: frame[name].tolist() for name in (*_SUMS, "difference_minor", "detail")}
    for at, group in enumerate(frame["group"].tolist()):
        if group >= 0:
            mine, other = groups[group]
            ours = _told(expected.frame, mine, "transaction_id", "expected")
            theirs = _told(reported.frame, other, "reference", "reported")
            figures = (ours[0], theirs[0], ours[1], theirs[1])
            for name, value in zip(_SUMS, figures, strict=True):
                columns[name][at] = value
            columns["difference_minor"][at] = theirs[0] - ours[0]
            columns["detail"][at] = f"{ours[2]}; {theirs[2]}"
    for name, values in columns.items():
        frame[name] = values if name == "detail" else pd.array(values, dtype="Int64")


def _told(frame: pd.DataFrame, rows: tuple[int, ...], name: str, side: str) -> tuple[int, int, str]:
    """Amount, fee and names of some rows of one side."""
    part = some_rows(frame, np.array(rows, np.int64))
    names = part[name].tolist()
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    said = f"{len(names)} {side}: {', '.join(names[:5])}{more}"
    return sum(part["amount_minor"].tolist()), sum(part["fee_minor"].tolist()), said


def _rows(verdict: Verdict) -> tuple[Ints, Ints, Ints, Ints]:
    """Expected row, reported row, differing fields and bucket of each break of readable rows that
    is about one row on either side at most."""
    agreed = np.array([CODE[bucket] for bucket in AGREED])
    pairs = verdict.pairs
    bucket = verdict.e_bucket[pairs.e]
    broken = ~np.isin(bucket, agreed)
    e_alone, r_alone = verdict.e_bucket.copy(), verdict.r_bucket.copy()
    e_alone[pairs.e] = r_alone[pairs.r] = CODE[Bucket.MATCHED]
    for (e_rows, r_rows), _ in verdict.groups:
        e_alone[e_rows] = r_alone[r_rows] = CODE[Bucket.MATCHED]
    mine = np.flatnonzero(~np.isin(e_alone, agreed))
    theirs = np.flatnonzero(~np.isin(r_alone, agreed))
    none_e, none_r = np.full(len(theirs), -1), np.full(len(mine), -1)
    return (
        np.concatenate([pairs.e[broken], mine, none_e]),
        np.concatenate([pairs.r[broken], none_r, theirs]),
        np.concatenate([pairs.fields[broken], 0 * mine, 0 * theirs]).astype(np.int64),
        np.concatenate([bucket[broken], e_alone[mine], r_alone[theirs]]).astype(np.int64),
    )


def names_sources(verdict: Verdict, elsewhere: Array) -> bool:
    """Whether our ledger names what moved (ch_…, re_…) rather than the provider's line (txn_…), as
    most pairs say; `elsewhere` are the pairs by pass of rows that are not here.

    A reported row that our ledger lacks is shown under the name the ledger would have given it.
    """
    by_pass = np.bincount(verdict.pairs.step, minlength=len(PASSES)) + elsewhere
    return bool(by_pass[PASSES.index(BY_SOURCE)] > by_pass[PASSES.index(BY_LINE)])


def _frame(
    expected: Expected, reported: Reported, e: Ints, r: Ints, by_source: bool
) -> pd.DataFrame:
    ours = _taken(expected.frame, e)
    theirs = _taken(reported.frame, r)
    names = [file.name for file in reported.files] or [""]
    ledger = expected.file.name if expected.file else ""
    mine = e >= 0
    currency = np.where(mine, ours["currency"], theirs["currency"])
    amount, other = _money(ours["amount_minor"]), _money(theirs["amount_minor"])
    comparable = (ours["currency"] == theirs["currency"]) | (e < 0) | (r < 0)
    difference = other.fillna(0) - amount.fillna(0)
    line, source = theirs["reference"], theirs["source"]
    identity = np.where(line != "", line, source)
    reference = np.where(source != "", source, line) if by_source else identity
    word = np.where(theirs["kind"] != "", theirs["kind"], theirs["category"])
    file = np.array([*names, ledger], object)[np.where(r >= 0, theirs["file"], -1).astype(int)]
    own = ours["provider_reference"]
    return pd.DataFrame(
        {
            "line_kind": np.where(r >= 0, word, ours["kind"]),
            "provider_reference": np.where(own != "", own, reference),
            "identity": np.where(own != "", own, identity),
            "currency": currency,
            "expected_minor": amount,
            "reported_minor": other,
            "difference_minor": difference.where(comparable),
            "expected_fee_minor": _money(ours["fee_minor"]),
            "reported_fee_minor": _money(theirs["fee_minor"]),
            "transaction_id": ours["transaction_id"],
            "file": file,
            "line": np.where(r >= 0, theirs["line"], ours["line"]).astype(np.int64),
            "detail": "",
        }
    )


def _taken(frame: pd.DataFrame, rows: Ints) -> dict[str, Any]:
    """Columns of some rows as objects; row -1 gives empty text and None for numbers."""
    present = rows >= 0
    part = some_rows(frame, rows[present])
    found: dict[str, Any] = {}
    for name in part.columns:
        numeric = isinstance(part[name].dtype, np.dtype)
        values = np.full(len(rows), None if numeric else "", object)
        column = part[name].astype(object)
        values[present] = (column if numeric else column.where(column.notna(), "")).to_numpy()
        found[str(name)] = values
    return found


def _money(values: Array) -> "pd.Series[Any]":
    return pd.Series(pd.array(values.tolist(), dtype="Int64"))


def _unreadable(expected: Expected, reported: Reported, rules: Rules) -> pd.DataFrame:
    """A break for every reject; it goes by what could not be read, not by where it stood."""
    rejects: list[Reject] = [*expected.rejects, *reported.rejects]
    size = len(rejects)
    columns: dict[str, Any] = {
        name: pd.Series(pd.array([None] * size, dtype="Int64")) for name in _MONEY
    }
    for name in ("line_kind", "provider_reference", "currency", "transaction_id"):
        columns[name] = [""] * size
    columns["identity"] = [f"{r.column}\x1f{r.reason}\x1f{r.text}" for r in rejects]
    columns |= {
        "file": [reject.file for reject in rejects],
        "line": np.array([reject.line for reject in rejects], np.int64),
        "fields": [reject.column for reject in rejects],
        "detail": [f"{reject.reason}: {reject.text}" for reject in rejects],
        "scope": [rules.scope] * size,
        "code": np.full(size, CODE[Bucket.UNREADABLE], np.int64),
        "e": np.full(size, -1),
        "r": np.full(size, -1),
        "group": np.full(size, -1),
    }
    return pd.DataFrame(columns)


def _ids(frame: pd.DataFrame) -> list[str]:
    # A break about a line of ours is named by our transaction, whatever else changes about it.
    mine = frame["transaction_id"].to_numpy(object)
    named = np.array([bool(name) for name in mine], bool)
    unreadable = frame["kind"].to_numpy(object) == Bucket.UNREADABLE.value
    key = pd.DataFrame(
        {
            "scope": frame["scope"],
            "anchor": np.where(unreadable, "file", np.where(named, "ours", "theirs")),
            "line_kind": np.where(named, "", frame["line_kind"].to_numpy(object)),
            # Not the reference that is shown: how a lonely row is named may change from run to run.
            "reference": np.where(named, mine, frame["identity"].to_numpy(object)),
        }
    )
    occurrence = key.groupby(list(key.columns), sort=False).cumcount()
    columns = [key[name].tolist() for name in key.columns]
    return [
        break_id(anchor, line_kind, reference, again, scope)
        for scope, anchor, line_kind, reference, again in zip(
            *columns, occurrence.tolist(), strict=True
        )
    ]
