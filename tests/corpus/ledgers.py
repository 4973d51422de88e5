"""A month of two providers and a bank, true in every line, and faults put into it by name.

Every fault is one answer: the kind of break that has to be found, and the name it goes by.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 4, 1, tzinfo=UTC)
CURRENCIES = {"stripe": ("USD", "EUR", "JPY", "BHD"), "paypal": ("USD", "EUR")}


@dataclass
class Ours:
    """One line of our ledger; minor units."""

    name: str
    payment: str
    kind: str
    reference: str
    amount: int
    currency: str
    fee: int
    at: datetime
    status: str = "succeeded"


@dataclass
class Theirs:
    """One line of a provider."""

    reference: str
    source: str
    kind: str
    """Stripe's reporting category or PayPal's event code."""
    amount: int
    currency: str
    fee: int
    at: datetime
    parent: str = ""
    ours: str = ""
    payout: str = ""
    bank: str = ""
    raw: str = ""
    """Text instead of the amount, for a row that cannot be read."""

    @property
    def net(self) -> int:
        """What the balance gains."""
        return self.amount - self.fee


@dataclass
class Deposit:
    """One line of the bank."""

    reference: str
    amount: int
    currency: str
    at: datetime
    text: str


@dataclass
class Side:
    """One provider: our lines, its lines, and those that only its second file has."""

    provider: str
    ours: list[Ours] = field(default_factory=list)
    theirs: list[Theirs] = field(default_factory=list)
    second_file: list[Theirs] = field(default_factory=list)
    footer_lies: dict[str, int] = field(default_factory=dict)


Answer = tuple[str, str, str]
"""(provider, kind, name)."""


@dataclass
class Corpus:
    """A month, and what has to be found in it."""

    seed: int
    sides: dict[str, Side]
    bank: list[Deposit]
    answers: list[Answer]
    clean: dict[str, int]
    """Rows of ours that agree, by provider."""


class Builder:
    """Makes one corpus; the seed decides everything."""

    def __init__(self, seed: int, payments: int, faults: int) -> None:
        self.dice = random.Random(seed)
        self.number = 0
        self.answers: list[Answer] = []
        self.bank: list[Deposit] = []
        self.sides = {name: Side(name) for name in ("stripe", "paypal")}
        self.clean: dict[str, int] = defaultdict(int)
        for side in self.sides.values():
            for _ in range(payments):
                self.sale(side)
            for fault in FAULTS:
                for _ in range(faults):
                    fault(self, side)
        for side in self.sides.values():
            self.pay_out(side)
        self.lie(self.sides["paypal"])
        self.corpus = Corpus(seed, self.sides, self.bank, self.answers, dict(self.clean))

    def name(self, sort: str) -> str:
        """A fresh id, of letters and digits as both providers have them."""
        self.number += 1
        marks = "".join(self.dice.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=10))
        return f"{sort}{self.number:06d}{marks}"

    def at(self, first: int = 0, last: int = 29) -> datetime:
        """An instant on one of the days, clear of the cut-off."""
        return START + timedelta(
            days=self.dice.randint(first, last), seconds=self.dice.randint(0, 70_000)
        )

    def sale(self, side: Side) -> tuple[Ours, Theirs]:
        """One charge that both sides hold, now and then with a refund that both hold."""
        ours, theirs = self.pair(side)
        side.ours.append(ours)
        side.theirs.append(theirs)
        self.clean[side.provider] += 1
        if self.dice.random() < 0.1:
            self.refund(side, ours, theirs)
        return ours, theirs

    def pair(self, side: Side, currency: str = "") -> tuple[Ours, Theirs]:
        """A charge as both sides would hold it, put nowhere yet."""
        code = currency or self.dice.choice(CURRENCIES[side.provider])
        amount, at = self.dice.randint(500, 90_000) * 10, self.at()
        fee = amount * 29 // 10_000 * 10 + 30
        payment, charge = self.name("pay_"), self.charge_name(side)
        ours = Ours(self.name("tx_"), payment, "charge", charge, amount, code, fee, at)
        stripe = side.provider == "stripe"
        theirs = Theirs(
            self.line_name(side, charge), charge, "charge" if stripe else "T0006", amount, code,
            fee, at, parent=charge if stripe else "", ours=payment,
        )  # fmt: skip
        return ours, theirs

    def charge_name(self, side: Side) -> str:
        """A charge's id as its provider makes them."""
        return self.name("ch_") if side.provider == "stripe" else self.name("C")

    def line_name(self, side: Side, source: str) -> str:
        """A line's id: PayPal's lines go by what moved."""
        return self.name("txn_") if side.provider == "stripe" else source

    def refund(self, side: Side, ours: Ours, theirs: Theirs) -> tuple[Ours, Theirs]:
        """A refund of a charge, held by both sides."""
        source = self.name("re_") if side.provider == "stripe" else self.name("R")
        minor, at = -(ours.amount // 20 * 10), min(ours.at + timedelta(hours=5), END)
        mine = Ours(self.name("tx_"), ours.payment, "refund", source, minor, ours.currency, 0, at)
        word = "refund" if side.provider == "stripe" else "T1107"
        other = Theirs(
            self.line_name(side, source), source, word, minor, ours.currency, 0, at,
            parent=theirs.source,
        )  # fmt: skip
        side.ours.append(mine)
        side.theirs.append(other)
        self.clean[side.provider] += 1
        return mine, other

    def expect(self, side: Side, kind: str, name: str) -> None:
        """Write an answer down."""
        self.answers.append((side.provider, kind, name))

    def lie(self, side: Side) -> None:
        """A report whose footers say something else than its lines."""
        side.footer_lies = {"credits USD": 100, "closing EUR": 500}
        for where in ("section", "report"):
            self.expect(side, "control_total", f"{where} gross credits")
            self.expect(side, "control_total", f"{where} closing balance")
        self.expect(side, "balance_gap", "closing 2026-04-01T00:00:00Z")

    def pay_out(self, side: Side) -> None:
        """Every five days what came since, by currency; to the bank two days later."""
        from tests.corpus.payouts import pay_out

        pay_out(self, side)


Fault = Callable[[Builder, Side], None]
FAULTS: list[Fault] = []
"""All faults of single lines, in the order in which they are planted."""


def fault(plant: Fault) -> Fault:
    """Register one."""
    FAULTS.append(plant)
    return plant
