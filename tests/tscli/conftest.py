"""What tests of the services share."""

from collections.abc import Iterator

import pytest
import redis

from db.database import Database
from domain.clock import SetClock
from domain.ids import Ids
from tests.servers.valkey import ValkeyServer
from tests.tscli.shop import Shop, open_shop
from tscli.services import idempotency


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
