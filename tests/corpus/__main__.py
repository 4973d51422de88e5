"""`make corpus`: planted months of two providers and a bank, and what was found of them.

Ends with 1 when anything was missed, found beside what was planted, or depends on the order of rows
and files.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import run_cli
from tests.corpus.ledgers import Corpus
from tests.corpus.playing import Played, build, play

_BAD = (
    "missed", "found beside what was planted", "false matches", "depends on the order",
    "bridges that do not tie",
)  # fmt: skip


def main() -> int:
    """Play the corpora and print the figures."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--payments", type=int, default=5_000, help="per provider and seed")
    words.add_argument("--each", type=int, default=8, help="of every fault, per provider")
    given = words.parse_args()
    sums: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    started = time.monotonic()
    for seed in range(1, given.seeds + 1):
        corpus = build(seed, given.payments, given.each)
        first = _played(corpus)
        again = _played(corpus, parts=3, shuffle=seed)
        kinds.update(kind for _, kind, _ in corpus.answers)
        sums.update(_figures(corpus, first, again))
    for kind, count in sorted(kinds.items()):
        print(f"  {kind:<24}{count:>8,}")
    print(f"{'kinds planted':<44}{len(kinds):>10,}")
    for name, count in sums.items():
        print(f"{name:<44}{count:>10,}")
    print(f"{'seconds':<44}{time.monotonic() - started:>10.0f}")
    return int(any(sums[name] for name in _BAD))


def _figures(corpus: Corpus, first: Played, again: Played) -> dict[str, int]:
    sides = corpus.sides.values()
    items = sum(len(s.ours) + len(s.theirs) + len(s.second_file) for s in sides)
    same = (first.breaks, first.buckets) == (again.breaks, again.buckets)
    wrong = sum(abs(first.matched[name] - count) for name, count in corpus.clean.items())
    return {
        "corpora": 1,
        "items": items + len(corpus.bank),
        "planted breaks": sum(first.answers.values()),
        "found in their class": sum((first.answers & first.found).values()),
        "missed": sum(first.missed.values()),
        "found beside what was planted": sum(first.surplus.values()),
        "false matches": wrong,
        "depends on the order": int(not same),
        "bridges that do not tie": len(first.untied) + len(again.untied),
    }


def _played(corpus: Corpus, parts: int = 1, shuffle: int | None = None) -> Played:
    with _home() as folder:
        return play(run_cli, corpus, folder, parts=parts, shuffle=shuffle)


@contextmanager
def _home() -> Iterator[Path]:
    """Books of their own, gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        for part in ("DATA", "CONFIG", "STATE", "CACHE"):
            os.environ[f"XDG_{part}_HOME"] = str(Path(name) / part.lower())
        os.environ["TSCLI_OPERATOR"] = "corpus"
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
