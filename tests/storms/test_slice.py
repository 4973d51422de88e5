"""A slice of the storms in every run of the tests; `make storms` runs ten thousand.

Storms fork processes, so they run in one of their own with a single thread.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def storms(*words: str) -> subprocess.CompletedProcess[str]:
    """`python -m tests.storms` with those words."""
    return subprocess.run(
        [sys.executable, "-m", "tests.storms", *words],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def figure(report: str, name: str) -> int:
    """One figure of the table."""
    found = re.search(rf"^{re.escape(name)} +([\d,]+)", report, re.MULTILINE)
    assert found, report
    return int(found[1].replace(",", ""))


def test_a_hundred_storms_break_nothing() -> None:
    """Proves that no schedule of faults and deaths charges twice, fails wrongly or loses money.

    Every 25th seed is run twice: the same seed is the same storm, to the last step.
    """
    ran = storms("--seeds", "100", "--twice-every", "25")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert figure(ran.stdout, "schedules") == 100
    assert figure(ran.stdout, "commands killed (SIGKILL)") >= 100
    assert figure(ran.stdout, "provider faults") >= 60


def test_storms_on_a_server_with_redis_break_nothing() -> None:
    """Proves the same on PostgreSQL, where commands meet within transactions, with claims in a
    Redis that is refused, too slow or forgets everything in the middle of it."""
    ran = storms("--seeds", "30", "--twice-every", "15", "--database", "postgresql", "--redis")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert figure(ran.stdout, "schedules") == 30
    assert figure(ran.stdout, "waits for a lock") >= 10
    assert figure(ran.stdout, "questions to Redis") >= 110
    assert figure(ran.stdout, "Redis down, slow or flushed") >= 15


def test_no_storm_at_all_is_no_success() -> None:
    """Proves that words that would run nothing are refused."""
    for words in (("--seeds", "0"), ("--workers", "0"), ("--database", "mysql")):
        ran = storms("--seeds", "1", *words)
        assert ran.returncode == 2
        assert words[0] in ran.stderr
