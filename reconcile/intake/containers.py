"""Files in wrappers: gzip, zip with one file in it, UTF-16 text. Unpacked once, within limits.

A plain file is read where it lies. Anything else is unpacked into a folder that goes away with the
process, so that its rows can be looked up again; limits are checked while unpacking, never after.
"""

import atexit
import gzip
import hashlib
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from domain.errors import UnreadableExport
from reconcile.intake.source import cannot_be_read
from reconcile.scratch import scratch_folder

INFLATED_MAX = 4 << 30
"""Bytes a wrapped file may come to."""
RATIO_MAX = 200
"""How many times its wrapped size a file may come to, once it is larger than `RATIO_FROM`."""
RATIO_FROM = 16 << 20
_BLOCK = 1 << 20

_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A file to read, and what it was before."""

    path: Path
    """Plain text; the file itself where nothing had to be done."""
    name: str
    digest: str
    """SHA-256 of the file as it lies there, hex; empty where `path` is that file."""
    size: int


def unpacked(path: Path, folder: Path | None = None) -> Unpacked:
    """The plain text of a file.

    Raises:
        UnreadableExport: it cannot be opened, is damaged or encrypted, holds several files or
            another archive, or comes to more than the limits.
    """
    try:
        head = _head(path)
        kind = _kind(head)
        if kind == "plain":
            return Unpacked(path, path.name, "", path.stat().st_size)
        place = _place(folder) / path.name
        with place.open("wb") as out:
            size = path.stat().st_size
            for block in _limited(_blocks(path, kind), size, path.name):
                out.write(block)
        return Unpacked(place, path.name, _digest(path), size)
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise _damaged(path.name) from None
        raise cannot_be_read(path.name, error) from None
    except (
        zlib.error,
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
        UnicodeError,
        struct.error,
    ):
        raise _damaged(path.name) from None


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(8)


def _kind(head: bytes) -> str:
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "plain"


def _blocks(path: Path, kind: str) -> Iterator[bytes]:
    if kind == "gzip":
        with gzip.open(path) as stream:
            yield from _checked(iter(lambda: stream.read(_BLOCK), b""), path.name)
    elif kind == "zip":
        with zipfile.ZipFile(path) as archive, archive.open(_member(archive, path.name)) as stream:
            yield from _checked(iter(lambda: stream.read(_BLOCK), b""), path.name)
    else:
        yield from _from_utf16(path)


def _member(archive: zipfile.ZipFile, file: str) -> zipfile.ZipInfo:
    """The one file in an archive."""
    # A damaged directory may name a member by nothing, which `is_dir` cannot stand.
    members = [info for info in archive.infolist() if info.filename and not info.is_dir()]
    if any(info.filename.startswith("xl/") for info in members):
        raise UnreadableExport("the file is an Excel workbook, not a CSV file", file=file)
    if len(members) != 1:
        raise UnreadableExport(
            f"the archive holds {len(members)} files: exactly one is expected", file=file,
            hint="Unpack it and name the files one by one.",
        )  # fmt: skip
    name = PurePosixPath(members[0].filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in members[0].filename:
        raise UnreadableExport("the archive names a file outside itself", file=file)
    if members[0].flag_bits & 1:
        raise UnreadableExport(
            "the archive is encrypted", file=file, hint="Unpack it first, with its password."
        )
    return members[0]


def _checked(blocks: Iterator[bytes], file: str) -> Iterator[bytes]:
    """The blocks of text, unless it is another archive or starts as UTF-16."""
    for number, block in enumerate(blocks):
        if number == 0 and block.startswith(_ARCHIVES):
            raise UnreadableExport("an archive inside an archive", file=file,
                                   hint="Unpack it first.")  # fmt: skip
        yield block


def _from_utf16(path: Path) -> Iterator[bytes]:
    """UTF-16 with its byte order mark as UTF-8."""
    with path.open(encoding="utf-16", newline="") as stream:
        try:
            while text := stream.read(_BLOCK):
                yield text.encode()
        except UnicodeError:
            raise UnreadableExport("not UTF-16 text, though it begins so", file=path.name) from None


def _limited(blocks: Iterator[bytes], wrapped: int, file: str) -> Iterator[bytes]:
    total = 0
    for block in blocks:
        total += len(block)
        if total > INFLATED_MAX or (total > RATIO_FROM and total > RATIO_MAX * wrapped):
            raise UnreadableExport(
                f"unpacked it comes to more than {total >> 20} MiB: that is no export", file=file
            )
        yield block


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damaged(file: str) -> UnreadableExport:
    return UnreadableExport("the archive is damaged or cut off", file=file)


@cache
def _root() -> Path:
    until_exit = ExitStack()
    atexit.register(until_exit.close)
    return until_exit.enter_context(scratch_folder())


def _place(folder: Path | None) -> Path:
    return Path(tempfile.mkdtemp(dir=folder or _root()))
