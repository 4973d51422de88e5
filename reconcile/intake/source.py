"""One input file as a sequence of blocks of whole records, digested while it is read.

A block never splits a record: it ends at a line end that is outside quotes. No byte is skipped, so
digest, line numbers and offsets are those of the file.
"""

import errno
import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from domain.errors import UnreadableExport
from reconcile.codes import Ints
from reconcile.intake.cutting import LF, QUOTE, Bytes, first_line, whole_part
from reconcile.intake.rows import Row, split

BLOCK_BYTES = 4 << 20
"""Read at a time: large enough for column arithmetic, small enough for the processor's cache."""

STRAY_QUOTE_BYTES = 4 * BLOCK_BYTES
"""A record longer than this is a stray quote, not a cell: its first line is given up."""

HEADER_BYTES = 1 << 20
"""A header longer than this is none."""

_WINDOW = 1 << 18

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

BOM = b"\xef\xbb\xbf"
_FOREIGN = {
    b"\xd0\xcf\x11\xe0": "an Excel workbook, not a CSV file",
    b"%PDF": "a PDF document, not a CSV file",
}


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole records of a file, in the file's own bytes."""

    codes: Bytes
    """The bytes."""
    offset: int
    """Where they start in the file."""
    first_line: int
    lines: int
    """Line ends in the block."""
    quotes: Ints
    """Positions of quote characters."""
    last: bool
    """The file ends with this block."""

    @property
    def text(self) -> str:
        """The block decoded."""
        return self.codes.tobytes().decode("utf-8")


def cannot_be_read(name: str, error: OSError) -> Exception:
    """What to raise where a file could not be opened or read; that there is no room for its rows is
    no fault of the file's."""
    if error.errno in _NO_ROOM:
        return error
    reason = f"the file cannot be read: {error.strerror or 'input error'}"
    return UnreadableExport(reason, file=name, hint="Check path and permissions.")


