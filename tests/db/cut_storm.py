"""Payments through a connection that breaks around its commits, and what must hold whatever broke.

Each command meets one cut at one of its commits. What it says must be true, and the same command
with the same key must bring it to its one end.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from domain.errors import OutcomeUnknown, PaymentsError, Unavailable
from domain.idempotency import CLAIM_SECONDS
from domain.operation import OperationState
from domain.payment import PaymentState
from tests.servers.cutting import Cut, CuttingProxy
from tests.tscli.shop import Shop
from tscli.services import payments
from tscli.services.payments import Outcome

_COMMITS_MAX = 8
"""A command commits about so often."""

_Call = Callable[[], Coroutine[Any, Any, Outcome]]


@dataclass
class Tally:
    """What happened in a storm."""

    commands: int = 0
    cut: Counter[str] = field(default_factory=Counter)
    """Cuts by kind."""
    succeeded: int = 0
    """Commands that met a cut and said success all the same."""
    failed: int = 0
    """Commands that said they failed; all of them were run again."""


class CutStorm:
    """One shop behind one proxy; `plain` reads the same books past the proxy."""

    def __init__(self, shop: Shop, plain: Shop, proxy: CuttingProxy, seed: int) -> None:
        self._shop, self._plain, self._proxy = shop, plain, proxy
        self._dice = random.Random(seed)
        self._keys: Counter[str] = Counter()
        self.tally = Tally()

    def run(self, cuts: int) -> Tally:
        """Commands until so many met a cut; then the books must be the world's."""
        while self.tally.cut.total() < cuts:
            self._command(*self._choose())
        self._proxy.disarm()
        self._plain.prove()
        return self.tally

    def _choose(self) -> tuple[str, _Call]:
        """A sensible next command with a key of its own."""
        known = self._plain.payments()
        shop, dice = self._shop, self._dice
        authorized = [p.payment_id for p in known if p.state is PaymentState.AUTHORIZED]
        paid = [p for p in known if p.captured_minor - p.refunded_minor >= 300]
        kind = dice.choice(["create", "capture", "refund", "refund"])
        key = f"{kind}-{self.tally.commands}"
        if kind == "capture" and authorized:
            chosen = dice.choice(authorized)
            return key, lambda: payments.capture_payment(shop.context, chosen, None, key)
        if kind == "refund" and paid:
            chosen = dice.choice(paid).payment_id
            return key, lambda: payments.refund_payment(shop.context, chosen, "1.00", key)
        amount, capture = f"{dice.randint(5, 90)}.00", dice.random() < 0.6
        return key, lambda: shop.creating(amount, key, order_reference=key, capture=capture)

    def _command(self, key: str, call: _Call) -> None:
        self.tally.commands += 1
        before = len(self._proxy.cuts)
        self._proxy.arm(self._dice.choice(list(Cut)), self._dice.randint(1, _COMMITS_MAX))
        first = self._tried(call)
        self._proxy.disarm()
        self.tally.cut.update(cut.value for cut in self._proxy.cuts[before:])
        if isinstance(first, Outcome):
            self.tally.succeeded += len(self._proxy.cuts) > before
            self._is_done_once(first)
            return
        assert isinstance(first, Unavailable | OutcomeUnknown), first
        self.tally.failed += 1
        # Whoever was at it is gone: its claim on the key has run out.
        self._shop.clock.advance(timedelta(seconds=CLAIM_SECONDS + 1))
        again = self._tried(call)
        assert isinstance(again, Outcome), (key, first, again)
        self._is_done_once(again)

    def _tried(self, call: _Call) -> Outcome | PaymentsError:
        try:
            return asyncio.run(call())
        except PaymentsError as error:
            return error

    def _is_done_once(self, outcome: Outcome) -> None:
        """What a command says it did stands in the books, done, under one key and one order."""
        with self._plain.database.read() as books:
            rows = books.idempotency.find(outcome.key)
            operation = books.operations.get(outcome.operation.operation_id)
            payment = books.payments.get(outcome.payment.payment_id)
            of_order = books.payments.find(search=payment.order_reference)
        assert [row.operation_id for row in rows] == [operation.operation_id]
        assert operation.state is OperationState.DONE
        assert [p.payment_id for p in of_order] == [payment.payment_id]
        assert payment.version >= outcome.payment.version


def storm(url: str, through: CuttingProxy, clock: Any, cuts: int, seed: int) -> Tally:
    """A storm on the database at `url`."""
    from db.database import Database
    from domain.ids import Ids

    database, direct = Database(through.url, clock, Ids(clock)), Database(url, clock, Ids(clock))
    shop, plain = Shop(database, clock), Shop(direct, clock)
    plain.world.close()
    plain.world = shop.world
    try:
        return CutStorm(shop, plain, through, seed).run(cuts)
    finally:
        shop.world.close()
        database.close()
        direct.close()
