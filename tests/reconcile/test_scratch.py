"""Folders for rows on their way: nothing of them stays, whoever is killed."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from reconcile.scratch import scratch_folder

ROOT = Path(__file__).parents[2]
DYING = """
import os, signal
from reconcile.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "rows").mkdir()
    (folder / "rows" / "0.arrow").write_bytes(b"rows")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def killed(room: Path) -> Path:
    """What a killed command leaves."""
    died = subprocess.run(
        [sys.executable, "-c", DYING], check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(room)},
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL
    (left,) = room.iterdir()
    assert (left / "rows" / "0.arrow").exists()
    return left


def test_it_is_private_and_goes_with_what_is_in_it(room: Path) -> None:
    """Proves of an ordinary end and of a failure that nothing stays."""
    with scratch_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "rows").mkdir()
    with pytest.raises(ValueError, match="planted"), scratch_folder():
        raise ValueError("planted")
    assert list(room.iterdir()) == []


def test_what_a_killed_command_left_is_removed_by_the_next(room: Path) -> None:
    """Proves that rows of exports do not lie about until somebody finds them."""
    killed(room)
    with scratch_folder() as folder:
        assert list(room.iterdir()) == [folder]


def test_what_is_in_use_stays(room: Path) -> None:
    """Proves that commands beside each other do not take each other's rows."""
    with scratch_folder() as first:
        (first / "rows").touch()
        with scratch_folder() as second:
            assert {first, second} == set(room.iterdir())
        with scratch_folder():
            assert (first / "rows").exists()


def test_what_is_not_ours_stays(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that neither another user's folder nor one that only has the name is touched."""
    (room / "tscli-scratch-x").mkdir()
    (room / "tscli-scratch-y").symlink_to(room)
    left = killed_beside(room)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with scratch_folder():
        pass
    assert {path.name for path in room.iterdir()} == {
        "tscli-scratch-x", "tscli-scratch-y", left.name,
    }  # fmt: skip


def killed_beside(room: Path) -> Path:
    """The same, where other things lie."""
    inner = room / "inner"
    inner.mkdir()
    left = killed(inner).rename(room / "tscli-scratch-z")
    inner.rmdir()
    return left
