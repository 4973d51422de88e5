"""A slice of the fuzzing of files; `make fuzz` does it for ten minutes."""

from pathlib import Path

from tests.reconcile.fuzzing import fuzz, samples, try_one


def test_the_undisturbed_files_are_read(tmp_path: Path) -> None:
    """What is disturbed was valid before."""
    for name, data in samples(tmp_path).items():
        place = tmp_path / "valid"
        place.write_bytes(data)
        assert try_one(place) != "refused", name


def test_disturbed_files_are_refused_or_add_up(tmp_path: Path) -> None:
    """Four hundred of them: no traceback, no hang, no silent figure."""
    assert fuzz(tmp_path, seed=1, files=400).total() == 400
