"""Applying what a provider shows: payment, transactions, ledger and audit in one transaction.

This is the only place where an observation becomes a stored fact.
"""

from collections.abc import Sequence
from dataclasses import replace

from db.database import Books
from domain.ledger import Entry, booking, reversed_postings, undone
from domain.operation import next_check_at
from domain.payment import Observation, Payment, PaymentState, Snapshot, observe
from domain.review import ReviewKind
from domain.transaction import Movement
from tscli.services.context import Context
from tscli.services.reviewing import ask_a_person, close_settled

ENDED = frozenset({PaymentState.FAILED, PaymentState.CANCELLED})
"""States that let go of the order."""

_UNSETTLED = frozenset(
    {PaymentState.PENDING, PaymentState.PROCESSING, PaymentState.REQUIRES_ACTION}
)


def learn(books: Books, context: Context, payment: Payment, snapshot: Snapshot) -> Observation:
    """Observe and store; the observation's payment is the stored one.

    A snapshot that contradicts the record is kept in the audit trail and changes nothing else.
    """
    seen = observe(payment, snapshot)
    if not seen.anomalies:
        seen = _unless_taken(books, payment, seen)
    if seen.anomalies:
        _contradicted(books, context, payment, snapshot, seen)
        return seen
    close_settled(books, context, payment.payment_id, "The provider's view agrees with ours.")
    if not seen.facts:
        return seen
    return replace(seen, payment=store(books, context, payment, seen))


def _unless_taken(books: Books, payment: Payment, seen: Observation) -> Observation:
    """What was seen, unless a payment that was over is none after all and its order is another
    one's by now: both cannot hold it, and a person has to give one back."""
    alive = payment.state in ENDED and seen.payment.state not in ENDED
    if not alive or payment.order_reference is None:
        return seen
    other = books.payments.by_order(payment.mode, payment.order_reference)
    if other is None:
        return seen
    said = (
        f"The provider shows it as {seen.payment.state}, ours was {payment.state}, and its order"
        f" {payment.order_reference} has been taken by {other.payment_id} since."
    )
    return Observation(payment, anomalies=(said,))


def _contradicted(
    books: Books, context: Context, payment: Payment, snapshot: Snapshot, seen: Observation
) -> None:
    """Keep what cannot be true, once for as long as a person has not looked at it."""
    evidence = {"anomalies": list(seen.anomalies), "seen": snapshot.provider_payment_id}
    new = ask_a_person(
        books, context, payment, ReviewKind.CONTRADICTED, seen.anomalies[0], evidence=evidence
    )
    if new:
        books.record(context.actor, "payment.contradicted", payment.payment_id, after=evidence)


def store(books: Books, context: Context, before: Payment, seen: Observation) -> Payment:
    """Write an observation's payment, movements, entries and one audit record per fact."""
    now = context.clock.now()
    unsettled = seen.payment.state in _UNSETTLED
    after = replace(
        seen.payment,
        updated_at=now,
        next_check_at=next_check_at(before.created_at, now) if unsettled else None,
    )
    entries = [
        entry for old, new in seen.changed for entry in _entries(books, context, after, old, new)
    ]
    saved = books.payments.save(before, after)
    for number, fact in enumerate(seen.facts):
        books.record(
            context.actor,
            fact,
            saved.payment_id,
            before=summary(before),
            after=summary(saved),
            entries=entries if number == 0 else (),
        )
    return saved


def _entries(
    books: Books, context: Context, payment: Payment, old: Movement | None, new: Movement
) -> Sequence[Entry]:
    transaction_id = books.payments.save_movement(payment, old, new)
    if undone(old, new):
        return reversals(books, context, transaction_id)
    booked = booking(old, new, payment.currency)
    if booked is None or not booked[1]:
        return []
    return [
        Entry(
            entry_id=context.ids.new("ent"),
            transaction_id=transaction_id,
            provider=payment.provider,
            account=payment.account,
            mode=payment.mode,
            kind=booked[0],
            occurred_at=new.occurred_at,
            postings=booked[1],
        )
    ]


def reversals(books: Books, context: Context, transaction_id: str) -> list[Entry]:
    """The entries that undo everything a transaction has booked, dated now."""
    return [
        replace(
            entry,
            entry_id=context.ids.new("ent"),
            kind="reversal",
            postings=reversed_postings(entry.postings),
            reverses=entry.entry_id,
            occurred_at=context.clock.now(),
        )
        for entry in books.ledger.unreversed(transaction_id)
    ]


def summary(payment: Payment) -> dict[str, object]:
    """What the audit trail keeps of a payment: references and amounts, nothing personal."""
    return {
        "state": payment.state,
        "stage": payment.stage.name.lower(),
        "amount_minor": payment.amount_minor,
        "captured_minor": payment.captured_minor,
        "refunded_minor": payment.refunded_minor,
        "disputed_minor": payment.disputed_minor,
        "fee_minor": payment.fee_minor,
        "currency": payment.currency,
        "provider": payment.provider,
        "provider_payment_id": payment.provider_payment_id,
        "failure_code": payment.failure_code,
        "version": payment.version,
    }
