"""The world survives between commands and between processes, and can be forgotten."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from providers.sandbox.truth import answers
from providers.sandbox.truth.answers import Claim
from providers.sandbox.world import World, reset

ROOT = Path(__file__).parents[3]
WORKER = """
import sys
from datetime import UTC, datetime
from domain.clock import SetClock
from providers.sandbox.world import World
world = World.open(sys.argv[1], SetClock(datetime(2026, 11, 2, tzinfo=UTC)))
for _ in range(50):
    world.fee("USD", 1, "a fee")
"""


def test_a_world_is_found_again(tmp_path, clock, new_api):
    """Proves: objects, balance and answered keys are there after closing and opening."""
    path = tmp_path / "world.db"
    first = World.open(path, clock, seed=5, account="acct_A")
    api = new_api(first)
    words = {"amount": 100, "currency": "usd"}
    made = api.post("payment_intents", words, key="k")
    api.pay(1000)
    before = first.balances()
    first.close()
    second = World.open(path, clock, seed=99, account="acct_B")
    assert (second.account, second.core.seed) == ("acct_A", "5")
    assert second.balances() == before
    assert new_api(second).post("payment_intents", words, key="k") == made
    assert new_api(second).pay(1000)["id"] not in {i.id for i in second.intents()[:2]}
    second.close()


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_only_the_owner_may_read_it(tmp_path, clock, new_api):
    """Proves: the file and its journals are 0600."""
    path = tmp_path / "world.db"
    world = World.open(path, clock)
    new_api(world).pay(1000)
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    world.close()


def test_reset_forgets(tmp_path, clock):
    """Proves: file and journals are gone, twice is fine, the next world is new."""
    path = tmp_path / "world.db"
    world = World.open(path, clock)
    world.fee("USD", 1, "x")
    reset(path)
    reset(path)
    reset(":memory:")
    assert list(tmp_path.iterdir()) == []
    world.close()
    fresh = World.open(path, clock)
    assert fresh.balance_lines() == []
    fresh.close()


def test_several_processes_share_one_world(tmp_path, clock):
    """Proves: concurrent writers wait for each other and lose nothing, ids stay unique."""
    path = tmp_path / "world.db"
    World.open(path, clock).close()
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(path)], cwd=ROOT) for _ in range(3)
    ]
    assert [w.wait() for w in workers] == [0, 0, 0]
    world = World.open(path, clock)
    lines = world.balance_lines()
    assert len({line.id for line in lines}) == 150
    assert world.balances() == {"USD": (-150, 0)}
    world.close()


def test_a_busy_world_says_so_and_does_nothing(tmp_path, clock, new_api):
    """Proves: while another process holds the world, the face answers 429 lock_timeout."""
    path = tmp_path / "world.db"
    world = World.open(path, clock)
    world.core.store.run("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    api = new_api(world)
    assert api.post("customers", {}, ok=429)["error"]["code"] == "lock_timeout"
    other.execute("ROLLBACK")
    api.post("customers", {})
    other.close()
    world.close()


def test_a_world_of_another_version_is_refused(tmp_path, clock):
    """Proves: a file somebody else wrote is not touched."""
    path = tmp_path / "world.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(ConfigurationError, match="version 7"):
        World.open(path, clock)


def test_a_broken_request_leaves_nothing(world):
    """Proves: an error inside a transaction undoes all of it."""

    def half():
        with world.change() as core:
            core.book("fee", -5, "USD")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert world.balance_lines() == []
    world.fee("USD", 5, "x")
    assert len(world.balance_lines()) == 1


def test_claims_of_the_dead_are_free(world):
    """Proves: a key taken by a process that died is taken over, one of a living process is not."""
    print_ = answers.fingerprint("POST", "/v1/x", {})
    with world.change() as core:
        assert answers.claim(core, "k", print_)[0] is Claim.MINE
        assert answers.claim(core, "k", print_)[0] is Claim.BUSY
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        core.store.run("UPDATE answers SET owner = ?", str(gone.pid))
        assert answers.claim(core, "k", print_)[0] is Claim.MINE
        answers.drop(core, "k")
        assert answers.claim(core, "k", print_)[0] is Claim.MINE
