"""The doctor: looks at everything the books stand on, and changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.errors import PaymentsError
from tscli.services.audit import check_books, verify_audit
from tscli.services.context import Context


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    check: str
    ok: bool
    detail: str


def examine(context: Context, database_file: Path | None) -> Iterator[Finding]:
    """Look at the files, the schema, the audit chain, the ledger and the payments, in this
    order."""
    if database_file is not None:
        yield from _files(database_file)
    checks: tuple[tuple[str, Callable[[Context], str]], ...] = (
        ("schema", _schema),
        ("triggers", _triggers),
        ("database", _consistency),
        ("audit chain", _chain),
        ("ledger and payments", _books),
    )
    for name, check in checks:
        try:
            problem = check(context)
        except PaymentsError as error:
            problem = error.message
        except ValueError as error:  # a word that no row of ours can hold
            problem = f"a row holds what it never can: {error}"
        yield Finding(name, not problem, problem or "sound")


def _files(database_file: Path) -> Iterator[Finding]:
    """The database and what SQLite keeps beside it must be nobody else's."""
    folder = database_file.parent
    for path in (folder, *sorted(folder.glob(f"{database_file.name}*"))):
        open_to_others = path.exists() and bool(path.stat().st_mode & 0o077)
        detail = "others can read it; run chmod go-rwx on it" if open_to_others else "private"
        yield Finding(f"file {path.name}", not open_to_others, detail)


def _schema(context: Context) -> str:
    found = context.database.schema_status()
    if found.current is None and context.database.kind == "sqlite":
        return ""  # made on first use
    return "" if found.up_to_date else f"schema {found.current}, needed is {found.head}"


def _triggers(context: Context) -> str:
    missing = context.database.missing_triggers()
    if not missing:
        return ""
    return f"{len(missing)} are gone, {missing[0]} first: rows may have been changed by hand"


def _consistency(context: Context) -> str:
    return context.database.inconsistency()


def _chain(context: Context) -> str:
    flaw = verify_audit(context).flaw
    return f"record {flaw.seq} ({flaw.audit_id}): {flaw.reason}" if flaw else ""


def _books(context: Context) -> str:
    problems = check_books(context)
    more = f" ({len(problems)} contradictions in all)" if len(problems) > 1 else ""
    return problems[0] + more if problems else ""
