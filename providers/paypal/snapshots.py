"""PayPal's objects as snapshots and movements: pure reading, no calls.

Sources: PayPal's Orders v2, Payments v2 and Disputes references. An order says COMPLETED when its
intent is fulfilled, whatever became of the money: only its payments say that.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from domain.clock import utc
from domain.errors import OutcomeUnknown, Rejected
from domain.payment import Snapshot, Stage
from domain.provider import MethodView, ProviderAccount
from domain.settlement import LineKind, LineStatus
from domain.transaction import Movement
from providers.paypal.amounts import from_paypal
from providers.paypal.errors import reading

CAPTURE, AUTHORIZE = "CAPTURE", "AUTHORIZE"
WALLET = "paypal"
"""Method token of a payer who is asked at PayPal; every other token is a vault id."""

TAKEN = frozenset({"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"})
"""Statuses of captures whose money came in."""
HELD = frozenset({"CREATED", "PARTIALLY_CAPTURED"})
"""Statuses of authorizations that can be captured."""

_CAPTURES = {
    **dict.fromkeys(TAKEN, Stage.CAPTURED),
    "PENDING": Stage.UNDERWAY,
    "DECLINED": Stage.FAILED,
    "FAILED": Stage.FAILED,
}
_AUTHORIZATIONS = {
    **dict.fromkeys(HELD, Stage.AUTHORIZED),
    "CAPTURED": Stage.UNDERWAY,
    "PENDING": Stage.UNDERWAY,
    "DENIED": Stage.FAILED,
    "VOIDED": Stage.CANCELLED,
    "EXPIRED": Stage.CANCELLED,
}
_ORDERS = {
    "CREATED": Stage.CREATED,
    "SAVED": Stage.CREATED,
    "PAYER_ACTION_REQUIRED": Stage.ACTION,
    "APPROVED": Stage.APPROVED,
    "VOIDED": Stage.CANCELLED,
}
_REFUNDS = {
    "PENDING": LineStatus.PENDING,
    "COMPLETED": LineStatus.SUCCEEDED,
    "FAILED": LineStatus.FAILED,
    "CANCELLED": LineStatus.CANCELLED,
}
_MODES = {
    "api.paypal.com": "live",
    "api-m.paypal.com": "live",
    "api.sandbox.paypal.com": "test",
    "api-m.sandbox.paypal.com": "test",
}
"""Host of an object's own links -> the mode it belongs to."""


def snapshot(
    order: Any, owner: ProviderAccount, merchant_id: str = "", disputes: Iterable[Any] = ()
) -> Snapshot:
    """An order and what belongs to it.

    An order whose payer agreed and whose money waits for our call is ACTION without a link: nobody
    else has to act.

    Raises:
        Rejected: the order belongs to the other mode or to another merchant.
        OutcomeUnknown: it says something this adapter cannot read.
        LookupError, TypeError, ValueError: it has an odd shape.
    """
    unit = only_unit(order)
    check_owner(order, owner, unit.get("payee"), merchant_id)
    currency = str(unit["amount"]["currency_code"])
    stage = stage_of(order)
    moved = [_charge(c, currency) for c in payments(order, "captures") if c["status"] in TAKEN]
    moved += [refund(r) for r in payments(order, "refunds")]
    moved += [line for d in disputes for line in dispute(d, currency)]
    code = _failure(order) if stage is Stage.FAILED else ""
    return Snapshot(
        provider=owner.provider,
        account=owner.account,
        mode=owner.mode,
        provider_payment_id=str(order["id"]),
        stage=stage,
        amount_minor=from_paypal(unit["amount"]),
        currency=currency,
        movements=tuple(moved),
        payment_id=_text(unit, "custom_id") or None,
        order_reference=_order_reference(unit),
        failure_code=code,
        failure_message="PayPal declined the payment." if code else "",
        next_action_url=_action_url(order) if stage is Stage.ACTION else "",
    )


def _order_reference(unit: Any) -> str:
    """What we sent as invoice id: an order reference, or our payment id where there was none."""
    sent = _text(unit, "invoice_id")
    return "" if sent == _text(unit, "custom_id") else sent


def stage_of(order: Any) -> Stage:
    """How far an order has come: its payments decide, then the fence, then its own status.

    Raises:
        OutcomeUnknown: a status this adapter does not know.
    """
    captures, holds = payments(order, "captures"), payments(order, "authorizations")
    # An authorization that was captured has its say through its captures.
    silent = {"CAPTURED"} if captures else set()
    stages = [_stage(_CAPTURES, c) for c in captures]
    stages += [_stage(_AUTHORIZATIONS, a) for a in holds if a["status"] not in silent]
    if stages:
        # A second authorization is made when the first lapsed: the living one speaks.
        living = [s for s in stages if s in (Stage.CAPTURED, Stage.AUTHORIZED, Stage.UNDERWAY)]
        return max(living or stages)
    if is_fenced(order):
        return Stage.CANCELLED
    if order["status"] == "COMPLETED":
        raise OutcomeUnknown("PayPal shows a completed order without its payments.")
    return _stage(_ORDERS, order)


def verb_of(order: Any) -> str:
    """What the order was made for, CAPTURE or AUTHORIZE: written where nobody can change it.

    An order made elsewhere has no such mark and is what its intent says.
    """
    made_for = str(only_unit(order).get("reference_id") or "")
    return made_for if made_for in (CAPTURE, AUTHORIZE) else str(order["intent"])


def is_fenced(order: Any) -> bool:
    """Whether our call that would move the order's money is refused by now: another intent."""
    return str(order["intent"]) != verb_of(order)


