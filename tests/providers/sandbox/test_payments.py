"""Payments through the face: every test method, the states they lead to, the limits on amounts."""

from datetime import timedelta

import pytest

from domain.errors import InvalidRequest

DECLINES = [
    ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
]


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_card_mastercard", "pm_card_amex"])
def test_good_cards_pay(api, world, method):
    """Proves: a good card takes the whole amount, once, with the fee of the table."""
    body = api.pay(10000, "usd", method)
    assert (body["status"], body["amount_received"]) == ("succeeded", 10000)
    (line,) = world.balance_lines()
    assert (line.amount_minor, line.fee_minor, line.category) == (10000, 320, "charge")
    assert [(m.kind, m.amount_minor) for m in world.movements()] == [("capture", 10000)]


@pytest.mark.parametrize(("method", "code", "decline"), DECLINES)
def test_bad_cards_are_refused_and_remembered(api, world, method, code, decline):
    """Proves: a decline is a 402 with both codes, the intent and charge keep it, no money moves."""
    error = api.pay(500, "usd", method, ok=402)["error"]
    assert (error["type"], error["code"], error["decline_code"]) == ("card_error", code, decline)
    intent = api.get(f"payment_intents/{error['payment_intent']['id']}")
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["decline_code"] == decline
    assert api.get(f"charges/{error['charge']}")["status"] == "failed"
    assert intent["payment_method"] is None
    assert world.movements() == []
    assert world.balance_lines() == []
    retried = api.post(
        f"payment_intents/{intent['id']}/confirm", {"payment_method": "pm_card_visa"}
    )
    assert (retried["status"], retried["last_payment_error"]) == ("succeeded", None)


def test_two_steps_take_money_only_at_the_second(api, world, never):
    """Proves: creating an intent moves nothing; confirming it does, exactly once."""
    made = api.post(
        "payment_intents",
        {"amount": 700, "currency": "eur", "payment_method": "pm_card_visa", **never},
    )
    assert made["status"] == "requires_confirmation"
    assert world.movements() == []
    done = api.post(f"payment_intents/{made['id']}/confirm")
    assert done["status"] == "succeeded"
    again = api.post(f"payment_intents/{made['id']}/confirm", ok=400)["error"]
    assert again["code"] == "payment_intent_unexpected_state"
    assert again["payment_intent"]["status"] == "succeeded"
    assert "requires_confirmation" in again["message"]
    assert len(world.movements()) == 1


def test_confirming_without_a_method_or_a_way_back_is_refused(api):
    """Proves: no method and no return_url (where redirects may happen) are 400s."""
    bare = api.post("payment_intents", {"amount": 700, "currency": "eur"})
    assert bare["status"] == "requires_payment_method"
    error = api.post(
        f"payment_intents/{bare['id']}/confirm", {"payment_method": "pm_card_visa"}, ok=400
    )["error"]
    assert error["param"] == "return_url"
    error = api.post(
        f"payment_intents/{bare['id']}/confirm", {"return_url": "https://shop.example"}, ok=400
    )["error"]
    assert error["code"] == "payment_intent_unexpected_state"


def test_authentication_is_asked_for_and_answered(api, world):
    """Proves: 3DS waits without moving money, approval pays, rejection sends back for a method."""
    for verb, status, moved in (
        (world.approve, "succeeded", 1),
        (world.reject, "requires_payment_method", 1),
    ):
        asked = api.pay(900, "usd", "pm_card_threeDSecure")
        assert asked["status"] == "requires_action"
        assert "/sandbox/authorize/" in asked["next_action"]["redirect_to_url"]["url"]
        verb(asked["id"])
        body = api.get(f"payment_intents/{asked['id']}")
        assert body["status"] == status
        assert len(world.movements()) == moved
        with pytest.raises(InvalidRequest):
            verb(asked["id"])
    assert body["last_payment_error"]["code"] == "payment_intent_authentication_failure"


def test_the_authorize_page_says_yes_and_no(api):
    """Proves: the page behind next_action approves, rejects, and knows no strangers."""
    first, second = (api.pay(900, "usd", "pm_card_authenticationRequired") for _ in range(2))
    assert api.send("GET", f"/sandbox/authorize/{first['id']}").status_code == 200
    assert api.send("GET", f"/sandbox/authorize/{second['id']}", {"reject": "1"}).status_code == 200
    assert api.send("GET", "/sandbox/authorize/pi_none").status_code == 404
    assert api.get(f"payment_intents/{first['id']}")["status"] == "succeeded"
    assert api.get(f"payment_intents/{second['id']}")["status"] == "requires_payment_method"


