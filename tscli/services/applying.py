"""Applying stored events: each through `observe`, as often as anybody likes, with one result.

"Seen" and "done" are two facts. An event about a payment that is not ours, or not yet, is parked
and tried again; an error while asking is no evidence and costs an attempt, nothing else.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

from db.database import Books
from domain.errors import NotFound, PaymentsError, ProviderError
from domain.inbox import DONE, after_attempt
from domain.operation import Operation
from domain.payment import Observation, Payment, Snapshot, observe
from domain.provider import Provider
from domain.stored_event import Attempt, StoredEvent
from domain.webhook import EventState, ProviderEvent, Topic
from tscli.services.booking import learn
from tscli.services.context import Context
from tscli.services.drive import refresh

_MONEY = (Topic.PAYMENT, Topic.REFUND, Topic.DISPUTE)


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of one event."""

    event: StoredEvent
    outcome: EventState
    changes: tuple[str, ...] = ()
    why: str = ""


async def apply_event(
    context: Context, provider: Provider, event: StoredEvent, *, dry_run: bool = False
) -> Applied:
    """Try an event once and write down what came of it; with `dry_run` only say what would.

    Raises:
        IntegrityError: its bytes are not what was received.
    """
    with context.database.read() as books:
        body = books.inbox.body(event)
    told = provider.read_event(body) if body is not None else None
    try:
        outcome, changes = await _outcome(context, provider, event, told, dry_run=dry_run)
        why = ""
    except PaymentsError as error:
        outcome, changes, why = EventState.FAILED, (), f"{error.code}: {error.message}"
    if dry_run:
        return Applied(event, outcome, changes, why)
    return Applied(_keep(context, event, outcome, why), outcome, changes, why)


async def try_event(
    context: Context, provider: Provider, event: StoredEvent, *, dry_run: bool = False
) -> Applied:
    """`apply_event` for one of many: whatever goes wrong with it is told and counted as a failed
    attempt, and the others have their turn."""
    try:
        return await apply_event(context, provider, event, dry_run=dry_run)
    except PaymentsError as error:
        why = f"{error.code}: {error.message}"
    except Exception as error:  # a fault of ours; its text may hold what the provider wrote
        why = f"bug: {type(error).__name__}"
    if not dry_run:
        with suppress(PaymentsError):  # not even counted: it stays as due as it was
            event = _keep(context, event, EventState.FAILED, why)
    return Applied(event, EventState.FAILED, why=why)


async def _outcome(
    context: Context,
    provider: Provider,
    event: StoredEvent,
    told: ProviderEvent | None,
    *,
    dry_run: bool,
) -> tuple[EventState, tuple[str, ...]]:
    if event.topic is Topic.OTHER:
        return EventState.IGNORED, ()
    if event.topic is Topic.METHOD:
        return _method(context, event, dry_run=dry_run)
    if event.topic not in _MONEY:
        return _note(context, event, dry_run=dry_run)
    with context.database.read() as books:
        payment = _payment_of(books, event, told)
    if payment is None:
        return EventState.PARKED, ()
    shown = told.snapshot if told else None
    if shown is None:
        if payment.provider_payment_id is None:
            return EventState.PARKED, ()
        shown = await provider.get(payment.provider_payment_id)
    if dry_run:
        seen = observe(payment, shown)
        facts = (*seen.facts, *seen.anomalies)
        return (EventState.APPLIED if facts else EventState.UNCHANGED), facts
    return await _teach(context, provider, event, payment, shown)


async def _teach(
    context: Context, provider: Provider, event: StoredEvent, payment: Payment, shown: Snapshot
) -> tuple[EventState, tuple[str, ...]]:
    """Store what the event shows, and finish what it makes due."""

    def learned(books: Books) -> tuple[Observation, list[Operation]]:
        held = books.payments.get(payment.payment_id, lock=True)
        # Whatever else stands there is for `_keep` to write, of this try or of one beside it.
        books.inbox.belongs(event.event_id, held.payment_id)
        seen = learn(books, context, held, shown)
        return seen, books.operations.of_payment(held.payment_id, only_open=True)

    seen, unfinished = context.database.run(learned)
    if unfinished and seen.facts:
        with suppress(ProviderError):  # what it taught is stored; the sweep does the rest
            await refresh(context, provider, payment.payment_id)
    facts = (*seen.facts, *seen.anomalies)
    return (EventState.APPLIED if seen.facts else EventState.UNCHANGED), facts


def _payment_of(books: Books, event: StoredEvent, told: ProviderEvent | None) -> Payment | None:
    """Our payment: by the provider's object, else by our own id on it, else by what moved."""
    owner = event.owner
    names = [event.provider_payment_id, *(told.references if told else ())]
    for name in filter(None, names):
        for found in books.payments.find(search=name, provider=owner.provider, limit=2):
            if (found.account, found.mode) == (owner.account, owner.mode):
                return found
    if told is None or not told.payment_id:
        return None
    try:
        named = books.payments.get(told.payment_id)
    except NotFound:
        return None
    same = (named.provider, named.account, named.mode) == (
        owner.provider, owner.account, owner.mode,
    )  # fmt: skip
    return named if same else None


def _method(
    context: Context, event: StoredEvent, *, dry_run: bool
) -> tuple[EventState, tuple[str, ...]]:
    """A method that is gone at the provider is gone here; other news of methods is noted."""
    gone = any(word in event.type.lower() for word in ("detached", "deleted"))
    with context.database.transaction(dry_run=dry_run) as books:
        kept = books.people.method_by_token(event.owner, event.object_id)
        if kept is None or not gone or kept.removed_at is not None:
            return EventState.UNCHANGED, ()
        books.people.remove_method(kept.method_id, context.clock.now())
        books.record(
            context.actor,
            "payment_method.removed",
            kept.method_id,
            before={"provider": kept.provider, "type": kept.type},
            after={"event_id": event.event_id},
        )
    return EventState.APPLIED, ("payment_method.removed",)


def _note(
    context: Context, event: StoredEvent, *, dry_run: bool
) -> tuple[EventState, tuple[str, ...]]:
    """News of payouts and of the account become an audit fact, once."""
    fact = f"{event.topic}.reported"
    with context.database.transaction(dry_run=dry_run) as books:
        current = books.inbox.get(event.event_id, lock=True)
        if current.state in DONE:
            return EventState.UNCHANGED, ()
        # Known as done in the same transaction: whoever comes next finds it so.
        books.inbox.save(replace(current, state=EventState.APPLIED))
        books.record(
            context.actor,
            fact,
            event.object_id or event.event_id,
            after={"type": event.type, "event_id": event.event_id},
        )
    return EventState.APPLIED, (fact,)


def _keep(context: Context, event: StoredEvent, outcome: EventState, why: str) -> StoredEvent:
    """Write the attempt and where it leads."""
    now = context.clock.now()

    def written(books: Books) -> StoredEvent:
        current = books.inbox.get(event.event_id, lock=True)
        after = after_attempt(outcome, current.attempts, now)
        kept = replace(current, attempts=after.attempts, last_error=why)
        over = current.state in DONE or current.state is EventState.DISCARDED
        if outcome in DONE or not over:  # what is done is not undone by a try that failed
            kept = replace(
                kept,
                state=after.state,
                next_attempt_at=after.next_attempt_at,
                done_at=now if outcome in DONE else None,
            )
        books.inbox.save(kept)
        number, by = books.inbox.tried(event.event_id) + 1, context.actor.operator
        books.inbox.add_attempt(event.event_id, Attempt(number, now, outcome, why, by))
        return kept

    return context.database.run(written)
