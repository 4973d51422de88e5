"""The figures of many storms: what happened in them, what was broken, how they calmed down."""

from collections import Counter
from dataclasses import dataclass, field

from tests.storms.storm import Report

MEANINGS = {
    "double charges": ("I1",),
    "false failures": ("I2",),
    "lost": ("I4",),
    "ledger unlike truth": ("I3", "I13", "I14"),
    "not converged": ("I5",),
    "two traces from one seed": ("TRACE",),
}
"""Figure -> the invariants it counts; whatever is broken beside them is counted as `other`."""


@dataclass
class Figures:
    """Sums over reports."""

    storms: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    sweeps: Counter[int] = field(default_factory=Counter)
    broken: list[Report] = field(default_factory=list)
    reviewed: int = 0

    def add(self, report: Report) -> None:
        """Count one storm."""
        self.storms += 1
        self.counts += report.counts
        self.reviewed += report.reviewed
        if report.broken is not None:
            self.broken.append(report)
        elif not report.reviewed:
            self.sweeps[report.sweeps] += 1

    def rows(self) -> list[tuple[str, str]]:
        """The table: name and figure."""
        kinds = Counter(report.broken.invariant for report in self.broken if report.broken)
        named = {i for invariants in MEANINGS.values() for i in invariants}
        found = [(name, sum(kinds[i] for i in which)) for name, which in MEANINGS.items()]
        found.append(("other", sum(n for i, n in kinds.items() if i not in named)))
        rows = [
            ("schedules", self.storms),
            ("commands killed (SIGKILL)", self.counts["kills"]),
            ("provider requests", self.counts["calls"]),
            ("provider faults", self.counts["faults"]),
            ("questions to Redis", self.counts["claims"]),
            ("Redis down, slow or flushed", self.counts["claim faults"]),
            ("waits for a lock", self.counts["held up"]),
            ("steps", self.counts["steps"]),
            ("safety checks", self.counts["checks"]),
            *found,
        ]
        text = [(name, f"{number:,}") for name, number in rows]
        for sweeps in range(max(self.sweeps, default=0) + 1):
            named_sweeps = {0: "nothing left to do", 1: "converged in 1 sweep"}
            name = named_sweeps.get(sweeps, f"converged in {sweeps} sweeps")
            share = f"{100 * self.sweeps[sweeps] / max(self.storms, 1):.2f} %"
            text.append((name, f"{self.sweeps[sweeps]:,} ({share})"))
        return [*text, ("left to a person", f"{self.reviewed:,}")]


def table(rows: list[tuple[str, str]]) -> str:
    """Rows as aligned text."""
    width = max(len(name) for name, _ in rows)
    right = max(len(figure) for _, figure in rows)
    return "\n".join(f"{name:<{width}}  {figure:>{right}}" for name, figure in rows)
