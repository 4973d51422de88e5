"""Backups of the books: made while everybody works, proven, and put back into an empty database.

Books that were put back know less than the providers do. So in them providers are only asked: what
they did since is to be learned first, and only then may anything new be sent.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from db import backup, grants
from db.database import Books, Database
from domain.clock import iso
from domain.errors import InvalidRequest, PaymentsError, UnreadableExport
from domain.operator import Permission
from domain.provider import AccountSwitch, ProviderAccount
from reconcile.scratch import scratch_folder
from tscli.services.context import Context
from tscli.services.doctor import Finding, examine
from tscli.services.permission import require
from tscli.services.sealing import audit_head

_BLOCK = 1 << 20
RESTORED = "books.restored"
_CORE = {"audit", "entries", "payments", "transactions"}
"""Tables of every version of the books."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What is known of a backup; stands beside it as `FILE.json`."""

    kind: str
    schema: str
    digest: str
    """SHA-256 of the file."""
    size: int
    made_at: datetime
    records: int
    """Audit records when it was begun; the copy holds these or more."""
    head: str
    """Combined head of the audit chains at that time: an anchor."""


def make_backup(context: Context, temporary: Path) -> Backup:
    """Fill a file with one instant of the books.

    Raises:
        NotPermitted: the operator may not.
        ConfigurationError, Unavailable: the database cannot be copied.
    """
    require(context, Permission.SWITCH)
    head = audit_head(context)
    schema = context.database.schema_status().current or ""
    context.database.copy_to(temporary)
    return Backup(
        kind=context.database.kind,
        schema=schema,
        digest=digest_of(temporary),
        size=temporary.stat().st_size,
        made_at=context.clock.now(),
        records=head.records,
        head=head.head,
    )


def note_of(made: Backup) -> dict[str, Any]:
    """A backup's note as plain values."""
    return {
        "kind": made.kind, "schema": made.schema, "digest": made.digest, "size": made.size,
        "made_at": iso(made.made_at), "records": made.records, "head": made.head,
    }  # fmt: skip


def note_place(file: Path) -> Path:
    """Where the note of a backup stands."""
    return file.with_name(f"{file.name}.json")


def read_note(file: Path) -> Backup | None:
    """The note beside a backup; None where there is none.

    Raises:
        UnreadableExport: it is no note of a backup.
    """
    place = note_place(file)
    if not place.exists():
        return None
    try:
        values = json.loads(place.read_text("utf-8"))
        return Backup(**values | {"made_at": datetime.fromisoformat(values["made_at"])})
    except (OSError, ValueError, TypeError, KeyError):
        raise UnreadableExport(f"{place.name} is no note of a backup.") from None


def digest_of(file: Path) -> str:
    """SHA-256 of a file.

    Raises:
        UnreadableExport: it cannot be read.
    """
    found = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                found.update(block)
    except OSError as error:
        raise UnreadableExport(f"{file} cannot be read: {error.strerror}.") from error
    return found.hexdigest()


def verify_backup(context: Context, file: Path) -> Iterator[Finding]:
    """Prove a backup: its note, and what is in it. The books of a SQLite copy are examined whole;
    of a dump, whose rows only a server can read, the list of its tables.

    Raises:
        UnreadableExport: it is no backup.
        ConfigurationError: a program of PostgreSQL is not installed.
    """
    kind, note = backup.kind_of(file), read_note(file)
    if note is None:
        yield Finding("note", True, "there is none: the file's digest cannot be compared")
    else:
        alike = note.digest == digest_of(file)
        yield Finding("note", alike, "sound" if alike else "the file is not the one that was made")
    if kind == "postgresql":
        is_older = note is not None and note.schema != context.database.schema_head
        missing = sorted((_CORE if is_older else set(grants.tables())) - backup.contents(file))
        yield Finding("tables", not missing, f"{missing[0]} is missing" if missing else "sound")
        return
    with scratch_folder() as folder:
        copied = folder / "books.db"
        shutil.copyfile(file, copied)
        opened = Database(f"sqlite:///{copied}", context.clock, context.ids)
        try:
            opened.upgrade()  # a copy of an older version is as good as one of this
            yield from examine(replace(context, database=opened), None)
        except PaymentsError as error:
            yield Finding("database", False, error.message.removesuffix("."))
        finally:
            opened.close()


def restore_backup(
    context: Context, file: Path, owners: Sequence[ProviderAccount], *, dry_run: bool = False
) -> list[Finding]:
    """Put a backup into the configured database, which must hold nothing; its accounts, and those
    of `owners`, are only asked then.

    Raises:
        AlreadyExists: the database holds something, or does when its turn comes.
        InvalidRequest: the backup is not sound, or another one was begun.
        NotPermitted: the operator may not.
        UnreadableExport, ConfigurationError, Unavailable: it cannot be read or put back.
    """
    require(context, Permission.SWITCH)
    if not context.database.can_be_filled():
        raise backup.not_empty()
    if backup.kind_of(file) != context.database.kind:
        raise UnreadableExport(
            f"{file.name} is no backup of a {context.database.kind} database.",
            hint="Point TSCLI_DATABASE_URL at an empty database of the kind that was backed up.",
        )
    found = list(verify_backup(context, file))
    bad = next((finding for finding in found if not finding.ok), None)
    if bad is not None:
        raise InvalidRequest(
            f"The backup is not sound: {bad.check}: {bad.detail}.",
            hint=f"Take another one; see `tscli db verify {file.name}`.",
        )
    if not dry_run:
        _put_back(context, file, owners)
    return found


def _put_back(context: Context, file: Path, owners: Sequence[ProviderAccount]) -> None:
    made, digest = read_note(file), digest_of(file)
    after = {"digest": digest, "made_at": iso(made.made_at) if made else ""}
    asked_only = AccountSwitch(
        reason="Put back from a backup: asked, and sent nothing new.",
        by=context.actor.operator,
        at=context.clock.now(),
        only_asks=True,
    )

    def begin_again(books: Books) -> None:
        """Tell of it in the trail, and let nothing be sent before the providers were asked."""
        books.record(context.actor, RESTORED, "books", after=after)
        for owner in {*owners, *books.payments.owners()}:
            books.provider_accounts.set_switch(owner, asked_only)

    with scratch_folder() as folder:
        source = folder / file.name
        shutil.copyfile(file, source)
        context.database.put_back(source, digest, begin_again)


def verify_books(context: Context, database_file: Path | None) -> Iterator[Finding]:
    """Prove the books that are in use; what cannot be examined is a finding, too."""
    try:
        yield from examine(context, database_file)
    except PaymentsError as error:
        yield Finding("database", False, error.message)


def grants_sql(role: str, migrator: str) -> str:
    """SQL that separates the role of the program from the one that owns the schema.

    Raises:
        InvalidRequest: a name that is none for a role.
    """
    return grants.grants(role, migrator)
