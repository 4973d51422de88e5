"""Doubtful outcomes: what was lost on the way is settled by reading the order, never by guessing.

`Till` drives one payment as an operator's command would: decide from what is known, send, learn.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from domain.errors import (
    Declined,
    OutcomeUnknown,
    ProviderError,
    Rejected,
    Unavailable,
)
from domain.operation import Operation, OperationKind, OperationState, Step, next_step
from domain.payment import Payment, Snapshot, Stage, observe
from providers.sandbox.faults import Fault, seeded
from tests.providers.paypal.market import START, WALLET, Market

F = Fault
CARD = "pm_card_visa"


@dataclass
class Till:
    """One payment in our books."""

    market: Market
    payment: Payment
    refused: set[str] = field(default_factory=set)

    def learn(self, snapshot: Snapshot) -> None:
        """Take in what PayPal shows; nothing it shows may contradict what we know."""
        observed = observe(self.payment, snapshot)
        assert not observed.anomalies, observed.anomalies
        self.payment = observed.payment

    def ask(self) -> None:
        """Look at the order, if one is known; a failure to look is no evidence."""
        if self.payment.provider_payment_id:
            try:
                self.learn(self.market.get(self.payment.provider_payment_id))
            except ProviderError:
                return

    def drive(self, kind: OperationKind, minor: int, name: str, tries: int = 12) -> OperationState:
        """Take an operation as far as it goes."""
        operation = Operation(
            name, "pay_1", kind, minor, OperationState.SENDING, "tess", START, START
        )
        for _ in range(tries):
            verdict = next_step(operation, self.payment)
            if verdict.state is not None:
                return verdict.state
            if verdict.step is None:
                break  # somebody else has to act
            try:
                self._take(operation, verdict.step)
            except Declined:
                self.ask()
                self.payment = replace(self.payment, stage=max(self.payment.stage, Stage.DECLINED))
            except (Rejected, OutcomeUnknown, Unavailable):
                self.ask()
        return OperationState.UNKNOWN

    def _take(self, operation: Operation, step: Step) -> None:
        adapter, key = self.market.adapter, operation.key(step)
        target, minor = self.payment.provider_payment_id or "", operation.amount_minor
        if step is Step.CREATE:
            made = self.market.create(
                capture=self.payment.capture, method=self.payment.method_token, key=key
            )
            self.learn(made)
        elif step is Step.CONFIRM:
            self.learn(self.market.confirm(target, self.payment.method_token, key))
        elif step is Step.CAPTURE:
            self.learn(self.market.run(adapter.capture(target, minor, "USD", key)))
        elif step is Step.REFUND:
            call = adapter.refund(target, minor, "USD", operation.operation_id, key)
            moved = self.market.run(call)
            shown = self.market.get(target)
            assert moved.name in {m.name for m in shown.movements}
            self.learn(shown)
        else:
            self.learn(self.market.run(adapter.cancel(target, key)))

    def agree(self) -> None:
        """The payer agrees, and the payment is confirmed under the key it was begun with."""
        self.market.world.approve(self.payment.provider_payment_id or "")
        for _ in range(12):
            if self.payment.stage > Stage.APPROVED:
                return
            try:
                target = self.payment.provider_payment_id or ""
                self.learn(self.market.confirm(target, WALLET, "op_1.confirm.1"))
            except (OutcomeUnknown, Unavailable, Rejected):
                self.ask()


def till(market: Market, *, capture: bool = True, method: str = CARD) -> Till:
    """A payment that was recorded and not sent."""
    return Till(
        market,
        Payment("pay_1", "paypal", "shop", "test", 10_000, "USD", capture, method, START, START),
    )


@pytest.mark.parametrize(
    "fault", [F.TIMEOUT_AFTER, F.ERROR_AFTER, F.RESET_AFTER, F.GARBAGE, F.TRUNCATED]
)
def test_a_capture_whose_answer_was_lost_is_found(market: Market, fault: Fault) -> None:
    """Proves: a lost answer is an unknown outcome, and the next look shows the money, once."""
    made = market.create(method=CARD).provider_payment_id
    market.fail(F.NONE, F.NONE, fault)  # reads the order, reads the token, captures
    with pytest.raises(OutcomeUnknown):
        market.confirm(made, CARD, "op.confirm.1")
    assert market.moved() == [10_000]
    assert market.get(made).stage is Stage.CAPTURED
    assert market.confirm(made, CARD, "op.confirm.1").stage is Stage.CAPTURED
    assert market.moved() == [10_000]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (F.TIMEOUT_BEFORE, OutcomeUnknown),
        (F.ERROR_BEFORE, OutcomeUnknown),
        (F.UNAVAILABLE_HTML, OutcomeUnknown),
        (F.REFUSED, Unavailable),
        (F.CONFLICT, Unavailable),
        (F.RATE_LIMIT_RETRY_AFTER, Unavailable),
    ],
)
def test_what_is_certain_about_a_failed_write(
    market: Market, fault: Fault, error: type[ProviderError]
) -> None:
    """Proves: only what provably did nothing is called unavailable; the same key then does it."""
    market.fail(fault)
    with pytest.raises(error):
        market.create(key="k")
    assert market.create(key="k").stage is Stage.ACTION
    assert len(market.world.intents()) == 1


@pytest.mark.parametrize("step", ["create", "capture", "void", "refund"])
def test_a_repeated_key_has_one_effect(market: Market, step: str) -> None:
    """Proves: each write sent twice under one key happens once and shows the present state."""
    if step == "create":
        assert market.create(key="k") == market.create(key="k")
        assert len(market.world.intents()) == 1
        return
    order = market.paid(capture=step == "refund").provider_payment_id
    for _ in range(2):
        path = f"/v2/payments/authorizations/{_held(market, order)}"
        if step == "capture":
            market.send("POST", f"{path}/capture", {"final_capture": True}, key="k")
        elif step == "void":
            market.send("POST", f"{path}/void", key="k")
        else:
            capture_id = market.world.charges()[0].id
            amount = {"amount": {"currency_code": "USD", "value": "10.00"}}
            market.send("POST", f"/v2/payments/captures/{capture_id}/refund", amount, key="k")
    assert len(market.moved()) == {"capture": 1, "void": 0, "refund": 2}[step]


def _held(market: Market, order: str) -> str:
    return market.held(order).id if market.world.authorizations() else ""


def test_two_captures_at_once_under_one_key(market: Market) -> None:
    """Proves: of two simultaneous requests one works and the other is told to wait."""
    made = market.create(method=CARD).provider_payment_id

    async def both() -> list[object]:
        calls = (market.adapter.confirm(made, CARD, "k") for _ in range(2))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    results = asyncio.run(both())
    stages = [r.stage for r in results if isinstance(r, Snapshot)]
    assert Stage.CAPTURED in stages
    for other in results:
        if isinstance(other, Exception):
            assert isinstance(other, Unavailable)
            assert other.reason == "in_progress"
    assert market.moved() == [10_000]


def test_a_capture_on_its_way_cannot_pass_the_fence(market: Market) -> None:
    """Proves: a capture that timed out and arrives after the cancellation moves nothing."""
    made = market.create(method=CARD).provider_payment_id
    market.fail(F.NONE, F.NONE, F.LATE_EFFECT)
    with pytest.raises(OutcomeUnknown):
        market.confirm(made, CARD)
    market.transport._late[0].due += 10
    assert market.run(market.adapter.cancel(made, "can")).stage is Stage.CANCELLED
    asyncio.run(market.transport.settle())
    assert market.moved() == []
    assert market.get(made).stage is Stage.CANCELLED


def test_a_capture_that_was_faster_than_the_fence_is_adopted(market: Market) -> None:
    """Proves: an order paid in the meantime refuses the fence and shows its money."""
    made = market.create(method=CARD).provider_payment_id
    market.fail(F.NONE, F.NONE, F.LATE_EFFECT)
    with pytest.raises(OutcomeUnknown):
        market.confirm(made, CARD)
    assert market.transport._late[0].due == len(market.transport.log) + 1  # behind the next look
    with pytest.raises(Rejected) as late:
        market.run(market.adapter.cancel(made, "can"))
    assert late.value.reason == "ORDER_ALREADY_COMPLETED"
    assert market.get(made).stage is Stage.CAPTURED


def test_keys_outlive_their_window_without_a_second_effect(market: Market) -> None:
    """Proves: past PayPal's window a repeat is refused by the order itself, not executed again."""
    made = market.create(method=CARD).provider_payment_id
    market.confirm(made, CARD, "k")
    market.clock.advance(timedelta(hours=7))
    path = f"/v2/checkout/orders/{made}/capture"
    market._token = ""
    assert market.refused(422, "POST", path, key="k") == "ORDER_ALREADY_CAPTURED"
    assert market.moved() == [10_000]


