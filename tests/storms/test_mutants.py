"""The storms can see: faults built into the product are noticed; `make mutants` hunts them all."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

HUNT = """
from tests.storms.hunting import catches
from tests.storms.mutants import MUTANTS
names = {words}
chosen = [m for m in MUTANTS if m.name in names]
for mutant, report in catches(chosen, 2, 60):
    print(mutant.name, report.broken.invariant)
"""


WANTED = {
    "M2": {"I9"},
    "M3": {"R1"},
    "M4": {"I14", "I15"},
    "M5": {"I7"},
    "M6": {"I10"},
    "M8": {"I11"},
    "M11": {"I15", "I16"},
    "M13": {"F26"},
}
"""The quickly caught ones, and what may notice each."""


def test_faults_built_in_on_purpose_are_noticed() -> None:
    """Proves that a missing intent, a second object, a posting apart and more are noticed, each by
    an invariant that speaks of it."""
    ran = subprocess.run(
        [sys.executable, "-c", HUNT.format(words=sorted(WANTED))],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    caught = dict(line.split() for line in ran.stdout.splitlines())
    assert set(caught) == set(WANTED), ran.stderr
    assert all(invariant in WANTED[name] for name, invariant in caught.items()), caught
