"""Files that are handed in to be kept: read to their end first, while their rows wait.

Nothing is kept of a file before all of it is known to be readable, and a file may be larger than
memory. So its rows wait in a file without a name, which goes away however the process ends; few
rows wait in memory.
"""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from domain.settlement import ExportFormat, InputFile, Reject
from reconcile.codes import CURRENCIES, KINDS
from reconcile.hashing import Words
from reconcile.intake.batches import export_batch
from reconcile.intake.columns import Values
from reconcile.intake.export import Choice, read_export
from reconcile.intake.files import joined
from reconcile.intake.identity import Identities, hashes_of
from reconcile.intake.reading import Reader, threads
from reconcile.intake.shaped import TEXTS

Columns = dict[str, list[Any]]

IN_MEMORY = 64 << 20
"""Bytes of rows that wait in memory; more wait on disk."""

STRETCH = 50_000
"""Rows that are in memory as single values at once, and a block more."""

_TEXT_CHARS = 200
_NUMBERS = ("amount_minor", "fee_minor", "net_minor", "occurred_at", "line")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file that was read to its end."""

    file: InputFile
    rejects: tuple[Reject, ...]
    rows: int
    """Lines that could be read."""
    form: ExportFormat
    dates: str
    """What a person said of its dates, see `Choice`; needed to read it again."""
    waiting: "Waiting"

    def stretches(self) -> Iterator[Columns]:
        """Its rows as the `lines` table keeps them, the file itself left out: in stretches of
        columns."""
        form, start = self.form, 0
        named = Identities(self.waiting.hashes, unique=form.unique, stands=form.stands)
        for batch in self.waiting.batches():
            columns = _plain(batch)
            columns["identity"] = named.of(batch)
            columns["ordinal"] = list(range(start, start + batch.num_rows))
            start += batch.num_rows
            yield columns


class Waiting:
    """The rows of one file, written once and then read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._writer: Any = None
        self.hashes: list[Words] = []
        """Of the rows' ids, block by block."""

    def add(self, values: Values, form: ExportFormat) -> None:
        """Let a block wait."""
        batch = export_batch(values, form, "description")
        if self._writer is None:
            self._writer = pa.ipc.new_stream(self._file, batch.schema)
        self._writer.write_batch(batch)
        self.hashes.append(hashes_of(batch))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows again, some blocks together; nothing can be added any more."""
        if self._writer is None:
            return
        self._writer.close()
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as stream:
            several: list[pa.RecordBatch] = []
            for block in stream:
                several.append(block)
                if sum(one.num_rows for one in several) >= STRETCH:
                    yield pa.concat_batches(several)
                    several = []
            if several:
                yield pa.concat_batches(several)


@contextmanager
def deliveries(
    paths: Sequence[Path],
    formats: Sequence[ExportFormat],
    zone: tzinfo = UTC,
    *,
    choice: Choice | None = None,
) -> Iterator[list[Delivery]]:
    """Read export files to be kept; their rows can be had as long as the context lasts.

    Raises:
        UnreadableExport: a file as a whole cannot be read; bad rows are rejects instead.
        InvalidRequest: two files have the same content, or a format is named that is none.
    """
    choice = choice or Choice()
    with ExitStack() as stack:
        waiting = [
            Waiting(stack.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)))
            for _ in paths
        ]
        with ThreadPoolExecutor(threads()) as pool:
            found = [
                read_export(path, formats, zone, Reader(pool), choice, one.add, described=True)
                for path, one in zip(paths, waiting, strict=True)
            ]
        files, _ = joined(found)
        yield [
            Delivery(file, export.rejects(), export.sums.total, export.form, choice.dates, one)
            for file, export, one in zip(files, found, waiting, strict=True)
        ]


def _plain(batch: pa.RecordBatch) -> Columns:
    """The columns of a block as plain values; a word nobody knows has no kind, and the table has
    no nulls."""
    kinds = (*KINDS, "")
    columns: Columns = {name: batch.column(name).to_pylist() for name in (*TEXTS, "category")}
    columns["kind"] = [kinds[code] for code in batch.column("kind").to_pylist()]
    columns["currency"] = [CURRENCIES[code] for code in batch.column("currency").to_pylist()]
    columns |= {name: batch.column(name).to_pylist() for name in _NUMBERS}
    texts = batch.column("description").to_pylist()
    return columns | {"description": [text[:_TEXT_CHARS] for text in texts]}
