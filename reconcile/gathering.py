"""Both sides of a run as the books hold them: in memory while they are few, in buckets on disk when
they are many. What is compared is the same, and so is what comes of it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from domain.settlement import InputFile, Reject
from reconcile.buckets import compare_piles
from reconcile.compare import compare
from reconcile.comparison import Comparison
from reconcile.frames import (
    Control,
    Expected,
    Known,
    Reported,
    add_control,
    control_from,
    control_of,
    expected_frame,
    expected_of_stretches,
    nothing,
)
from reconcile.lines import FileNumbers, frame_of_lines, reported_of_lines
from reconcile.piles import KEYS, TOLD_BY, Piles, named_by
from reconcile.rules import BY_LINE, Rules
from reconcile.spill import Spill, batch_of, our_rows, their_rows

Stretches = Iterable[Mapping[str, Any]]

BUCKET_ROWS = 1_000_000
"""So many rows of both sides together lie in one bucket."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the books hold for a comparison; stretches may be gone through once."""

    ours: Stretches
    """Columns `frames.EXPECTED_COLUMNS` but the line."""
    theirs: Stretches
    """Columns as `lines.reported_of_lines` takes them."""
    files: Mapping[str, InputFile]
    """Files by their ids."""
    known: Known = nothing
    """See `Expected.known`."""
    named: Collection[str] = ()
    """Files that count whether lines came from them or not."""
    rejects: Sequence[Reject] = ()


class Sides(Protocol):
    """Both sides, wherever they are."""

    @property
    def files(self) -> tuple[InputFile, ...]:
        """The files that reported rows came from, and those that were named."""

    def our_parts(self) -> Iterable[pd.DataFrame]:
        """The expected rows in parts."""

    def their_parts(self) -> Iterable[pd.DataFrame]:
        """The reported rows in parts."""

    def compare(self, rules: Rules, named: Collection[str] = ()) -> Comparison:
        """The comparison; it holds the rows that go by one of the names, and those that do not
        simply agree.

        Raises:
            IntegrityError: the buckets do not sum to the control totals, which is our bug.
        """


def gather(held: Held, rows: int, in_memory: int, folder: Path) -> Sides:
    """Both sides: `rows` is how many there are, `in_memory` how many may be kept in memory; more
    are put into `folder`, which has to stay while the sides are used."""
    if rows <= in_memory:
        expected = Expected.of(expected_of_stretches(held.ours))
        reported = reported_of_lines(held.theirs, held.files, held.named, held.rejects)
        return _InMemory(replace(expected, known=held.known), reported)
    return _InPiles(_pile_up(held, folder, max(2, -(-rows // BUCKET_ROWS))))


@dataclass(frozen=True, slots=True)
class _InMemory:
    """Both sides as frames."""

    expected: Expected
    reported: Reported

    @property
    def files(self) -> tuple[InputFile, ...]:
        return self.reported.files

    def our_parts(self) -> Iterable[pd.DataFrame]:
        return (self.expected.frame,)

    def their_parts(self) -> Iterable[pd.DataFrame]:
        return (self.reported.frame,)

    def compare(self, rules: Rules, named: Collection[str] = ()) -> Comparison:
        return compare(self.expected, self.reported, rules)


@dataclass(frozen=True, slots=True)
class _InPiles:
    """Both sides in buckets on disk."""

    piles: Piles

    @property
    def files(self) -> tuple[InputFile, ...]:
        return self.piles.reported.files

    def our_parts(self) -> Iterable[pd.DataFrame]:
        return self.piles.our_parts()

    def their_parts(self) -> Iterable[pd.DataFrame]:
        return self.piles.their_parts()

    def compare(self, rules: Rules, named: Collection[str] = ()) -> Comparison:
        return compare_piles(self.piles, rules, named)


def _pile_up(held: Held, folder: Path, buckets: int) -> Piles:
    ours = Spill(folder / "ours", buckets, "provider_reference")
    our_control, references = Control(), list[str]()
    for columns in held.ours:
        frame = expected_frame(columns)
        references = references or frame["provider_reference"].iloc[:TOLD_BY].tolist()
        ours.add(batch_of(frame))
        our_control = add_control(our_control, control_of(frame))
    ours.finish()
    numbers, their_control = FileNumbers.of(held.named), control_from((), len(held.rejects))
    parts = (frame_of_lines(columns, numbers) for columns in held.theirs)
    first = next(parts, None)
    by = BY_LINE if first is None else named_by(references, *_ids(first[0]))
    theirs = Spill(folder / "theirs", buckets, *KEYS[by])
    for frame, texts in chain([] if first is None else [first], parts):
        theirs.add(batch_of(frame, description=texts))
        their_control = add_control(their_control, control_of(frame))
    theirs.finish()
    files, places = numbers.settled(held.files)
    return Piles(
        ours=ours,
        theirs=theirs,
        buckets=buckets,
        by=by,
        expected=Expected(our_rows(None), control=our_control, known=held.known),
        reported=Reported(their_rows(None), files, tuple(held.rejects), their_control),
        file_places=places,
    )


def _ids(frame: pd.DataFrame) -> Iterator[list[str]]:
    """Some ids of lines, and of what moved."""
    for name in ("reference", "source"):
        yield frame[name].iloc[:TOLD_BY].tolist()
