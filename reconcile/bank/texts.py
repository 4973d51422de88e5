"""The bytes of a bank file as text: a mark at the start, UTF-8, else the Latin alphabet."""

import re

from domain.errors import UnreadableExport

_FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x1f\x8b": "compressed with gzip: unpack it first",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"%PDF": "a PDF document",
}
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def check_foreign(data: bytes, file: str) -> None:
    """Refuse what is obviously something else.

    Raises:
        UnreadableExport: the file is empty, or of a kind that holds no statements.
    """
    if not data.strip():
        raise UnreadableExport("the file is empty", file=file, line=1)
    for magic, reason in _FOREIGN.items():
        if data.startswith(magic):
            raise UnreadableExport(f"the file is {reason}, not a bank statement", file=file, line=1)


def decode(data: bytes, file: str, encoding: str | None = None) -> str:
    """The text of a file that must be text; `encoding` is what the file or its owner declares.

    Raises:
        UnreadableExport: not of that encoding, or control characters that no text has.
    """
    marked = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    try:
        text = data.decode(marked or encoding or "utf-8")
    except UnicodeDecodeError as error:
        if marked or encoding:
            line = data.count(b"\n", 0, error.start) + 1
            name = marked or encoding
            raise UnreadableExport(f"not {name} text", file=file, line=line) from None
        # Every byte is a letter there, so what is no text at all is left to the next check.
        text = data.decode("latin-1")
    found = _CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        what = "a NUL byte" if found[0] == "\0" else "a control character"
        raise UnreadableExport(f"{what}: the file is damaged or no text", file=file, line=line)
    return text


def head_text(head: bytes) -> str:
    """The start of a file, for a look only: what cannot be read there is replaced."""
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")
    return head.decode(marked, errors="replace")


def plain(text: str) -> str:
    """One line of words, blanks and line ends folded."""
    return " ".join(text.split())
