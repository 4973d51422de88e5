"""The life of a payment through the real adapter: approved, captured, held, voided, given back."""

from datetime import timedelta

import pytest

from domain.errors import CapabilityMissing, Declined, Rejected, Unavailable
from domain.payment import Payment, Stage, observe
from domain.settlement import LineKind, LineStatus
from providers.sandbox.faults import Fault
from tests.providers.paypal.market import START, WALLET, Market


def test_a_wallet_pays_once_its_owner_agreed(market: Market) -> None:
    """Proves: creating asks the payer and moves nothing; confirming after the yes captures all."""
    made = market.create()
    assert made.stage is Stage.ACTION
    assert made.payment_id == "pay_1"
    assert made.next_action_url.endswith(f"/sandbox/approve/{made.provider_payment_id}")
    assert market.confirm(made.provider_payment_id).stage is Stage.ACTION
    assert market.moved() == []
    market.world.approve(made.provider_payment_id)
    agreed = market.get(made.provider_payment_id)
    assert agreed.stage is Stage.APPROVED
    paid = market.confirm(made.provider_payment_id)
    assert paid.stage is Stage.CAPTURED
    (charge,) = paid.movements
    assert (charge.kind, charge.amount_minor, charge.fee_minor) == (LineKind.CHARGE, 10_000, 320)
    assert market.moved() == [10_000]
    assert market.get(made.provider_payment_id) == paid


def test_a_vaulted_card_pays_without_its_owner(market: Market) -> None:
    """Proves: an order for a vaulted method moves nothing when made and is paid when confirmed."""
    made = market.create(method="pm_card_visa")
    assert (made.stage, market.moved()) == (Stage.CREATED, [])
    assert market.confirm(made.provider_payment_id, "pm_card_visa").stage is Stage.CAPTURED
    assert market.moved() == [10_000]


def test_what_is_held_is_captured_in_part_and_the_rest_let_go(market: Market) -> None:
    """Proves: an authorization is captured once, finally, and shows the captured amount."""
    held = market.paid(capture=False)
    assert (held.stage, held.movements, market.moved()) == (Stage.AUTHORIZED, (), [])
    taken = market.run(market.adapter.capture(held.provider_payment_id, 6_000, "USD", "cap"))
    assert taken.stage is Stage.CAPTURED
    assert [m.amount_minor for m in taken.movements] == [6_000]
    assert market.get(held.provider_payment_id) == taken
    assert market.held(held.provider_payment_id).status == "captured"
    with pytest.raises(Rejected):
        market.run(market.adapter.capture(held.provider_payment_id, 4_000, "USD", "cap2"))
    assert market.moved() == [6_000]


def test_what_is_held_can_be_voided(market: Market) -> None:
    """Proves: cancelling voids what is held, a second time as well, and no capture passes."""
    held = market.paid(capture=False).provider_payment_id
    assert market.run(market.adapter.cancel(held, "can")).stage is Stage.CANCELLED
    assert market.run(market.adapter.cancel(held, "can2")).stage is Stage.CANCELLED
    assert market.held(held).status == "voided"
    with pytest.raises(Rejected):
        market.run(market.adapter.capture(held, 100, "USD", "cap"))
    assert market.moved() == []


def test_a_hold_ends_by_itself_after_29_days(market: Market) -> None:
    """Proves: an authorization nobody captured is told as cancelled."""
    held = market.paid(capture=False).provider_payment_id
    market.clock.advance(timedelta(days=29, seconds=1))
    market.world.tick()
    assert market.get(held).stage is Stage.CANCELLED


def test_a_hold_is_renewed_once_after_its_honour_period(market: Market) -> None:
    """Proves: a renewed authorization is the one captured; it cannot be renewed too early or
    twice."""
    held = market.paid(capture=False).provider_payment_id
    with pytest.raises(Rejected) as early:
        market.run(market.adapter.reauthorize(held, 10_000, "USD", "re0"))
    assert early.value.reason == "REAUTHORIZATION_NOT_SUPPORTED"
    market.clock.advance(timedelta(days=4))
    again = market.run(market.adapter.reauthorize(held, 10_000, "USD", "re1"))
    assert again.stage is Stage.AUTHORIZED
    market.clock.advance(timedelta(days=4))
    with pytest.raises(Rejected):
        market.run(market.adapter.reauthorize(held, 10_000, "USD", "re2"))
    assert market.run(market.adapter.capture(held, 10_000, "USD", "c")).stage is Stage.CAPTURED
    assert market.moved() == [10_000]


