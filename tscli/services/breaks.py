"""Working on breaks: looking at them, handing them out, and closing them with evidence.

Closing posts to the ledger where money has to move; whatever it posts can be undone by opening the
break again. Several breaks at once are chosen by a filter and changed in one transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from db.database import Books
from domain.break_life import BreakEvent, BreakFilter, BreakRecord, BreakState, Listed
from domain.errors import InvalidRequest
from domain.operator import Permission
from domain.run import Run
from tscli.services.permission import require

if TYPE_CHECKING:
    from tscli.services.context import Context


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of one break."""

    break_id: str
    outcome: str
    """The action in past tense, `unchanged`, or `refused`."""
    note: str = ""


def list_breaks(context: "Context", wanted: BreakFilter, limit: int | None) -> list[Listed]:
    """Breaks that fit, by kind and reference."""
    with context.database.read() as books:
        return [Listed(*found) for found in books.breaks.find(wanted, limit)]


def break_life(context: "Context", break_id: str) -> tuple[Listed, list[Run], list[BreakEvent]]:
    """One break, the runs that saw it, oldest first, and everything that happened to it.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        record = books.breaks.get(break_id)
        history = books.runs.break_history(break_id)
        item, last = history[-1]
        listed = Listed(record, item, last.run_id)
        return listed, [run for _, run in history], books.breaks.events(break_id)


def assign(
    context: "Context", wanted: BreakFilter, assignee: str, *, dry_run: bool = False
) -> list[Changed]:
    """Hand breaks to somebody; an empty name takes them back.

    Raises:
        NotFound, InvalidRequest, NotPermitted: see `change_all`.
    """
    operators = context.operators
    if assignee and not operators.alone and assignee not in operators.known:
        raise InvalidRequest(
            f"{assignee!r} is no configured operator.", hint="See `tscli operators list`."
        )

    def hand_over(record: BreakRecord) -> tuple[BreakRecord, str, str]:
        return replace(record, assignee=assignee), "assigned", assignee or "nobody"

    return change_all(context, wanted, hand_over, dry_run=dry_run)


def comment(
    context: "Context", wanted: BreakFilter, text: str, *, dry_run: bool = False
) -> list[Changed]:
    """Write something down about breaks.

    Raises:
        NotFound, InvalidRequest, NotPermitted: see `change_all`.
    """
    if not text.strip():
        raise InvalidRequest("A comment needs words.", hint="Add --text TEXT.")
    return change_all(
        context, wanted, lambda record: (record, "commented", text), dry_run=dry_run, closed=True
    )


def snooze(
    context: "Context", wanted: BreakFilter, until: datetime, *, dry_run: bool = False
) -> list[Changed]:
    """Put breaks off until an instant; they stay open and in every statement.

    Raises:
        InvalidRequest: the instant is not in the future.
        NotFound, NotPermitted: see `change_all`.
    """
    if until <= context.clock.now():
        raise InvalidRequest("A break can only be put off into the future.")
    note = f"until {until:%Y-%m-%d}"
    return change_all(
        context,
        wanted,
        lambda record: (replace(record, snoozed_until=until), "snoozed", note),
        dry_run=dry_run,
    )


def change_all(
    context: "Context",
    wanted: BreakFilter,
    change: Callable[[BreakRecord], tuple[BreakRecord, str, str]],
    *,
    dry_run: bool,
    closed: bool = False,
) -> list[Changed]:
    """Change every break that fits; `change` gives the new record, the action and a note.

    Closed breaks are left alone unless `closed`.

    Raises:
        NotFound: a break that was named does not exist.
        InvalidRequest: nothing says which breaks are meant.
        NotPermitted: the operator may not.
    """
    require(context, Permission.RECONCILE)
    with context.database.transaction(dry_run=dry_run) as books:
        books.runs.lock()
        found = []
        for listed in chosen(books, wanted):
            record = listed.record
            if record.state is BreakState.RESOLVED and not closed:
                found.append(Changed(record.break_id, "unchanged", f"it is {record.closing}"))
                continue
            newer, action, note = change(record)
            happened(books, context, newer, action, note)
            found.append(Changed(record.break_id, action, note))
        return found


def chosen(books: Books, wanted: BreakFilter) -> Sequence[Listed]:
    """The breaks that are meant, by their ids or by a filter.

    Raises:
        NotFound: a break that was named does not exist.
        InvalidRequest: nothing says which breaks are meant.
    """
    if wanted == BreakFilter():
        raise InvalidRequest(
            "Nothing says which breaks are meant.", hint="Name them, or filter: --kind, --provider."
        )
    for name in wanted.break_ids:
        books.breaks.get(name)
    return [Listed(*found) for found in books.breaks.find(wanted, None)]


def happened(
    books: Books,
    context: "Context",
    record: BreakRecord,
    action: str,
    note: str,
    transaction_id: str = "",
) -> BreakRecord:
    """Write a break as it stands now, what happened to it, and who did it."""
    now = context.clock.now()
    event = BreakEvent(now, context.actor.operator, action, note, "", transaction_id)
    newer = books.breaks.change(record, event)
    after = {"state": record.state, "closing": record.closing, "note": note}
    if transaction_id:
        after["transaction_id"] = transaction_id
    books.record(context.actor, f"break.{action}", record.break_id, after=after)
    return newer
