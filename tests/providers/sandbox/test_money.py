"""Money after the payment: refunds, disputes, fees, balances and payouts."""

from datetime import timedelta

import pytest

from domain.errors import InvalidRequest, NotFound
from providers.sandbox.truth.fees import payment_fee, portion


def nets(world):
    """Sum of all lines' nets by currency."""
    out = {}
    for line in world.balance_lines():
        out[line.currency] = out.get(line.currency, 0) + line.net_minor
    return out


def test_refunds_never_exceed_what_was_captured(api, world):
    """Proves: partial refunds add up, the fee is kept, one minor unit too much is refused."""
    paid = api.pay(10000)["id"]
    first = api.post("refunds", {"payment_intent": paid, "amount": 6000})
    assert (first["status"], first["amount"]) == ("succeeded", 6000)
    assert (
        api.post("refunds", {"payment_intent": paid, "amount": 4001}, ok=400)["error"]["param"]
        == "amount"
    )
    rest = api.post("refunds", {"payment_intent": paid})
    assert rest["amount"] == 4000
    code = api.post("refunds", {"payment_intent": paid}, ok=400)["error"]["code"]
    assert code == "charge_already_refunded"
    charge = api.get(f"charges/{first['charge']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (10000, True)
    assert nets(world) == {"USD": -320}
    assert [line.fee_minor for line in world.balance_lines()] == [320, 0, 0]


def test_refunds_need_a_captured_charge(api):
    """Proves: nothing captured, nothing named, nothing known: each is refused with its reason."""
    held = api.pay(10000, capture_method="manual")["id"]
    code = api.post("refunds", {"payment_intent": held}, ok=400)["error"]["code"]
    assert code == "payment_intent_unexpected_state"
    bare = api.post("payment_intents", {"amount": 100, "currency": "usd"})["id"]
    api.post("refunds", {"payment_intent": bare}, ok=400)
    api.post("refunds", {}, ok=400)
    error = api.post("refunds", {"charge": "ch_none"}, ok=400)["error"]
    assert (error["code"], error["param"]) == ("resource_missing", "charge")


def test_refund_of_a_partial_capture_stops_at_the_captured_part(api):
    """Proves: what was released uncaptured cannot be refunded."""
    held = api.pay(10000, capture_method="manual")["id"]
    api.post(f"payment_intents/{held}/capture", {"amount_to_capture": 3000})
    api.post("refunds", {"payment_intent": held, "amount": 3001}, ok=400)
    assert api.post("refunds", {"payment_intent": held})["amount"] == 3000


def test_refunds_to_banks_are_pending_first(api, clock):
    """Proves: a refund of a bank debit is pending and settles with time."""
    debit = api.pay(10000, "usd", "pm_usBankAccount_success")["id"]
    clock.advance(timedelta(days=3))
    refund = api.post("refunds", {"payment_intent": debit, "amount": 500})
    assert (refund["status"], refund["pending_reason"]) == ("pending", "processing")
    api.post(f"refunds/{refund['id']}/cancel", ok=400)
    clock.advance(timedelta(days=2))
    assert api.get(f"refunds/{refund['id']}")["status"] == "succeeded"


def test_refunds_can_fail_after_success(api, world, clock):
    """Proves: a failed refund returns the money and can be given again."""
    paid = api.pay(10000, method="pm_card_refundFail")["id"]
    refund = api.post("refunds", {"payment_intent": paid})["id"]
    assert nets(world) == {"USD": -320}
    clock.advance(timedelta(days=1))
    body = api.get(f"refunds/{refund}")
    assert (body["status"], body["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert body["failure_balance_transaction"].startswith("txn_")
    assert nets(world) == {"USD": 9680}
    again = api.post("refunds", {"payment_intent": paid, "amount": 1})
    assert world.fail_refund(again["id"]).status == "failed"
    with pytest.raises(InvalidRequest):
        world.fail_refund(again["id"])


def test_a_dispute_takes_the_money_and_a_fee_that_is_kept(api, world):
    """Proves: won returns the amount only, lost returns nothing, no end comes twice."""
    won, lost = (api.pay(10000)["latest_charge"] for _ in range(2))
    first = world.dispute(won)
    second = world.dispute(lost, reason="product_not_received", amount_minor=4000)
    for charge in (won, lost):
        with pytest.raises(InvalidRequest):
            world.dispute(charge)
    refused = api.post("refunds", {"charge": won}, ok=400)["error"]
    assert refused["code"] == "charge_disputed"
    assert nets(world) == {"USD": 2 * 9680 - 10000 - 4000 - 2 * 1500}
    world.win_dispute(first.id)
    assert api.post(f"disputes/{second.id}/close")["status"] == "lost"
    assert nets(world) == {"USD": 2 * 9680 - 4000 - 2 * 1500}
    body = api.get(f"disputes/{first.id}")
    assert body["status"] == "won"
    assert [t["reporting_category"] for t in body["balance_transactions"]] == [
        "dispute",
        "dispute_reversal",
    ]
    assert [t["type"] for t in body["balance_transactions"]] == ["adjustment", "adjustment"]
    for verb in (world.win_dispute, world.lose_dispute):
        with pytest.raises(InvalidRequest):
            verb(first.id)


def test_the_dispute_card_disputes_itself(api, world, clock):
    """Proves: a minute after the payment the dispute is there, with its events."""
    api.pay(10000, method="pm_card_createDispute")
    assert world.disputes() == []
    clock.advance(timedelta(minutes=2))
    assert [d["amount"] for d in api.get("disputes")["data"]] == [10000]
    facts = [e["type"] for e in api.get("events", {"type": "charge.dispute.*"})["data"]]
    assert facts == ["charge.dispute.funds_withdrawn", "charge.dispute.created"]


def test_bank_debits_can_be_disputed(api, world, clock):
    """Proves: a dispute of a debit has no card to speak of and comes back as it went."""
    debit = api.pay(10000, "usd", "pm_usBankAccount_success")["id"]
    clock.advance(timedelta(days=3))
    dispute = world.dispute(api.get(f"payment_intents/{debit}")["latest_charge"])
    assert api.get(f"disputes/{dispute.id}")["payment_method_details"] is None
    world.win_dispute(dispute.id)
    assert nets(world) == {"USD": 10000 - 80 - 1500}


def test_automatic_payouts_are_the_sum_of_their_members(api, world, clock):
    """Proves: per currency, each line in one payout, whose own line is minus the rest."""
    api.pay(10000)
    api.pay(5000, "eur")
    world.fee("USD", 250, "Monthly fee")
    assert world.make_payouts() == []
    clock.advance(timedelta(days=2))
    api.pay(7000)
    made = world.make_payouts()
    assert [(p.currency, p.amount_minor) for p in made] == [("EUR", 4900), ("USD", 9680 - 250)]
    for payout in made:
        listed = api.get("balance_transactions", {"payout": payout.id})["data"]
        assert sum(t["net"] for t in listed) == 0
        members = [t["net"] for t in listed if t["type"] != "payout"]
        assert sum(members) == payout.amount_minor
    assert world.make_payouts() == []
    assert world.balances() == {"EUR": (0, 0), "USD": (0, 7000 - 233)}


def test_payouts_arrive_and_may_come_back(api, world, clock):
    """Proves: in transit, paid, then failed: the money returns and goes out again with the next."""
    api.pay(10000)
    clock.advance(timedelta(days=2))
    (payout,) = world.make_payouts()
    assert api.get(f"payouts/{payout.id}")["trace_id"] == {"status": "pending", "value": None}
    clock.advance(timedelta(days=3))
    shown = api.get(f"payouts/{payout.id}")
    assert (shown["status"], shown["trace_id"]["status"]) == ("paid", "supported")
    world.fail_payout(payout.id, "account_frozen")
    shown = api.get(f"payouts/{payout.id}")
    assert (shown["status"], shown["failure_code"]) == ("failed", "account_frozen")
    with pytest.raises(InvalidRequest):
        world.fail_payout(payout.id)
    assert [p.amount_minor for p in world.make_payouts()] == [9680]


def test_payouts_by_hand(api, world, clock):
    """Proves: no more than is available, cancel only while pending, no split into transactions."""
    api.pay(10000)
    request = {"amount": 9681, "currency": "usd"}
    clock.advance(timedelta(days=2))
    assert api.post("payouts", request, ok=400)["error"]["code"] == "balance_insufficient"
    first = api.post("payouts", {**request, "amount": 1000})
    assert (first["status"], first["automatic"]) == ("pending", False)
    assert api.post(f"payouts/{first['id']}/cancel")["status"] == "canceled"
    second = api.post("payouts", {**request, "amount": 2000})
    api.get("balance_transactions", {"payout": second["id"]}, ok=400)
    clock.advance(timedelta(hours=2))
    api.post(f"payouts/{second['id']}/cancel", ok=400)
    assert [t["type"] for t in api.get("balance_transactions", {"limit": 3})["data"]] == [
        "payout", "payout_cancel", "payout",
    ]  # fmt: skip
    assert [p.amount_minor for p in world.make_payouts()] == [7680]


def test_uneven_forint_wait_for_whole_ones(api, world, clock):
    """Proves: currencies paid out in whole units are swept only when the sum is whole."""
    api.pay(20050, "huf")
    clock.advance(timedelta(days=2))
    assert world.make_payouts() == []
    api.pay(20050, "huf")
    clock.advance(timedelta(days=2))
    assert [p.amount_minor % 100 for p in world.make_payouts()] == [0]


def test_balance_splits_into_available_and_pending(api, world, clock):
    """Proves: money is pending until midnight UTC two days later."""
    api.pay(10000)
    assert world.balances() == {"USD": (0, 9680)}
    clock.advance(timedelta(days=1, hours=14, minutes=59))
    assert world.balances() == {"USD": (0, 9680)}
    clock.advance(timedelta(minutes=1))
    assert world.balances() == {"USD": (9680, 0)}
    assert api.get("balance_transactions")["data"][0]["status"] == "available"


@pytest.mark.parametrize(
    ("amount", "points", "step", "fee"),
    [(1050, 290, 1, 30), (50, 100, 1, 1), (49, 100, 1, 0), (5120, 290, 10, 150), (0, 290, 1, 0)],
)
def test_percentages_round_half_up(amount, points, step, fee):
    """Proves: the stated rounding rule, in integers."""
    assert portion(amount, points, step) == fee


def test_nothing_taken_costs_nothing():
    """Proves: no fixed part is charged on an empty capture."""
    assert payment_fee(0, "USD", "card") == 0
    assert payment_fee(10**6, "USD", "us_bank_account") == 500


def test_strangers_are_not_found(world):
    """Proves: verbs of the world name what is missing."""
    for verb in (world.dispute, world.win_dispute, world.approve, world.fail_payout):
        with pytest.raises(NotFound):
            verb("xx_none")
