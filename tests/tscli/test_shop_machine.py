"""A shop that anything may happen to, in any order: safe after every step, settled in the end."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from db.database import Database
from domain.clock import SetClock
from domain.errors import PaymentsError
from domain.ids import Ids
from domain.payment import PaymentState
from providers.sandbox.faults import WRITE_FAULTS, Fault, scripted
from tests.conftest import START
from tests.tscli.shop import Shop
from tscli.services.sweep import sweep

FAULTS = st.lists(st.sampled_from([Fault.NONE, *WRITE_FAULTS]), max_size=6)
METHODS = st.sampled_from(
    ["pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined", "pm_card_threeDSecureRequired"]
)


class ShopMachine(RuleBasedStateMachine):
    """Operators, customers, faults, time and sweeps against one set of books."""

    @initialize()
    def open(self) -> None:
        self.clock = SetClock(START)
        # Chance of their own would make the same history end differently when it is played again.
        ids = Ids(self.clock, random.Random(1).getrandbits)
        self.database = Database("sqlite://", self.clock, ids)
        self.shop = Shop(self.database, self.clock, ids=ids)
        self.keys = 0

    def teardown(self) -> None:
        if not hasattr(self, "shop"):
            return
        self.shop.fail([])
        for _ in range(3):
            self.clock.advance(timedelta(hours=2))
            asyncio.run(self.shop._arrive())
            asyncio.run(sweep(self.shop.context, older_than=timedelta()))
        self.shop.prove_safe()
        waiting = [
            p.payment_id for p in self.shop.payments() if p.state is PaymentState.REQUIRES_ACTION
        ]
        queued = {r.operation_id for r in self.shop.reviews()}
        left = [o for o in self.shop.unfinished() if o.payment_id not in waiting]
        assert {o.operation_id for o in left} <= queued, "open, and nobody is told"
        self.database.close()

    def key(self, again: bool) -> str:
        """A new key, or the last one again."""
        self.keys += 0 if again and self.keys else 1
        return f"k{self.keys}"

    def attempt(self, verb: str, faults: list[Fault], *words: Any, **more: Any) -> None:
        """One verb while something fails; every deliberate error is an answer."""
        self.shop.plan = scripted(faults)
        with suppress(PaymentsError):
            getattr(self.shop, verb)(*words, **more)

    def any_payment(self, data: Any) -> str:
        """One of the payments there are."""
        found = sorted(p.payment_id for p in self.shop.payments())
        return found[data.draw(st.integers(0, 9)) % len(found)]

    @rule(
        faults=FAULTS, method=METHODS, capture=st.booleans(), again=st.booleans(),
        order=st.sampled_from(["o1", "o2", ""]),
    )  # fmt: skip
    def create(
        self, faults: list[Fault], method: str, capture: bool, again: bool, order: str
    ) -> None:
        self.attempt(
            "create", faults, key=self.key(again), method=method, capture=capture,
            order_reference=order,
        )  # fmt: skip

    @precondition(lambda self: self.shop.payments())
    @rule(
        data=st.data(), faults=FAULTS, again=st.booleans(),
        verb=st.sampled_from(["capture", "refund", "cancel", "refresh"]),
        amount=st.sampled_from([None, "60.00", "40.00"]),
    )  # fmt: skip
    def operate(
        self, data: Any, faults: list[Fault], again: bool, verb: str, amount: str | None
    ) -> None:
        words = () if verb in ("cancel", "refresh") else (amount,)
        more = {} if verb == "refresh" else {"key": self.key(again)}
        self.attempt(verb, faults, self.any_payment(data), *words, **more)

    @precondition(lambda self: self.shop.world.intents())
    @rule(data=st.data(), agrees=st.booleans())
    def customer(self, data: Any, agrees: bool) -> None:
        intents = [i.id for i in self.shop.world.intents()]
        intent = intents[data.draw(st.integers(0, 9)) % len(intents)]
        with suppress(PaymentsError):
            (self.shop.world.approve if agrees else self.shop.world.reject)(intent)

    @rule(minutes=st.sampled_from([1, 15, 90, 600, 1_500]))
    def time(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        asyncio.run(self.shop._arrive())

    @rule(faults=FAULTS)
    def swept(self, faults: list[Fault]) -> None:
        self.shop.plan = scripted(faults)
        asyncio.run(sweep(self.shop.context))

    @invariant()
    def safe(self) -> None:
        if hasattr(self, "shop"):
            self.shop.prove_safe()


def test_nothing_that_may_happen_is_unsafe() -> None:
    """Proves with random histories that money is safe after every step, and that three quiet
    sweeps leave nothing open that nobody is told of."""
    from hypothesis.stateful import run_state_machine_as_test

    chosen = settings(
        max_examples=25, stateful_step_count=25, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    with patch("tscli.services.drive._PAUSE_SECONDS", 0):
        run_state_machine_as_test(ShopMachine, settings=chosen)
