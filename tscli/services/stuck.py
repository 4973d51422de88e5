"""Which payments are due to be asked for: unsettled ones, and those with something unfinished."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from db.database import Books
from domain.operation import next_check_at
from domain.provider import ProviderAccount
from tscli.services.context import Context


@dataclass(frozen=True, slots=True)
class Stuck:
    """One payment that has not come to its end."""

    payment_id: str
    owner: ProviderAccount
    since: datetime
    due_at: datetime
    """When it is to be asked for by the schedule."""


def stuck_payments(
    books: Books,
    now: datetime,
    *,
    older_than: timedelta | None = None,
    provider: str | None = None,
) -> list[Stuck]:
    """What is due, longest due first.

    With `older_than` the schedule does not count: all that is unsettled for at least so long.
    """
    found: dict[str, Stuck] = {}
    for payment_id, owner, since, due_at in books.payments.unsettled():
        found[payment_id] = Stuck(payment_id, owner, since, due_at)
    for payment_id, owner, since, looked in books.operations.unfinished():
        due_at = next_check_at(since, looked)
        known = found.get(payment_id)
        if known is None or due_at < known.due_at:
            found[payment_id] = Stuck(payment_id, owner, since, due_at)
    due = (s for s in found.values() if _is_due(s, now, older_than))
    wanted = (s for s in due if provider in (None, s.owner.provider))
    return sorted(wanted, key=lambda s: (s.due_at, s.payment_id))


def _is_due(stuck: Stuck, now: datetime, older_than: timedelta | None) -> bool:
    return stuck.due_at <= now if older_than is None else stuck.since <= now - older_than


def looked_at(context: Context, payment_id: str) -> None:
    """Put off the next look at what is still unsettled, later and later."""
    now = context.clock.now()
    with context.database.transaction() as books:
        payment = books.payments.get(payment_id)
        if payment.next_check_at is not None:
            books.payments.postpone(payment_id, next_check_at(payment.created_at, now))
        for operation in books.operations.of_payment(payment_id, only_open=True):
            books.operations.look(operation.operation_id, now)
