"""The strict row reader: comma-separated records as RFC 4180 has them, and nothing else.

A record whose quotes make no sense is given up at its first physical line and reading goes on at
the next one, so that a stray quote costs one row and not the rest of the file.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

_NEVER_CLOSED = "a quote is never closed"
_END = re.compile(r"\r?\n|\r?\Z")


@cache
def _patterns(delimiter: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A quoted and a plain cell, up to the delimiter or the end of the row."""
    stop = re.escape(delimiter)
    return (
        re.compile(rf'"([^"]*+(?:""[^"]*+)*+)"(?={stop}|\r?\n|\r?\Z)'),
        re.compile(rf'[^"{stop}\r\n]*+(?={stop}|\r?\n|\r?\Z)'),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One record."""

    line: int
    """First physical line."""
    cells: tuple[str, ...]
    lines: int
    """Physical lines it takes."""
    size: int
    """Bytes it takes in UTF-8, with everything skipped before it."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record that could not be taken apart."""

    line: int
    reason: str
    text: str
    """Start of the physical line, not yet masked."""
    record: str
    """All that was given up."""


def digest_of(texts: Iterable[str]) -> str:
    """What a row that cannot be read is known by, whichever file holds it."""
    return hashlib.blake2b("\x1f".join(texts).encode(), digest_size=8).hexdigest()


def split(
    text: str, first_line: int, width: int | None, *, last: bool, delimiter: str = ","
) -> Iterator[Row | BadRow]:
    """The records of `text`, which starts at physical line `first_line`; blank lines are skipped.

    `width` is the number of cells a record must have (None: any); `last` says that the file ends
    here, so that a record without a line end was cut off if it is also short.
    """
    at, line, done = 0, first_line, 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if text[at:end] in ("", "\r"):
            at, line = end + 1, line + 1
            continue
        found = _record(text, at, end, delimiter)
        if isinstance(found, str):
            cut_off = last and end == len(text)
            reason = "the row is cut off" if cut_off else found
            yield BadRow(line, reason, text[at:end], text[at:end])
            at, line = end + 1, line + 1
            continue
        cells, after = found
        lines = text.count("\n", at, after)
        if width is None or len(cells) == width:
            size = len(text[done:after].encode()) if width is None else 0
            yield Row(line, cells, lines, size)
        else:
            reason = f"the row has {len(cells)} cells, the header has {width}"
            if last and after == len(text) and not text.endswith("\n") and len(cells) < width:
                reason = f"the row is cut off after {len(cells)} of {width} cells"
            yield BadRow(line, reason, text[at:end], text[at:after])
        at, line, done = after, line + lines, after


def whole_records(text: str, delimiter: str) -> int:
    """How many characters at the front of `text` are records that nothing behind it can change."""
    at = 0
    while (end := text.find("\n", at)) >= 0:
        if text[at:end] in ("", "\r"):
            at = end + 1
            continue
        found = _record(text, at, end, delimiter)
        if found == _NEVER_CLOSED:
            return at
        if isinstance(found, str):
            at = end + 1
            continue
        after = found[1]
        if after == len(text) and not text.endswith("\n"):
            return at
        at = after
    return at


def _record(text: str, at: int, line_end: int, delimiter: str) -> tuple[tuple[str, ...], int] | str:
    """The cells of the record at `at` and the position after it, or what is wrong with it."""
    if '"' not in text[at:line_end]:
        plain = text[at:line_end].removesuffix("\r")
        if "\r" in plain:
            return "a carriage return inside the row"
        return tuple(plain.split(delimiter)), min(line_end + 1, len(text))
    cells: list[str] = []
    quoted, unquoted = _patterns(delimiter)
    while True:
        if text.startswith('"', at):
            match = quoted.match(text, at)
            if match is None:
                return _quote_fault(text, at)
            cells.append(match[1].replace('""', '"'))
        else:
            match = unquoted.match(text, at)
            if match is None:
                return _plain_fault(text, at)
            cells.append(match[0])
        at = match.end()
        if not text.startswith(delimiter, at):
            end = _END.match(text, at)
            return tuple(cells), end.end() if end else at
        at += 1


def _quote_fault(text: str, at: int) -> str:
    closed = re.compile(r'"[^"]*+(?:""[^"]*+)*+"').match(text, at)
    return "text after a closing quote" if closed else _NEVER_CLOSED


def _plain_fault(text: str, at: int) -> str:
    found = re.compile(r'["\r]').search(text, at)
    quote = found is not None and found[0] == '"'
    return "a quote inside an unquoted cell" if quote else "a carriage return inside the row"
