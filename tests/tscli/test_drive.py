"""Driving operations: what is doubtful is settled by asking, what is refused ends, once.

Each test plays one story between an operator, the books and a provider that fails.
"""

import asyncio
from datetime import timedelta

import pytest

from db.database import Database
from domain.clock import SetClock
from domain.errors import Conflict, InvalidRequest, OutcomeUnknown, Rejected, Unavailable
from domain.operation import OperationKind, OperationState
from domain.payment import PaymentState
from providers.sandbox.faults import Fault
from tests.tscli.shop import Shop, open_shop, outcome_of
from tscli.services.drive import RESENDS
from tscli.services.payments import refund_payment

F = Fault


@pytest.fixture
def shop(sqlite_database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(sqlite_database, clock, monkeypatch)


def test_money_that_moved_unseen_is_found_by_a_refresh(shop: Shop) -> None:
    """Proves that a charge whose answer was lost is adopted with its fee, once."""
    shop.fail([F.NONE] + [F.TIMEOUT_AFTER, F.TIMEOUT_BEFORE] * 5)
    with pytest.raises(OutcomeUnknown) as unknown:
        shop.create()
    assert shop.moved() == [10_000]
    (known,) = shop.payments()
    assert known.state is PaymentState.PROCESSING
    assert known.payment_id in unknown.value.hint
    assert known.next_check_at is not None
    shop.settle()
    (final,) = shop.payments()
    assert (final.captured_minor, final.fee_minor) == (10_000, 320)
    assert shop.moved() == [10_000]
    shop.prove()


def test_doubt_is_never_told_as_nothing_done(shop: Shop) -> None:
    """Proves that a busy provider after a lost answer is still an unknown outcome."""
    shop.fail([F.NONE, F.TIMEOUT_AFTER, F.TIMEOUT_BEFORE, F.RATE_LIMIT])
    with pytest.raises(OutcomeUnknown):
        shop.create()
    (operation,) = shop.unfinished()
    assert operation.state is OperationState.UNKNOWN
    assert shop.moved() == [10_000]
    shop.settle()
    shop.prove()


def test_an_unavailable_provider_names_payment_and_key(shop: Shop) -> None:
    """Proves that the error tells how to finish it, so that nobody asks for the money again."""
    shop.fail([F.REFUSED])
    with pytest.raises(Unavailable) as refused:
        shop.create()
    (known,) = shop.payments()
    assert known.payment_id in refused.value.hint
    key = refused.value.hint.rpartition("--idempotency-key ")[2].rstrip(".")
    assert shop.create(key=key).payment.payment_id == known.payment_id
    shop.prove()


def test_sends_are_few(shop: Shop) -> None:
    """Proves that one command sends a doubtful step a bounded number of times: a creation once
    more, under a fresh key, because it moves no money."""
    shop.plan = lambda request: F.RESET_BEFORE
    with pytest.raises(OutcomeUnknown):
        shop.create()
    posts = [path for method, path, _ in shop.transport.log if method == "POST"]
    assert len(posts) == 2 + RESENDS
    shop.settle()
    assert len(shop.world.intents()) == 1
    shop.prove()


def test_a_refusal_after_doubt_is_no_proof(shop: Shop) -> None:
    """Proves that a decline which follows a lost answer is settled by reading, not believed."""
    shop.fail([F.NONE, F.TIMEOUT_AFTER, F.TIMEOUT_BEFORE])
    done = shop.create(method="pm_card_chargeDeclined")
    assert done.payment.state is PaymentState.FAILED
    assert shop.world.intents()[0].status == "cancelled"
    shop.prove()


def test_a_declined_payment_is_fenced(shop: Shop) -> None:
    """Proves that a payment is called failed only when its object can never be paid any more."""
    done = shop.create(method="pm_card_chargeDeclined")
    assert done.payment.state is PaymentState.FAILED
    assert done.operation.state is OperationState.REFUSED
    (intent,) = shop.world.intents()
    assert intent.status == "cancelled"
    assert shop.moved() == []


@pytest.mark.parametrize("words", [{"method": "pm_nobody"}, {"currency": "BHD", "amount": "1.005"}])
def test_a_creation_refused_ends(shop: Shop, words: dict[str, str]) -> None:
    """Proves that what the provider will never take is failed at once, with nothing left open."""
    done = shop.create(**words)
    assert done.payment.state is PaymentState.FAILED
    assert done.operation.state is OperationState.REFUSED
    assert shop.world.intents() == []
    shop.prove()


def test_a_refusal_of_a_repeated_creation_is_believed(shop: Shop) -> None:
    """Proves that a creation in doubt does not stay open for ever once it is refused."""
    shop.fail([F.RESET_BEFORE] * 4)
    with pytest.raises(OutcomeUnknown):
        shop.create(key="k", method="pm_nobody")
    done = shop.create(key="k", method="pm_nobody")
    assert done.payment.state is PaymentState.FAILED
    shop.prove()


def test_a_refund_the_provider_cannot_make_frees_its_amount(shop: Shop) -> None:
    """Proves that an amount Stripe does not take is refused and no longer reserved."""
    pay = shop.create("1.000", currency="BHD").payment.payment_id
    done = shop.refund(pay, "0.005", key="odd")
    assert done.operation.state is OperationState.REFUSED
    assert shop.refund(pay, "1.000", key="all").payment.state is PaymentState.REFUNDED
    shop.prove()


def test_an_order_can_be_paid_again_after_a_decline(shop: Shop) -> None:
    """Proves that a failed payment lets its order go, and a living one does not."""
    shop.create(order_reference="o1", method="pm_card_chargeDeclined")
    assert shop.create(order_reference="o1").payment.state is PaymentState.SUCCEEDED
    with pytest.raises(Conflict, match="o1"):
        shop.create(order_reference="o1")
    assert shop.moved() == [10_000]


def test_an_unfinished_capture_is_not_finished_under_another_amount(shop: Shop) -> None:
    """Proves that asking for another amount neither captures the first nor the second."""
    pay = shop.create(capture=False).payment.payment_id
    shop.fail([F.REFUSED])
    with pytest.raises(Unavailable):
        shop.capture(pay, "50.00", key="a")
    with pytest.raises(Conflict, match=r"50\.00"):
        shop.capture(pay, "70.00", key="b")
    assert shop.moved() == []
    assert shop.capture(pay, "50.00", key="c").payment.captured_minor == 5_000
    shop.prove()


def test_another_program_using_our_key_is_no_refusal(shop: Shop) -> None:
    """Proves that a key the provider knows with other words leaves the outcome unknown."""
    shop.fail([F.NONE, F.REFUSED])
    with pytest.raises(Unavailable):
        shop.create(key="k")
    (operation,) = shop.unfinished()
    _steal(shop, f"{operation.operation_id}.confirm.1")
    with pytest.raises(OutcomeUnknown):
        shop.create(key="k")
    (known,) = shop.payments()
    assert known.state is PaymentState.PROCESSING


def _steal(shop: Shop, key: str) -> None:
    """Use one of our keys at the provider for something else."""

    async def call() -> None:
        async with shop.open_provider("stripe") as provider:
            await provider.add_customer("cus_x", key)

    asyncio.run(call())


@pytest.mark.parametrize("seen", [True, False])
def test_a_refund_that_fails_at_once(shop: Shop, seen: bool) -> None:
    """Proves that a refund the bank sends back is undone in the books and can be made again."""
    pay = shop.create().payment.payment_id
    if not seen:
        shop.fail([F.TIMEOUT_AFTER] + [F.TIMEOUT_BEFORE] * 9)
        with pytest.raises(OutcomeUnknown):
            shop.refund(pay)
    else:
        assert shop.refund(pay).payment.state is PaymentState.REFUNDED
    shop.world.fail_refund(shop.world.refunds()[0].id)
    shop.settle()
    (known,) = shop.payments()
    assert (known.state, known.refunded_minor) == (PaymentState.SUCCEEDED, 0)
    shop.prove()
    with shop.database.read() as books:
        refunds = [
            o
            for o in books.operations.of_payment(known.payment_id)
            if o.kind is OperationKind.REFUND
        ]
    assert refunds[0].state is (OperationState.DONE if seen else OperationState.REFUSED)
    assert shop.refund(known.payment_id, key="again").payment.state is PaymentState.REFUNDED
    shop.prove()


def test_a_dispute_is_booked_and_limits_refunds(shop: Shop) -> None:
    """Proves that disputed money cannot be refunded as well, and comes back when it is won."""
    done = shop.create()
    shop.world.dispute(shop.world.charges()[0].id)
    known = shop.refresh(done.payment.payment_id)
    assert known.disputed_minor == 10_000
    with pytest.raises(InvalidRequest):
        shop.refund(known.payment_id, "1.00")
    shop.world.win_dispute(shop.world.disputes()[0].id)
    assert shop.refresh(known.payment_id).disputed_minor == 0
    shop.prove()


def test_a_cancellation_too_late_says_so(shop: Shop) -> None:
    """Proves that cancelling what was captured meanwhile adopts the money and refuses."""
    pay = shop.create(capture=False).payment.payment_id
    shop.fail([F.TIMEOUT_AFTER] + [F.TIMEOUT_BEFORE] * 9)
    with pytest.raises(OutcomeUnknown):
        shop.capture(pay)
    shop.fail([])
    done = shop.cancel(pay)
    assert done.operation.state is OperationState.REFUSED
    assert done.payment.captured_minor == 10_000
    shop.settle()
    shop.prove()


def test_a_payment_never_sent_is_cancelled_here(shop: Shop) -> None:
    """Proves that a payment of which the provider never heard ends without asking anybody."""
    shop.fail([F.REFUSED])
    with pytest.raises(Unavailable):
        shop.create(key="k")
    (known,) = shop.payments()
    done = shop.cancel(known.payment_id)
    assert done.payment.state is PaymentState.CANCELLED
    with pytest.raises(Conflict):
        shop.capture(known.payment_id)
    assert shop.create(key="k").payment.state is PaymentState.CANCELLED
    assert shop.moved() == []
    shop.settle()
    shop.prove()


def test_a_customer_who_authenticates_pays(shop: Shop) -> None:
    """Proves that a payment waiting for its customer is captured by a refresh afterwards."""
    done = shop.create(method="pm_card_threeDSecureRequired")
    assert done.payment.state is PaymentState.REQUIRES_ACTION
    assert done.payment.next_action_url
    shop.world.approve(shop.world.intents()[0].id)
    assert shop.refresh(done.payment.payment_id).state is PaymentState.SUCCEEDED
    shop.prove()


def test_a_customer_who_fails_to_authenticate_is_fenced(shop: Shop) -> None:
    """Proves that a failed authentication ends as failed as soon as it is asked for."""
    done = shop.create(method="pm_card_threeDSecureRequired")
    shop.world.reject(shop.world.intents()[0].id)
    assert shop.refresh(done.payment.payment_id).state is PaymentState.FAILED
    assert shop.moved() == []
    shop.prove()


def test_a_refund_without_our_mark_is_not_repeated(shop: Shop) -> None:
    """Proves that a refund made elsewhere counts, and is never taken for one of ours."""
    pay = shop.create().payment.payment_id
    shop.fail([F.REFUSED])
    with pytest.raises(Unavailable):
        shop.refund(pay, "60.00", key="a")
    shop.fail([])
    with pytest.raises(InvalidRequest, match=r"40\.00"):
        shop.refund(pay, "60.00", key="b")
    assert shop.refund(pay, "60.00", key="a").payment.refunded_minor == 6_000
    shop.prove()


def test_rejected_is_told_by_the_outcome(shop: Shop) -> None:
    """Proves that a capture the provider refuses is refused for good and changes nothing."""
    pay = shop.create(capture=False).payment.payment_id
    shop.clock.advance(timedelta(days=8))
    done = outcome_of(refund_payment(shop.context, pay))
    assert isinstance(done, Conflict)
    ended = shop.capture(pay)
    assert ended.operation.state is OperationState.REFUSED
    assert not isinstance(ended, Rejected)
    assert shop.moved() == []
    shop.prove()


@pytest.mark.parametrize(
    ("method", "state"),
    [
        ("pm_usBankAccount_success", PaymentState.SUCCEEDED),
        ("pm_usBankAccount_insufficientFunds", PaymentState.FAILED),
    ],
)
def test_a_bank_takes_days(shop: Shop, method: str, state: PaymentState) -> None:
    """Proves that a debit under way is processing until the bank answers, days later."""
    done = shop.create(method=method)
    assert done.payment.state is PaymentState.PROCESSING
    assert done.payment.next_check_at is not None
    shop.clock.advance(timedelta(days=10))
    shop.world.tick()
    shop.refresh(done.payment.payment_id)
    shop.prove()
    assert shop.payments()[0].state is state
