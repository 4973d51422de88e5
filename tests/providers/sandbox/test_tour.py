"""A scripted tour of every endpoint: each answer fits the provider's own API description."""

from datetime import timedelta

import pytest

from providers.sandbox.stripe_face import ENDPOINTS


def people(api):
    """Customers and methods; returns a customer and a card of theirs."""
    details = {"name": "Ada", "email": "a@example.com", "metadata": {"k": "v"}}
    owner = api.post("customers", details)["id"]
    api.post(f"customers/{owner}", {"phone": "123", "address": {"city": "Paris"}})
    card = api.post("payment_methods", {"type": "card", "card": {"token": "tok_visa"}})["id"]
    billing = {"name": "A", "email": "a@example.com"}
    iban = {"iban": "DE89370400440532013000"}
    api.post(
        "payment_methods", {"type": "sepa_debit", "sepa_debit": iban, "billing_details": billing}
    )
    api.post(f"payment_methods/{card}/attach", {"customer": owner})
    api.get(f"payment_methods/{card}")
    api.get("payment_methods", {"customer": owner, "type": "card"})
    api.get(f"customers/{owner}/payment_methods")
    return owner, card


def payments(api, never, owner, card):
    """Intents of every kind; returns one that is paid and a bank debit."""
    wish = {"amount": 2000, "currency": "usd", "customer": owner, "metadata": {"o": "1"}, **never}
    paid = api.post("payment_intents", {**wish, "payment_method": card})["id"]
    api.post(f"payment_intents/{paid}", {"description": "Order 1", "amount": 2100})
    api.get(f"payment_intents/{paid}")
    api.post(f"payment_intents/{paid}/confirm")
    held = api.pay(5000, "eur", capture_method="manual")["id"]
    api.post(f"payment_intents/{held}/capture", {"amount_to_capture": 3000})
    given_up = api.pay(5000, "gbp", capture_method="manual")["id"]
    api.post(f"payment_intents/{given_up}/cancel", {"cancellation_reason": "duplicate"})
    asked = api.pay(900, "usd", "pm_card_authenticationRequired")
    assert asked["next_action"]["type"] == "redirect_to_url"
    assert api.send("GET", f"/sandbox/authorize/{asked['id']}").status_code == 200
    api.pay(900, "usd", "pm_card_chargeDeclined", ok=402)
    debit = api.pay(10000, "usd", "pm_usBankAccount_success")["id"]
    api.pay(10000, "eur", "pm_sepaDebit_success")
    api.pay(90000)
    api.get("payment_intents", {"customer": owner, "limit": 3})
    return paid, debit


def money(api, world, paid, debit):
    """Refunds, a dispute, the balance and payouts."""
    charge = api.get("charges", {"payment_intent": paid})["data"][0]["id"]
    api.get(f"charges/{charge}", {"expand": ["balance_transaction", "payment_intent"]})
    refund = api.post("refunds", {"payment_intent": paid, "amount": 100, "reason": "duplicate"})
    api.get(f"refunds/{refund['id']}")
    api.get("refunds", {"payment_intent": paid})
    waiting = api.post("refunds", {"payment_intent": debit, "instructions_email": "a@example.com"})
    assert waiting["status"] == "requires_action"
    assert api.post(f"refunds/{waiting['id']}/cancel")["status"] == "canceled"
    api.post("refunds", {"payment_intent": debit})
    dispute = world.dispute(charge).id
    api.get("disputes", {"charge": charge})
    api.get(f"disputes/{dispute}")
    api.post(f"disputes/{dispute}/close")
    api.get("balance")
    api.get("account")
    lines = api.get("balance_transactions", {"limit": 100})["data"]
    api.get(f"balance_transactions/{lines[0]['id']}", {"expand": ["source"]})
    manual = api.post("payouts", {"amount": 100, "currency": "usd", "description": "by hand"})
    api.post(f"payouts/{manual['id']}/cancel")
    for payout in world.make_payouts():
        api.get("balance_transactions", {"payout": payout.id})
    world.fail_payout(payout.id)
    api.get("payouts", {"status": "failed"})
    api.get(f"payouts/{payout.id}")


def reports(api):
    """Events and a report run with its file."""
    events = api.get("events", {"limit": 100, "type": "payment_intent.*"})["data"]
    api.get(f"events/{events[0]['id']}")
    types = api.get("reporting/report_types")["data"]
    api.get(f"reporting/report_types/{types[0]['id']}")
    start = events[-1]["created"] - 10
    interval = {"interval_start": start, "interval_end": start + 10**6}
    words = {"report_type": types[0]["id"], "parameters": interval}
    run = api.post("reporting/report_runs", words)
    assert run["status"] == "pending"
    done = api.get(f"reporting/report_runs/{run['id']}")
    api.get("reporting/report_runs")
    api.get(f"files/{done['result']['id']}")
    text = api.send("GET", done["result"]["url"].removeprefix("https://api.stripe.com")).text
    assert text.startswith("balance_transaction_id,created_utc,")


def farewell(api, owner, card):
    """Detach, delete, and look at what is left."""
    api.post(f"payment_methods/{card}/detach")
    api.get("customers", {"email": "a@example.com"})
    api.get(f"customers/{owner}")
    api.send("DELETE", f"/v1/customers/{owner}")
    assert api.get(f"customers/{owner}")["deleted"] is True


def test_every_endpoint_answers_as_described(api, world, clock, never, description):
    """Proves: every route works, and no answer has a missing, odd or extra member."""
    if description is None:
        pytest.skip("../shared/specs is absent: answers are not checked against the description")
    owner, card = people(api)
    paid, debit = payments(api, never, owner, card)
    clock.advance(timedelta(days=6))
    for status in ("succeeded", "canceled"):
        assert api.get("payment_intents/search", {"query": f"status:'{status}'"})["data"]
    money(api, world, paid, debit)
    reports(api)
    farewell(api, owner, card)
    for kind in ("charge", "refund", "payout", "customer", "payment_method", "reporting"):
        assert api.get("events", {"limit": 100, "type": f"{kind}.*"})["data"], kind
    unseen = [
        (e.method, e.pattern.pattern)
        for e in ENDPOINTS
        if not any(e.method == verb and e.pattern.fullmatch(path) for verb, path in api.log)
    ]
    assert unseen == []
    assert api.checked > 60


def test_errors_fit_the_description_too(api, description):
    """Proves: error bodies of every kind are described ones."""
    if description is None:
        pytest.skip("../shared/specs is absent: errors are not checked against the description")
    api.get("payment_intents/pi_none", ok=404)
    api.get("nothing", ok=404)
    api.post("payment_intents", {"amount": 1, "currency": "usd"}, ok=400)
    api.post("payment_intents", {"amount": 100, "currency": "usd", "colour": "red"}, ok=400)
    api.send("GET", "/v1/balance", Authorization="Bearer sk_live_x")
    assert api.checked == 5


def test_the_check_itself_sees_a_wrong_answer(api, description):
    """Proves: an extra, a missing and a mistyped member are each noticed, so silence means fit."""
    if description is None:
        pytest.skip("../shared/specs is absent: there is no description to check with")
    body = api.pay()
    path = f"/v1/payment_intents/{body['id']}"
    assert description.problems("GET", path, 200, body) == []
    assert description.problems("GET", path, 200, {**body, "colour": "red"})
    assert description.problems("GET", path, 200, {**body, "amount": "100"})
    assert description.problems("GET", path, 200, {**body, "status": "refunded"})
    assert description.problems("GET", path, 200, {k: v for k, v in body.items() if k != "amount"})
