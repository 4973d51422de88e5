"""Writing files: whole or not at all, for the owner only, never through a symbolic link."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from domain.errors import InvalidRequest


def check_apart(outputs: Sequence[Path | None], inputs: Sequence[Path]) -> None:
    """Pass outputs that are neither inputs nor each other.

    Raises:
        InvalidRequest: something would be overwritten that is still needed.
    """
    taken = [path.resolve() for path in inputs]
    for output in outputs:
        if output is None:
            continue
        if output.resolve() in taken:
            raise InvalidRequest(f"{output} is named twice: it would overwrite what is read.")
        taken.append(output.resolve())


def hand_over(document: bytes) -> None:
    """Write a whole document to stdout."""
    sys.stdout.write(document.decode())
    sys.stdout.flush()


def check_place(path: Path) -> None:
    """Pass a place where a file can be written; asked before money moves, not after.

    Raises:
        InvalidRequest: a link, a folder, or in a folder that does not exist or is not ours to
        write.
    """
    if path.is_symlink():
        raise InvalidRequest(f"{path} is a symbolic link; name the file itself.")
    if path.is_dir():
        raise InvalidRequest(f"{path} is a folder; name a file in it.")
    if path.exists() and not path.is_file():
        raise InvalidRequest(f"{path} is no regular file.")
    if path.name == "-":
        raise InvalidRequest("Leave --output out to write to stdout.", hint="")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InvalidRequest(
            f"{path.parent} is no folder that can be written to.",
            hint="Name a file in a folder that exists and that you may write to.",
        )


def write_file(path: Path, content: bytes) -> Path:
    """Write a file by way of a temporary one beside it, so that readers see the old or the new one.

    Raises:
        InvalidRequest: the place cannot be written to, or is a link or a folder.
    """
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    return path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` to be filled; it takes its place when all went well.

    Raises:
        InvalidRequest: the place cannot be written to, or is a link or a folder.
    """
    check_place(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        try:
            yield Path(name)
            with open(name, "rb") as file:
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidRequest(
            f"{path} cannot be written: {error.strerror}.",
            hint="Name a file in a folder that exists and that you may write to.",
        ) from error
