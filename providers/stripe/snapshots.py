"""Stripe's objects as snapshots and movements: pure reading, no calls.

Sources: Stripe's PaymentIntent, Charge, Refund and Dispute references. A PaymentIntent is never
"refunded"; refunds and disputes are objects of their own.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.errors import OutcomeUnknown, Rejected
from domain.payment import Snapshot, Stage
from domain.provider import BalanceLine, MethodView, PayoutView, ProviderAccount
from domain.settlement import LineKind, LineStatus
from domain.transaction import Movement
from providers.stripe.amounts import from_stripe
from providers.stripe.exports import CATEGORIES

_STAGES = {
    "requires_payment_method": Stage.CREATED,
    "requires_confirmation": Stage.CREATED,
    "requires_action": Stage.ACTION,
    "processing": Stage.UNDERWAY,
    "requires_capture": Stage.AUTHORIZED,
    "canceled": Stage.CANCELLED,
    "succeeded": Stage.CAPTURED,
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_REFUND_STATUS = {
    "pending": LineStatus.PENDING,
    "requires_action": LineStatus.PENDING,
    "succeeded": LineStatus.SUCCEEDED,
    "failed": LineStatus.FAILED,
    "canceled": LineStatus.CANCELLED,
}


def snapshot(
    intent: Any,
    owner: ProviderAccount,
    refunds: Iterable[Any] = (),
    disputes: Iterable[Any] = (),
) -> Snapshot:
    """A PaymentIntent (with `latest_charge.balance_transaction` expanded) and what belongs to it.

    Raises:
        Rejected: the object belongs to the other mode.
        OutcomeUnknown: the object says something this adapter cannot read.
    """
    check_mode(intent, owner)
    stage = _STAGES.get(intent.status)
    if stage is None:
        raise OutcomeUnknown(f"Stripe's status {intent.status!r} is unknown to this program.")
    error = intent.last_payment_error
    if error is not None:
        stage = {Stage.CREATED: Stage.DECLINED, Stage.CANCELLED: Stage.FAILED}.get(stage, stage)
    currency = intent.currency.upper()
    moved = [_charge(intent, currency)] if intent.amount_received else []
    moved += [refund(r) for r in refunds]
    moved += [line for d in disputes for line in _dispute(d)]
    failed = stage in (Stage.DECLINED, Stage.FAILED)
    return Snapshot(
        provider=owner.provider,
        account=owner.account,
        mode=owner.mode,
        provider_payment_id=intent.id,
        stage=stage,
        amount_minor=from_stripe(intent.amount, currency),
        currency=currency,
        movements=tuple(moved),
        payment_id=_note(intent, "payment_id"),
        order_reference=_note(intent, "order_reference") or "",
        failure_code=_word(error, "decline_code", "code") if failed else "",
        failure_message=_word(error, "message") if failed else "",
        next_action_url=_action_url(intent) if stage is Stage.ACTION else "",
    )


def check_mode(stripe_object: Any, owner: ProviderAccount) -> None:
    """Let objects of our own mode pass.

    Raises:
        Rejected: it is a live object in test mode or the reverse.
    """
    live = bool(getattr(stripe_object, "livemode", False))
    if live != (owner.mode == "live"):
        theirs = "live" if live else "test"
        raise Rejected(
            f"Stripe answered with a {theirs} object, this account is pinned to {owner.mode} mode.",
            reason="mode_mismatch",
        )


def check_account(theirs: str, ours: str) -> None:
    """Let the account pass that this one is pinned to.

    Raises:
        Rejected: the key belongs to another account.
    """
    if theirs != ours:
        raise Rejected(
            f"The key belongs to the Stripe account {theirs}, this one is pinned to {ours}.",
            hint="Set TSCLI_STRIPE__API_KEY to a key of that account.",
            reason="mode_mismatch",
        )


def instant(seconds: int) -> datetime:
    """Stripe's Unix seconds as an instant."""
    return _EPOCH + timedelta(seconds=seconds)


