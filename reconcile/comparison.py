"""What a comparison found: totals, and breaks as a frame or one by one.

Breaks stand in a fixed order that depends on their contents alone, and so do their ids.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from domain.breaks import Break, Side
from domain.buckets import Bucket
from domain.clock import from_micros, iso
from domain.run import BucketTotal
from reconcile.breaks import BREAK_COLUMNS, NOWHERE, Found, find_breaks
from reconcile.classify import Verdict
from reconcile.codes import Array, Ints
from reconcile.frames import Expected, Reported
from reconcile.rules import Rules
from reconcile.sides import some_rows
from reconcile.totals import break_counts

Record = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """The outcome of one comparison; frames and files of its inputs stay reachable."""

    expected: Expected
    reported: Reported
    rules: Rules
    totals: tuple[BucketTotal, ...]
    """By side, bucket and currency; proven to sum to the control totals."""
    matches: tuple[tuple[str, int], ...]
    """Agreeing expected rows by name of the pass that paired them."""
    verdict: Verdict
    found_at_once: Found | None = None
    """The breaks, where they had to be found before the totals."""
    elsewhere: Array = field(default_factory=NOWHERE.copy)
    """Pairs by pass that were made beside this comparison, of rows it does not hold."""

    @cached_property
    def found(self) -> Found:
        """The breaks by row numbers, sorted and named."""
        return self.found_at_once or find_breaks(
            self.expected, self.reported, self.verdict, self.rules, self.elsewhere
        )

    @property
    def breaks(self) -> pd.DataFrame:
        """The breaks with the columns of the breaks CSV, `BREAK_COLUMNS`."""
        return self.found.frame[list(BREAK_COLUMNS)]

    @property
    def break_counts(self) -> tuple[tuple[Bucket, int], ...]:
        """Breaks by kind in the order of `domain.breaks.KINDS`, zero counts left out."""
        return break_counts(self.found.kinds)

    @property
    def break_count(self) -> int:
        """Breaks of all kinds; a pair that disagrees is one."""
        return len(self.found.kinds)

    def iter_breaks(self) -> Iterator[Break]:
        """The breaks with both sides and the provider's own text, in their fixed order."""
        ours = _records(self.expected.frame, self.found.e)
        theirs = _records(self.reported.frame, self.found.r)
        texts = self._texts(theirs)
        found: list[Record] = self.found.frame.to_dict("records")  # type: ignore[assignment]
        for row, mine, reported in zip(found, ours, theirs, strict=True):
            detail = row["detail"]
            if reported and not detail:
                detail = texts.get((reported["file"], reported["line"]), "")
            yield Break(
                break_id=row["break_id"],
                kind=Bucket(row["kind"]),
                line_kind=row["line_kind"],
                provider_reference=row["provider_reference"],
                currency=row["currency"],
                expected=_side(mine, "status", row, "expected"),
                reported=_side(reported, "category", row, "reported"),
                fields=tuple(row["fields"].split("|")) if row["fields"] else (),
                transaction_id=row["transaction_id"],
                payment_id=mine["payment_id"] if mine else "",
                file=row["file"],
                line=int(row["line"]),
                detail=detail,
            )

    def _texts(self, theirs: list[Record | None]) -> dict[tuple[int, int], str]:
        source = self.reported.texts
        if source is None:
            return {}
        return source.read((row["file"], row["line"], row["reference"]) for row in theirs if row)


def _records(frame: pd.DataFrame, rows: Ints) -> list[Record | None]:
    """Some rows of a frame as dicts; row number -1 is no row."""
    present = rows >= 0
    records = some_rows(frame, rows[present]).astype(object).to_dict("records")
    found: list[Record | None] = [None] * len(rows)
    for place, record in zip(np.flatnonzero(present).tolist(), records, strict=True):
        found[place] = {str(name): value for name, value in record.items()}
    return found


def _side(row: Record | None, status: str, found: Record, name: str) -> Side | None:
    if row is None:
        return None
    return Side(
        amount_minor=int(found[f"{name}_minor"]),
        fee_minor=int(found[f"{name}_fee_minor"]),
        currency=row["currency"],
        status=row[status],
        occurred_at=iso(from_micros(int(row["occurred_at"]))),
    )
