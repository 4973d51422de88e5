"""Orphans: money at the provider that none of our payments knows of, found by listing a window.

An object that carries the id of a payment whose own object we never heard of is adopted; any other
money goes to the review queue, and leaves it once a payment of ours knows of it.
"""

from datetime import datetime

from domain.audit import canonical
from domain.errors import NotFound
from domain.operator import Permission
from domain.payment import Payment, Snapshot, Stage
from domain.provider import ProviderAccount
from domain.recovery import Orphans
from domain.review import Review, ReviewKind
from domain.settlement import LineKind, LineStatus
from tscli.services.booking import learn
from tscli.services.context import Context
from tscli.services.permission import require
from tscli.services.reviewing import close, queue
from tscli.services.steps import owner_of


async def find_orphans(
    context: Context, provider_name: str, start: datetime, end: datetime, *, dry_run: bool = False
) -> Orphans:
    """Compare the provider's payments created in [start, end) with ours.

    Raises:
        ProviderError: the provider could not be asked; what it listed so far was compared.
    """
    require(context, Permission.RECOVER)
    listed, adopted, reviews = 0, [], []
    async with context.open_provider(provider_name) as provider:
        async for snapshot in provider.payments(start, end):
            listed += 1
            ours = _ours(context, provider.account, snapshot)
            if ours is not None and ours.provider_payment_id == snapshot.provider_payment_id:
                continue
            if ours is not None and ours.provider_payment_id is None:
                if _adopt(context, ours, snapshot, dry_run=dry_run):
                    adopted.append(ours.payment_id)
            elif _has_money(snapshot):
                reviews.append(_orphan(context, provider.account, snapshot, ours, dry_run=dry_run))
        if not dry_run:
            _close_known(context, provider.account)
    return Orphans(listed, tuple(adopted), tuple(reviews))


def _ours(context: Context, owner: ProviderAccount, snapshot: Snapshot) -> Payment | None:
    """The payment an object belongs to: by its own id, else by the id of ours that it carries."""
    with context.database.read() as books:
        if books.payments.known(owner, [snapshot.provider_payment_id]):
            (found,) = books.payments.find(search=snapshot.provider_payment_id, limit=1)
            return found
        if not snapshot.payment_id:
            return None
        try:
            named = books.payments.get(snapshot.payment_id)
        except NotFound:
            return None
    return named if owner_of(named) == owner else None


def _has_money(snapshot: Snapshot) -> bool:
    """Whether money moved, or is held so that it could be taken."""
    moved = any(
        m.kind is LineKind.CHARGE and m.status in (LineStatus.SUCCEEDED, LineStatus.PENDING)
        for m in snapshot.movements
    )
    return moved or snapshot.stage in (Stage.AUTHORIZED, Stage.CAPTURED)


def _adopt(context: Context, payment: Payment, snapshot: Snapshot, *, dry_run: bool) -> bool:
    """Let a payment know of its lost object; whether that taught us anything."""
    with context.database.transaction(dry_run=dry_run) as books:
        held = books.payments.get(payment.payment_id, lock=True)
        if held.provider_payment_id is not None:
            return False
        return bool(learn(books, context, held, snapshot).facts)


def _orphan(
    context: Context,
    owner: ProviderAccount,
    snapshot: Snapshot,
    ours: Payment | None,
    *,
    dry_run: bool,
) -> Review:
    now = context.clock.now()
    reason = "The provider shows money that none of our payments knows of."
    if ours is not None:
        reason = f"A second object with money carries {ours.payment_id}, which has another one."
    seen = {
        "provider_payment_id": snapshot.provider_payment_id,
        "payment_id": snapshot.payment_id,
        "order_reference": snapshot.order_reference,
        "stage": snapshot.stage.name.lower(),
        "movements": [[m.kind, m.reference, m.amount_minor, m.status] for m in snapshot.movements],
    }
    review = Review(
        review_id=context.ids.new("rev"),
        owner=owner,
        kind=ReviewKind.ORPHAN,
        subject=snapshot.provider_payment_id,
        payment_id=ours.payment_id if ours else "",
        operation_id="",
        amount_minor=snapshot.amount_minor,
        currency=snapshot.currency,
        reason=reason,
        evidence=canonical(seen).decode(),
        opened_at=now,
        seen_at=now,
    )
    with context.database.transaction(dry_run=dry_run) as books:
        queue(books, context, review)
        waiting = books.reviews.find(kind=ReviewKind.ORPHAN, provider=owner.provider)
    return next((r for r in waiting if r.subject == review.subject and r.owner == owner), review)


def _close_known(context: Context, owner: ProviderAccount) -> None:
    """Take out of the queue what a payment of ours has come to know."""
    with context.database.transaction() as books:
        waiting = [
            r
            for r in books.reviews.find(kind=ReviewKind.ORPHAN, provider=owner.provider)
            if r.owner == owner
        ]
        known = books.payments.known(owner, [r.subject for r in waiting])
        for review in waiting:
            if review.subject in known:
                close(books, context, review, "A payment of ours knows of it.")