def test_a_refund_past_its_window_is_refused_by_its_invoice(market: Market) -> None:
    """Proves: the operation as invoice id keeps a refund from being made twice, for good."""
    order = market.paid().provider_payment_id
    market.run(market.adapter.refund(order, 1_000, "USD", "op_1", "k"))
    capture_id = market.world.charges()[0].id
    market.clock.advance(timedelta(days=46))
    market._token = ""
    body = {"amount": {"currency_code": "USD", "value": "10.00"}, "invoice_id": "op_1"}
    path = f"/v2/payments/captures/{capture_id}/refund"
    assert market.refused(422, "POST", path, body, "k") == "DUPLICATE_INVOICE_ID"
    assert market.moved("refund") == [-1_000]


@pytest.mark.parametrize("seed", range(90))
def test_no_schedule_of_faults_moves_money_twice(market: Market, seed: int) -> None:
    """Proves: whatever fails on the way, money moves at most once, nothing that moved is called
    failed, and once the faults end books and world agree."""
    method = (CARD, WALLET, "pm_card_chargeDeclined")[seed % 3]
    capture = seed % 2 == 0
    market.plan = seeded(seed, 45)
    ours = till(market, capture=capture, method=method)
    ours.drive(OperationKind.CREATE, 10_000, "op_1")
    if ours.payment.stage is Stage.ACTION:
        ours.agree()
    if ours.payment.stage is Stage.AUTHORIZED:
        kind = OperationKind.CANCEL if seed % 5 == 0 else OperationKind.CAPTURE
        ours.drive(kind, 7_000, "op_2")
    if ours.payment.stage is Stage.CAPTURED:
        ours.drive(OperationKind.REFUND, 3_000, "op_3")
    assert len(market.moved("capture")) <= 1
    assert len(market.moved("refund")) <= 1
    market.fail()
    asyncio.run(market.transport.settle())
    ours.drive(OperationKind.CREATE, 10_000, "op_1")
    ours.ask()
    assert len(market.moved("capture")) <= 1
    captured, refunded = sum(market.moved("capture")), -sum(market.moved("refund"))
    assert ours.payment.captured_minor == captured
    assert ours.payment.refunded_minor == refunded
    if ours.payment.stage in (Stage.FAILED, Stage.CANCELLED):
        assert captured == 0
