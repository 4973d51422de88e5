"""Whole input files to the two sides of a comparison.

Both readers share everything but their columns: what is refused in an export is refused in a
ledger.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.errors import InvalidRequest
from domain.settlement import ExportFormat, InputFile, Reject
from reconcile.intake.columns import Values
from reconcile.intake.counting import Sums
from reconcile.intake.descriptions import Descriptions
from reconcile.intake.export import Choice, Export, Take, join_parts, read_export
from reconcile.intake.header import check_present, check_unique
from reconcile.intake.layout import LEDGER_COLUMNS, Layout, ledger_layout
from reconcile.intake.reading import Reader, pass_through, threads

if TYPE_CHECKING:
    from reconcile.frames import Expected, Reported
    from reconcile.intake.assembly import Part

LEDGER_FORMAT = "ledger"
"""Name under which a ledger file appears among a run's inputs."""


def read_ledger(path: Path, *, reader: Reader | None = None) -> "Expected":
    """Read a ledger file: the columns of `LEDGER_COLUMNS`, in any order, others ignored.

    Raises:
        UnreadableExport: the file as a whole cannot be read; bad rows are rejects instead.
    """
    blocks, sums = list[Values](), Sums()

    def take(values: Values) -> None:
        blocks.append(values)
        sums.add(values)

    with ThreadPoolExecutor(threads()) as pool:
        read = pass_through(path, ledger_layout_of(path.name), reader or Reader(pool), take)
    from reconcile.frames import Expected, control_from
    from reconcile.intake.assembly import expected_of

    file = sums.file(path.name, read, LEDGER_FORMAT)
    control = control_from(file.totals, file.unreadable)
    return Expected(expected_of(blocks), read.rejects, file, control)


def ledger_layout_of(name: str) -> Callable[[tuple[str, ...]], Layout]:
    """What makes a ledger file's layout of its header; `name` is the file's."""

    def layout(header: tuple[str, ...]) -> Layout:
        check_unique(header, name)
        check_present(header, [column.name for column in LEDGER_COLUMNS], name, "a ledger")
        return ledger_layout(header)

    return layout


def read_exports(
    paths: Sequence[Path],
    formats: Sequence[ExportFormat],
    zone: tzinfo = UTC,
    *,
    reader: Reader | None = None,
    choice: Choice | None = None,
) -> "Reported":
    """Read export files, each of one of `formats`; `zone` is that of timestamps that name none.

    Raises:
        UnreadableExport: a file as a whole cannot be read; bad rows are rejects instead.
        InvalidRequest: two files have the same content, or a format is named that is none.
    """
    parts: list[list[Part]] = [[] for _ in paths]

    def taking(place: int) -> Take:
        return lambda values, form: parts[place].append((place, form, values))

    with ThreadPoolExecutor(threads()) as pool:
        found = [
            read_export(path, formats, zone, reader or Reader(pool), choice or Choice(), taking(n))
            for n, path in enumerate(paths)
        ]
    files, rejects = joined(found)
    from reconcile.frames import Reported, control_from
    from reconcile.intake.assembly import reported_of

    return Reported(
        reported_of([part for several in parts for part in several]),
        files,
        rejects,
        control_from([t for file in files for t in file.totals], sum(f.unreadable for f in files)),
        Descriptions([one.read for one in found], [one.form for one in found]),
    )


def joined(found: Sequence[Export]) -> tuple[tuple[InputFile, ...], tuple[Reject, ...]]:
    """Files that were read, and their rejects, once all of them are there: a report may have come
    in several of them.

    Raises:
        InvalidRequest: two files have the same content.
    """
    join_parts(found)
    files = tuple(export.file() for export in found)
    check_distinct(files)
    return files, tuple(reject for export in found for reject in export.rejects())


def read_both(
    ledger: Path, exports: Sequence[Path], formats: Sequence[ExportFormat], zone: tzinfo = UTC
) -> "tuple[Expected, Reported]":
    """Read a ledger file and export files at once.

    Raises:
        UnreadableExport, InvalidRequest: see `read_ledger` and `read_exports`.
    """
    with ThreadPoolExecutor(threads()) as pool, ThreadPoolExecutor(2) as sides:
        reader = Reader(pool)
        expected = sides.submit(read_ledger, ledger, reader=reader)
        reported = sides.submit(read_exports, exports, formats, zone, reader=reader)
        # pandas takes a third of a second to load: it does so while the files are being read.
        importlib.import_module("reconcile.compare")
        return expected.result(), reported.result()


def iter_columns(expected: "Expected", size: int = 10_000) -> Iterator[dict[str, list[Any]]]:
    """The ledger rows as columns of plain Python values, `size` rows at a time, for an import.

    Keys are the frame's columns: text and words as str, money and instants (micros UTC) as int.
    """
    for start in range(0, len(expected.frame), size):
        part = expected.frame.iloc[start : start + size]
        yield {str(name): part[name].tolist() for name in part.columns}


def check_distinct(files: Sequence[InputFile]) -> None:
    """Refuse files of the same content.

    Raises:
        InvalidRequest: two are.
    """
    first: dict[str, str] = {}
    for file in files:
        if file.digest in first:
            raise InvalidRequest(
                f"{file.name} and {first[file.digest]} have the same content: "
                "every row would count twice.",
                hint="Name each export once.",
            )
        first[file.digest] = file.name