@pytest.mark.parametrize("words", [{"off_session": True}, {"error_on_requires_action": True}])
def test_nobody_is_asked_when_nobody_is_there(api, words):
    """Proves: off session, a card that wants authentication is declined instead of asked."""
    error = api.pay(900, "usd", "pm_card_authenticationRequired", ok=402, **words)["error"]
    assert error["code"] == "authentication_required"


def test_capture_in_part_books_the_whole_and_a_reversal(api, world):
    """Proves: the balance shows gross and reversal, the fee is of what was taken."""
    held = api.pay(10000, capture_method="manual")
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 10000)
    assert world.balance_lines() == []
    path = f"payment_intents/{held['id']}/capture"
    assert (
        api.post(path, {"amount_to_capture": 10001}, ok=400)["error"]["param"]
        == "amount_to_capture"
    )
    done = api.post(path, {"amount_to_capture": 4000})
    assert (done["status"], done["amount_received"], done["amount_capturable"]) == (
        "succeeded",
        4000,
        0,
    )
    lines = [(x.category, x.amount_minor, x.fee_minor) for x in world.balance_lines()]
    assert lines == [("charge", 10000, 146), ("partial_capture_reversal", -6000, 0)]
    charge = api.get(f"charges/{done['latest_charge']}")
    assert (charge["amount_captured"], charge["amount_refunded"], charge["refunded"]) == (
        4000,
        6000,
        False,
    )
    assert api.post(path, ok=400)["error"]["code"] == "payment_intent_unexpected_state"


def test_cancel_releases_and_is_final(api, world):
    """Proves: a held payment can be given up without a movement; a taken or dead one cannot."""
    held = api.pay(10000, capture_method="manual")
    dead = api.post(f"payment_intents/{held['id']}/cancel", {"cancellation_reason": "abandoned"})
    assert (dead["status"], dead["cancellation_reason"]) == ("canceled", "abandoned")
    assert world.movements() == []
    paid = api.pay()
    for body in (dead, paid):
        error = api.post(f"payment_intents/{body['id']}/cancel", ok=400)["error"]
        assert error["code"] == "payment_intent_unexpected_state"


def test_authorisations_expire(api, clock):
    """Proves: seven days after the authorisation nothing can be captured any more."""
    held = api.pay(10000, capture_method="manual")
    clock.advance(timedelta(days=6, hours=23))
    assert api.get(f"payment_intents/{held['id']}")["status"] == "requires_capture"
    clock.advance(timedelta(hours=2))
    body = api.get(f"payment_intents/{held['id']}")
    assert (body["status"], body["cancellation_reason"]) == ("canceled", "expired")
    assert body["canceled_at"] == held["created"] + 7 * 86400
    api.post(f"payment_intents/{held['id']}/capture", ok=400)


@pytest.mark.parametrize(
    ("method", "currency", "days", "fee"),
    [("pm_usBankAccount_success", "usd", 3, 500), ("pm_sepaDebit_success", "eur", 5, 35)],
)
def test_bank_debits_take_days(api, world, clock, method, currency, days, fee):
    """Proves: a debit is processing until the bank answers, and cannot be cancelled meanwhile."""
    body = api.pay(100000, currency, method)
    assert body["status"] == "processing"
    api.post(f"payment_intents/{body['id']}/cancel", ok=400)
    clock.advance(timedelta(days=days, seconds=-1))
    assert world.tick() == 0
    clock.advance(timedelta(days=30))
    assert world.tick() == 1
    assert api.get(f"payment_intents/{body['id']}")["status"] == "succeeded"
    (line,) = world.balance_lines()
    assert (line.fee_minor, line.created_at) == (fee, body["created"] + days * 86400)
    transaction = api.get("balance_transactions")["data"][0]
    assert transaction["type"] == "payment"


def test_bank_debits_can_fail_days_later(api, world, clock):
    """Proves: a debit that bounces leaves no line and the reason on the intent."""
    body = api.pay(1000, "usd", "pm_usBankAccount_insufficientFunds")
    clock.advance(timedelta(days=3))
    late = api.get(f"payment_intents/{body['id']}")
    assert (late["status"], late["last_payment_error"]["code"]) == (
        "requires_payment_method", "insufficient_funds",
    )  # fmt: skip
    assert world.balance_lines() == []


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (0, "usd", "parameter_invalid_integer"),
        (-5, "usd", "parameter_invalid_integer"),
        ("1e3", "usd", "parameter_invalid_integer"),
        ("10.00", "usd", "parameter_invalid_integer"),
        ("\uff11\uff12\uff13", "usd", "parameter_invalid_integer"),
        (5124, "bhd", "invalid_charge_amount"),
        (550, "isk", "invalid_charge_amount"),
        (550, "ugx", "invalid_charge_amount"),
    ],
)
def test_amounts_outside_the_rules_are_refused(api, amount, currency, code):
    """Proves: minimum, maximum, syntax and last digits are checked before anything happens."""
    error = api.post("payment_intents", {"amount": amount, "currency": currency}, ok=400)["error"]
    assert error["code"] == code
    assert api.get("payment_intents")["data"] == []


