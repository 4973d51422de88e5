"""Payouts of a corpus and their deposits, and the faults about them."""

from dataclasses import replace
from datetime import datetime, timedelta

from tests.corpus.ledgers import END, START, Builder, Deposit, Ours, Side, Theirs

EVERY = timedelta(days=5)
_NOT_MONEY = ("T1110", "T1111")


def pay_out(b: Builder, side: Side) -> None:
    """Every five days everything since, by currency; one payout of each sort is at fault."""
    at = START + EVERY - timedelta(hours=1)
    number = 0
    paid: dict[str, int] = {}
    while at < END:
        for currency in sorted({line.currency for line in side.theirs}):
            minor = _due(side, currency, at) - paid.get(currency, 0)
            if minor <= 0:
                continue
            paid[currency] = paid.get(currency, 0) + minor
            number += 1
            _send(b, side, currency, minor, at, number)
        if side.provider == "paypal" and at < START + 2 * EVERY:
            paid["USD"] = paid.get("USD", 0) + _by_hand(b, side, at + timedelta(hours=1))
        at += EVERY


def _due(side: Side, currency: str, at: datetime) -> int:
    """What all lines so far come to; a line that stands twice counts once."""
    lines = {
        (line.reference, line.kind, line.amount, line.fee): line
        for line in side.theirs
        if line.currency == currency and line.at <= at and not line.raw
        and line.kind not in (*_NOT_MONEY, "payout", "T0401", "T0400")
    }  # fmt: skip
    return sum(line.net for line in lines.values())


def _send(b: Builder, side: Side, currency: str, minor: int, at: datetime, number: int) -> None:
    name = b.name("po_") if side.provider == "stripe" else b.name("P")
    if side.provider == "stripe":
        for line in side.theirs:
            if not line.payout and line.currency == currency and line.at <= at:
                line.payout = name
    shown = minor
    if side.provider == "stripe" and number == 3:
        shown -= 40
        b.expect(side, "payout_total", name)
    _book(b, side, name, currency, shown, at, "T0401")
    _arrive(b, side, name, currency, shown, at, number)


def _by_hand(b: Builder, side: Side, at: datetime) -> int:
    """A withdrawal that no set of lines explains."""
    name = b.name("P")
    _book(b, side, name, "USD", 77_770, at, "T0400")
    b.expect(side, "payout_unexplained", name)
    _deposit(b, side, name, "USD", 77_770, at)
    return 77_770


def _book(
    b: Builder, side: Side, name: str, currency: str, minor: int, at: datetime, code: str
) -> None:
    word = "payout" if side.provider == "stripe" else code
    line = b.name("txn_") if side.provider == "stripe" else name
    side.theirs.append(
        Theirs(line, name, word, -minor, currency, 0, at, payout="-", bank=f"BANK{name}")
    )
    side.ours.append(Ours(b.name("tx_"), "", "payout", name, -minor, currency, 0, at))
    b.clean[side.provider] += 1


def _arrive(
    b: Builder, side: Side, name: str, currency: str, minor: int, at: datetime, number: int
) -> None:
    if at + timedelta(days=2) >= END:
        return  # on its way
    if number == 2:
        b.expect(side, "payout_not_in_bank", name)
        return
    if number == 4 and side.provider == "paypal":
        _deposit(b, side, name, currency, minor - 70, at)
        b.expect(side, "bank_amount", name)
        return
    _deposit(b, side, name, currency, minor, at)
    if number == 5:
        stray = Deposit(b.name("B"), 4_242_420, "USD", at, f"{side.provider.upper()} TRANSFER")
        b.bank.append(stray)
        b.expect(side, "bank_without_payout", "")


def _deposit(b: Builder, side: Side, name: str, currency: str, minor: int, at: datetime) -> None:
    text = f"{side.provider.upper()} PAYOUT"
    reference = f"BANK{name}" if side.provider == "paypal" else ""
    one = Deposit(reference, minor, currency, at + timedelta(days=2), text)
    b.bank.append(one)
    if b.dice.random() < 0.3:
        for _ in range(2):
            b.bank.append(replace(one, reference="", amount=-450, text="COFFEE"))
