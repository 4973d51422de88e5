"""What most tests stand on: a folder of their own, a database of either kind, the command line.

Tests of the books and of money run on SQLite and on PostgreSQL; what only reads words, or keeps
books of its own as the demo does, runs on SQLite alone (`sqlite_cli`).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from db.database import Database
from domain.audit import Actor
from domain.clock import SetClock
from domain.ids import Ids
from tests.servers.postgres import NoPostgres, PostgresServer

SHARED = Path(__file__).parents[2] / "shared"
"""Where others' sample files and API descriptions may lie, beside the project."""

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def shared(*parts: str) -> Path:
    """A file of others beside the project; the test is skipped where there is none."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the project")
    return path


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        """The data of the JSON envelope on stdout."""
        return json.loads(self.stdout)["data"]


Cli = Callable[..., Ran]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the whole run."""
    try:
        with PostgresServer() as server:
            yield server
    except NoPostgres as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def template(postgres: PostgresServer) -> str:
    """A migrated database that others are copied from."""
    url = postgres.create_database()
    clock = SetClock(START)
    database = Database(url, clock, Ids(clock))
    database.upgrade()
    database.close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with the current schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'books' / 'tscli.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database(request.getfixturevalue("template"))
    yield url
    server.drop_database(url)


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still."""
    return SetClock(START)


@pytest.fixture
def database(database_url: str, clock: SetClock) -> Iterator[Database]:
    """The books."""
    opened = Database(database_url, clock, Ids(clock))
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def actor() -> Actor:
    """Somebody who acts in tests."""
    return Actor("tess", "tests", "testhost")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own: no setting, file or world of the machine is seen."""
    import os

    for name in list(os.environ):
        if name.startswith("TSCLI_") and name != "TSCLI_TEST_DATABASE_URL":
            monkeypatch.delenv(name)
    for name in ("DATA", "CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.setenv("TSCLI_OPERATOR", "tess")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_cli(*words: str, stdin: str | None = None) -> Ran:
    """Run the command line in this process."""
    from tscli.main import app

    result = CliRunner().invoke(app, list(words), input=stdin, catch_exceptions=False)
    return Ran(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def sqlite_cli(home: Path) -> Cli:
    """The command line with a home of its own and the default database."""
    return run_cli


@pytest.fixture
def cli(home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line with a home of its own, on either database."""
    monkeypatch.setenv("TSCLI_DATABASE_URL", database_url)
    return run_cli
