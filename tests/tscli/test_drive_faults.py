"""Driving operations under provider faults: nothing is charged twice, nothing is wrongly failed.

Every fault strikes every request of every verb once, on the real adapter against the pretend
world; afterwards the same words, or a refresh, must bring our books to the world's truth.
"""

from collections.abc import Callable

import pytest

from db.database import Database
from domain.clock import SetClock
from domain.errors import (
    OutcomeUnknown,
    PaymentsError,
    Unavailable,
)
from domain.payment import PaymentState
from providers.sandbox.faults import READ_FAULTS, WRITE_FAULTS, Fault
from tests.tscli.shop import Shop, open_shop
from tscli.services.payments import Outcome

F = Fault


@pytest.fixture
def shop(sqlite_database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(sqlite_database, clock, monkeypatch)


Verb = Callable[[Shop, str, str], Outcome]
VERBS: dict[str, Verb] = {
    "create": lambda shop, _, key: shop.create(key=key, order_reference=key),
    "decline": lambda shop, _, key: shop.create(key=key, method="pm_card_chargeDeclined"),
    "capture": lambda shop, pay, key: shop.capture(pay, "60.00", key=key),
    "cancel": lambda shop, pay, key: shop.cancel(pay, key=key),
    "refund": lambda shop, pay, key: shop.refund(pay, key=key),
    "refund a part": lambda shop, pay, key: shop.refund(pay, "60.00", key=key),
}
REQUESTS = {"create": 2, "decline": 4}
"""Requests to the provider a verb makes when nothing fails; one when not named."""

ENDS = {
    "create": PaymentState.SUCCEEDED,
    "decline": PaymentState.FAILED,
    "capture": PaymentState.SUCCEEDED,
    "cancel": PaymentState.CANCELLED,
    "refund": PaymentState.REFUNDED,
    "refund a part": PaymentState.SUCCEEDED,
}
NOT_DONE = (F.REFUSED, F.CONFLICT, F.RATE_LIMIT, F.RATE_LIMIT_RETRY_AFTER)
"""Faults that say for certain that nothing was executed."""


def prepared(shop: Shop, verb: str) -> str:
    """The payment a verb needs."""
    if verb.startswith("refund"):
        return shop.create().payment.payment_id
    if verb.startswith(("capture", "cancel")):
        return shop.create(capture=False).payment.payment_id
    return ""


def struck(shop: Shop, verb: str, pay: str, key: str) -> Outcome | PaymentsError:
    """What a verb ends in while something fails."""
    try:
        return VERBS[verb](shop, pay, key)
    except PaymentsError as error:
        return error


@pytest.mark.parametrize("fault", WRITE_FAULTS)
@pytest.mark.parametrize("verb", VERBS)
def test_one_fault_on_each_request(shop: Shop, verb: str, fault: Fault) -> None:
    """Proves that after any single fault nothing is wrong, and the same words lead to the end."""
    for number in range(REQUESTS.get(verb, 1)):
        pay, key = prepared(shop, verb), f"k{number}"
        shop.fail([F.NONE] * number + [fault])
        first = struck(shop, verb, pay, key)
        shop.prove_safe()
        if isinstance(first, PaymentsError):
            assert isinstance(first, Unavailable | OutcomeUnknown)
            assert len(shop.unfinished()) == 1, "an error that leaves nothing to be finished"
        shop.fail([])
        again = VERBS[verb](shop, pay, key)
        assert again.replayed
        assert again.payment.state is ENDS[verb]
        shop.settle()
        shop.prove()
        assert len(shop.payments()) == number + 1


@pytest.mark.parametrize("fault", WRITE_FAULTS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_fault_on_every_request(shop: Shop, verb: str, fault: Fault) -> None:
    """Proves that while everything fails all is open, and a refresh alone ends it afterwards."""
    pay = prepared(shop, verb)
    on_reads = fault if fault in READ_FAULTS else F.TIMEOUT_BEFORE
    shop.plan = lambda request: fault if request.method == "POST" else on_reads
    first = struck(shop, verb, pay, "k")
    assert isinstance(first, Unavailable if fault in NOT_DONE else OutcomeUnknown)
    assert len(shop.unfinished()) == 1
    shop.prove_safe()
    shop.settle()
    shop.prove()
    (final,) = shop.payments()
    assert final.state is ENDS[verb]
