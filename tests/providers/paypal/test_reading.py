"""Reading PayPal's objects: what each status means, what odd shapes come to, money kept exact."""

from typing import Any

import pytest

from domain.errors import CapabilityMissing, OutcomeUnknown, Rejected
from domain.payment import Stage
from domain.provider import ProviderAccount
from domain.settlement import LineKind, LineStatus
from providers.paypal import bodies
from providers.paypal.amounts import from_paypal, to_paypal
from providers.paypal.exports import EVENT_CODES, NOT_MONEY
from providers.paypal.search import balance_line, is_money
from providers.paypal.snapshots import dispute, refund, snapshot, stage_of

OWNER = ProviderAccount("paypal", "shop", "test")
USD_100 = {"currency_code": "USD", "value": "100.00"}


def order(status: str = "COMPLETED", intent: str = "CAPTURE", **payments: Any) -> dict[str, Any]:
    """An order with payments."""
    unit = {"reference_id": "CAPTURE", "amount": USD_100, "payments": payments}
    return {"id": "O1", "intent": intent, "status": status, "purchase_units": [unit], "links": []}


def capture(status: str, **more: Any) -> dict[str, Any]:
    """A capture."""
    at = "2026-01-02T03:04:05Z"
    return {"id": "C1", "status": status, "amount": USD_100, "create_time": at, **more}


@pytest.mark.parametrize(
    ("captures", "holds", "stage"),
    [
        (["COMPLETED"], [], Stage.CAPTURED),
        (["REFUNDED"], ["CAPTURED"], Stage.CAPTURED),
        (["PARTIALLY_REFUNDED"], [], Stage.CAPTURED),
        (["PENDING"], ["CAPTURED"], Stage.UNDERWAY),
        (["DECLINED"], [], Stage.FAILED),
        (["FAILED"], ["CAPTURED"], Stage.FAILED),
        (["DECLINED"], ["CREATED"], Stage.AUTHORIZED),
        (["DECLINED", "COMPLETED"], [], Stage.CAPTURED),
        (["COMPLETED"], ["PARTIALLY_CAPTURED"], Stage.CAPTURED),
        ([], ["CREATED"], Stage.AUTHORIZED),
        ([], ["PENDING"], Stage.UNDERWAY),
        ([], ["CAPTURED"], Stage.UNDERWAY),
        ([], ["DENIED"], Stage.FAILED),
        ([], ["VOIDED"], Stage.CANCELLED),
        ([], ["EXPIRED"], Stage.CANCELLED),
        ([], ["VOIDED", "CREATED"], Stage.AUTHORIZED),
    ],
)
def test_the_payments_of_an_order_decide(
    captures: list[str], holds: list[str], stage: Stage
) -> None:
    """Proves: an order's stage is what became of its money, not the order's own COMPLETED."""
    made = order(
        captures=[capture(s) for s in captures],
        authorizations=[{"id": f"A{n}", "status": s} for n, s in enumerate(holds)],
    )
    assert stage_of(made) is stage


@pytest.mark.parametrize(
    ("status", "intent", "stage"),
    [
        ("CREATED", "CAPTURE", Stage.CREATED),
        ("SAVED", "CAPTURE", Stage.CREATED),
        ("PAYER_ACTION_REQUIRED", "CAPTURE", Stage.ACTION),
        ("APPROVED", "CAPTURE", Stage.APPROVED),
        ("VOIDED", "CAPTURE", Stage.CANCELLED),
        ("APPROVED", "AUTHORIZE", Stage.CANCELLED),
        ("CREATED", "AUTHORIZE", Stage.CANCELLED),
    ],
)
def test_an_unpaid_order_by_status_and_fence(status: str, intent: str, stage: Stage) -> None:
    """Proves: an unpaid order is what its status says, unless its intent was turned."""
    assert stage_of(order(status, intent)) is stage


def test_an_order_made_elsewhere_is_no_fenced_one() -> None:
    """Proves: without our mark an order is what its own intent says."""
    made = order("CREATED", "AUTHORIZE")
    made["purchase_units"][0]["reference_id"] = "default"
    assert stage_of(made) is Stage.CREATED


@pytest.mark.parametrize(
    "odd",
    [
        order("NOVEL"),
        order(captures=[capture("NOVEL")]),
        order(authorizations=[{"id": "A", "status": "NOVEL"}]),
        order("COMPLETED"),
    ],
)
def test_words_unheard_of_are_unknown_outcomes(odd: dict[str, Any]) -> None:
    """Proves: a status this program does not know is never taken for success or failure."""
    with pytest.raises(OutcomeUnknown):
        snapshot(odd, OWNER)


def test_two_purchase_units_are_not_ours() -> None:
    """Proves: an order of several units, which we never make, is not read as one."""
    odd = order(captures=[capture("COMPLETED")])
    odd["purchase_units"] *= 2
    with pytest.raises(ValueError, match="unpack"):
        snapshot(odd, OWNER)


@pytest.mark.parametrize(
    ("host", "mode"),
    [("api-m.paypal.com", "live"), ("api.sandbox.paypal.com", "test"), ("127.0.0.1", "")],
)
def test_links_tell_the_mode(host: str, mode: str) -> None:
    """Proves: an object whose own links are of the other mode is refused."""
    made = order(captures=[capture("COMPLETED")])
    made["links"] = [{"href": f"https://{host}/v2/checkout/orders/O1", "rel": "self"}]
    for ours in ("live", "test"):
        owner = ProviderAccount("paypal", "shop", ours)
        if mode in ("", ours):
            assert snapshot(made, owner).mode == ours
        else:
            with pytest.raises(Rejected, match=mode):
                snapshot(made, owner)


