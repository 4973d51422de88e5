"""Schema versions: upgrade under a lock and in one transaction, refuse what is newer than we
are."""

from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from domain.errors import ConfigurationError

HEAD = "0011"
"""The schema this program works with; a test compares it with the newest migration."""

PUTTING_BACK = "putting_back"
"""A table that is there while a backup is put back: until it is gone nobody may use the books."""

_LOCK = 7_420_117_801
"""Key of PostgreSQL's advisory lock around an upgrade."""


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Where a database stands."""

    current: str | None
    """Its version, None for an empty database."""
    head: str = HEAD

    @property
    def up_to_date(self) -> bool:
        """Whether this program can work with it as it is."""
        return self.current == self.head


def status(connection: Connection) -> SchemaStatus:
    """Read the version.

    Raises:
        ConfigurationError: the schema is newer than, or unknown to, this program, or a backup was
            not put back to the end.
    """
    found = SchemaStatus(_version(connection))
    if found.current is not None and not _is_ours(found.current):
        raise ConfigurationError(
            f"The database has schema {found.current}, this program knows up to {HEAD}.",
            hint="Install the newer tscli that upgraded it; older ones must not write to it.",
        )
    return found


def upgrade(connection: Connection) -> SchemaStatus:
    """Bring the schema to `HEAD`; the caller's transaction makes it all or nothing.

    Raises:
        ConfigurationError: see `status`.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if status(connection).up_to_date:
        return SchemaStatus(HEAD)
    # Alembic takes a while to import and is needed only here.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "db:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
    return SchemaStatus(HEAD)


def _is_ours(version: str) -> bool:
    """Whether this is a version up to ours; they are numbers of equal length."""
    return len(version) == len(HEAD) and version.isdigit() and version <= HEAD


def _version(connection: Connection) -> str | None:
    names = inspect(connection).get_table_names()
    if PUTTING_BACK in names:
        raise ConfigurationError(
            "A backup was being put back into this database, and did not come to its end.",
            hint="Run `tscli db restore FILE` again, with the same file.",
        )
    if "alembic_version" not in names:
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return str(row[0]) if row else None


def triggers(connection: Connection) -> set[str]:
    """Names of the triggers of a database."""
    source = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.dialect.name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    )
    return set(connection.execute(text(source)).scalars())


def expected_triggers(kind: str) -> set[str]:
    """Names of the triggers a migrated database has, read off one made in memory."""
    from db.engine import connect

    engine = connect("sqlite://")
    with engine.begin() as connection:
        upgrade(connection)
        names = triggers(connection)
    engine.dispose()
    if kind == "sqlite":
        return names
    # OR REPLACE exists on SQLite only; PostgreSQL has triggers against TRUNCATE besides.
    return {name for name in names if "_refuse_replace" not in name}
