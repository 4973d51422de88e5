"""The schema: what the code believes of it is what the migrations make, and its version counts."""

import re
from pathlib import Path

import pytest

from db import migrate
from db.database import Database
from db.schema import TABLES
from domain.clock import SetClock
from domain.errors import ConfigurationError, Unavailable
from domain.ids import Ids
from tests.conftest import Cli
from tests.db.attacks import shell
from tests.servers.postgres import PostgresServer

VERSIONS = Path(migrate.__file__).parent / "migrations" / "versions"


def opened(url: str, clock: SetClock) -> Database:
    return Database(url, clock, Ids(clock))


def test_the_columns_are_those_of_a_migrated_database(
    database: Database, database_url: str
) -> None:
    """Proves that tables and columns in `db.schema` are exactly those the migrations make."""
    with shell(database_url) as sql:
        made = {name: set(sql.columns(name)) for name in sql.tables()}
    assert made == {t.name: {c.name for c in t.columns} for t in TABLES}
    assert database.schema_status().up_to_date


def test_head_is_the_newest_migration() -> None:
    """Proves that the program needs the last of a gapless row of migrations."""
    revisions = sorted(
        re.search(r'^revision = "(\d{4})"', file.read_text(), re.MULTILINE)[1]
        for file in VERSIONS.glob("v*.py")
    )
    assert revisions == [f"{n:04d}" for n in range(1, len(revisions) + 1)]
    assert revisions[-1] == migrate.HEAD


@pytest.mark.parametrize("version", ["0999", "9999", "abcdef123456", "00010"])
def test_a_foreign_schema_is_refused(
    database: Database, database_url: str, clock: SetClock, version: str
) -> None:
    """Proves that a newer or unknown schema is neither read, nor written, nor upgraded."""
    with shell(database_url) as sql:
        sql.run("UPDATE alembic_version SET version_num = ?", version)
    other = opened(database_url, clock)
    with pytest.raises(ConfigurationError, match=version):
        other.upgrade()
    with pytest.raises(ConfigurationError, match=version), other.read():
        pass
    with pytest.raises(ConfigurationError, match=version), other.transaction():
        pass
    other.close()


def test_a_foreign_schema_ends_a_command_with_2(cli: Cli, database_url: str) -> None:
    """Proves that the command line says what to do about a newer schema."""
    assert cli("db", "status").exit_code == 0
    cli("db", "upgrade")
    with shell(database_url) as sql:
        sql.run("UPDATE alembic_version SET version_num = '0999'")
    for words in (("payments", "list"), ("db", "upgrade"), ("db", "status"), ("audit", "verify")):
        ran = cli(*words)
        assert ran.exit_code == 2
        assert "newer tscli" in ran.stderr


def test_postgresql_is_upgraded_only_when_asked(postgres: PostgresServer, clock: SetClock) -> None:
    """Proves that a shared database without schema waits for `tscli db upgrade`."""
    url = postgres.create_database()
    database = opened(url, clock)
    with pytest.raises(ConfigurationError) as refused, database.read():
        pass
    assert refused.value.hint == "Run `tscli db upgrade`."
    with pytest.raises(ConfigurationError), database.transaction():
        pass
    assert database.schema_status().current is None
    database.upgrade()
    with database.read() as books:
        assert books.payments.find() == []
    database.close()
    postgres.drop_database(url)


def test_sqlite_is_made_on_first_use(tmp_path: Path, clock: SetClock) -> None:
    """Proves that nobody has to create the default database."""
    database = opened(f"sqlite:///{tmp_path / 'new' / 'books.db'}", clock)
    with database.read() as books:
        assert books.payments.find() == []
    assert database.schema_status().up_to_date


def test_an_upgrade_twice_changes_nothing(database: Database, database_url: str) -> None:
    """Proves that upgrading an upgraded database is no work and no change."""
    with shell(database_url) as sql:
        before = sql.everything(), sql.tables()
        assert database.upgrade().current == migrate.HEAD
        assert (sql.everything(), sql.tables()) == before


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://u@h/d", "sqlite", "postgresql:///x?options=%zz:", "oracle://x"]
)
def test_an_unusable_url_is_refused_unrepeated(url: str, clock: SetClock) -> None:
    """Proves that a wrong URL is a configuration error, which never repeats it."""
    with pytest.raises((ConfigurationError, Unavailable)) as refused:
        opened(url, clock).schema_status()
    assert url == "" or url not in refused.value.message


def test_an_unreachable_server_is_unavailable(clock: SetClock) -> None:
    """Proves that no answer from the database is exit 3, and that no password is told."""
    database = opened("postgresql://tess:hunter2@127.0.0.1:1/books", clock)
    with pytest.raises(Unavailable) as refused, database.read():
        pass
    assert "hunter2" not in refused.value.message + refused.value.hint
    database.close()
