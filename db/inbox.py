"""The inbox as rows: events once, bytes apart, attempts and refusals for good."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from db.inserting import insert_new
from db.schema import webhook_attempts, webhook_bodies, webhook_events, webhook_refusals
from domain.audit import digest
from domain.clock import from_micros, to_micros
from domain.errors import IntegrityError, NotFound
from domain.provider import ProviderAccount
from domain.stored_event import Attempt, EventFilter, Source, StoredEvent
from domain.webhook import EventState, Proof, Topic

_KEPT = (
    "event_id", "provider_event_id", "type", "object_id", "provider_payment_id", "payment_id",
    "body_digest", "attempts", "deliveries", "last_error",
)  # fmt: skip
_PAGE = 500
_Name = tuple[ProviderAccount, str]


class Inbox:
    """The four tables of the inbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known(self, owner: ProviderAccount, provider_event_ids: Sequence[str]) -> set[str]:
        """Which of these events of an account are stored."""
        e, found = webhook_events.c, set[str]()
        for start in range(0, len(provider_event_ids), _PAGE):
            query = select(e.provider_event_id).where(
                *_is(owner), e.provider_event_id.in_(provider_event_ids[start : start + _PAGE])
            )
            found |= set(self._connection.execute(query).scalars())
        return found

    def add(self, event: StoredEvent, body: bytes) -> StoredEvent:
        """Store an event with its bytes; one that is stored counts a delivery more."""
        return self.add_all([(event, body)])[0]

    def add_all(self, delivered: Sequence[tuple[StoredEvent, bytes]]) -> list[StoredEvent]:
        """Store many at once, each like `add`; the stored events in the same order.

        Two who store the same events at once wait for each other, and one of them finds what the
        other has stored.
        """
        first = {_name(event): (event, body) for event, body in reversed(delivered)}
        kept = self._stored(first)
        fresh = [first[name] for name in sorted(first.keys() - kept.keys(), key=_order)]
        if fresh:
            self._insert(fresh)
            kept |= self._stored(_name(event) for event, _ in fresh)
        ours = {event.event_id for event, _ in fresh}
        bodies = [
            {"event_id": kept[name].event_id, "body": body.decode()}
            for name, (_, body) in first.items()
            if kept[name].event_id in ours
        ]
        if bodies:
            self._connection.execute(insert(webhook_bodies), bodies)
        again = Counter(kept[_name(event)].event_id for event, _ in delivered)
        again.subtract(body["event_id"] for body in bodies)
        self._came_again(again)
        return [kept[_name(event)] for event, _ in delivered]

    def _insert(self, fresh: Sequence[tuple[StoredEvent, bytes]]) -> None:
        """Insert those that nobody has inserted meanwhile; in one order, so that nobody waits in a
        circle."""
        insert_new(
            self._connection,
            webhook_events,
            [_row(event) for event, _ in fresh],
            key=("provider", "account", "mode", "provider_event_id"),
        )

    def _came_again(self, again: Mapping[str, int]) -> None:
        e = webhook_events.c
        for event_id, count in sorted(again.items()):
            if count:
                self._connection.execute(
                    update(webhook_events)
                    .where(e.event_id == event_id)
                    .values(deliveries=e.deliveries + count)
                )

    def _stored(self, names: Iterable[_Name]) -> dict[_Name, StoredEvent]:
        """Those of these events that are stored."""
        of_owner: dict[ProviderAccount, list[str]] = {}
        for owner, name in names:
            of_owner.setdefault(owner, []).append(name)
        found: dict[_Name, StoredEvent] = {}
        for owner, wanted in of_owner.items():
            for start in range(0, len(wanted), _PAGE):
                query = select(webhook_events).where(
                    *_is(owner),
                    webhook_events.c.provider_event_id.in_(wanted[start : start + _PAGE]),
                )
                for row in self._connection.execute(query):
                    found[owner, row.provider_event_id] = _event(row)
        return found

    def get(self, event_id: str, *, lock: bool = False) -> StoredEvent:
        """One event.

        Raises:
            NotFound: there is none.
        """
        query = select(webhook_events).where(webhook_events.c.event_id == event_id)
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        if row is None:
            raise NotFound(
                f"There is no webhook event {event_id}.", hint="See `tscli webhooks list`."
            )
        return _event(row)

    def body(self, event: StoredEvent) -> bytes | None:
        """Its bytes; None once they were purged.

        Raises:
            IntegrityError: they are not what was received.
        """
        query = select(webhook_bodies.c.body).where(webhook_bodies.c.event_id == event.event_id)
        text = self._connection.execute(query).scalar()
        if text is None:
            return None
        raw = str(text).encode()
        if digest(raw) != event.body_digest:
            raise IntegrityError(f"The bytes of {event.event_id} are not what was received.")
        return raw

    def find(self, wanted: EventFilter, *, limit: int = 1_000) -> list[StoredEvent]:
        """Stored events, newest first."""
        e = webhook_events.c
        query = select(webhook_events).order_by(e.received_at.desc(), e.event_id.desc())
        for name in ("provider", "type", "state", "payment_id"):
            value = getattr(wanted, name)
            if value is not None:
                query = query.where(e[name] == value)
        if wanted.start is not None:
            query = query.where(e.received_at >= to_micros(wanted.start))
        if wanted.end is not None:
            query = query.where(e.received_at < to_micros(wanted.end))
        return [_event(row) for row in self._connection.execute(query.limit(limit))]

    def due(self, now: datetime, limit: int) -> list[StoredEvent]:
        """Events to be tried now, longest due first."""
        e = webhook_events.c
        query = (
            select(webhook_events)
            .where(e.next_attempt_at <= to_micros(now))
            .order_by(e.next_attempt_at, e.event_id)
            .limit(limit)
        )
        return [_event(row) for row in self._connection.execute(query)]

    def save(self, event: StoredEvent) -> None:
        """Write what became of an event."""
        done, following = event.done_at, event.next_attempt_at
        self._connection.execute(
            update(webhook_events)
            .where(webhook_events.c.event_id == event.event_id)
            .values(
                payment_id=event.payment_id,
                state=event.state,
                attempts=event.attempts,
                next_attempt_at=None if following is None else to_micros(following),
                last_error=event.last_error,
                done_at=None if done is None else to_micros(done),
            )
        )

    def belongs(self, event_id: str, payment_id: str) -> None:
        """Write whose payment an event is about, and nothing else of it."""
        self._connection.execute(
            update(webhook_events)
            .where(webhook_events.c.event_id == event_id)
            .values(payment_id=payment_id)
        )

    def tried(self, event_id: str) -> int:
        """How often an event was tried: the number of its last attempt."""
        a = webhook_attempts.c
        query = select(func.max(a.number)).where(a.event_id == event_id)
        return int(self._connection.execute(query).scalar() or 0)

    def add_attempt(self, event_id: str, attempt: Attempt) -> None:
        """Keep one attempt."""
        self._connection.execute(
            insert(webhook_attempts).values(
                event_id=event_id,
                number=attempt.number,
                at=to_micros(attempt.at),
                outcome=attempt.outcome,
                error=attempt.error,
                operator=attempt.operator,
            )
        )

    def attempts(self, event_id: str) -> list[Attempt]:
        """Every attempt at an event, oldest first."""
        a = webhook_attempts.c
        rows = self._connection.execute(
            select(webhook_attempts).where(a.event_id == event_id).order_by(a.number)
        )
        return [
            Attempt(r.number, from_micros(r.at), EventState(r.outcome), r.error, r.operator)
            for r in rows
        ]

    def add_refusal(
        self, refusal_id: str, provider: str, at: datetime, source: str, reason: str, body: bytes
    ) -> None:
        """Keep that bytes were refused: their digest, never themselves."""
        self._connection.execute(
            insert(webhook_refusals).values(
                refusal_id=refusal_id,
                provider=provider,
                at=to_micros(at),
                source=source,
                reason=reason,
                body_digest=digest(body),
                size=len(body),
            )
        )

    def refused(self, since: datetime) -> dict[tuple[str, str], int]:
        """How many deliveries were refused since then, by provider and reason."""
        r = webhook_refusals.c
        query = (
            select(r.provider, r.reason, func.count())
            .where(r.at >= to_micros(since))
            .group_by(r.provider, r.reason)
        )
        return {(row[0], row[1]): int(row[2]) for row in self._connection.execute(query)}

    def counts(self) -> dict[tuple[str, str], int]:
        """How many events there are, by provider and state."""
        e = webhook_events.c
        query = select(e.provider, e.state, func.count()).group_by(e.provider, e.state)
        return {(row[0], row[1]): int(row[2]) for row in self._connection.execute(query)}