class Source:
    """A file being read once, front to back; `digest` and `size` are final after the last block."""

    def __init__(
        self,
        path: Path,
        stream: BinaryIO,
        block_bytes: int = BLOCK_BYTES,
        *,
        delimiter: str = ",",
    ) -> None:
        self.name = path.name
        self._delimiter = delimiter
        self.size = 0
        self._sha = hashlib.sha256()
        self._stream = stream
        self._block_bytes = block_bytes
        self._ended = False
        self._spare: deque[Bytes] = deque()

    @property
    def digest(self) -> str:
        """SHA-256 of everything read so far, hex."""
        return self._sha.hexdigest()

    def header(self) -> tuple[tuple[str, ...], Iterator[Block]]:
        """The names of the header row, and the blocks that follow it.

        Raises:
            UnreadableExport: the file is empty, no text, or its first row is no row.
        """
        codes = self._read(np.empty(0, np.uint8))
        head = codes[:HEADER_BYTES].tobytes()
        for magic, reason in _FOREIGN.items():
            if head.startswith(magic):
                raise UnreadableExport(f"the file is {reason}", file=self.name, line=1)
        start = len(BOM) if head.startswith(BOM) else 0
        if not head[start:].strip():
            raise UnreadableExport("the file is empty", file=self.name, line=1)
        row = self._header_row(head[start:])
        return row.cells, self._blocks(codes, start + row.size, 1 + row.lines)

    def whole(self) -> Iterator[Block]:
        """All blocks of the file, for files that do not begin with a header.

        Raises:
            UnreadableExport: the file is empty or no text.
        """
        codes = self._read(np.empty(0, np.uint8))
        head = codes[:HEADER_BYTES].tobytes()
        for magic, reason in _FOREIGN.items():
            if head.startswith(magic):
                raise UnreadableExport(f"the file is {reason}", file=self.name, line=1)
        if not head.removeprefix(BOM).strip():
            raise UnreadableExport("the file is empty", file=self.name, line=1)
        return self._blocks(codes, len(BOM) if head.startswith(BOM) else 0, 1)

    def check_text(self, block: Block) -> None:
        """Refuse bytes that are no text, naming the line.

        Raises:
            UnreadableExport: a NUL byte, or not UTF-8.
        """
        at, reason = -1, ""
        if block.codes.min(initial=255) == 0:
            at = int(np.argmin(block.codes))
            reason = "a NUL byte: the file is damaged or no text"
        elif block.codes.max(initial=0) > 127:
            try:
                block.codes.tobytes().decode("utf-8")
            except UnicodeDecodeError as error:
                at, reason = error.start, "not UTF-8 text"
        if at >= 0:
            line = block.first_line + positions(block.codes[:at], LF).size
            raise UnreadableExport(reason, file=self.name, line=line)

    def _header_row(self, head: bytes) -> Row:
        first = head.partition(b"\n")[0]
        if not first.strip():
            raise UnreadableExport("the first line is empty", file=self.name, line=1)
        codes = np.frombuffer(first, np.uint8)
        self.check_text(Block(codes, 0, 1, 0, np.empty(0, np.int64), False))
        row = next(split(head.decode("utf-8", errors="replace"), 1, None, last=False), None)
        if not isinstance(row, Row):
            reason = row.reason if row else "it is empty"
            raise UnreadableExport(f"the header is damaged: {reason}", file=self.name, line=1)
        if any("\ufffd" in cell for cell in row.cells):
            raise UnreadableExport("not UTF-8 text", file=self.name, line=1)
        return row

    def _read(self, carried: Bytes) -> Bytes:
        """The next bytes of the file, behind those carried over from the last block."""
        codes = self._room(len(carried) + self._block_bytes)
        codes[: len(carried)] = carried
        fresh = codes[len(carried) :].data
        got = self._stream.readinto(fresh)  # type: ignore[attr-defined]
        self._ended = got < len(fresh)
        self._sha.update(fresh[:got])
        self.size += got
        return codes[: len(carried) + got]

    def recycle(self, block: Block) -> None:
        """Give back the memory of a block that nobody looks at any more."""
        if isinstance(block.codes.base, np.ndarray):
            self._spare.append(block.codes.base)

    def _room(self, size: int) -> Bytes:
        """Fresh memory, or that of an earlier block: touching new pages costs more than copying."""
        spare = self._spare.popleft() if self._spare else None
        return (
            spare[:size]
            if spare is not None and len(spare) >= size
            else np.empty(size + 4096, np.uint8)[:size]
        )

    def _blocks(self, codes: Bytes, start: int, line: int) -> Iterator[Block]:
        codes, offset = codes[start:], start
        patience = max(STRAY_QUOTE_BYTES, 4 * self._block_bytes)
        while True:
            quotes = positions(codes, QUOTE)
            cut = len(codes) if self._ended else whole_part(codes, quotes, self._delimiter)
            if cut == 0 and len(codes) > patience:
                cut = first_line(codes)
            if cut:
                inside = quotes[: np.searchsorted(quotes, cut)]
                lines = count(codes[:cut], LF)
                yield Block(codes[:cut], offset, line, lines, inside, self._ended)
                line, offset = line + lines, offset + cut
            if self._ended:
                return
            codes = self._read(codes[cut:])


def positions(codes: Bytes, code: int) -> Ints:
    """Where `code` stands; in windows that stay in the processor's cache."""
    found = [
        np.flatnonzero(codes[at : at + _WINDOW] == code) + at
        for at in range(0, len(codes), _WINDOW)
    ]
    return np.concatenate(found) if found else np.empty(0, np.int64)


def count(codes: Bytes, code: int) -> int:
    """How often `code` stands in `codes`."""
    windows = (codes[at : at + _WINDOW] for at in range(0, len(codes), _WINDOW))
    return sum(int(np.count_nonzero(window == code)) for window in windows)
