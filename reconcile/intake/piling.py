"""Files too large for memory, read once and piled up in buckets by the ids of their first rows."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, tzinfo
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from domain.settlement import ExportFormat
from reconcile.frames import Expected, Reported, control_from
from reconcile.intake.batches import export_batch, ledger_batch
from reconcile.intake.columns import Values
from reconcile.intake.counting import Sums
from reconcile.intake.descriptions import Descriptions
from reconcile.intake.export import Choice, read_export
from reconcile.intake.files import LEDGER_FORMAT, joined, ledger_layout_of
from reconcile.intake.reading import Reader, pass_through, threads
from reconcile.piles import KEYS, TOLD_BY, Piles, named_by
from reconcile.rules import BY_LINE
from reconcile.spill import Spill, our_rows, their_rows

BUCKET_BYTES = 96 << 20
"""So much of the files goes into one bucket."""


def pile_up(
    ledger: Path,
    exports: Sequence[Path],
    formats: Sequence[ExportFormat],
    folder: Path,
    zone: tzinfo = UTC,
    *,
    bucket_bytes: int = BUCKET_BYTES,
) -> Piles:
    """Read a ledger file and export files into buckets in `folder`.

    Raises:
        UnreadableExport: a file as a whole cannot be read; bad rows are rejects instead.
        InvalidRequest: two files have the same content.
    """
    size = sum(path.stat().st_size for path in (ledger, *exports))
    buckets = max(2, -(-size // bucket_bytes))
    ours, sums = _Ours(folder / "ours", buckets), Sums()

    def take(values: Values) -> None:
        ours.add(values)
        sums.add(values)

    with ThreadPoolExecutor(threads()) as pool:
        reader = Reader(pool)
        read = pass_through(ledger, ledger_layout_of(ledger.name), reader, take)
        theirs = _Theirs(folder / "theirs", buckets, ours.references)
        found = [
            read_export(path, formats, zone, reader, Choice(), partial(theirs.add, place))
            for place, path in enumerate(exports)
        ]
    book = sums.file(ledger.name, read, LEDGER_FORMAT)
    files, rejects = joined(found)
    totals = [total for file in files for total in file.totals]
    return Piles(
        ours=ours.finished(),
        theirs=theirs.finished(),
        buckets=buckets,
        by=theirs.by,
        expected=Expected(
            our_rows(None), read.rejects, book, control_from(book.totals, book.unreadable)
        ),
        reported=Reported(
            their_rows(None), files, rejects,
            control_from(totals, sum(file.unreadable for file in files)),
            Descriptions([one.read for one in found], [one.form for one in found]),
        ),
    )  # fmt: skip


class _Ours:
    """Our rows on their way into buckets."""

    def __init__(self, folder: Path, buckets: int) -> None:
        self._spill = Spill(folder, buckets, "provider_reference")
        self.references: list[str] = []
        """Those of the first rows."""

    def add(self, values: Values) -> None:
        self._spill.add(ledger_batch(values))
        self.references = self.references or _first(values, "provider_reference")

    def finished(self) -> Spill:
        self._spill.finish()
        return self._spill


class _Theirs:
    """Their rows on their way into buckets: by which of their ids, the first of them tell."""

    def __init__(self, folder: Path, buckets: int, references: Sequence[str]) -> None:
        self._folder, self._buckets, self._references = folder, buckets, references
        self._spill: Spill | None = None
        self.by = BY_LINE

    def add(self, place: int, values: Values, form: ExportFormat) -> None:
        batch = export_batch(values, form)
        file = pa.array(np.full(batch.num_rows, place, np.int16))
        self._filling(values).add(batch.append_column("file", file))

    def finished(self) -> Spill:
        spill = self._spill or Spill(self._folder, self._buckets, *KEYS[self.by])
        spill.finish()
        return spill

    def _filling(self, values: Values) -> Spill:
        if self._spill is None:
            self.by = named_by(
                self._references, _first(values, "reference"), _first(values, "source")
            )
            self._spill = Spill(self._folder, self._buckets, *KEYS[self.by])
        return self._spill


def _first(values: Values, name: str) -> list[str]:
    """The ids of the first rows of a block."""
    column = values.columns.get(name)
    found: list[str] = [] if column is None else column.slice(0, TOLD_BY).to_pylist()
    return found
