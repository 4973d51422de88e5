"""What tests of the services share."""

import pytest

from db.database import Database
from domain.clock import SetClock
from domain.ids import Ids


@pytest.fixture
def sqlite_database(clock: SetClock) -> Database:
    """Books in memory: the faults are many, and PostgreSQL has the tests beside them."""
    return Database("sqlite://", clock, Ids(clock))
