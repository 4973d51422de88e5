"""A thousand commits of payments cut; `make cuts` (TSCLI_CUTS and TSCLI_CUTS_SEED say
otherwise)."""

import os

import pytest

from domain.clock import SetClock
from tests.db.cut_storm import Tally, storm
from tests.servers.cutting import CuttingProxy
from tests.servers.postgres import PostgresServer

_PER_BOOKS = 100
"""Cuts in one set of books: every command looks through all payments."""


@pytest.mark.slow
def test_a_thousand_cut_commits(
    postgres: PostgresServer, template: str, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that none is lost and none is done twice, wherever its connection broke."""
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    cuts = int(os.environ.get("TSCLI_CUTS", "1000"))
    seed, whole = int(os.environ.get("TSCLI_CUTS_SEED", "1")), Tally()
    while (left := cuts - whole.cut.total()) > 0:
        url = postgres.create_database(template)
        with CuttingProxy(url) as proxy:
            done = storm(url, proxy, clock, min(_PER_BOOKS, left), seed)
        postgres.drop_database(url)
        seed += 1
        whole.commands += done.commands
        whole.cut += done.cut
        whole.succeeded += done.succeeded
        whole.failed += done.failed
    print(
        f"\n{whole.cut.total():,} cuts in {whole.commands:,} commands {dict(whole.cut)}: 0 lost, 0"
        f" double; {whole.succeeded} went on by themselves, {whole.failed} with the same key"
    )
