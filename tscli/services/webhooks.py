"""Operating the inbox: what is due is applied, anything is applied again, what was missed is had.

Every one of these may be run twice, and beside each other: an event has its effect once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from db.database import Books
from domain.approval import Approval
from domain.errors import ApprovalRequired, Conflict, InvalidRequest
from domain.operator import Permission
from domain.provider import Provider
from domain.stored_event import Attempt, EventFilter, Source, StoredEvent
from domain.webhook import EventState, ListedEvent, Proof
from tscli.services.applying import Applied, try_event
from tscli.services.approvals import request, required
from tscli.services.context import Context
from tscli.services.inbox import arrived
from tscli.services.leasing import lease, new_holder
from tscli.services.permission import require

LEASE = timedelta(minutes=2)

Progress = Callable[[int, int], None]


def _silent(_done: int, _total: int) -> None:
    return


@dataclass(frozen=True, slots=True)
class Missing:
    """How a provider's list of events and ours differ over a window."""

    listed: int
    missing: tuple[ListedEvent, ...]
    """Events the provider has and we have not."""
    undone: tuple[StoredEvent, ...]
    """Events we have and did not apply."""


def find_events(context: Context, wanted: EventFilter, limit: int) -> list[StoredEvent]:
    """Stored events, newest first."""
    with context.database.read() as books:
        return books.inbox.find(wanted, limit=limit)


