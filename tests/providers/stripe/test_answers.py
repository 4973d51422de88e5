"""Odd answers: whatever Stripe or something before it says, the adapter says what is certain."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from domain.errors import Declined, OutcomeUnknown, ProviderError, Rejected, Unavailable
from domain.payment import Stage
from domain.provider import PaymentRequest
from providers.stripe.provider import StripeProvider
from tests.providers.stripe.wire import (
    CAPTURED,
    CHARGE,
    INTENT,
    LINE,
    REFUND,
    Script,
    adapter,
    answering,
    in_turn,
    without,
)

Call = Callable[[StripeProvider], Awaitable[Any]]
REQUEST = PaymentRequest("pay_1", 10_000, "USD", True, "pm_card_visa")
WRITES: dict[str, Call] = {
    "create": lambda p: p.create(REQUEST, "k"),
    "confirm": lambda p: p.confirm("pi_1", "pm_card_visa", "k"),
    "capture": lambda p: p.capture("pi_1", 10_000, "USD", "k"),
    "cancel": lambda p: p.cancel("pi_1", "k"),
    "refund": lambda p: p.refund("pi_1", 2_000, "USD", "op_1", "k"),
}


def said(script: Script, call: Call, mode: str = "test") -> Any:
    """What a call answers or raises."""

    async def run() -> Any:
        async with adapter(script, mode) as provider:
            try:
                return await call(provider)
            except ProviderError as error:
                return error

    return asyncio.run(run())


def asked(script: Script) -> Any:
    """What reading a payment answers or raises."""
    return said(script, lambda p: p.get("pi_1"))


UNREADABLE: dict[str, tuple[object, int]] = {
    "empty": (b"", 200),
    "garbage": (b"\x00\xff\xfe not json", 200),
    "half": (b'{"id": "pi_1", "amou', 200),
    "null": (b"null", 200),
    "a number": (b"7", 200),
    "a list": ([INTENT], 200),
    "an empty object": ({}, 200),
    "html": (b"<html>503</html>", 503),
    "bad gateway": (b"", 502),
    "server error": ({"error": {"type": "api_error", "message": "Oops."}}, 500),
    "timeout behind": ({"error": {"type": "api_error", "message": "Late."}}, 408),
    "failed behind": ({"error": {"type": "api_error", "message": "Bank."}}, 424),
    "html of a proxy": (b"<html>blocked</html>", 400),
    "redirect": (b"", 302),
    "teapot": (b"short and stout", 418),
}


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize("what", UNREADABLE)
def test_an_answer_that_cannot_be_read_is_unknown(verb: str, what: str) -> None:
    """Proves that after a write no unreadable answer passes for done, refused or not sent."""
    body, status = UNREADABLE[what]
    assert isinstance(said(answering(body, status), WRITES[verb]), OutcomeUnknown)


@pytest.mark.parametrize("what", UNREADABLE)
def test_asking_in_vain_is_unavailable(what: str) -> None:
    """Proves that the same answers to a question only mean that there was no answer."""
    body, status = UNREADABLE[what]
    assert isinstance(asked(answering(body, status)), Unavailable)


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize("status", [401, 403, 409, 429])
def test_what_was_not_executed_is_unavailable(verb: str, status: int) -> None:
    """Proves that wrong keys, busy keys and rate limits are no refusal of the payment."""
    body = {"error": {"type": "invalid_request_error", "message": "No."}}
    assert isinstance(said(answering(body, status), WRITES[verb]), Unavailable)


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize("status", [400, 404])
def test_what_was_refused_is_rejected(verb: str, status: int) -> None:
    """Proves that a refusal in Stripe's own words is definite and carries its reason."""
    body = {
        "error": {"type": "invalid_request_error", "message": "No.", "code": "resource_missing"}
    }
    refused = said(answering(body, status, {"Request-Id": "req_1"}), WRITES[verb])
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.request_id) == ("resource_missing", "req_1")


def test_a_key_met_with_other_words_is_told_apart() -> None:
    """Proves that an idempotency error is recognised by its type, having no code."""
    body = {"error": {"type": "idempotency_error", "message": "Other words."}}
    refused = said(answering(body, 400), WRITES["create"])
    assert isinstance(refused, Rejected)
    assert refused.reason == "idempotency_error"


def test_a_declined_card_is_declined() -> None:
    """Proves that the bank's own reason is kept, and the general one where there is none."""
    error = {"type": "card_error", "code": "card_declined", "message": "No."}
    plain = said(answering({"error": error}, 402), WRITES["confirm"])
    assert isinstance(plain, Declined)
    assert plain.reason == "card_declined"
    named = said(answering({"error": error | {"decline_code": "lost"}}, 402), WRITES["confirm"])
    assert named.reason == "lost"


@pytest.mark.parametrize("verb", ["create", "confirm", "capture", "cancel"])
@pytest.mark.parametrize("mode", ["test", "live"])
def test_an_object_of_the_other_mode_is_rejected(verb: str, mode: str) -> None:
    """Proves that live objects never enter test books, nor the other way round."""
    refused = said(answering(INTENT | {"livemode": mode == "test"}), WRITES[verb], mode)
    assert isinstance(refused, Rejected)
    assert refused.reason == "mode_mismatch"