def test_money_goes_back_in_parts_and_never_twice(market: Market) -> None:
    """Proves: refunds carry our operation, the same operation is never made twice under any key,
    and more than was captured is refused."""
    order = market.paid().provider_payment_id
    refund = market.adapter.refund
    first = market.run(refund(order, 2_500, "USD", "op_1", "k1"))
    assert (first.amount_minor, first.operation_id) == (-2_500, "op_1")
    assert first.status is LineStatus.SUCCEEDED
    assert market.run(refund(order, 2_500, "USD", "op_1", "k1")) == first
    assert market.run(refund(order, 2_500, "USD", "op_1", "another-key")) == first
    with pytest.raises(Rejected) as much:
        market.run(refund(order, 7_501, "USD", "op_2", "k2"))
    assert much.value.reason == "REFUND_AMOUNT_EXCEEDED"
    market.run(refund(order, 7_500, "USD", "op_3", "k3"))
    assert market.moved() == [10_000, -2_500, -7_500]
    shown = market.get(order)
    assert shown.stage is Stage.CAPTURED
    back = [m.amount_minor for m in shown.movements if m.kind is LineKind.REFUND]
    assert sorted(back) == [-7_500, -2_500]


@pytest.mark.parametrize(
    ("method", "capture", "reason"),
    [
        ("pm_card_chargeDeclined", True, "INSTRUMENT_DECLINED"),
        ("pm_card_chargeDeclinedFraudulent", True, "TRANSACTION_REFUSED"),
        ("pm_card_chargeDeclined", False, "PAYER_CANNOT_PAY"),
    ],
)  # fmt: skip
def test_a_bank_says_no(market: Market, method: str, capture: bool, reason: str) -> None:
    """Proves: a decline is told as one, and the order can be closed for good afterwards."""
    made = market.create(method=method, capture=capture).provider_payment_id
    with pytest.raises(Declined) as declined:
        market.confirm(made, method)
    assert declined.value.reason == reason
    assert market.run(market.adapter.cancel(made, "fence")).stage is Stage.CANCELLED
    with pytest.raises(Rejected):
        _force(market, made)
    assert market.moved() == []


def _force(market: Market, order_id: str) -> None:
    """Our own money-moving call, as an earlier process might still send it."""
    order = market.order(order_id)
    call = "capture" if order.echo["reference_id"] == "CAPTURE" else "authorize"
    source = {"payment_source": {"card": {"vault_id": "pm_card_visa"}}}
    path = f"/v2/checkout/orders/{order_id}/{call}"
    market.run(market.adapter._client.tell("POST", path, "late", source))


def test_a_declined_wallet_asks_its_owner_again(market: Market) -> None:
    """Proves: after a decline the payer may choose another way to pay, and does."""
    made = market.create().provider_payment_id
    market.world.approve(made, wallet="wallet_no_funds")
    with pytest.raises(Declined):
        market.confirm(made)
    again = market.get(made)
    assert again.stage is Stage.ACTION
    assert again.next_action_url
    market.world.approve(made)
    assert market.confirm(made).stage is Stage.CAPTURED


def test_a_card_that_must_be_authenticated_asks_its_owner(market: Market) -> None:
    """Proves: a payer who must act is no failure, and the payment goes on once they did."""
    card = "pm_card_threeDSecureRequired"
    made = market.create(method=card).provider_payment_id
    assert market.confirm(made, card).stage is Stage.ACTION
    market.world.approve(made)
    assert market.confirm(made, card).stage is Stage.CAPTURED


@pytest.mark.parametrize("capture", [True, False])
def test_an_unpaid_order_is_fenced_not_cancelled(market: Market, capture: bool) -> None:
    """Proves: what PayPal cannot cancel is made unpayable, and every later look says so."""
    made = market.create(capture=capture).provider_payment_id
    fenced = market.run(market.adapter.cancel(made, "can"))
    assert fenced.stage is Stage.CANCELLED
    assert market.get(made) == fenced
    assert market.run(market.adapter.cancel(made, "can2")) == fenced
    market.world.approve(made)
    assert market.confirm(made).stage is Stage.CANCELLED
    with pytest.raises(Rejected) as late:
        _force(market, made)
    assert late.value.reason == "ACTION_DOES_NOT_MATCH_INTENT"
    assert market.moved() == []


def test_a_paid_order_cannot_be_fenced(market: Market) -> None:
    """Proves: cancelling what was captured shows the money instead of hiding it."""
    order = market.paid().provider_payment_id
    assert market.run(market.adapter.cancel(order, "can")).stage is Stage.CAPTURED


def test_an_approval_lapses_after_three_hours(market: Market) -> None:
    """Proves: a payer's word that was not used asks them again."""
    made = market.create().provider_payment_id
    market.world.approve(made)
    market.clock.advance(timedelta(hours=3, seconds=1))
    assert market.get(made).next_action_url
    assert market.confirm(made).stage is Stage.ACTION


@pytest.mark.parametrize(
    ("wallet", "end", "moved"),
    [
        ("wallet_review", Stage.CAPTURED, [10_000]),
        ("wallet_review_denied", Stage.FAILED, []),
    ],
)
def test_a_payment_under_review_is_underway(
    market: Market, wallet: str, end: Stage, moved: list[int]
) -> None:
    """Proves: a capture held back by a review counts only when the money comes, and can fail."""
    made = market.create().provider_payment_id
    market.world.approve(made, wallet=wallet)
    pending = market.confirm(made)
    assert (pending.stage, pending.movements, market.moved()) == (Stage.UNDERWAY, (), [])
    market.clock.advance(timedelta(days=1, seconds=1))
    ended = market.get(made)
    assert (ended.stage, market.moved()) == (end, moved)
    assert bool(ended.failure_code) == (end is Stage.FAILED)


