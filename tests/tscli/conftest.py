"""What tests of the services share."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from db.database import Database
from domain.clock import SetClock
from domain.ids import Ids
from tests.conftest import Ran
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import ValkeyServer
from tests.tscli.shop import Shop, open_shop
from tscli.services import idempotency


@dataclass(frozen=True)
class DemoWeek:
    """A demo that somebody has run."""

    folder: Path
    """Of its files."""
    home: Path
    """Of the operator who ran it."""
    said: Ran


@pytest.fixture(scope="session")
def demo_week(tmp_path_factory: pytest.TempPathFactory) -> DemoWeek:
    """The demo, run once for all who look at it; they are one group, so that one worker does."""
    home = tmp_path_factory.mktemp("demo")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TSCLI_")}
    homes = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("DATA", "CONFIG", "STATE")}
    words = ["-m", "tscli", "demo", "--folder", str(home / "week"), "--format", "json"]
    ran = subprocess.run(
        [sys.executable, *words], env=kept | homes, capture_output=True, text=True, check=False
    )
    return DemoWeek(home / "week", home, Ran(ran.returncode, ran.stdout, ran.stderr))


@pytest.fixture
def sqlite_database(clock: SetClock) -> Database:
    """Books in memory: the faults are many, and PostgreSQL has the tests beside them."""
    return Database("sqlite://", clock, Ids(clock))


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """One server for the whole run."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> ValkeyServer:
    """A server with nothing in it."""
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
    return valkey_server


@pytest.fixture
def hasty(database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in which nobody waits long for another command."""
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.3)
    return open_shop(database, clock, monkeypatch)


@pytest.fixture
def open_world(
    database: Database, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """A shop whose world others can open as well, and in which nobody waits between tries."""
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    shop = Shop(database, clock, world_path=str(tmp_path / "world.db"))
    yield shop
    shop.world.close()


@pytest.fixture
def empty_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the same kind that holds nothing."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'elsewhere' / 'books.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    server.drop_database(url)
