"""One export file of any format: which one it is, and how it is read.

The first rows decide. Layouts that no header tells apart are the first of those that fit, unless
somebody says which it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from pathlib import Path

from domain.errors import InvalidRequest, UnreadableExport
from domain.export_shape import ActivityFormat, PaymentsFormat, SectionedFormat
from domain.settlement import ExportFormat, InputFile, Reject, StatedBalance
from reconcile.intake.activity import Activity, english
from reconcile.intake.columns import Values
from reconcile.intake.containers import Unpacked, unpacked
from reconcile.intake.counting import Sums
from reconcile.intake.header import find_format, unknown
from reconcile.intake.layout import Layout, export_layout
from reconcile.intake.payments_view import PaymentsView
from reconcile.intake.reading import Passed, Reader, pass_through
from reconcile.intake.rows import Row, split
from reconcile.intake.sections import Sections
from reconcile.intake.shaped import Facts, Shape, pass_shaped
from reconcile.intake.source import cannot_be_read

_HEAD_BYTES = 1 << 16
_DELIMITERS = (",", "\t", ";")
_SECTIONS = frozenset({"RH", "FH", "SH", "CH"})


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person says about files that they do not say themselves."""

    format_name: str = ""
    """The format, where several fit."""
    dates: str = ""
    """`DMY` or `MDY`, where no date tells."""


Take = Callable[[Values, ExportFormat], None]
"""What gets the rows of a file, a block at a time, with the file's format."""


@dataclass(slots=True)
class Export:
    """A file that was read to its end; its rows have been handed on."""

    origin: Unpacked
    form: ExportFormat
    read: Passed
    sums: Sums
    shape: Shape | None = None

    def rejects(self) -> tuple[Reject, ...]:
        """The rows that could not be read, in the order of their lines, and what is missing."""
        cut = self.shape.cut_off() if isinstance(self.shape, Sections) else None
        return (*self.read.rejects, *([cut] if cut else []))

    def file(self) -> InputFile:
        """The file by its content, with what it states about itself."""
        facts = self.shape.facts if self.shape else Facts()
        rejects = self.rejects()
        file = self.sums.file(self.origin.name, self.read, self.form.name)
        return replace(
            file,
            digest=self.origin.digest or file.digest,
            size=self.origin.size,
            rows=file.rows + len(rejects) - len(self.read.rejects),
            unreadable=len(rejects),
            stated=tuple(facts.stated),
            balances=tuple(facts.balances) or self._standing(file),
            owner=facts.owner,
        )

    def _standing(self, file: InputFile) -> tuple[StatedBalance, ...]:
        """The balance that the lines of such a file come to."""
        if not self.form.stands or file.period is None:
            return ()
        return tuple(
            StatedBalance(t.currency, file.period[1], t.amount_minor - t.fee_minor, "standing")
            for t in file.totals
        )


def read_export(
    path: Path,
    formats: Sequence[ExportFormat],
    zone: tzinfo,
    reader: Reader,
    choice: Choice,
    take: Take,
    *,
    described: bool = False,
) -> Export:
    """Read one file and hand on its rows, in file order; where they are to be `described`, with the
    column `description` if the file has one.

    Raises:
        UnreadableExport: the file as a whole cannot be read; bad rows are rejects instead.
        InvalidRequest: a format is named that is none.
    """
    origin = unpacked(path)
    candidates = _candidates(formats, choice)
    form, delimiter = detect(origin.path, candidates)
    sums, shape = Sums(), _shape(form, origin.path.name, delimiter, choice)

    def count(values: Values) -> None:
        sums.add(values)
        take(values, form)

    if shape is not None:
        return Export(origin, form, pass_shaped(origin.path, shape, count), sums, shape)

    def layout(header: tuple[str, ...]) -> Layout:
        nonlocal form
        plain = [form for form in candidates if type(form) is ExportFormat]
        form, instant = find_format(header, plain, origin.name)
        stated_utc = instant.endswith("_utc") or "(UTC)" in instant
        place = UTC if stated_utc else zone
        return export_layout(header, form, instant, place, described=described)

    read = pass_through(origin.path, layout, reader, count)
    return Export(origin, form, read, sums)


def _shape(form: ExportFormat, name: str, delimiter: str, choice: Choice) -> Shape | None:
    """How the records of a format become lines; None where they are rows under one header."""
    match form:
        case SectionedFormat():
            return Sections(form, name, delimiter)
        case ActivityFormat():
            return Activity(form, name, delimiter, choice.dates)
        case PaymentsFormat():
            return PaymentsView(form, name, delimiter)
    return None


def detect(path: Path, formats: Sequence[ExportFormat]) -> tuple[ExportFormat, str]:
    """The format of a plain file and its delimiter, by its first rows.

    Raises:
        UnreadableExport: it is none of these formats, empty, or no text.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise cannot_be_read(path.name, error) from None
    text = head.decode("utf-8-sig", errors="replace")
    first: tuple[str, ...] = ()
    for delimiter in _DELIMITERS:
        header = _header(text, delimiter)
        first = first or header
        fitting = [form for form in formats if _fits(form, header, delimiter)]
        if fitting:
            return max(fitting, key=lambda form: len(form.signature)), delimiter
    plain = next((form for form in formats if type(form) is ExportFormat), None)
    if plain is not None:
        return plain, ","  # its reader knows best what is wrong
    if not text.strip():
        raise UnreadableExport("the file is empty", file=path.name, line=1)
    raise unknown(first or ("",), formats, path.name)


def join_parts(exports: Sequence[Export]) -> None:
    """Check the footers of reports that came in several files against all their rows."""
    reports: dict[tuple[str, tuple[str, str]], list[Sections]] = {}
    for export in exports:
        if isinstance(export.shape, Sections):
            reports.setdefault(export.shape.part_of, []).append(export.shape)
    for parts in reports.values():
        Sections.join(parts)


def _candidates(formats: Sequence[ExportFormat], choice: Choice) -> Sequence[ExportFormat]:
    if not choice.format_name:
        return formats
    named = [form for form in formats if form.name == choice.format_name]
    if not named:
        raise InvalidRequest(
            f"There is no format {choice.format_name!r}.",
            hint=f"One of {', '.join(form.name for form in formats)}.",
        )
    return named


def _header(text: str, delimiter: str) -> tuple[str, ...]:
    """The row with column names: the first one, or that of the first section."""
    for row in split(text, 1, None, last=False, delimiter=delimiter):
        if not isinstance(row, Row):
            return ()
        code = row.cells[0].strip()
        if code == "CH":
            return ("CH", *(" ".join(name.split()) for name in row.cells[1:]))
        if code not in _SECTIONS:
            return row.cells
    return ()


def _fits(form: ExportFormat, header: tuple[str, ...], delimiter: str) -> bool:
    if not header:
        return False
    if isinstance(form, SectionedFormat):
        return header[0] == "CH" and form.signature <= set(header)
    if isinstance(form, ActivityFormat):
        return form.signature <= set(english(form, header))
    if isinstance(form, PaymentsFormat):
        return form.signature <= set(header)
    # A plain file with another delimiter is refused by its reader, which says what is wrong.
    return delimiter == "," and form.signature <= set(header)
