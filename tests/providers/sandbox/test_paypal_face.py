"""PayPal's face over the world: its own rules, each answer held against its API descriptions."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from domain.errors import ConfigurationError
from providers.sandbox.paypal_face import paypal_face
from providers.sandbox.world import World
from tests.providers.paypal.descriptions import load
from tests.providers.paypal.market import HELD, ORDERS, TAKEN, URL, Market, payment

USD_1 = {"currency_code": "USD", "value": "1.00"}
SOURCE = {"paypal": {"experience_context": {"return_url": "https://shop.example/back"}}}


@pytest.fixture
def market() -> Iterator[Market]:
    opened = Market(load())
    yield opened
    opened.world.close()


def test_the_descriptions_find_faults() -> None:
    """Proves: the judge of these tests is no rubber stamp: odd members and values are found."""
    descriptions = load()
    if descriptions is None:
        pytest.skip("PayPal's API descriptions are not beside the project")
    before = descriptions.checked
    good = {"id": "1", "status": "CREATED", "intent": "CAPTURE"}
    path = f"{ORDERS}/1"
    assert not descriptions.problems("GET", path, 200, good)
    for odd in ({"statuz": "x"}, {"status": "NOVEL"}, {"purchase_units": [{"amount": {}}]}):
        assert descriptions.problems("GET", path, 200, {**good, **odd})
    refusal = {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "NOVEL"}], "debug_id": "1"}
    assert descriptions.problems("POST", f"{ORDERS}/1/capture", 422, refusal)
    assert descriptions.checked - before == 5


def test_every_kind_of_answer_is_described(market: Market) -> None:
    """Proves: one tour over all calls passes the descriptions, which were really asked."""
    before = market.descriptions.checked if market.descriptions else 0
    paid, held = market.bought(), market.bought("AUTHORIZE")
    capture_id, held_id = payment(paid, "captures")["id"], payment(held, "authorizations")["id"]
    refund = market.send("POST", f"{TAKEN}/{capture_id}/refund", {"amount": USD_1})
    market.send("POST", f"{HELD}/{held_id}/capture", {"amount": USD_1})
    market.world.dispute(capture_id)
    market.clock.advance(timedelta(hours=3))
    for path in (
        f"{ORDERS}/{paid['id']}", f"{HELD}/{held_id}", f"{TAKEN}/{capture_id}",
        f"/v2/payments/refunds/{refund['id']}", "/v1/customer/disputes", "/v1/reporting/balances",
        f"/v1/customer/disputes/{market.world.disputes()[0].id}",
        "/v1/notifications/webhooks-events?page_size=50",
        "/v1/reporting/transactions?start_date=2026-11-01T00:00:00Z&end_date=2026-11-03T00:00:00Z",
    ):  # fmt: skip
        market.send("GET", path)
    if market.descriptions:
        assert market.descriptions.checked - before >= 15


@pytest.mark.parametrize(
    ("auth", "grant", "status"),
    [
        (("sandbox", "any"), "client_credentials", 200),
        (("sandbox", ""), "client_credentials", 401),
        (("AZreal-looking", "x"), "client_credentials", 401),
        (None, "client_credentials", 401),
        (("sandbox", "any"), "password", 400),
    ],
)
def test_only_sandbox_clients_get_tokens(
    market: Market, auth: Any, grant: str, status: int
) -> None:
    """Proves: real credentials are refused, and nothing of them is repeated."""
    response = market.raw("POST", "/v1/oauth2/token", auth=auth, data={"grant_type": grant})
    assert response.status_code == status
    assert "real-looking" not in response.text


def test_tokens_end(market: Market) -> None:
    """Proves: without a living token nothing is answered."""
    path = f"{ORDERS}/X"
    assert market.raw("GET", path).status_code == 401
    assert market.refused(404, "GET", path) == "INVALID_RESOURCE_ID"
    market.clock.advance(timedelta(hours=9))
    assert market.send("GET", path, ok=401)["name"] == "AUTHENTICATION_FAILURE"


def test_minimal_answers_tell_little(market: Market) -> None:
    """Proves: without the wish for more only id, status and links are told."""
    made = market.send("POST", ORDERS, market.wish(), whole=False)
    assert set(made) == {"id", "status", "links"}
    assert len(market.send("GET", f"{ORDERS}/{made['id']}", whole=False)) > 3


def test_a_repeat_shows_the_present_state(market: Market) -> None:
    """Proves: a repeated request id is answered with what it made, as that is by now."""
    first = market.send("POST", ORDERS, market.wish(), key="k", ok=201)
    market.world.approve(first["id"])
    again = market.send("POST", ORDERS, market.wish("5.00"), key="k", ok=200)
    assert (again["id"], again["status"]) == (first["id"], "APPROVED")
    assert again["purchase_units"][0]["amount"]["value"] == "100.00"


def test_without_a_request_id_a_repeat_is_another(market: Market) -> None:
    """Proves: the same refund sent twice without a request id is made twice."""
    capture_id = payment(market.bought(), "captures")["id"]
    for _ in range(2):
        market.send("POST", f"{TAKEN}/{capture_id}/refund", {"amount": USD_1})
    assert market.moved("refund") == [-100, -100]


@pytest.mark.parametrize(("path", "hours"), [("orders", 6), ("refund", 45 * 24), ("setup", 3)])
def test_request_ids_are_remembered_for_their_window(market: Market, path: str, hours: int) -> None:
    """Proves: each part of the API forgets request ids after its own time."""
    capture_id = payment(market.bought(), "captures")["id"]
    url, body = {
        "orders": (ORDERS, market.wish()),
        "refund": (f"{TAKEN}/{capture_id}/refund", {"amount": USD_1}),
        "setup": ("/v3/vault/setup-tokens", {"payment_source": {"paypal": {}}}),
    }[path]
    first = market.send("POST", url, body, key="k")["id"]
    market.clock.advance(timedelta(hours=hours) - timedelta(seconds=1))
    market._token = ""
    assert market.send("POST", url, body, key="k")["id"] == first
    market.clock.advance(timedelta(seconds=1))
    assert market.send("POST", url, body, key="k")["id"] != first


def test_a_refused_request_frees_its_id(market: Market) -> None:
    """Proves: a request id that led to a refusal can be used again, and then works."""
    order = market.send("POST", ORDERS, market.wish())["id"]
    path = f"{ORDERS}/{order}/capture"
    assert market.refused(422, "POST", path, key="k") == "ORDER_NOT_APPROVED"
    market.world.approve(order)
    assert market.send("POST", path, key="k")["status"] == "COMPLETED"


def test_two_at_once_under_one_id(market: Market) -> None:
    """Proves: the second of two simultaneous requests is told that the first is at work."""
    body, headers = market.wish(), {"Authorization": f"Bearer {market.token()}"}

    async def both() -> list[httpx2.Response]:
        async with httpx2.AsyncClient(transport=market.transport, base_url=URL) as client:
            more = {**headers, "PayPal-Request-Id": "k"}
            calls = (client.post(ORDERS, json=body, headers=more) for _ in range(2))
            return list(await asyncio.gather(*calls))

    statuses = sorted(r.status_code for r in asyncio.run(both()))
    assert statuses == [201, 409]
    assert len(market.world.intents()) == 1


def test_events_are_told_and_told_again(market: Market) -> None:
    """Proves: all that happens is an event with its object as it was; any can be asked for again
    through the adapter, and unknown ones are refused."""
    order = market.bought()
    capture_id = payment(order, "captures")["id"]
    market.send("POST", f"{TAKEN}/{capture_id}/refund")
    path = "/v1/notifications/webhooks-events"
    events = market.send("GET", f"{path}?page_size=50")["events"]
    types = [e["event_type"] for e in events][::-1]
    assert types == [
        "CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.COMPLETED", "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.REFUNDED",
    ]  # fmt: skip
    captured = next(e for e in events if e["event_type"] == "PAYMENT.CAPTURE.COMPLETED")
    assert captured["resource"]["status"] == "COMPLETED"
    assert events[0]["resource"]["links"][-1]["rel"] == "up"
    market.run(market.adapter.resend_event(captured["id"]))
    assert market.world.core.store.fact(f"resent:{captured['id']}") == "1"
    assert market.send("GET", f"{path}/{captured['id']}") == captured
    assert market.refused(404, "GET", f"{path}/WH-none") == "INVALID_RESOURCE_ID"
    only = market.send("GET", f"{path}?event_type=PAYMENT.CAPTURE.REFUNDED")["events"]
    assert len(only) == 1


def test_the_payers_page_says_yes_once(market: Market) -> None:
    """Proves: the approval link works in a browser, with the wallet named, and not twice."""
    order = market.send("POST", ORDERS, market.wish(), whole=True)
    (link,) = [x["href"] for x in order["links"] if x["rel"] == "approve"]
    page = f"{link.removeprefix(URL)}?wallet=wallet_declined"
    assert market.raw("GET", page).status_code == 200
    assert market.raw("GET", page).status_code == 404
    path = f"{ORDERS}/{order['id']}/capture"
    assert market.refused(422, "POST", path) == "INSTRUMENT_DECLINED"


def test_ids_look_like_paypals(market: Market) -> None:
    """Proves: seventeen capitals and digits, and PayPal's shapes for events and disputes."""
    order = market.bought()
    taken = payment(order, "captures")["id"]
    dispute = market.world.dispute(taken)
    for found in (order["id"], taken):
        assert len(found) == 17
        assert found.isupper() or found.isdigit()
    assert dispute.id.startswith("PP-R-")
    events = market.send("GET", "/v1/notifications/webhooks-events")["events"]
    assert all(e["id"].startswith("WH-") for e in events)


