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


def test_faults_built_in_on_purpose_are_noticed() -> None:
    """Proves that a missing intent, a second object, a posting apart and more are noticed."""
    wanted = {
        "M3": "R1",
        "M4": "I14",
        "M5": "I7",
        "M9": "I2",
        "M11": "I15",
        "M13": "F26",
    }
    ran = subprocess.run(
        [sys.executable, "-c", HUNT.format(words=sorted(wanted))],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert dict(line.split() for line in ran.stdout.splitlines()) == wanted, ran.stderr