def test_a_fee_in_another_currency_stays_unstated() -> None:
    """Proves: a fee is told only in the currency of the capture."""
    fee = {"paypal_fee": {"currency_code": "EUR", "value": "3.00"}}
    shown = snapshot(order(captures=[capture("COMPLETED", seller_receivable_breakdown=fee)]), OWNER)
    assert shown.movements[0].fee_minor is None
    fee = {"paypal_fee": {"currency_code": "USD", "value": "3.00"}}
    shown = snapshot(order(captures=[capture("COMPLETED", seller_receivable_breakdown=fee)]), OWNER)
    assert shown.movements[0].fee_minor == 300


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("COMPLETED", LineStatus.SUCCEEDED),
        ("PENDING", LineStatus.PENDING),
        ("FAILED", LineStatus.FAILED),
        ("CANCELLED", LineStatus.CANCELLED),
    ],
)
def test_refunds(status: str, ours: LineStatus) -> None:
    """Proves: a refund is negative, its returned fee a negative cost, its operation ours."""
    back = capture(status, custom_id="op_1")
    back["seller_payable_breakdown"] = {"paypal_fee": {"currency_code": "USD", "value": "0.47"}}
    read = refund(back)
    assert (read.amount_minor, read.fee_minor) == (-10_000, -47)
    assert (read.status, read.operation_id) == (ours, "op_1")


def test_a_dispute_that_moved_nothing_is_no_movement() -> None:
    """Proves: claims move nothing until money does, and only our side of it counts."""
    part = {"amount": USD_100, "initiated_time": "2026-01-02T03:04:05Z", "type": "CREDIT"}
    theirs = {**part, "affected_party": "BUYER", "reason": "DISPUTE_SETTLEMENT"}
    assert dispute({"dispute_id": "PP-1"}, "USD") == []
    assert dispute({"dispute_id": "PP-1", "money_movements": [theirs]}, "USD") == []


@pytest.mark.parametrize(
    ("currency", "value", "minor"),
    [
        ("USD", "100.00", 10_000), ("USD", "100", 10_000), ("USD", "-0.05", -5),
        ("USD", ".50", 50), ("JPY", "1200", 1200), ("JPY", "1200.00", 1200),
        ("HUF", "1200", 120_000), ("TWD", "5.00", 500), ("USD", "1.000", 100),
    ],
)  # fmt: skip
def test_money_comes_in_exact(currency: str, value: str, minor: int) -> None:
    """Proves: PayPal's texts become minor units; only zeros may be left out."""
    assert from_paypal({"currency_code": currency, "value": value}) == minor


@pytest.mark.parametrize(
    ("currency", "value"),
    [("USD", "1.005"), ("JPY", "12.5"), ("USD", "1e3"), ("USD", ""), ("USD", "NaN"), ("QQQ", "1")],
)
def test_odd_money_is_not_read(currency: str, value: str) -> None:
    """Proves: nothing is rounded and nothing is guessed."""
    with pytest.raises(ValueError):  # noqa: PT011 - any reason will do
        from_paypal({"currency_code": currency, "value": value})


def test_money_in_another_currency_is_not_read() -> None:
    """Proves: an amount of another currency than expected is an odd answer."""
    with pytest.raises(ValueError, match="EUR"):
        from_paypal({"currency_code": "EUR", "value": "1.00"}, "USD")


@pytest.mark.parametrize("currency", ["USD", "JPY", "HUF", "TWD", "EUR"])
def test_money_survives_both_ways(currency: str) -> None:
    """Proves: what goes out comes back, in every kind of currency."""
    for minor in (100, 12_300, 999_999_900):
        assert from_paypal(to_paypal(minor, currency)) == minor


def test_a_fraction_of_a_whole_currency_is_refused() -> None:
    """Proves: PayPal's whole currencies are not rounded to fit."""
    for currency in ("HUF", "TWD"):
        with pytest.raises(CapabilityMissing):
            to_paypal(101, currency)


def test_a_fence_turns_the_intent() -> None:
    """Proves: each intent is turned into the other one, by one operation."""
    for verb, other in (("CAPTURE", "AUTHORIZE"), ("AUTHORIZE", "CAPTURE")):
        assert bodies.fence(verb) == [{"op": "replace", "path": "/intent", "value": other}]


def info(code: str, **more: Any) -> dict[str, Any]:
    """A line of transaction search."""
    return {
        "transaction_id": "T1", "transaction_event_code": code, "transaction_amount": USD_100,
        "transaction_initiation_date": "2019-06-04T01:27:43+0000", **more,
    }  # fmt: skip


def test_lines_of_the_books() -> None:
    """Proves: kind by event code, positive cost, a name of id and code, dates in both spellings."""
    fee = {"currency_code": "USD", "value": "-3.20"}
    line = balance_line(info("T0006", fee_amount=fee))
    assert (line.reference, line.source, line.kind) == ("T1:T0006", "T1", LineKind.CHARGE)
    assert (line.amount_minor, line.fee_minor) == (10_000, 320)
    assert line.occurred_at.isoformat() == "2019-06-04T01:27:43+00:00"
    assert balance_line(info("T1201", paypal_reference_id="C1")).source == "C1"
    assert balance_line(info("T9900")).kind is None


def test_holds_and_unsettled_lines_are_not_money() -> None:
    """Proves: what only holds, shows or waits is no line of the books; no code is both."""
    assert is_money(info("T0006", transaction_status="S"))
    assert not is_money(info("T0006", transaction_status="P"))
    assert not is_money(info("T2101"))
    assert not NOT_MONEY & set(EVENT_CODES)