def _name(event: StoredEvent) -> _Name:
    return event.owner, event.provider_event_id


def _order(name: _Name) -> tuple[str, ...]:
    owner, event_id = name
    return owner.provider, owner.account, owner.mode, event_id


def _is(owner: ProviderAccount) -> tuple[Any, ...]:
    e = webhook_events.c
    return e.provider == owner.provider, e.account == owner.account, e.mode == owner.mode


def _row(event: StoredEvent) -> dict[str, object]:
    following = event.next_attempt_at
    return {name: getattr(event, name) for name in _KEPT} | {
        "provider": event.owner.provider,
        "account": event.owner.account,
        "mode": event.owner.mode,
        "topic": event.topic,
        "occurred_at": to_micros(event.occurred_at),
        "received_at": to_micros(event.received_at),
        "source": event.source,
        "proof": event.proof,
        "state": event.state,
        "next_attempt_at": None if following is None else to_micros(following),
        "done_at": None,
    }


def _event(row: Row[Any]) -> StoredEvent:
    event = StoredEvent(
        **{name: getattr(row, name) for name in _KEPT},
        owner=ProviderAccount(row.provider, row.account, row.mode),
        topic=Topic(row.topic),
        occurred_at=from_micros(row.occurred_at),
        received_at=from_micros(row.received_at),
        source=Source(row.source),
        proof=Proof(row.proof),
        state=EventState(row.state),
    )
    following, done = row.next_attempt_at, row.done_at
    return replace(
        event,
        next_attempt_at=None if following is None else from_micros(following),
        done_at=None if done is None else from_micros(done),
    )
