"""Both sides of a comparison in buckets on disk, read back a bucket at a time.

Which id decides the bucket is told by the first rows: that of the provider's line, or that of what
moved, whichever our ledger names. A wrong guess costs memory, never a match.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reconcile.by_payment import sort_of
from reconcile.codes import Array
from reconcile.frames import Expected, Reported
from reconcile.rules import BY_LINE, BY_SOURCE
from reconcile.spill import Spill, our_rows, their_rows

KEYS = {BY_LINE: ("reference", ""), BY_SOURCE: ("source", "reference")}
"""Pass -> the column whose id decides a reported row's bucket, and the one where that is empty."""

TOLD_BY = 1_000
"""Ids of each side that tell what our ledger names."""


def named_by(ours: Iterable[str], lines: Iterable[str], sources: Iterable[str]) -> str:
    """Whether our ledger names lines or what moved, by the sorts of some ids of each."""
    held = Counter(map(sort_of, ours))
    hits = [sum((held & Counter(map(sort_of, theirs))).values()) for theirs in (lines, sources)]
    return BY_SOURCE if hits[1] > hits[0] else BY_LINE


@dataclass(frozen=True, slots=True)
class Piles:
    """Both sides in buckets, and what was said of them while they were read."""

    ours: Spill
    theirs: Spill
    buckets: int
    by: str
    """The pass whose id decided the bucket, so that only its pairs are proven there."""
    expected: Expected
    """Without rows: file, rejects, control totals."""
    reported: Reported
    file_places: Array | None = None
    """Where each file stands by the number that its rows were spilled with."""

    def our_parts(self) -> Iterator[pd.DataFrame]:
        """The expected rows, bucket by bucket."""
        return (our_rows(self.ours.read(bucket)) for bucket in range(self.buckets))

    def their_parts(self) -> Iterator[pd.DataFrame]:
        """The reported rows, bucket by bucket."""
        return (self.their_bucket(bucket)[0] for bucket in range(self.buckets))

    def their_bucket(self, bucket: int) -> tuple[pd.DataFrame, Any]:
        """The reported rows of a bucket, and the provider's words beside them where they were
        spilled too."""
        table = self.theirs.read(bucket)
        texts = None
        if table is not None and "description" in table.column_names:
            texts = table.column("description")
            table = table.drop_columns(["description"])
        frame = their_rows(table)
        if self.file_places is not None and len(frame):
            frame["file"] = self.file_places[frame["file"].to_numpy()]
        return frame, texts
