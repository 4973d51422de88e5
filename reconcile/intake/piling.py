"""Files too large for memory, read once and piled up in buckets by the ids of their first rows."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, tzinfo
from pathlib import Path

from domain.settlement import ExportFormat
from reconcile.frames import Expected, Reported, control_from
from reconcile.intake.columns import Values
from reconcile.intake.export import detect, plain_layout_of
from reconcile.intake.files import LEDGER_FORMAT, check_distinct, ledger_layout_of
from reconcile.intake.layout import Layout
from reconcile.intake.reading import Passed, Reader, pass_through, threads
from reconcile.intake.rows import Row, split
from reconcile.intake.spilling import Sums, block_batch
from reconcile.piles import KEYS, Piles, named_by
from reconcile.rules import BY_LINE
from reconcile.spill import Spill, our_rows, their_rows

LayoutOf = Callable[[tuple[str, ...]], Layout]

BUCKET_BYTES = 96 << 20
"""So much of the files goes into one bucket."""
_HEAD_BYTES = 1 << 16


def fit_for_piles(exports: Sequence[Path], formats: Sequence[ExportFormat]) -> bool:
    """Whether all files are of the plain layouts that can be read in pieces."""
    return all(type(detect(path, formats)[0]) is ExportFormat for path in exports)


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
    plain = [form for form in formats if type(form) is ExportFormat]
    by = _named_by(ledger, exports[0], plain) if exports else BY_LINE
    ours = Spill(folder / "ours", buckets, "provider_reference")
    theirs = Spill(folder / "theirs", buckets, *KEYS[by])
    with ThreadPoolExecutor(threads()) as pool:
        reader = Reader(pool)
        expected = _pile(ledger, ours, 0, reader, ledger_layout_of(ledger.name))
        found = [
            _pile_export(path, theirs, place, reader, plain, zone)
            for place, path in enumerate(exports)
        ]
    ours.finish()
    theirs.finish()
    book = expected[0].file(ledger.name, expected[1], LEDGER_FORMAT)
    files = tuple(sums.file(path.name, passed, form.name) for path, (sums, passed, form) in zip(
        exports, found, strict=True))  # fmt: skip
    check_distinct(files)
    totals = [total for file in files for total in file.totals]
    rejects = tuple(reject for _, passed, _ in found for reject in passed.rejects)
    return Piles(
        ours=ours,
        theirs=theirs,
        buckets=buckets,
        by=by,
        expected=Expected(
            our_rows(None), expected[1].rejects, book, control_from(book.totals, book.unreadable)
        ),
        reported=Reported(
            their_rows(None), files, rejects,
            control_from(totals, sum(file.unreadable for file in files)),
        ),
    )  # fmt: skip


def _pile(
    path: Path,
    spill: Spill,
    place: int,
    reader: Reader,
    layout_of: LayoutOf,
    chosen: Sequence[ExportFormat] = (),
) -> tuple[Sums, Passed]:
    """Spill the rows of one file and sum them up; an export's format is `chosen` by its header."""
    sums, made = Sums(), list[Layout]()

    def remember(header: tuple[str, ...]) -> Layout:
        made.append(layout_of(header))
        return made[0]

    def take(values: Values) -> None:
        form = chosen[0] if chosen else None
        spill.add(block_batch(values, made[0], place, form))
        sums.add(values.columns)

    return sums, pass_through(path, remember, reader, take)


def _pile_export(
    path: Path, spill: Spill, place: int, reader: Reader, formats: Sequence[ExportFormat],
    zone: tzinfo,
) -> tuple[Sums, Passed, ExportFormat]:  # fmt: skip
    chosen: list[ExportFormat] = []
    layout_of = plain_layout_of(path.name, formats, zone, chosen)
    sums, passed = _pile(path, spill, place, reader, layout_of, chosen)
    return sums, passed, chosen[0]


def _named_by(ledger: Path, export: Path, formats: Sequence[ExportFormat]) -> str:
    """Whether our ledger names lines or what moved, by the sorts of the first ids."""
    form = detect(export, formats)[0]
    ours = _first_ids(ledger, "provider_reference")
    return named_by(ours, _first_ids(export, form.reference), _first_ids(export, form.source))


def _first_ids(path: Path, name: str) -> list[str]:
    """The cells of a column at the beginning of a file."""
    with path.open("rb") as stream:
        text = stream.read(_HEAD_BYTES).decode("utf-8-sig", errors="replace")
    rows = [row for row in split(text, 1, None, last=False) if isinstance(row, Row)][:-1]
    if not rows or name not in rows[0].cells:
        return []
    place = rows[0].cells.index(name)
    return [row.cells[place] for row in rows[1:] if place < len(row.cells)]