def refund(r: Any) -> Movement:
    """A Refund (with `balance_transaction` expanded) as a movement.

    Once Stripe has booked it on our balance it counts as succeeded, even while the customer's bank
    still has to take it: what is compared is our balance.
    """
    line = _expanded(r.balance_transaction)
    currency = r.currency.upper()
    status = _REFUND_STATUS.get(r.status or "pending", LineStatus.PENDING)
    if status is LineStatus.PENDING and line is not None:
        status = LineStatus.SUCCEEDED
    return Movement(
        kind=LineKind.REFUND,
        reference=r.id,
        amount_minor=-from_stripe(r.amount, currency),
        fee_minor=None if line is None else from_stripe(line.fee, currency),
        status=status,
        occurred_at=instant(line.created if line is not None else r.created),
        operation_id=_note(r, "operation_id"),
    )


def _charge(intent: Any, currency: str) -> Movement:
    charge = _expanded(intent.latest_charge)
    if charge is None:
        raise OutcomeUnknown("Stripe reports captured money without its charge.")
    line = _expanded(charge.balance_transaction)
    return Movement(
        kind=LineKind.CHARGE,
        reference=charge.id,
        amount_minor=from_stripe(intent.amount_received, currency),
        fee_minor=None if line is None else from_stripe(line.fee, currency),
        status=LineStatus.SUCCEEDED,
        occurred_at=instant(line.created if line is not None else charge.created),
    )


def _dispute(d: Any) -> list[Movement]:
    return [
        Movement(
            kind=LineKind.DISPUTE if line.amount < 0 else LineKind.DISPUTE_REVERSAL,
            reference=d.id,
            amount_minor=from_stripe(line.amount, line.currency.upper()),
            fee_minor=from_stripe(line.fee, line.currency.upper()),
            status=LineStatus.SUCCEEDED,
            occurred_at=instant(line.created),
        )
        for line in d.balance_transactions
    ]


def _action_url(intent: Any) -> str:
    redirect = getattr(intent.next_action, "redirect_to_url", None)
    return str(redirect.url) if redirect is not None else ""


def _note(stripe_object: Any, key: str) -> str | None:
    """One entry of the object's metadata; the SDK's objects are no dictionaries."""
    return getattr(stripe_object.metadata, key, None)


def _word(stripe_object: Any, *names: str) -> str:
    """The first of the named fields that says something; Stripe leaves out what does not apply."""
    return next((str(v) for n in names if (v := getattr(stripe_object, n, None))), "")


def _expanded(value: Any) -> Any:
    """The object itself, None when Stripe sent only an id or nothing."""
    return None if value is None or isinstance(value, str) else value


def balance_line(line: Any) -> BalanceLine:
    """A BalanceTransaction."""
    currency = line.currency.upper()
    return BalanceLine(
        reference=line.id,
        source=str(getattr(line.source, "id", line.source) or ""),
        kind=CATEGORIES.get(line.reporting_category),
        category=line.reporting_category,
        amount_minor=from_stripe(line.amount, currency),
        fee_minor=from_stripe(line.fee, currency),
        currency=currency,
        occurred_at=instant(line.created),
        available_at=instant(line.available_on),
    )


def payout(p: Any) -> PayoutView:
    """A Payout."""
    currency = p.currency.upper()
    trace = getattr(p, "trace_id", None)
    return PayoutView(
        reference=p.id,
        amount_minor=from_stripe(p.amount, currency),
        currency=currency,
        status=p.status,
        automatic=p.automatic,
        created_at=instant(p.created),
        arrives_on=instant(p.arrival_date).date().isoformat(),
        trace=str(getattr(trace, "value", None) or ""),
    )


def method(m: Any) -> MethodView:
    """A PaymentMethod: what may be shown of it."""
    card = getattr(m, "card", None)
    if card is not None:
        return MethodView(
            token=m.id,
            type=m.type,
            brand=card.brand,
            last4=card.last4 or "",
            expires=f"{card.exp_year:04d}-{card.exp_month:02d}",
        )
    bank = getattr(m, m.type, None)
    return MethodView(token=m.id, type=m.type, last4=str(getattr(bank, "last4", None) or ""))
