"""Which format a header row is, or exactly why it is none.

A file is read only when its header is fully understood: one known format, no name twice.
"""

from collections import Counter
from collections.abc import Sequence

from domain.errors import UnreadableExport
from domain.settlement import ExportFormat

_DELIMITERS = {";": "';'", "\t": "a tab", "|": "'|'", ":": "':'"}


def required(form: ExportFormat) -> tuple[str, ...]:
    """Every header a file of this format must have, signature first."""
    # The source is left out: files without it are compared by line reference alone.
    named = (form.reference, form.amount, form.fee, form.net, form.currency, form.category)
    return tuple(dict.fromkeys([*sorted(form.signature), *(name for name in named if name)]))


def find_format(
    header: Sequence[str], formats: Sequence[ExportFormat], file: str
) -> tuple[ExportFormat, str]:
    """The format of the header and the name of its best instant column.

    Raises:
        UnreadableExport: no known header, another delimiter, a missing or a duplicate column.
    """
    check_unique(header, file)
    names = set(header)
    fitting = [form for form in formats if form.signature <= names]
    if not fitting:
        raise unknown(header, formats, file)
    form = max(fitting, key=lambda fit: len(fit.signature))
    check_present(header, required(form), file, form.name)
    for column in form.occurred_at:
        if column in names:
            return form, column
    raise missing(file, form.occurred_at[0], form.name)


def check_unique(header: Sequence[str], file: str) -> None:
    """Refuse a header that has one name twice.

    Raises:
        UnreadableExport: it does.
    """
    for name, count in Counter(header).items():
        if count > 1:
            raise UnreadableExport(
                f"the header has this column {count} times", file=file, line=1, column=name
            )


def check_present(header: Sequence[str], wanted: Sequence[str], file: str, what: str) -> None:
    """Refuse a header that lacks one of `wanted`.

    Raises:
        UnreadableExport: a column is missing, or the cells are divided by something else.
    """
    absent = [name for name in wanted if name not in header]
    if absent:
        seen = other_delimiter(header, wanted)
        raise wrong_delimiter(file, seen) if seen else missing(file, absent[0], what, absent[1:])


def missing(file: str, column: str, what: str, more: Sequence[str] = ()) -> UnreadableExport:
    """The error for a column a format needs and the header lacks."""
    also = f" (also missing: {', '.join(more)})" if more else ""
    return UnreadableExport(
        f"the header has no such column, which {what} needs{also}",
        file=file,
        line=1,
        column=column,
    )


def wrong_delimiter(file: str, seen: str) -> UnreadableExport:
    """The error for cells divided by something other than a comma."""
    return UnreadableExport(
        f"the cells are divided by {_DELIMITERS[seen]}, not by ','", file=file, line=1
    )


def other_delimiter(header: Sequence[str], wanted: Sequence[str]) -> str:
    """The delimiter under which most of `wanted` would be in the header, or nothing."""
    for delimiter in _DELIMITERS:
        names = {part.strip().strip('"') for part in ",".join(header).split(delimiter)}
        if len(names & set(wanted)) >= max(2, len(set(wanted)) // 2):
            return delimiter
    return ""


def unknown(header: Sequence[str], formats: Sequence[ExportFormat], file: str) -> UnreadableExport:
    """The error for a header of none of the formats; names what the nearest one lacks."""
    names = set(header)

    def common(form: ExportFormat) -> int:
        return len(form.signature & names)

    for form in formats:
        if seen := other_delimiter(header, required(form)):
            return wrong_delimiter(file, seen)
    nearest = max(formats, key=common, default=None)
    # Below half of a signature, naming one missing column would be a guess at the format.
    if nearest is not None and 2 * common(nearest) >= len(nearest.signature):
        absent = [name for name in required(nearest) if name not in names]
        return missing(file, absent[0], nearest.name, absent[1:])
    known = ", ".join(form.name for form in formats)
    return UnreadableExport(
        f"the header is none of the known formats ({known})", file=file, line=1, column=header[0]
    )
