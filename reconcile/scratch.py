"""Folders for rows and copies on their way, which hold what the books hold: they go away however a
command ends.

Whoever is killed cannot clear up, so the next one does it. A folder is in use as long as a file in
it is locked, and a lock ends with its process.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "tscli-scratch-"
_LOCK = ".lock"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder in the system's temporary one, readable by its owner only."""
    _clear_left()
    # It gets its name when it is locked: until then nobody can take it for one that was left.
    made = Path(tempfile.mkdtemp(prefix="tscli-new-"))
    lock = os.open(made / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = made.rename(made.with_name(_PREFIX + made.name.rpartition("-")[2]))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _clear_left() -> None:
    """Remove the folders of ours that nobody uses any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is somebody else's, in use, or gone by now
            if folder.lstat().st_uid != os.geteuid():
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
