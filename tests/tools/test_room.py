"""Tests lie in memory where that is possible, and nowhere else than usual where it is not."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.tools.room import folder


def test_memory_is_taken_where_it_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is too small, not there or not writable, or a wish of the user's, leaves all as
    it was."""
    usual = tempfile.gettempdir()
    monkeypatch.setenv("TMPDIR", usual)
    assert folder(str(tmp_path), 1) == usual
    monkeypatch.delenv("TMPDIR")
    assert folder(str(tmp_path), 1) == str(tmp_path)
    assert folder(str(tmp_path), 1 << 60) == usual
    assert folder(str(tmp_path / "none"), 1) == usual
    monkeypatch.setattr(os, "ST_NOEXEC", os.statvfs(tmp_path).f_flag | 1)
    assert folder(str(tmp_path), 1) == usual