def test_a_dispute_takes_money_and_a_fee_and_may_give_it_back(market: Market) -> None:
    """Proves: a lost chargeback and its fee, and the return when it is won, are movements."""
    order = market.paid().provider_payment_id
    opened = market.world.dispute(market.world.charges()[0].id)
    shown = {m.kind: m for m in market.get(order).movements}
    taken = shown[LineKind.DISPUTE]
    assert (taken.reference, taken.amount_minor, taken.fee_minor) == (opened.id, -10_000, 1_500)
    with pytest.raises(Rejected) as refused:
        market.run(market.adapter.refund(order, 100, "USD", "op_1", "k"))
    assert refused.value.reason == "TRANSACTION_DISPUTED"
    market.world.win_dispute(opened.id)
    shown = {m.kind: m for m in market.get(order).movements}
    assert shown[LineKind.DISPUTE_REVERSAL].amount_minor == 10_000


@pytest.mark.parametrize(
    ("currency", "minor", "value"),
    [("JPY", 1_200, "1200"), ("HUF", 120_000, "1200"), ("TWD", 50_000, "500"), ("EUR", 5, "0.05")],
)
def test_each_currency_in_its_own_units(
    market: Market, currency: str, minor: int, value: str
) -> None:
    """Proves: currencies PayPal takes without decimals go out and come back exact."""
    paid = market.paid(minor, currency)
    assert (paid.amount_minor, paid.currency) == (minor, currency)
    shown = market.send("GET", f"/v2/checkout/orders/{paid.provider_payment_id}")
    assert shown["purchase_units"][0]["amount"] == {"currency_code": currency, "value": value}
    assert market.moved() == [minor]
    back = market.run(market.adapter.refund(paid.provider_payment_id, minor, currency, "op_1", "k"))
    assert back.amount_minor == -minor


def test_what_paypal_cannot_take_is_refused_before_anything_is_sent(market: Market) -> None:
    """Proves: fractions of whole currencies, unknown currencies and long references never leave."""
    for words in ({"minor": 150, "currency": "HUF"}, {"currency": "BHD"}, {"order": "x" * 128}):
        with pytest.raises(CapabilityMissing):
            market.create(**words)
    assert market.transport.log == []


def test_one_order_reference_is_paid_once(market: Market) -> None:
    """Proves: PayPal itself refuses a second payment for an order that was paid."""
    first = market.create(pay="pay_1", order="A-1").provider_payment_id
    second = market.create(pay="pay_2", order="A-1").provider_payment_id
    market.world.approve(first)
    market.world.approve(second)
    assert market.confirm(first).stage is Stage.CAPTURED
    with pytest.raises(Rejected) as twice:
        market.confirm(second)
    assert twice.value.reason == "DUPLICATE_INVOICE_ID"
    assert market.moved() == [10_000]


def test_another_merchants_or_modes_order_is_never_believed(market: Market) -> None:
    """Proves: an object that names another merchant is refused, whatever it says."""
    order = market.paid().provider_payment_id
    stranger = market.open(merchant_id="ZZZZZZZZZZZZZ")
    with pytest.raises(Rejected) as refused:
        market.run(stranger.get(order))
    assert refused.value.reason == "mode_mismatch"


def test_an_unknown_order_is_rejected(market: Market) -> None:
    """Proves: ids PayPal does not know, or could never have given, are told as such."""
    for odd in ("1ABCDEFGH", "../../v1/oauth2", ""):
        with pytest.raises(Rejected) as refused:
            market.get(odd)
        assert refused.value.reason == "INVALID_RESOURCE_ID"


def test_snapshots_in_any_order_lead_to_one_payment(market: Market) -> None:
    """Proves: what the adapter shows of one life converges, whatever order it is observed in."""
    seen = [market.create()]
    order = seen[0].provider_payment_id
    market.world.approve(order)
    seen += [market.get(order), market.confirm(order)]
    market.run(market.adapter.refund(order, 1_000, "USD", "op_1", "k"))
    seen.append(market.get(order))
    ends = set()
    for path in (seen, seen[::-1], seen[2:] + seen[:2], seen * 2):
        payment = Payment(
            "pay_1", "paypal", "shop", "test", 10_000, "USD", True, WALLET, START, START
        )
        for snapshot in path:
            observed = observe(payment, snapshot)
            assert not observed.anomalies
            payment = observed.payment
        ends.add((payment.stage, payment.captured_minor, payment.refunded_minor))
    assert ends == {(Stage.CAPTURED, 10_000, 1_000)}


def test_asking_while_paypal_is_away(market: Market) -> None:
    """Proves: a question that fails says that nothing was done."""
    order = market.paid().provider_payment_id
    for fault in (Fault.TIMEOUT_BEFORE, Fault.ERROR_BEFORE, Fault.GARBAGE, Fault.TRUNCATED):
        market.fail(fault)
        with pytest.raises(Unavailable):
            market.get(order)