def get_event(context: Context, event_id: str) -> tuple[StoredEvent, list[Attempt]]:
    """One event with every attempt at it.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        return books.inbox.get(event_id), books.inbox.attempts(event_id)


def inbox_counts(
    context: Context, since: datetime
) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """(events by provider and state, refusals since then by provider and reason)."""
    with context.database.read() as books:
        return books.inbox.counts(), books.inbox.refused(since)


async def apply_due(
    context: Context,
    *,
    limit: int = 1_000,
    provider: str | None = None,
    progress: Progress = _silent,
) -> list[Applied]:
    """Apply what is received, parked or failed and due by now; of one provider where named."""
    require(context, Permission.WEBHOOKS)
    with context.database.read() as books:
        due = books.inbox.due(context.clock.now(), limit)
    due = [event for event in due if provider in (None, event.owner.provider)]
    return await _apply(context, due, progress=progress)


async def replay(
    context: Context,
    events: Sequence[StoredEvent],
    *,
    dry_run: bool = False,
    progress: Progress = _silent,
) -> list[Applied]:
    """Apply stored events again, oldest first; with `dry_run` say what each would change.

    Raises:
        ApprovalRequired: so many need a second person; the request was written.
    """
    require(context, Permission.WEBHOOKS)
    if not dry_run:
        _check_bulk(context, events)
    return await _apply(context, events, dry_run=dry_run, progress=progress)


def _check_bulk(context: Context, events: Sequence[StoredEvent]) -> None:
    if len(events) <= context.limits.replay_above:
        return
    why = f"Replaying more than {context.limits.replay_above} events needs two people."
    ids = " ".join(sorted(e.event_id for e in events))
    asked: Approval
    with context.database.transaction(dry_run=context.operators.alone) as books:
        asked = request(
            books, context, "replay", f"{len(events)} events", {"event_ids": ids}, 0,
            key=context.ids.new("op"), reason=context.actor.reason,
        )  # fmt: skip
    error: ApprovalRequired = required(context, asked, why)
    error.hint += " Narrowing the filter does without."
    raise error


async def _apply(
    context: Context,
    events: Iterable[StoredEvent],
    *,
    dry_run: bool = False,
    progress: Progress = _silent,
) -> list[Applied]:
    """Apply events account by account, oldest first, and none keeps the others; leases spare double
    work only."""
    ordered = sorted(events, key=lambda e: (e.owner.provider, e.occurred_at, e.event_id))
    holder, done = new_holder(context.actor.host), list[Applied]()
    for name in dict.fromkeys(e.owner.provider for e in ordered):
        async with context.open_provider(name) as provider:
            for event in (e for e in ordered if e.owner.provider == name):
                if event.owner != provider.account:
                    why = f"it belongs to the account {event.owner.account!r}"
                    done.append(Applied(event, event.state, why=why))
                elif dry_run or _is_ours(context, event, holder):
                    done.append(await try_event(context, provider, event, dry_run=dry_run))
                    _let_go(context, event, holder, dry_run=dry_run)
                progress(len(done), len(ordered))
    return done


def _is_ours(context: Context, event: StoredEvent, holder: str) -> bool:
    now = context.clock.now()

    def leased(books: Books) -> bool:
        if not lease(books, [f"event:{event.event_id}"], holder, now, now + LEASE):
            return False
        books.leases.purge(now)
        return True

    return context.database.run(leased)


def _let_go(context: Context, event: StoredEvent, holder: str, *, dry_run: bool) -> None:
    if dry_run:
        return
    with context.database.transaction() as books:
        books.leases.release([f"event:{event.event_id}"], holder)


async def missing_events(
    context: Context, provider_name: str, start: datetime, end: datetime
) -> Missing:
    """Compare the provider's own list of events in [start, end) with the inbox.

    Raises:
        ProviderError: it could not be listed.
    """
    async with context.open_provider(provider_name) as provider:
        return await _missing(context, provider, start, end)


async def _missing(context: Context, provider: Provider, start: datetime, end: datetime) -> Missing:
    listed = [item async for item in provider.events(start, end)]
    with context.database.read() as books:
        names = [item.event.provider_event_id for item in listed]
        known = books.inbox.known(provider.account, names)
        ours = books.inbox.find(EventFilter(provider=provider.account.provider), limit=100_000)
    open_states = (EventState.RECEIVED, EventState.PARKED, EventState.FAILED, EventState.DEAD)
    undone = [
        e
        for e in ours
        if e.owner == provider.account and e.state in open_states and start <= e.occurred_at < end
    ]
    fresh = [item for item in listed if item.event.provider_event_id not in known]
    return Missing(len(listed), tuple(fresh), tuple(undone))


async def backfill(
    context: Context,
    provider_name: str,
    start: datetime,
    end: datetime,
    *,
    dry_run: bool = False,
    progress: Progress = _silent,
) -> tuple[Missing, list[Applied]]:
    """Store what was missed and apply it; run again it changes nothing.

    Raises:
        ProviderError: the provider could not be listed.
    """
    require(context, Permission.WEBHOOKS)
    async with context.open_provider(provider_name) as provider:
        found = await _missing(context, provider, start, end)
        if dry_run:
            return found, []
        rows = [
            (
                arrived(
                    context, provider.account, item.event, item.body, Proof.LISTING, Source.LISTING
                ),
                item.body,
            )
            for item in found.missing
        ]
    stored = context.database.run(lambda books: books.inbox.add_all(rows))
    return found, await _apply(context, stored, progress=progress)


def retry(context: Context, event_id: str, *, dry_run: bool = False) -> StoredEvent:
    """Let an event be tried again at once, its attempts counted anew.

    Raises:
        Conflict: it is done, or was discarded.
    """
    require(context, Permission.WEBHOOKS)
    with context.database.transaction(dry_run=dry_run) as books:
        event = books.inbox.get(event_id, lock=True)
        if event.state not in (EventState.DEAD, EventState.FAILED, EventState.PARKED):
            raise Conflict(
                f"{event_id} is {event.state}.",
                hint="`tscli webhooks replay` applies any event again.",
            )
        again = replace(
            event, state=EventState.RECEIVED, attempts=0, next_attempt_at=context.clock.now(),
            done_at=None,
        )  # fmt: skip
        books.inbox.save(again)
        books.record(context.actor, "webhook.retried", event_id, before={"state": event.state})
        return again


def discard(context: Context, event_id: str, *, dry_run: bool = False) -> StoredEvent:
    """Decide that an event is not to be applied.

    Raises:
        InvalidRequest: no reason was given.
        Conflict: it was applied already.
    """
    require(context, Permission.WEBHOOKS)
    if not context.actor.reason.strip():
        raise InvalidRequest("Discarding needs a reason.", hint="Add --reason TEXT.")
    with context.database.transaction(dry_run=dry_run) as books:
        event = books.inbox.get(event_id, lock=True)
        if event.state in (EventState.APPLIED, EventState.UNCHANGED):
            raise Conflict(f"{event_id} was applied; that cannot be taken back.")
        gone = replace(event, state=EventState.DISCARDED, next_attempt_at=None)
        books.inbox.save(gone)
        books.record(context.actor, "webhook.discarded", event_id, before={"state": event.state})
        return gone


async def resend(context: Context, event_id: str, *, dry_run: bool = False) -> StoredEvent:
    """Have the provider deliver an event again.

    Raises:
        CapabilityMissing: the provider has no such call; `backfill` does as well.
    """
    require(context, Permission.WEBHOOKS)
    with context.database.read() as books:
        event = books.inbox.get(event_id)
    if not dry_run:
        async with context.open_provider(event.owner.provider) as provider:
            await provider.resend_event(event.provider_event_id)
    return event
