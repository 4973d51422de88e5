"""PayPal's rules for orders, authorizations, captures and refunds, through its face."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.providers.paypal.descriptions import load
from tests.providers.paypal.market import HELD, ORDERS, TAKEN, Market, payment

USD_1 = {"currency_code": "USD", "value": "1.00"}
SOURCE = {"paypal": {"experience_context": {"return_url": "https://shop.example/back"}}}


@pytest.fixture
def market() -> Iterator[Market]:
    opened = Market(load())
    yield opened
    opened.world.close()


@pytest.mark.parametrize(
    ("body", "status", "issue"),
    [
        ({"intent": "CAPTURE"}, 400, "MISSING_REQUIRED_PARAMETER"),
        ({"value": "0.00"}, 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ({"value": "-1.00"}, 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ({"value": "1.005"}, 422, "DECIMAL_PRECISION"),
        ({"value": "1e3"}, 400, "INVALID_PARAMETER_SYNTAX"),
        ({"value": "99999999.00"}, 422, "MAX_VALUE_EXCEEDED"),
        ({"currency": "QQQ"}, 422, "INVALID_CURRENCY_CODE"),
        ({"intent": "SALE"}, 400, "INVALID_PARAMETER_VALUE"),
        ({"custom_id": "x" * 128}, 400, "INVALID_STRING_LENGTH"),
        ({"custom_id": 5}, 400, "INVALID_PARAMETER_SYNTAX"),
        ({"payment_source": SOURCE}, 400, "PAYPAL_REQUEST_ID_REQUIRED"),
    ],
)
def test_odd_orders_are_refused(
    market: Market, body: dict[str, Any], status: int, issue: str
) -> None:
    """Proves: each odd order is refused by PayPal's own issue, and none is made."""
    whole = body if body == {"intent": "CAPTURE"} else market.wish(**body)
    assert market.refused(status, "POST", ORDERS, whole) == issue
    assert market.world.intents() == []


def test_currencies_without_decimals(market: Market) -> None:
    """Proves: decimals of yen, forint and Taiwan dollar are refused, even when they are zeros."""
    order = market.bought("AUTHORIZE", value="1200", currency="HUF")
    path = f"{HELD}/{payment(order, 'authorizations')['id']}/capture"
    odd = {"amount": {"currency_code": "HUF", "value": "10.00"}}
    assert market.refused(422, "POST", path, odd) == "DECIMALS_NOT_SUPPORTED"


def test_an_invoice_id_is_paid_once(market: Market) -> None:
    """Proves: payments, captures and refunds of one account never share an invoice id."""
    order = market.bought(invoice_id="INV-1")
    capture_id = payment(order, "captures")["id"]
    again = market.wish(invoice_id="INV-1")
    assert market.refused(422, "POST", ORDERS, again) == "DUPLICATE_INVOICE_ID"
    held = payment(market.bought("AUTHORIZE", invoice_id="INV-2"), "authorizations")["id"]
    taken = {"amount": USD_1, "invoice_id": "INV-1"}
    assert market.refused(422, "POST", f"{HELD}/{held}/capture", taken) == "DUPLICATE_INVOICE_ID"
    path = f"{TAKEN}/{capture_id}/refund"
    assert market.refused(422, "POST", path, taken) == "DUPLICATE_INVOICE_ID"
    assert market.moved() == [10_000]


