"""Ten minutes of disturbed files; TSCLI_FUZZ_SECONDS and TSCLI_FUZZ_SEED say otherwise."""

import os
import time
from pathlib import Path

import pytest

from tests.reconcile.fuzzing import fuzz


@pytest.mark.slow
def test_ten_minutes_of_disturbed_files(tmp_path: Path) -> None:
    """Every file is refused with words, or its rows and figures add up."""
    seconds = int(os.environ.get("TSCLI_FUZZ_SECONDS", "600"))
    seed = int(os.environ.get("TSCLI_FUZZ_SEED", str(time.time_ns())))
    done = fuzz(tmp_path, seed, seconds=seconds)
    print(f"seed {seed}: {done.total():,} files, {dict(done)}")
    assert done.total() > seconds