def only_unit(order: Any) -> Any:
    """The one purchase unit of our orders.

    Raises:
        ValueError: there are others: not an order of ours.
    """
    (unit,) = order["purchase_units"]
    return unit


def payments(order: Any, what: str) -> list[Any]:
    """Authorizations, captures or refunds of an order, as PayPal lists them."""
    return list((only_unit(order).get("payments") or {}).get(what) or ())


def open_authorizations(order: Any) -> list[Any]:
    """Authorizations that can be captured or voided, newest first."""
    held = [a for a in payments(order, "authorizations") if a["status"] in HELD]
    return sorted(held, key=lambda a: str(a.get("create_time") or ""), reverse=True)


def check_owner(
    found: Any, owner: ProviderAccount, payee: Any = None, merchant_id: str = ""
) -> None:
    """Let objects of our own mode and merchant pass; objects that do not say pass, too.

    Raises:
        Rejected: it is a live object in test mode or the reverse, or another merchant's.
    """
    for link in found.get("links") or ():
        mode = _MODES.get(urlsplit(str(link["href"])).hostname or "")
        if mode and mode != owner.mode:
            raise Rejected(
                f"PayPal answered with a {mode} object, this account is pinned to {owner.mode}"
                " mode.",
                reason="mode_mismatch",
            )
    theirs = str((payee or {}).get("merchant_id") or "")
    if theirs and merchant_id and theirs != merchant_id:
        raise Rejected(
            f"PayPal answered with an object of merchant {theirs}, ours is {merchant_id}.",
            reason="mode_mismatch",
        )


def refund(r: Any) -> Movement:
    """A refund as a movement; a fee that PayPal gives back is a negative cost."""
    currency = str(r["amount"]["currency_code"])
    stated = (r.get("seller_payable_breakdown") or {}).get("paypal_fee")
    return Movement(
        kind=LineKind.REFUND,
        reference=str(r["id"]),
        amount_minor=-from_paypal(r["amount"]),
        fee_minor=-from_paypal(stated, currency) if stated else None,
        status=_REFUNDS[r["status"]],
        occurred_at=instant(r["create_time"]),
        operation_id=_text(r, "custom_id") or None,
    )


def dispute(d: Any, currency: str) -> list[Movement]:
    """What a dispute took from us and gave back so far; nothing for a claim that took nothing."""
    ours = [m for m in d.get("money_movements") or () if m.get("affected_party") == "SELLER"]
    fees = [m for m in ours if str(m.get("reason")).endswith("_FEE")]
    taken = [m for m in ours if m["type"] == "DEBIT" and m not in fees]
    given = [m for m in ours if m["type"] == "CREDIT" and m not in fees]
    fee = sum(_signed(m, currency) for m in fees)
    return [
        Movement(
            kind=kind,
            reference=str(d["dispute_id"]),
            amount_minor=-sum(_signed(m, currency) for m in parts),
            fee_minor=cost,
            status=LineStatus.SUCCEEDED,
            occurred_at=min(instant(m["initiated_time"]) for m in parts),
        )
        for kind, parts, cost in (
            (LineKind.DISPUTE, taken, fee),
            (LineKind.DISPUTE_REVERSAL, given, 0),
        )
        if parts
    ]


def method(token: Any) -> MethodView:
    """A vaulted payment method: what may be shown of it."""
    kind, shown = next(iter(token["payment_source"].items()))
    return MethodView(
        token=str(token["id"]),
        type=str(kind),
        brand=_text(shown, "brand").lower(),
        last4=_text(shown, "last_digits"),
        expires=_text(shown, "expiry"),
    )


def instant(text: str) -> datetime:
    """PayPal's date and time as an instant.

    Raises:
        ValueError: it is none, or has no zone.
    """
    return utc(datetime.fromisoformat(text))


def _charge(c: Any, currency: str) -> Movement:
    stated = (c.get("seller_receivable_breakdown") or {}).get("paypal_fee")
    # A fee in another currency cannot stand beside this amount: it stays unstated.
    same = stated and stated["currency_code"] == currency
    return Movement(
        kind=LineKind.CHARGE,
        reference=str(c["id"]),
        amount_minor=from_paypal(c["amount"], currency),
        fee_minor=from_paypal(stated) if same else None,
        status=LineStatus.SUCCEEDED,
        occurred_at=instant(c["create_time"]),
    )


def _signed(m: Any, currency: str) -> int:
    minor = from_paypal(m["amount"], currency)
    return minor if m["type"] == "DEBIT" else -minor


def _stage(table: dict[str, Stage], found: Any) -> Stage:
    status = str(found["status"])
    if status not in table:
        raise OutcomeUnknown(f"PayPal's status {status!r} is unknown to this program.")
    return table[status]


def _failure(order: Any) -> str:
    failed = [*payments(order, "captures"), *payments(order, "authorizations")]
    reasons = [_text(p.get("status_details") or {}, "reason") for p in failed]
    return next((r for r in reasons if r), "DECLINED")


def _action_url(order: Any) -> str:
    links = {str(link["rel"]): str(link["href"]) for link in order.get("links") or ()}
    return links.get("payer-action") or links.get("approve") or ""


def _text(found: Any, name: str) -> str:
    return str(found.get(name) or "")


def joined(order: Any, what: str, made: Any) -> dict[str, Any]:
    """The order we read before, with what has just been made of it.

    Raises:
        OutcomeUnknown: the answer is no such thing.
    """
    with reading(asking=False):
        unit = only_unit(order)
        listed = [p for p in payments(order, what) if p["id"] != made["id"]]
        known = {**(unit.get("payments") or {}), what: [*listed, made]}
        return {**order, "purchase_units": [{**unit, "payments": known}]}
