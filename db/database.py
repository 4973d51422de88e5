"""The database: one class, two URLs; transactions in which everything about one fact is kept.

`Books.record` is the only way to write history: state change, ledger entries, audit record and
event are one transaction, or none of them happened.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import DBAPIError

from db import backup, migrate
from db.approvals import Approvals
from db.audit import Audit, first_chain
from db.audit_seals import AuditSeals
from db.breaks import Breaks
from db.commit import commit
from db.days import Days
from db.engine import READ_ONLY, connect
from db.errors import LostRace, translated
from db.exclusive import Held, exclusive
from db.figures import Figures
from db.inbox import Inbox
from db.leases import Leases
from db.ledger import Ledger
from db.operations import Idempotency, Operations
from db.payments import Payments
from db.people import People
from db.postgresql import Limits
from db.provider_accounts import ProviderAccounts
from db.reviews import Reviews
from db.runs import Runs
from db.schema import events
from db.statements import Statements
from domain.audit import Actor, AuditRecord, as_json
from domain.clock import Clock, to_micros
from domain.errors import ConfigurationError
from domain.ids import Ids
from domain.ledger import Entry, entries_digest, entry_digest

T = TypeVar("T")

_ADD_EVENT = insert(events)
_PAUSES_SECONDS = (0.0, 0.02, 0.1, 0.3)
"""Before a transaction that lost a race is run again; after the last one it is given up."""


class Books:
    """The tables within one transaction."""

    def __init__(self, connection: Connection, clock: Clock, ids: Ids, chain: int = 0) -> None:
        self._connection = connection
        self._clock = clock
        self._ids = ids
        self.payments = Payments(connection, ids)
        self.operations = Operations(connection)
        self.idempotency = Idempotency(connection)
        self.people = People(connection)
        self.ledger = Ledger(connection)
        self.audit = Audit(connection, chain)
        self.audit_seals = AuditSeals(connection)
        self.runs = Runs(connection)
        self.breaks = Breaks(connection)
        self.statements = Statements(connection)
        self.provider_accounts = ProviderAccounts(connection)
        self.leases = Leases(connection)
        self.reviews = Reviews(connection)
        self.inbox = Inbox(connection)
        self.approvals = Approvals(connection)
        self.figures = Figures(connection)
        self.days = Days(connection)

    def record(
        self,
        actor: Actor,
        action: str,
        subject: str,
        *,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        entries: Sequence[Entry] = (),
    ) -> AuditRecord:
        """Seal one fact: audit record, its ledger entries and the event to be published."""
        now = self._clock.now()
        ordered = sorted(entries, key=lambda entry: entry.entry_id)
        sealed = self.audit.append(
            self._ids.new("aud"),
            now,
            actor,
            action,
            subject,
            as_json(before),
            as_json(after),
            entries_digest(entry_digest(entry) for entry in ordered),
        )
        self.ledger.post(sealed.audit_id, ordered)
        event = {
            "event_id": self._ids.new("evt"),
            "name": action,
            "subject": subject,
            "occurred_at": to_micros(now),
            "payload": sealed.after,
            "published_at": None,
        }
        self._connection.execute(_ADD_EVENT, event)
        return sealed


class Database:
    """Opens transactions on the books; creates the schema where there is none yet."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        ids: Ids,
        *,
        keep_open: bool = False,
        limits: Limits | None = None,
    ) -> None:
        """`keep_open` is for whoever serves, and uses connections again and again; `limits` are
        those of a PostgreSQL server."""
        self._engine: Engine = connect(url, keep_open=keep_open, limits=limits)
        self._clock = clock
        self._ids = ids
        self._chain = first_chain()
        self._checked = False

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def schema_head(self) -> str:
        """The schema that this program works with."""
        return migrate.HEAD

    @contextmanager
    def read(self) -> Iterator[Books]:
        """A consistent view of the books that blocks nobody.

        Raises:
            ConfigurationError: the schema is older or newer than this program.
            Unavailable: the database cannot be reached.
        """
        self._check()
        with (
            translated(),
            self._engine.connect().execution_options(**{READ_ONLY: True}) as connection,
        ):
            if connection.dialect.name == "postgresql":
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield Books(connection, self._clock, self._ids)
            # Not undone: after a ROLLBACK the driver forgets the statements it has prepared.
            with suppress(DBAPIError):
                connection.commit()

    @contextmanager
    def transaction(self, *, dry_run: bool = False) -> Iterator[Books]:
        """The books for writing: committed at the end, or nothing happened.

        With `dry_run` everything is done and then undone: the same code, zero writes.

        A connection that is lost around the commit is no doubt left to the caller: the database is
        asked what became of it.

        Raises:
            ConfigurationError: the schema is older or newer than this program.
            IntegrityError: a constraint of the database refused broken money.
            Busy: other transactions were in the way; nothing was written.
            Unavailable: the database cannot be reached or stays busy; nothing was written.
            OutcomeUnknown: it went away while it committed, and cannot be asked.
        """
        self._check()
        with translated(), self._engine.connect() as connection, connection.begin() as running:
            books = Books(connection, self._clock, self._ids, self._chain)
            yield books
            if dry_run:
                running.rollback()
            else:
                commit(self._engine, connection, running, books.audit.newest_id)

    def run(self, function: Callable[[Books], T], *, dry_run: bool = False) -> T:
        """What `function` returns, run in a transaction, and run again when the database undid it
        in favour of another one.

        It is for rows where several processes meet. `function` works from values alone, so that it
        may be run any number of times.

        Raises:
            PaymentsError: what `function` and `transaction` raise; `Busy` after the last try.
        """
        for pause_seconds in _PAUSES_SECONDS:
            try:
                with self.transaction(dry_run=dry_run) as books:
                    return function(books)
            except LostRace:
                time.sleep(pause_seconds)
        with self.transaction(dry_run=dry_run) as books:
            return function(books)

    @contextmanager
    def exclusive(self, name: str) -> Iterator[Held]:
        """Hold the lock of a name, over all processes and machines, for the length of the block,
        which is given a look at whether it still does.

        Raises:
            AlreadyRunning: somebody else holds it, and nobody waits for it; or it was lost.
            Unavailable: the database cannot be reached.
        """
        self._check()
        with translated(), exclusive(self._engine, name) as held:
            yield held

    def schema_status(self) -> migrate.SchemaStatus:
        """Where the schema stands.

        Raises:
            ConfigurationError: it is newer than this program.
            Unavailable: the database cannot be reached.
        """
        with (
            translated(),
            self._engine.connect().execution_options(**{READ_ONLY: True}) as connection,
        ):
            return migrate.status(connection)

    def upgrade(self) -> migrate.SchemaStatus:
        """Bring the schema up to date, all or nothing.

        Raises:
            ConfigurationError: it is newer than this program.
            Unavailable: the database cannot be reached.
        """
        with translated(), self._engine.begin() as connection:
            return migrate.upgrade(connection)

    def can_be_filled(self) -> bool:
        """Whether a backup may be put into it: it holds nothing, or one was begun to be put.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with translated():
            return backup.is_empty(self._engine) or backup.is_begun(self._engine)

    def copy_to(self, target: Path) -> None:
        """Write one instant of the books into an existing, empty file, while others go on.

        Raises:
            ConfigurationError, Unavailable: see `db.backup.copy_books`.
        """
        backup.copy_books(self._engine, target)

    def put_back(self, source: Path, digest: str, first: Callable[[Books], None]) -> None:
        """Fill a database that holds nothing from a copy, and do what comes `first` in it.

        There is no moment at which anybody could work with the books without it: on SQLite it is
        done in `source` itself, which is then copied at once; on PostgreSQL everybody is kept out
        until it is committed. Killed anywhere, the same call goes on.

        Raises:
            AlreadyExists: it holds something by now.
            ConfigurationError, Unavailable: see `db.backup.fill`.
            InvalidRequest: another backup was begun.
        """
        with translated():
            if self.kind == "sqlite":
                self._prepare(source, first)
                backup.fill(self._engine, source)
            else:
                if not backup.begin(self._engine, digest):
                    backup.fill(self._engine, source)
                self._first(self._engine, first)
        self._checked = False

    def _prepare(self, source: Path, first: Callable[[Books], None]) -> None:
        engine = connect(f"sqlite:///{source}")
        try:
            self._first(engine, first)
        finally:
            engine.dispose()

    def _first(self, engine: Engine, first: Callable[[Books], None]) -> None:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text(f"DROP TABLE {migrate.PUTTING_BACK}"))
            migrate.upgrade(connection)
            first(Books(connection, self._clock, self._ids, self._chain))

    def inconsistency(self) -> str:
        """What the database itself finds wrong with its file, empty when it finds nothing.

        Raises:
            Unavailable: the database cannot be reached.
        """
        if self.kind != "sqlite":
            return ""
        with translated(), self._engine.connect() as connection:
            whole = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
            stray = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if stray is not None:
            return f"a row of {stray[0]} refers to what does not exist"
        return "" if whole == "ok" else str(whole)

    def missing_triggers(self) -> list[str]:
        """Triggers that keep rows permanent and are not there any more, sorted by name.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with translated(), self._engine.connect() as connection:
            if migrate.status(connection).current is None:
                return []
            return sorted(migrate.expected_triggers(self.kind) - migrate.triggers(connection))

    def close(self) -> None:
        """Return all connections."""
        self._engine.dispose()

    def _check(self) -> None:
        if self._checked:
            return
        found = self.schema_status()
        if found.current is None and self.kind == "sqlite":
            self.upgrade()
        elif not found.up_to_date:
            raise ConfigurationError(
                f"The database has schema {found.current or 'none'}, this program needs"
                f" {found.head}.",
                hint="Run `tscli db upgrade`.",
            )
        self._checked = True
