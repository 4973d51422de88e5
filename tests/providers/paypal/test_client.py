"""The client's manners: tokens are kept, renewed and never told; answers are read strictly."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from domain.errors import (
    ConfigurationError,
    Declined,
    OutcomeUnknown,
    ProviderError,
    Rejected,
    Unavailable,
)
from domain.payment import Stage
from providers.http import Answer, HttpClient
from providers.paypal.client import KEY_MAX, PayPalClient, request_id
from providers.paypal.errors import read
from providers.paypal.provider import LIVE_URL, TEST_URL, PayPalProvider, PayPalSettings
from providers.sandbox.faults import Fault, scripted
from tests.providers.paypal.market import Market


def tokens(market: Market) -> int:
    """How often a token was asked for."""
    return sum(path == "/v1/oauth2/token" for _, path, _ in market.transport.log)


def test_one_token_serves_until_shortly_before_its_end(market: Market) -> None:
    """Proves: the token is asked for once and again only when its time is nearly over."""
    for _ in range(3):
        market.create()
    assert tokens(market) == 1
    market.seconds = 32_400 - 301
    market.create()
    assert tokens(market) == 1
    market.seconds = 32_400 - 300
    market.create()
    assert tokens(market) == 2


def test_calls_at_once_share_one_token(market: Market) -> None:
    """Proves: ten first calls at once ask for one token."""
    order = market.paid().provider_payment_id
    fresh = market.open()

    async def many() -> None:
        await asyncio.gather(*(fresh.get(order) for _ in range(10)))

    before = tokens(market)
    asyncio.run(many())
    assert tokens(market) == before + 1


def test_a_token_refused_early_is_renewed_once(market: Market) -> None:
    """Proves: a call refused for its token is sent again with a new one, and only then."""
    order = market.create().provider_payment_id
    market.world.core.store.run("DELETE FROM facts WHERE name LIKE 'token:%'")
    assert market.get(order).provider_payment_id == order
    assert tokens(market) == 2


def test_wrong_credentials_say_so_and_leave_no_doubt(market: Market) -> None:
    """Proves: refused credentials are no outcome of the payment, and the secret is not told."""
    wrong = market.open(client_id="someone")
    with pytest.raises(Unavailable) as refused:
        market.run(wrong.get("1ABC"))
    assert "TSCLI_PAYPAL__CLIENT_ID" in refused.value.hint
    assert "s3cret" not in str(refused.value) + repr(refused.value.__cause__)


@pytest.mark.parametrize("fault", [Fault.TIMEOUT_AFTER, Fault.ERROR_AFTER, Fault.GARBAGE])
def test_no_token_is_no_doubt(market: Market, fault: Fault) -> None:
    """Proves: whatever happens while a token is asked for, the payment was not touched."""
    transport = market.transport
    transport._plan = scripted([fault])
    with pytest.raises(Unavailable):
        market.create()
    assert market.world.intents() == []


def test_a_mode_at_the_other_modes_address_is_refused(market: Market) -> None:
    """Proves: live credentials never go to the sandbox, nor the other way round."""
    hosts = frozenset({"api-m.paypal.com", "api-m.sandbox.paypal.com"})
    for mode, url in (("live", TEST_URL), ("test", LIVE_URL)):
        http = HttpClient(url, hosts, transport=market.transport)
        with pytest.raises(ConfigurationError):
            PayPalProvider(PayPalSettings("id", "secret", "shop", mode, base_url=url), http)


def test_keys_fit_what_paypal_takes() -> None:
    """Proves: a long key becomes a stable short one, a short one stays."""
    assert request_id("op_1.create.1") == "op_1.create.1"
    long = "k" * (KEY_MAX + 1)
    assert request_id(long) == request_id(long) != request_id(long + "x")
    assert len(request_id(long)) <= KEY_MAX


def answer(status: int, body: Any, **headers: str) -> Answer:
    """An answer of PayPal's."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, headers, content)