def test_an_authorization_is_captured_in_parts(market: Market) -> None:
    """Proves: parts up to the whole, each with its own fee, and not a cent or a part more."""
    held = payment(market.bought("AUTHORIZE"), "authorizations")["id"]
    path = f"{HELD}/{held}/capture"
    part = market.send("POST", path, {"amount": {**USD_1, "value": "60.00"}})
    assert (part["status"], part["final_capture"]) == ("COMPLETED", False)
    assert market.send("GET", f"{HELD}/{held}")["status"] == "PARTIALLY_CAPTURED"
    more = {"amount": {**USD_1, "value": "40.01"}}
    assert market.refused(422, "POST", path, more) == "MAX_CAPTURE_AMOUNT_EXCEEDED"
    assert market.refused(422, "POST", f"{HELD}/{held}/void") == "PREVIOUSLY_CAPTURED"
    assert market.send("POST", path)["amount"]["value"] == "40.00"
    assert market.refused(422, "POST", path) == "AUTHORIZATION_ALREADY_CAPTURED"
    yen = {"amount": {"currency_code": "JPY", "value": "1"}}
    assert market.refused(422, "POST", path, yen) == "AUTH_CAPTURE_CURRENCY_MISMATCH"
    assert market.moved() == [6_000, 4_000]


def test_a_voided_authorization_is_done(market: Market) -> None:
    """Proves: void answers with nothing unless asked, and nothing can be done afterwards."""
    order = market.bought("AUTHORIZE")
    held = payment(order, "authorizations")["id"]
    assert market.send("POST", f"{HELD}/{held}/void", whole=False, ok=204) == {}
    assert market.refused(422, "POST", f"{HELD}/{held}/void") == "PREVIOUSLY_VOIDED"
    assert market.refused(422, "POST", f"{HELD}/{held}/capture") == "AUTHORIZATION_VOIDED"
    assert market.refused(422, "POST", f"{HELD}/{held}/reauthorize") == "AUTHORIZATION_VOIDED"
    assert market.send("GET", f"{ORDERS}/{order['id']}")["status"] == "VOIDED"


def test_orders_are_paid_by_the_call_of_their_intent(market: Market) -> None:
    """Proves: the wrong call, an early call and a second call are each refused by name."""
    order = market.send("POST", ORDERS, market.wish())["id"]
    assert market.refused(422, "POST", f"{ORDERS}/{order}/authorize") == (
        "ACTION_DOES_NOT_MATCH_INTENT"
    )
    assert market.refused(422, "POST", f"{ORDERS}/{order}/capture") == "ORDER_NOT_APPROVED"
    market.world.approve(order)
    market.send("POST", f"{ORDERS}/{order}/capture")
    assert market.refused(422, "POST", f"{ORDERS}/{order}/capture") == "ORDER_ALREADY_CAPTURED"
    assert market.moved() == [10_000]


def test_orders_change_while_nobody_paid(market: Market) -> None:
    """Proves: PayPal's patchable members change, others and paid orders do not."""
    order = market.send("POST", ORDERS, market.wish())["id"]
    path, unit = f"{ORDERS}/{order}", "/purchase_units/@reference_id=='default'"
    change = [
        {"op": "replace", "path": "/intent", "value": "AUTHORIZE"},
        {"op": "replace", "path": f"{unit}/amount", "value": {**USD_1, "value": "7.00"}},
        {"op": "add", "path": f"{unit}/custom_id", "value": "pay_9"},
        {"op": "add", "path": f"{unit}/invoice_id", "value": "INV-9"},
        {"op": "add", "path": f"{unit}/description", "value": "Boots"},
    ]
    assert market.send("PATCH", path, change) == {}
    shown = market.send("GET", path)
    assert shown["intent"] == "AUTHORIZE"
    assert shown["purchase_units"][0]["amount"]["value"] == "7.00"
    assert shown["purchase_units"][0]["custom_id"] == "pay_9"
    for op, at, status, issue in (
        ("remove", "/intent", 400, "INVALID_PATCH_OPERATION"),
        ("replace", "/status", 400, "FIELD_NOT_PATCHABLE"),
        ("replace", "/intent", 422, "UNSUPPORTED_INTENT"),
        ("add", "/purchase_units/@reference_id=='x'/custom_id", 422, "REFERENCE_ID_NOT_FOUND"),
    ):
        odd = [{"op": op, "path": at, "value": "x"}]
        assert market.refused(status, "PATCH", path, odd) == issue
    paid = market.bought()["id"]
    assert market.refused(422, "PATCH", f"{ORDERS}/{paid}", change[:1]) == "ORDER_ALREADY_COMPLETED"


