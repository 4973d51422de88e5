"""The pretend world: one object that holds the truth and the verbs that change it from outside.

Each verb is one transaction that first catches up with the clock. The HTTP faces use `core`; tests,
demos and commands use the verbs.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from domain.clock import Clock, to_micros
from providers.sandbox.reporting import write_report
from providers.sandbox.telling import freeze
from providers.sandbox.truth import (
    answers,
    catchup,
    disputes,
    intents,
    orders,
    payouts,
    refunds,
    vault,
)
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import (
    Authorization,
    Charge,
    Dispute,
    Intent,
    Line,
    Movement,
    Payout,
    Refund,
    Setup,
)
from providers.sandbox.truth.store import MEMORY, Store, remove

DEFAULT_ACCOUNT = "acct_1SandboxWorld0001"
PAYPAL_ACCOUNT = "SANDBX2345678"
"""Merchant id of a PayPal world; such ids have 13 letters of their own alphabet."""


class World:
    """One provider account's world; open it with `World.open`."""

    def __init__(self, core: Core) -> None:
        self.core = core

    @classmethod
    def open(
        cls, path: str | Path, clock: Clock, *, seed: int | str = 1, account: str = "",
        provider: str = "stripe",
    ) -> "World":  # fmt: skip
        """Open the world kept at `path`, or a new one; ":memory:" keeps nothing.

        A stored world keeps the seed, account and provider it was made with; `provider` (`stripe`
        or `paypal`) decides how things are named.

        Raises:
            ConfigurationError: the file is a world of another version.
        """
        store = Store(str(path))
        with store.transaction():
            if not store.fact("seed"):
                store.set_fact("seed", str(seed))
                ours = PAYPAL_ACCOUNT if provider == "paypal" else DEFAULT_ACCOUNT
                store.set_fact("account", account or ours)
                store.set_fact("provider", provider)
        core = Core(
            store, clock, store.fact("seed"), store.fact("account"),
            store.fact("provider", "stripe"),
        )  # fmt: skip
        core.more_work["write_report"] = write_report
        return cls(core)

    def close(self) -> None:
        """Let go of the file."""
        self.core.store.close()

    @property
    def account(self) -> str:
        """The provider account this world is."""
        return self.core.account

    @property
    def provider(self) -> str:
        """The provider whose account this world is."""
        return self.core.provider

    @contextmanager
    def change(self) -> Iterator[Core]:
        """One transaction, caught up with the clock; what happened in it is told at its end."""
        with self.core.store.transaction():
            catchup.catch_up(self.core)
            freeze(self.core)
            yield self.core
            freeze(self.core)

    def tick(self) -> int:
        """Let everything happen that is due by now; returns how many things did."""
        with self.core.store.transaction():
            done = catchup.catch_up(self.core)
            freeze(self.core)
            return done

    def approve(self, intent_id: str, *, wallet: str | None = None) -> Intent | Setup:
        """The payer agrees to what asked for it. Raises: Missing, Refusal.

        A PayPal order is approved with the named test wallet; a setup token of its vault, too,
        waits for its owner's word.
        """
        with self.change() as core:
            if core.store.kind_of(intent_id) == "setup":
                return vault.approve(core, intent_id)
            if core.provider == "paypal":
                return orders.approve(core, intent_id, wallet)
            return intents.approve(core, intent_id)

    def reject(self, intent_id: str) -> Intent:
        """The payer fails to authenticate. Raises: Missing, Refusal."""
        with self.change() as core:
            return intents.reject(core, intent_id)

    def dispute(
        self, charge_id: str, *, reason: str = "fraudulent", amount_minor: int | None = None
    ) -> Dispute:
        """The payer's bank takes a charge back, in whole by default. Raises: Missing, Refusal."""
        with self.change() as core:
            return disputes.open_dispute(core, charge_id, reason, amount_minor)

    def win_dispute(self, dispute_id: str) -> Dispute:
        """The bank returns the money, not the fee. Raises: Missing, Refusal."""
        with self.change() as core:
            return disputes.win(core, dispute_id)

    def lose_dispute(self, dispute_id: str) -> Dispute:
        """The money is gone for good. Raises: Missing, Refusal."""
        with self.change() as core:
            return disputes.lose(core, dispute_id)

    def fail_refund(self, refund_id: str, reason: str = "unknown") -> Refund:
        """The payer's bank sends a refund back. Raises: Missing, Refusal."""
        with self.change() as core:
            return refunds.fail(core, refund_id, reason)

    def make_payouts(self) -> list[Payout]:
        """Sweep what is available into one automatic payout per currency."""
        with self.change() as core:
            return payouts.sweep(core)

    def fail_payout(self, payout_id: str, code: str = "account_closed") -> Payout:
        """The company's bank sends a payout back. Raises: Missing, Refusal."""
        with self.change() as core:
            return payouts.fail(core, payout_id, code)

    def fee(self, currency: str, minor: int, description: str) -> Line:
        """A fee that belongs to no payment, such as a monthly one; `minor` positive is a cost."""
        with self.change() as core:
            return core.book("fee", -minor, currency, description=description)

    def poison(self, key: str) -> bool:
        """Make a stored answer a server error, its effect untouched; False if none is stored."""
        body = json.dumps({"error": {"type": "api_error", "message": "An error occurred."}})
        with self.change() as core:
            return answers.poison(core, key, 500, body)

    def set_search_lag(self, seconds: int) -> None:
        """How far the search index lags behind (0 to 3600 seconds, 60 at first).

        Raises:
            ValueError: outside that range.
        """
        if not 0 <= seconds <= 3600:
            raise ValueError("the search index lags between 0 seconds and an hour")
        with self.change() as core:
            core.store.set_fact("search_lag", str(seconds))

    def set_report_lag(self, seconds: int) -> None:
        """How far transaction search lags behind (0 to 3 hours, 3 hours at first).

        Raises:
            ValueError: outside that range.
        """
        if not 0 <= seconds <= 10_800:
            raise ValueError("transaction search lags between 0 seconds and 3 hours")
        with self.change() as core:
            core.store.set_fact("report_lag", str(seconds))

    def set_report_maximum(self, rows: int) -> None:
        """How many rows transaction search answers with at most, 10 000 at first.

        Raises:
            ValueError: less than one.
        """
        if rows < 1:
            raise ValueError("transaction search answers with at least one row")
        with self.change() as core:
            core.store.set_fact("report_maximum", str(rows))

    def movements(self) -> list[Movement]:
        """All money that really moved, in order."""
        return self.core.movements()

    def balance_lines(
        self, start: datetime | None = None, end: datetime | None = None
    ) -> list[Line]:
        """Balance lines booked in [start, end), in order; open ends by default."""
        first = to_micros(start) // 1_000_000 if start else 0
        last = to_micros(end) // 1_000_000 if end else 2**62
        return self.core.lines("created_at >= ? AND created_at < ?", first, last)

    def balances(self) -> dict[str, tuple[int, int]]:
        """Currency -> (available, pending) in minor units."""
        return payouts.balances(self.core)

    def intents(self) -> list[Intent]:
        """All payments, oldest first."""
        return [record for _, record in self.core.store.newest(Intent)][::-1]

    def authorizations(self) -> list[Authorization]:
        """All holds, oldest first."""
        return [record for _, record in self.core.store.newest(Authorization)][::-1]

    def charges(self) -> list[Charge]:
        """All attempts to take money, oldest first."""
        return [record for _, record in self.core.store.newest(Charge)][::-1]

    def refunds(self) -> list[Refund]:
        """All refunds, oldest first."""
        return [record for _, record in self.core.store.newest(Refund)][::-1]

    def disputes(self) -> list[Dispute]:
        """All disputes, oldest first."""
        return [record for _, record in self.core.store.newest(Dispute)][::-1]

    def payouts(self) -> list[Payout]:
        """All payouts, oldest first."""
        return [record for _, record in self.core.store.newest(Payout)][::-1]


def reset(path: str | Path) -> None:
    """Forget a world: its file and journals are deleted."""
    if str(path) != MEMORY:
        remove(path)
