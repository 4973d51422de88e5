"""A corpus through the command line: taken in, reconciled, and what was found of the answers."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Cli
from tests.corpus import faults
from tests.corpus.files import Written, write
from tests.corpus.ledgers import Answer, Builder, Corpus

PERIOD = ("--from", "2026-03-01", "--to", "2026-04-01")
_NAMELESS = ("unreadable", "bank_without_payout")
"""Kinds whose name nobody can know beforehand."""


@dataclass(frozen=True)
class Played:
    """What came of a corpus."""

    answers: Counter[Answer]
    found: Counter[Answer]
    breaks: frozenset[str]
    """Ids of all breaks."""
    buckets: tuple[tuple[str, str, str, int, int], ...]
    """(provider, bucket, side and currency, rows, amount) of all buckets."""
    matched: dict[str, int]
    """Rows of ours that were matched, by provider."""
    untied: tuple[tuple[str, str, int, int], ...]
    """(provider, currency, tie-out, tie-out at the bank) of every bridge that does not tie."""

    @property
    def missed(self) -> Counter[Answer]:
        """Planted, and not found in its class."""
        return self.answers - self.found

    @property
    def surplus(self) -> Counter[Answer]:
        """Found, and not planted."""
        return self.found - self.answers


def build(seed: int, payments: int, each: int) -> Corpus:
    """A corpus of so many payments per provider, with each fault so many times."""
    assert faults.__doc__
    return Builder(seed, payments, each).corpus


def play(
    cli: Cli, corpus: Corpus, folder: Path, *, parts: int = 1, shuffle: int | None = None
) -> Played:
    """Take everything in and reconcile both providers."""
    written = write(corpus, folder, parts=parts, shuffle=shuffle)
    _take_in(cli, written, turned=shuffle is not None)
    found: Counter[Answer] = Counter()
    names: set[str] = set()
    buckets: list[tuple[str, str, str, int, int]] = []
    matched: dict[str, int] = {}
    untied: list[tuple[str, str, int, int]] = []
    for provider in written.ledgers:
        run = cli("reconcile", "run", *PERIOD, "--provider", provider, "--format", "json")
        assert run.exit_code in (1, 3), run.stderr[-2000:]
        matched[provider] = sum(
            b["rows"] for b in run.data["buckets"]
            if (b["bucket"], b["side"]) == ("matched", "expected")
        )  # fmt: skip
        buckets += [
            (provider, b["bucket"], f"{b['side']} {b['currency']}", b["rows"],
             b["amount"]["minor"] if b["amount"] else 0)
            for b in run.data["buckets"]
        ]  # fmt: skip
        untied += _untied(cli, provider)
        out = folder / f"{provider}_breaks.json"
        words = ("--provider", provider, "--format", "json", "--output", str(out))
        assert cli("breaks", "export", *words).exit_code == 0
        for one in json.loads(out.read_text())["data"]:
            name = "" if one["kind"] in _NAMELESS else one["provider_reference"]
            found[provider, one["kind"], name] += 1
            names.add(one["break_id"])
    return Played(
        Counter(corpus.answers), found, frozenset(names), tuple(buckets), matched, tuple(untied)
    )


def _untied(cli: Cli, provider: str) -> list[tuple[str, str, int, int]]:
    """Bridges at the end of the month whose named items do not explain everything."""
    words = ("--as-of", "2026-04-01", "--provider", provider, "--format", "json")
    rows = [
        (provider, one["currency"], one["tie_out"]["minor"], one["bank"]["tie_out"]["minor"])
        for one in cli("reports", "bridge", *words).data
    ]
    return [row for row in rows if any(row[2:])]


def _take_in(cli: Cli, written: Written, *, turned: bool) -> None:
    files: Iterable[Path] = [*(f for fs in written.statements.values() for f in fs), written.bank]
    for file in reversed(list(files)) if turned else files:
        done = cli("reconcile", "import", str(file), "--format", "json")
        assert done.exit_code in (0, 3), done.stderr
    for provider, file in written.ledgers.items():
        done = cli("ledger", "import", str(file), "--provider", provider)
        assert done.exit_code == 0, done.stderr