def test_a_vaulted_source_pays_in_one_step(market: Market) -> None:
    """Proves: an order made with a vaulted source is paid at once; a declined one is not made."""
    source = {"card": {"vault_id": "pm_card_visa"}}
    paid = market.send("POST", ORDERS, market.wish(payment_source=source), key="k")
    assert (paid["status"], market.moved()) == ("COMPLETED", [10_000])
    assert paid["payment_source"]["card"]["last_digits"] == "4242"
    bad = market.wish(payment_source={"card": {"vault_id": "pm_card_chargeDeclined"}})
    assert market.refused(422, "POST", ORDERS, bad, "k2") == "INSTRUMENT_DECLINED"
    odd = market.wish(payment_source={"paypal": {"vault_id": "pm_card_visa"}})
    assert market.refused(422, "POST", ORDERS, odd, "k3") == "MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE"
    assert len(market.world.intents()) == 1


def test_a_source_can_be_named_later(market: Market) -> None:
    """Proves: naming a vaulted source approves an order, naming a wallet asks its owner."""
    order = market.send("POST", ORDERS, market.wish())["id"]
    path = f"{ORDERS}/{order}/confirm-payment-source"
    asked = market.send("POST", path, {"payment_source": {"paypal": {}}})
    assert asked["status"] == "PAYER_ACTION_REQUIRED"
    card = {"payment_source": {"card": {"vault_id": "pm_card_visa"}}}
    assert market.send("POST", path, card)["status"] == "APPROVED"
    market.send("POST", f"{ORDERS}/{order}/capture")
    assert market.refused(422, "POST", path, card) == "ORDER_ALREADY_CAPTURED"


def test_refunds_stay_within_the_capture(market: Market) -> None:
    """Proves: parts, the rest, and nothing beyond; a disputed capture is not refunded."""
    capture_id = payment(market.bought(), "captures")["id"]
    path = f"{TAKEN}/{capture_id}/refund"
    market.send("POST", path, {"amount": {**USD_1, "value": "99.00"}})
    assert market.refused(422, "POST", path, {"amount": {**USD_1, "value": "1.01"}}) == (
        "REFUND_AMOUNT_EXCEEDED"
    )
    assert market.send("GET", f"{TAKEN}/{capture_id}")["status"] == "PARTIALLY_REFUNDED"
    assert market.send("POST", path)["amount"]["value"] == "1.00"
    assert market.send("GET", f"{TAKEN}/{capture_id}")["status"] == "REFUNDED"
    assert market.refused(422, "POST", path) == "CAPTURE_FULLY_REFUNDED"
    yen = {"amount": {"currency_code": "JPY", "value": "1"}}
    assert market.refused(422, "POST", path, yen) == "REFUND_CAPTURE_CURRENCY_MISMATCH"


def test_a_payment_under_review_is_not_refunded(market: Market) -> None:
    """Proves: a pending capture shows why and no fee, and refuses refunds until it completes."""
    taken = payment(market.bought(wallet="wallet_review"), "captures")
    assert taken["status_details"] == {"reason": "PENDING_REVIEW"}
    assert "seller_receivable_breakdown" not in taken
    path = f"{TAKEN}/{taken['id']}/refund"
    assert market.refused(422, "POST", path) == "PENDING_CAPTURE"
    market.clock.advance(timedelta(days=1))
    market._token = ""
    market.send("POST", path)
    assert market.moved() == [10_000, -10_000]


def test_only_test_cards_are_kept(market: Market) -> None:
    """Proves: a number that is not a published test number is refused and never repeated."""
    body = {"payment_source": {"card": {"number": "4111111111111111"}}}
    response = market.raw(
        "POST", "/v3/vault/setup-tokens", json=body,
        headers={"Authorization": f"Bearer {market.token()}"},
    )  # fmt: skip
    assert response.status_code == 422
    assert "4111" not in response.text