@pytest.mark.parametrize("currency", ["xxx", "usdollar", "", "XAU"])
def test_unknown_currencies_are_refused(api, currency):
    """Proves: only currencies with minor units are taken."""
    error = api.post("payment_intents", {"amount": 100, "currency": currency}, ok=400)["error"]
    assert error["param"] == "currency"


@pytest.mark.parametrize(
    ("api_amount", "currency", "minor", "fee"),
    [
        (1200, "jpy", 1200, 43),
        (5120, "bhd", 5120, 260),
        (50000, "isk", 500, 55),
        (99_999_999, "usd", 99_999_999, 2_900_030),
        (20050, "huf", 20050, 8800),
    ],
)
def test_currencies_without_and_with_three_decimals(api, world, api_amount, currency, minor, fee):
    """Proves: the truth counts ISO minor units, the API its own way, fees fit the currency."""
    body = api.pay(api_amount, currency)
    assert (body["amount"], body["amount_received"]) == (api_amount, api_amount)
    (line,) = world.balance_lines()
    assert (line.amount_minor, line.fee_minor, line.currency) == (minor, fee, currency.upper())
    shown = api.get("balance")["pending"][0]
    factor = api_amount // minor
    assert shown["amount"] == (minor - fee) * factor


def test_only_test_numbers_are_taken_and_none_is_kept(api, world):
    """Proves: a real number is refused unechoed; a test number leaves only its last four."""
    refused = api.send(
        "POST", "/v1/payment_methods", {"type": "card", "card": {"number": "4539578763621486"}}
    )
    assert refused.status_code == 400
    assert "4539578763621486" not in refused.text
    api.post(
        "payment_methods",
        {
            "type": "card",
            "card": {"number": "4000 0000 0000 9995", "exp_month": 1, "exp_year": 2030},
        },
    )
    everything = "\n".join(world.core.store._db.iterdump())
    assert "9995" in everything
    for number in ("4000000000009995", "4000 0000 0000 9995", "4539578763621486"):
        assert number not in everything


def test_methods_belong_to_customers(api):
    """Proves: attach, detach and ownership rules hold."""
    ada, bob = (api.post("customers", {"name": name})["id"] for name in ("Ada", "Bob"))
    card = api.post("payment_methods/pm_card_visa/attach", {"customer": ada})["id"]
    assert card != "pm_card_visa"
    api.post(f"payment_methods/{card}/attach", {"customer": bob}, ok=400)
    assert [m["id"] for m in api.get("payment_methods", {"customer": ada})["data"]] == [card]
    assert api.pay(100, method=card, customer=ada)["status"] == "succeeded"
    assert api.pay(100, method=card, ok=400)["error"]["param"] == "payment_method"
    api.post(f"payment_methods/{card}/detach")
    assert api.get("payment_methods", {"customer": ada})["data"] == []
    api.post(f"payment_methods/{card}/attach", {"customer": ada}, ok=400)
    api.pay(100, customer="cus_none", ok=400)
    api.pay(100, "gbp", "pm_usBankAccount_success", ok=400)
    api.pay(100, "usd", "pm_usBankAccount_success", capture_method="manual", ok=400)


def test_updates_stop_when_money_is_taken(api, never):
    """Proves: amount changes before, words change always, empty metadata removes a key."""
    made = api.post(
        "payment_intents", {"amount": 700, "currency": "eur", "metadata": {"a": "1"}, **never}
    )
    path = f"payment_intents/{made['id']}"
    changed = api.post(
        path, {"amount": 800, "payment_method": "pm_card_visa", "metadata": {"b": "2"}}
    )
    assert (changed["amount"], changed["metadata"]) == (800, {"a": "1", "b": "2"})
    api.post(f"{path}/confirm")
    api.post(path, {"amount": 900}, ok=400)
    done = api.post(path, {"metadata": {"a": ""}, "description": "late words"})
    assert (done["metadata"], done["description"], done["amount"]) == (
        {"b": "2"},
        "late words",
        800,
    )
