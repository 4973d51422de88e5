"""An MT940 file as fields with their physical lines, whatever envelope stands around them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TAG = re.compile(r":(?P<tag>[0-9]{2}[A-Z]?|NS):(?P<text>.*)")
_BLOCK_END = re.compile(r"-(\}.*|X{3})?\s*")
_ENVELOPE = re.compile(r"^(\{[1-5]:.*?\{4:|\{4:)")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `:61:` and the lines that continue it."""

    tag: str
    line: int
    lines: tuple[str, ...]
    """Text behind the tag and the continuing lines, without trailing blanks."""

    @property
    def text(self) -> str:
        """All of it, with line ends."""
        return "\n".join(self.lines)

    @property
    def name(self) -> str:
        """The tag as people write it."""
        return f":{self.tag}:"


def fields(text: str) -> Iterator[Field]:
    """The fields in order; what stands outside of them is envelope and passed over."""
    tag, first, lines = "", 0, list[str]()
    for number, raw in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        line = _ENVELOPE.sub("", raw).rstrip()
        match = _TAG.fullmatch(line)
        if match is None and tag and not _BLOCK_END.fullmatch(line):
            if line:
                lines.append(line)
            continue
        if tag:
            yield Field(tag, first, tuple(lines))
        tag, first, lines = "", number, []
        if match is not None:
            tag, lines = match["tag"], [match["text"]]
    if tag:
        yield Field(tag, first, tuple(lines))


def blocks(text: str) -> list[list[Field]]:
    """The fields of each statement or page; one starts at every `:20:`."""
    found: list[list[Field]] = []
    for field in fields(text):
        if field.tag == "20":
            found.append([])
        if found:
            found[-1].append(field)
    return found
