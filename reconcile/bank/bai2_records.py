"""A BAI2 file as records with their physical lines; continuation lines are joined."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE = re.compile(r"(?P<code>[0-9]{2})(?:,(?P<rest>.*))?")


@dataclass(slots=True)
class Record:
    """One record: its code, its cells behind the code, and where it stands."""

    code: str
    line: int
    cells: list[str]
    lines: int = 1
    """Physical lines it takes: control counts count these."""

    def cell(self, at: int) -> str:
        """One cell, empty when the record ends before it."""
        return self.cells[at].strip() if at < len(self.cells) else ""

    @property
    def text(self) -> str:
        """The record's start as written, for people."""
        return ",".join([self.code, *self.cells])[:200]


def records(text: str) -> Iterator[Record]:
    """The records in order; a line that is none has the code ``""``."""
    current: Record | None = None
    for number, raw in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        line = raw.strip()
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is not None and match["code"] == "88" and current is not None:
            _join(current, match["rest"] or "")
            continue
        if current is not None:
            yield current
        if match is None:
            current = Record("", number, [line])
        else:
            rest = match["rest"] or ""
            current = Record(match["code"], number, rest.removesuffix("/").split(","))
    if current is not None:
        yield current


def _join(record: Record, rest: str) -> None:
    """A transaction goes on with its text, every other record with further cells."""
    record.lines += 1
    if record.code == "16":
        record.cells.append("\n" + rest.removesuffix("/"))
        return
    if record.cells and not record.cells[-1]:
        record.cells.pop()
    record.cells.extend(rest.removesuffix("/").split(","))