ODD: dict[str, dict[str, Any]] = {
    "unknown status": INTENT | {"status": "requires_prayer"},
    "no status": without(INTENT, "status"),
    "no amount": without(INTENT, "amount"),
    "no currency": without(INTENT, "currency"),
    "currency is null": INTENT | {"currency": None},
    "no received": without(INTENT, "amount_received"),
    "amount as text": INTENT | {"amount": "10000", "currency": "isk"},
    "no metadata": without(INTENT, "metadata"),
    "no error field": without(INTENT, "last_payment_error"),
    "captured without charge": CAPTURED | {"latest_charge": None},
    "charge not expanded": CAPTURED | {"latest_charge": "ch_1"},
    "charge without id": CAPTURED | {"latest_charge": without(CHARGE, "id")},
    "line without fee": CAPTURED
    | {"latest_charge": CHARGE | {"balance_transaction": without(LINE, "fee")}},
    "instant beyond time": CAPTURED
    | {"latest_charge": CHARGE | {"balance_transaction": LINE | {"created": 10**18}}},
    "a fraction of a krona": INTENT | {"amount": 150, "currency": "isk"},
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_payment_is_unknown(what: str) -> None:
    """Proves that missing and impossible fields are doubt after a write, never a traceback."""
    for verb in ("create", "confirm", "capture", "cancel"):
        assert isinstance(said(answering(ODD[what]), WRITES[verb]), OutcomeUnknown)
    assert isinstance(asked(answering(ODD[what])), OutcomeUnknown | Unavailable)


@pytest.mark.parametrize("name", ["id", "amount", "currency", "created", "balance_transaction"])
def test_an_odd_refund_is_unknown(name: str) -> None:
    """Proves the same for a refund without one of its fields."""
    body = without(REFUND | {"balance_transaction": None}, name)
    assert isinstance(said(answering(body), WRITES["refund"]), OutcomeUnknown)


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("requires_payment_method", Stage.CREATED),
        ("requires_confirmation", Stage.CREATED),
        ("requires_action", Stage.ACTION),
        ("processing", Stage.UNDERWAY),
        ("requires_capture", Stage.AUTHORIZED),
        ("canceled", Stage.CANCELLED),
    ],
)
def test_every_status_has_its_stage(status: str, stage: Stage) -> None:
    """Proves what each of Stripe's words means to us."""
    assert asked(answering(INTENT | {"status": status})).stage is stage


@pytest.mark.parametrize(
    ("status", "stage"),
    [("requires_payment_method", Stage.DECLINED), ("canceled", Stage.FAILED)],
)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "card_declined", "decline_code": "lost", "message": "No."}, "lost"),
        ({"code": "card_declined", "message": "No."}, "card_declined"),
        ({"code": "card_declined", "decline_code": None, "message": "No."}, "card_declined"),
        ({"message": "No."}, ""),
        ({}, ""),
    ],
)
def test_a_refusal_is_read_with_or_without_reasons(
    status: str, stage: Stage, error: dict[str, Any], code: str
) -> None:
    """Proves that a failed attempt is seen as such, whichever of its fields Stripe left out."""
    seen = asked(answering(INTENT | {"status": status, "last_payment_error": error}))
    assert (seen.stage, seen.failure_code) == (stage, code)


def test_a_payment_is_read_whole() -> None:
    """Proves that a payment comes with its charge, refunds and disputes, fees and times."""
    withdrawn = LINE | {"id": "txn_3", "amount": -8_000, "fee": 1_500}
    dispute = {"id": "dp_1", "object": "dispute", "balance_transactions": [withdrawn]}
    pages = [
        CAPTURED | {"latest_charge": CHARGE | {"disputed": True}},
        {"object": "list", "data": [REFUND], "has_more": False, "url": "/v1/refunds"},
        {"object": "list", "data": [dispute], "has_more": False, "url": "/v1/disputes"},
    ]
    seen = asked(in_turn(pages))
    assert seen.stage is Stage.CAPTURED
    assert seen.payment_id == "pay_1"
    assert {(m.kind.value, m.reference, m.amount_minor, m.fee_minor) for m in seen.movements} == {
        ("charge", "ch_1", 10_000, 320),
        ("refund", "re_1", -2_000, 0),
        ("dispute", "dp_1", -8_000, 1_500),
    }
    assert {m.operation_id for m in seen.movements} == {None, "op_1"}


def test_refunds_on_a_second_page_are_read() -> None:
    """Proves that no refund is lost between pages, which would free its amount again."""
    first = {"object": "list", "data": [REFUND], "has_more": True, "url": "/v1/refunds"}
    last = first | {"data": [REFUND | {"id": "re_2"}], "has_more": False}
    seen = asked(in_turn([CAPTURED, first, last]))
    assert [m.reference for m in seen.movements] == ["ch_1", "re_1", "re_2"]


def test_each_write_carries_its_key_and_the_pinned_version() -> None:
    """Proves that every request that changes something is sent once, with the key it was given."""
    for verb, call in WRITES.items():
        script = answering(REFUND if verb == "refund" else INTENT)
        said(script, call)
        (request,) = script.requests
        assert request.headers["Idempotency-Key"] == "k"
        assert request.headers["Stripe-Version"]
        assert request.method == "POST"


def test_creating_moves_no_money() -> None:
    """Proves that the first request neither confirms nor stores the method for later use."""
    script = answering(INTENT)
    said(script, WRITES["create"])
    body = script.requests[0].content.decode()
    assert "confirm=" not in body
    assert "setup_future_usage" not in body
    assert "metadata[payment_id]=pay_1" in body.replace("%5B", "[").replace("%5D", "]")


def test_the_key_of_the_account_is_in_no_error() -> None:
    """Proves that a refused API key is told without telling the key."""
    body = {"error": {"type": "invalid_request_error", "message": "Invalid API Key: sk_test_x"}}
    refused = said(answering(body, 401), WRITES["create"])
    assert "sk_test_x" not in f"{refused.message}{refused.hint}{refused}"