def test_worlds_belong_to_one_provider(market: Market) -> None:
    """Proves: a Stripe world names things as before, and PayPal's face refuses it."""
    other = World.open(":memory:", market.clock)
    assert (other.provider, other.core.new_id("pi")[:4]) == ("stripe", "pi_3")
    with pytest.raises(ConfigurationError):
        paypal_face(other)
    other.close()


def test_two_worlds_of_one_seed_are_alike(market: Market) -> None:
    """Proves: the same seed and the same calls give the same answers to the last letter."""
    twin = Market(market.descriptions)
    texts = [json.dumps(m.bought(invoice_id="I")) for m in (market, twin)]
    twin.world.close()
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("verb", "path", "content"),
    [
        ("POST", ORDERS, b"{"), ("POST", ORDERS, b"5"), ("PUT", ORDERS, b"{}"),
        ("GET", "/v2/nothing", b""), ("GET", "/", b""),
    ],
)  # fmt: skip
def test_odd_requests(market: Market, verb: str, path: str, content: bytes) -> None:
    """Proves: what is no request is refused in PayPal's own shape."""
    headers = {"Authorization": f"Bearer {market.token()}"}
    response = market.raw(verb, path, content=content, headers=headers)
    assert response.status_code in (400, 404)
    assert response.json()["name"] in ("INVALID_REQUEST", "RESOURCE_NOT_FOUND")
    assert response.headers["Paypal-Debug-Id"] == response.json()["debug_id"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customer/disputes?page_size=x",
        "/v1/notifications/webhooks-events?page_size=0",
        "/v3/vault/payment-tokens?customer_id=1234567&page=-1",
        "/v1/reporting/transactions?start_date=x&end_date=y",
        "/v1/reporting/transactions?start_date=2026-11-01T00:00:00Z&end_date=2026-12-03T00:00:00Z",
    ],
)
def test_odd_queries(market: Market, path: str) -> None:
    """Proves: numbers and dates that make no sense are refused by name."""
    assert market.refused(400, "GET", path).startswith("INVALID_PARAMETER")


def test_an_approval_given_again_has_its_whole_time(market: Market) -> None:
    """Proves: the payer's second word is not ended by the clock of the first."""
    order = market.send("POST", ORDERS, market.wish())["id"]
    market.world.approve(order, wallet="wallet_declined")
    market.clock.advance(timedelta(hours=2))
    assert market.refused(422, "POST", f"{ORDERS}/{order}/capture") == "INSTRUMENT_DECLINED"
    market.world.approve(order)
    market.clock.advance(timedelta(hours=2))
    assert market.send("GET", f"{ORDERS}/{order}")["status"] == "APPROVED"
    market.clock.advance(timedelta(hours=1))
    assert market.send("GET", f"{ORDERS}/{order}")["status"] == "PAYER_ACTION_REQUIRED"


@pytest.mark.parametrize("setting", [-1, 10_801])
def test_the_lag_is_at_most_three_hours(market: Market, setting: int) -> None:
    """Proves: the index cannot lag more than PayPal's does, and answers with at least one row."""
    with pytest.raises(ValueError, match="lags"):
        market.world.set_report_lag(setting)
    with pytest.raises(ValueError, match="row"):
        market.world.set_report_maximum(0)