def refusal(issue: str, name: str = "UNPROCESSABLE_ENTITY") -> dict[str, Any]:
    """An error body."""
    return {"name": name, "message": "m", "debug_id": "d1", "details": [{"issue": issue}]}


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (422, refusal("INSTRUMENT_DECLINED"), Declined, "INSTRUMENT_DECLINED"),
        (422, refusal("PAYER_CANNOT_PAY"), Declined, "PAYER_CANNOT_PAY"),
        (422, refusal("ORDER_ALREADY_CAPTURED"), Rejected, "ORDER_ALREADY_CAPTURED"),
        (422, refusal("ORDER_ALREADY_AUTHORIZED"), Rejected, "ORDER_ALREADY_AUTHORIZED"),
        (422, refusal("ORDER_NOT_APPROVED"), Rejected, "ORDER_NOT_APPROVED"),
        (422, refusal("ORDER_COMPLETION_IN_PROGRESS"), Unavailable, "in_progress"),
        (409, refusal("PREVIOUS_REQUEST_IN_PROGRESS"), Unavailable, "in_progress"),
        (404, refusal("INVALID_RESOURCE_ID"), Rejected, "INVALID_RESOURCE_ID"),
        (400, {"name": "INVALID_REQUEST", "debug_id": "d"}, Rejected, "INVALID_REQUEST"),
        (400, {"name": "RESULTSET_TOO_LARGE", "details": []}, Rejected, "RESULTSET_TOO_LARGE"),
        (403, refusal("PERMISSION_DENIED"), Unavailable, "permission"),
        (401, {"error": "invalid_token"}, Unavailable, "authentication"),
        (408, refusal("NOVEL"), OutcomeUnknown, "NOVEL"),
        (429, {"name": "RATE_LIMIT_REACHED"}, Unavailable, "rate_limit"),
        (500, {"name": "INTERNAL_SERVER_ERROR"}, OutcomeUnknown, "INTERNAL_SERVER_ERROR"),
        (503, b"<html>", OutcomeUnknown, "http_503"),
        (404, b"<html>", OutcomeUnknown, "http_404"),
        (302, b"", OutcomeUnknown, "http_302"),
        (200, b"not json", OutcomeUnknown, ""),
        (201, b"[1]", OutcomeUnknown, ""),
        (422, {"details": "x"}, OutcomeUnknown, "http_422"),
    ],
)
def test_each_answer_says_what_is_certain(
    status: int, body: Any, kind: type[ProviderError], reason: str
) -> None:
    """Proves: PayPal's errors are told by what is certain; a question is never left in doubt."""
    with pytest.raises(ProviderError) as told:
        read(answer(status, body), asking=False)
    assert (type(told.value), told.value.reason) == (kind, reason)
    with pytest.raises(ProviderError) as asked:
        read(answer(status, body), asking=True)
    expected = Unavailable if kind is OutcomeUnknown else kind
    assert type(asked.value) is expected


def test_debug_id_and_pause_are_told() -> None:
    """Proves: the id PayPal's support asks for, and how long to wait, are in the error."""
    headers = {"Paypal-Debug-Id": "abc", "Retry-After": "7"}
    with pytest.raises(Unavailable) as limited:
        read(answer(429, {"name": "RATE_LIMIT_REACHED"}, **headers), asking=False)
    assert (limited.value.request_id, limited.value.retry_after_seconds) == ("abc", 7)
    for odd in ("soon", "-1", "9" * 7, "१"):
        with pytest.raises(Unavailable) as limited:
            read(Answer(429, {"Retry-After": odd}, b"{}"), asking=False)
        assert limited.value.retry_after_seconds is None


def test_a_ping_tells_whose_key_it_is(market: Market) -> None:
    """Proves: a good key passes, a wrong one and one of another merchant do not."""
    market.run(market.adapter.ping())
    with pytest.raises(Unavailable) as wrong:
        market.run(market.open(client_id="someone").ping())
    assert wrong.value.reason == "authentication"
    with pytest.raises(Rejected) as stranger:
        market.run(market.open(merchant_id="ZZZZZZZZZZZZZ").ping())
    assert stranger.value.reason == "mode_mismatch"


@pytest.mark.parametrize("path", ["/v1/customer/disputes", "/v1/reporting/balances"])
def test_an_app_without_a_feature_still_works(path: str) -> None:
    """Proves: an app that may not see disputes or balances reads payments and passes a ping."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        if "oauth2" in request.url.path:
            return httpx2.Response(200, json={"access_token": "t", "expires_in": 100})
        if request.url.path == path:
            return httpx2.Response(403, json=refusal("PERMISSION_DENIED", "NOT_AUTHORIZED"))
        return httpx2.Response(200, json=COMPLETED)

    http = HttpClient("http://127.0.0.1:1", frozenset(), transport=httpx2.MockTransport(handler))
    settings = PayPalSettings("id", "secret", "shop", "test", base_url="http://127.0.0.1:1")
    provider = PayPalProvider(settings, http)
    if path.endswith("balances"):
        asyncio.run(provider.ping())
    else:
        assert asyncio.run(provider.get("O1")).stage is Stage.CAPTURED


USD_1 = {"currency_code": "USD", "value": "1.00"}
COMPLETED: dict[str, Any] = {
    "id": "O1",
    "intent": "CAPTURE",
    "status": "COMPLETED",
    "purchase_units": [
        {
            "amount": USD_1,
            "payments": {
                "captures": [
                    {
                        "id": "C1",
                        "status": "COMPLETED",
                        "amount": USD_1,
                        "create_time": "2026-01-02T03:04:05Z",
                    }
                ]
            },
        }
    ],
}
"""A captured order."""


def test_an_answer_without_a_body_is_empty() -> None:
    """Proves: a 204 is a good answer."""
    assert read(Answer(204, {}, b""), asking=False) == {}


def test_a_redirect_is_not_followed(market: Market) -> None:
    """Proves: the token goes nowhere else, whatever the answer asks for."""
    asked: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        if "oauth2" in request.url.path:
            return httpx2.Response(200, json={"access_token": "t", "expires_in": 100})
        return httpx2.Response(302, headers={"Location": "https://elsewhere.test/"})

    http = HttpClient("http://127.0.0.1:1", frozenset(), transport=httpx2.MockTransport(handler))
    client = PayPalClient(http, "id", "secret")
    with pytest.raises(Unavailable):
        asyncio.run(client.ask("/v2/checkout/orders/1"))
    assert [url.startswith("http://127.0.0.1:1/") for url in asked] == [True, True]
