"""Commands that are killed at a transaction of theirs, and what is the same after any death.

A child of this process runs the command and kills itself with signal 9, right before or right after
the n-th commit; nothing in it gets to say goodbye.
"""

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from db.database import Database
from db.days import Days
from tests.conftest import run_cli
from tests.db.attacks import shell

_transaction, _save_steps = Database.transaction, Days.save_steps

_IDS = re.compile(r"\b(run|fil|aud|evt|txn|whe|ent|op|rev)_[0-9a-z]{36}\b")
_DIGESTS = re.compile(r"\b[0-9a-f]{64}\b")
_PASSING = {"audit", "audit_seals", "events", "leases", "provider_accounts", "webhook_attempts"}
"""Tables that tell how something came about, not what it came to."""
_COUNTS = {"attempts", "started_at", "ended_at", "facts", "note"}
"""Columns that a second attempt may change."""


def killed(words: tuple[str, ...], commit: int, *, before: bool, of_steps: bool = False) -> bool:
    """Run a command in a child that dies at its n-th commit, or at the n-th that keeps steps of a
    day; whether it lived to die."""

    def at(number: int, moment: str) -> None:
        if number == commit and moment == ("before" if before else "after"):
            os.kill(os.getpid(), signal.SIGKILL)

    status = _in_a_child(words, at, of_steps=of_steps)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def interrupted(words: tuple[str, ...], commit: int) -> int:
    """Run a command in a child that hears Ctrl-C after its n-th commit; the exit code it ends
    with."""

    def at(number: int, moment: str) -> None:
        if (number, moment) == (commit, "after"):
            os.kill(os.getpid(), signal.SIGINT)

    return os.waitstatus_to_exitcode(_in_a_child(words, at, of_steps=False))


def commits(words: tuple[str, ...]) -> int:
    """How many transactions a command commits when nobody kills it; it is run in a child."""
    reading, writing = os.pipe()

    def at(number: int, moment: str) -> None:
        if moment == "after":
            os.write(writing, b".")

    _in_a_child(words, at, of_steps=False)
    os.close(writing)
    with os.fdopen(reading) as told:
        return len(told.read())


def _in_a_child(words: tuple[str, ...], at: Callable[[int, str], None], *, of_steps: bool) -> int:
    """Run a command in a child that is told of each commit; the status it ended with."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code = 70
    try:
        # Whoever runs the tests in the background of a shell has it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _watch(at, of_steps=of_steps)
        code = run_cli(*words).exit_code
    finally:
        os._exit(code)


def _watch(at: Callable[[int, str], None], *, of_steps: bool) -> None:
    number, counts = [0], [not of_steps]

    def save_steps(self: Days, steps: Any) -> None:
        _save_steps(self, steps)
        counts[0] = True

    @contextmanager
    def transaction(self: Database, *, dry_run: bool = False) -> Iterator[Any]:
        with _transaction(self, dry_run=dry_run) as books:
            yield books
            if counts[0]:
                number[0] += 1
                at(number[0], "before")
        if counts[0]:
            at(number[0], "after")
        counts[0] = not of_steps

    Days.save_steps = save_steps  # type: ignore[method-assign]
    Database.transaction = transaction  # type: ignore[method-assign]


def plain(text: str) -> str:
    """A text without fresh ids, and without digests of what holds some."""
    return _DIGESTS.sub("#", _IDS.sub(r"\1_#", text))


def state(url: str) -> dict[str, list[str]]:
    """What the books say, whatever way they came to say it."""
    found = {}
    with shell(url) as sql:
        for name in sql.tables():
            if name in _PASSING:
                continue
            kept = [c for c in sql.columns(name) if c not in _COUNTS]
            rows = sql.run(f"SELECT {', '.join(kept)} FROM {name}")
            found[name] = sorted(plain(repr(_seen(row))) for row in rows)
    return found


def _seen(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Archived bytes hold ids of ours, too, and are as long as those can be packed; of two events
    of one instant either may be the one that taught something."""
    alike = {"unchanged": "applied"}
    return tuple(
        "bytes" if isinstance(v, bytes | memoryview) else alike.get(str(v), v) for v in row
    )


def papers(folder: Path) -> dict[str, str]:
    """The reports of a folder; a manifest holds digests of them and heads of the audit trail."""
    return {
        path.name: plain(path.read_text())
        for path in sorted(folder.iterdir())
        if path.name != "manifest.json"
    }


def copy_file(source: Path, target: Path) -> None:
    """An SQLite file with what still lies beside it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        one, other = (p.with_name(p.name + suffix) for p in (source, target))
        other.unlink(missing_ok=True)
        if one.exists():
            shutil.copy(one, other)
