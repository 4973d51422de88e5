"""The company's bank account, as its bank would tell it: the world's payouts when they arrive.

Payouts arrive on business days. One that failed after it had arrived comes in and goes out again;
one that failed before never shows. Known faults and lines of other business can be planted.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from domain.bank import BankLine, BankStatement
from domain.errors import InvalidRequest
from domain.money import exponent
from providers.sandbox.export_columns import trace_id
from providers.sandbox.paypal_entries import bank_reference
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Payout

if TYPE_CHECKING:
    from providers.sandbox.world import World

ACCOUNT = "SB00SANDBOX0000000001"
"""The company's account; one number, a balance per currency."""
OPENING_MAJOR = 10_000
"""What every balance starts with, major units."""
LATE_DAYS = 7
"""Business days by which a late payout is late: later than anybody waits."""
OFF_MINOR = 150
"""What the bank keeps of an amount that is off."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BankFaults:
    """How many of each fault are planted, chosen by the seed."""

    late: int = 0
    missing: int = 0
    merged: int = 0
    """Deposits of two payouts in one."""
    off: int = 0
    unrelated: bool = False
    """Rent, and two equal card purchases every Wednesday."""
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Planted:
    """One fault and the payouts it was done to."""

    fault: str
    payouts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BankBooks:
    """Statements of a period, one per currency, and what was planted into them."""

    statements: tuple[BankStatement, ...]
    planted: tuple[Planted, ...]


@dataclass(frozen=True, slots=True)
class _Booked:
    line: BankLine
    payouts: tuple[str, ...] = ()
    """Of a deposit that stays; empty for everything else, which faults leave alone."""


def bank_statements(
    world: "World", start: date, end: date, faults: BankFaults = BankFaults()
) -> BankBooks:
    """What the bank booked from `start` to before `end`; same world and seed, same books.

    Raises:
        InvalidRequest: the period is empty, or holds too few payouts for the faults.
    """
    if start >= end:
        raise InvalidRequest("The period ends before it begins.")
    with world.change() as core:
        booked = [entry for _, payout in core.store.newest(Payout) for entry in _of(core, payout)]
    codes = sorted({entry.line.currency for entry in booked}) or ["USD"]
    if faults.unrelated:
        first = min([entry.line.booked_on for entry in booked] + [start]).replace(month=1, day=1)
        booked += [_Booked(line) for line in _unrelated(first, end, codes[0])]
    booked.sort(key=lambda entry: (entry.line.booked_on, entry.line.reference))
    before = [entry.line for entry in booked if entry.line.booked_on < start]
    inside = [entry for entry in booked if start <= entry.line.booked_on < end]
    inside, planted = _Plants(inside, faults).plant()
    lines = [entry.line for entry in inside if entry.line.booked_on < end]
    found = [_statement(code, start, end, before, lines) for code in codes]
    return BankBooks(tuple(found), tuple(planted))


def _statement(
    code: str, start: date, end: date, before: Sequence[BankLine], lines: Sequence[BankLine]
) -> BankStatement:
    own = tuple(line for line in lines if line.currency == code)
    opening = OPENING_MAJOR * 10 ** exponent(code)
    opening += sum(line.amount_minor for line in before if line.currency == code)
    closing = opening + sum(line.amount_minor for line in own)
    last = end - _DAY
    return BankStatement(
        ACCOUNT, code, f"{last:%y%m%d}{code}", opening, start, closing, last, own
    )  # fmt: skip


def business_day(on: date, later: int = 0) -> date:
    """That day, or the next one on which banks work; then so many working days later."""
    while True:
        if on.weekday() < 5:
            if later == 0:
                return on
            later -= 1
        on += _DAY


def _of(core: Core, payout: Payout) -> Iterator[_Booked]:
    """What one payout does to the account."""
    came_back = payout.status == "failed" and (payout.reversed_at or 0) >= payout.arrival_at
    if payout.status != "paid" and not came_back:
        return
    on = business_day(_date(payout.arrival_at))
    if core.provider == "paypal":
        sender, reference, name = "PAYPAL", bank_reference(payout), "PAYPAL INC"
    else:
        sender, reference, name = "STRIPE", trace_id(payout)[1], "STRIPE PAYMENTS"
    words = payout.statement_descriptor or f"{sender} PAYOUT"
    line = BankLine(
        ACCOUNT, payout.currency, payout.amount_minor, on, on, _reference(payout.id), reference,
        name, " ".join(words.split()),
    )  # fmt: skip
    yield _Booked(line, () if came_back else (payout.id,))
    if came_back:
        back = business_day(max(_date(payout.reversed_at or 0), on))
        yield _Booked(
            replace(
                line, amount_minor=-line.amount_minor, booked_on=back, valued_on=back,
                reference=_reference(f"{payout.id} returned"), text=f"RETURNED {line.text}",
                reversal=True,
            )
        )  # fmt: skip


def _date(instant: int) -> date:
    return datetime.fromtimestamp(instant, UTC).date()


def _reference(name: str) -> str:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    return f"SB{number % 10**12:012d}"


def _unrelated(first: date, end: date, code: str) -> Iterator[BankLine]:
    """Rent on the first working day of a month; coffee for two, on two cards, on Wednesdays."""
    unit = 10 ** exponent(code)
    on = first
    while on < end:
        if on == business_day(on.replace(day=1)):
            yield BankLine(
                ACCOUNT, code, -1500 * unit, on, on, _reference(f"rent {on}"), f"RENT{on:%Y%m}",
                "CITY OFFICES LTD", "OFFICE RENT",
            )  # fmt: skip
        if on.weekday() == 2:
            coffee = BankLine(
                ACCOUNT, code, -4 * unit, on, on, counterparty="CITY COFFEE",
                text="CARD PURCHASE CITY COFFEE",
            )  # fmt: skip
            yield from (coffee, coffee)
        on += _DAY


class _Plants:
    """Plants faults into deposits; no deposit carries two."""

    def __init__(self, booked: Sequence[_Booked], faults: BankFaults) -> None:
        self.booked, self.faults = list(booked), faults
        self.planted: list[Planted] = []
        self._dice = random.Random(faults.seed)  # noqa: S311 - repeatable sample data, no secret
        self._free = [e for e in self.booked if e.payouts and e.line.amount_minor > OFF_MINOR]

    def plant(self) -> tuple[list[_Booked], list[Planted]]:
        """The changed books, in order of days, and the faults."""
        for _ in range(self.faults.merged):
            self._merge()
        for _ in range(self.faults.missing):
            self.booked.remove(self._take("missing"))
        for _ in range(self.faults.late):
            entry = self._take("late")
            on = business_day(entry.line.booked_on, LATE_DAYS)
            self._swap(entry, replace(entry.line, booked_on=on, valued_on=on))
        for _ in range(self.faults.off):
            entry = self._take("off")
            less = entry.line.amount_minor - OFF_MINOR
            self._swap(entry, replace(entry.line, amount_minor=less))
        self.booked.sort(key=lambda entry: entry.line.booked_on)
        return self.booked, self.planted

    def _take(self, fault: str) -> _Booked:
        if not self._free:
            raise InvalidRequest("There are not enough payouts to plant so many faults.")
        entry = self._dice.choice(self._free)
        self._free.remove(entry)
        self.planted.append(Planted(fault, entry.payouts))
        return entry

    def _swap(self, entry: _Booked, line: BankLine) -> None:
        self.booked[self.booked.index(entry)] = replace(entry, line=line)

    def _merge(self) -> None:
        """Two neighbours of one currency become one deposit under a reference of its own."""
        pairs = [
            (one, other)
            for at, one in enumerate(self._free)
            for other in [e for e in self._free[at + 1 :] if e.line.currency == one.line.currency][
                :1
            ]
        ]
        if not pairs:
            raise InvalidRequest("There are not enough payouts to plant so many faults.")
        one, other = self._dice.choice(pairs)
        for entry in (one, other):
            self._free.remove(entry)
            self.booked.remove(entry)
        payouts = one.payouts + other.payouts
        line = replace(
            other.line, amount_minor=one.line.amount_minor + other.line.amount_minor,
            reference=_reference(" ".join(payouts)), end_to_end="",
        )  # fmt: skip
        self.booked.append(_Booked(line, payouts))
        self.planted.append(Planted("merged", payouts))
