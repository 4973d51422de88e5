"""The faults of single lines: each plants one break of its kind, and says what must be found."""

from dataclasses import replace
from datetime import timedelta

from tests.corpus.ledgers import END, Builder, Ours, Side, Theirs, fault


@fault
def status(b: Builder, side: Side) -> None:
    """Our ledger holds the payment as failed."""
    ours, theirs = b.pair(side)
    side.ours.append(replace(ours, status="failed"))
    side.theirs.append(theirs)
    b.expect(side, "status_mismatch", ours.reference)


@fault
def currency(b: Builder, side: Side) -> None:
    """The same figure in another currency."""
    ours, theirs = b.pair(side, "USD")
    side.ours.append(ours)
    side.theirs.append(replace(theirs, currency="EUR"))
    b.expect(side, "currency_mismatch", ours.reference)


@fault
def amount(b: Builder, side: Side) -> None:
    """Some units more or less."""
    ours, theirs = b.pair(side)
    side.ours.append(ours)
    side.theirs.append(replace(theirs, amount=theirs.amount + b.dice.choice((-30, -10, 10, 70))))
    b.expect(side, "amount_mismatch", ours.reference)


@fault
def fee(b: Builder, side: Side) -> None:
    """Another fee."""
    ours, theirs = b.pair(side)
    side.ours.append(ours)
    side.theirs.append(replace(theirs, fee=theirs.fee + 10))
    b.expect(side, "fee_mismatch", ours.reference)


@fault
def kind(b: Builder, side: Side) -> None:
    """One line, booked by us as a dispute and by them as a refund."""
    ours, theirs = b.pair(side)
    word = "refund" if side.provider == "stripe" else "T1107"
    side.ours.append(replace(ours, kind="dispute", reference=theirs.reference, amount=-500, fee=0))
    side.theirs.append(replace(theirs, kind=word, amount=-500, fee=0, source="", ours=""))
    b.expect(side, "kind_mismatch", theirs.reference)


@fault
def date(b: Builder, side: Side) -> None:
    """Weeks apart."""
    ours, theirs = b.pair(side)
    side.ours.append(replace(ours, at=b.at(0, 3)))
    side.theirs.append(replace(theirs, at=b.at(20, 28)))
    b.expect(side, "date_mismatch", ours.reference)


def _captures(b: Builder, side: Side, difference: int) -> None:
    ours, theirs = b.pair(side)
    own = b.name("pi_")
    side.ours.append(replace(ours, reference=own))
    part = ours.amount // 20 * 10
    for minor, cost in ((part, 10), (ours.amount - part + difference, ours.fee - 10)):
        charge = b.charge_name(side)
        side.theirs.append(
            replace(
                theirs,
                reference=b.line_name(side, charge),
                source=charge,
                parent="",
                amount=minor,
                fee=cost,
            )
        )
    b.expect(side, "sum_short" if difference < 0 else "sum_over", own)


@fault
def short(b: Builder, side: Side) -> None:
    """Two captures that come to less."""
    _captures(b, side, -20)


@fault
def over(b: Builder, side: Side) -> None:
    """Two captures that come to more."""
    _captures(b, side, 40)


@fault
def ambiguous(b: Builder, side: Side) -> None:
    """Two payments of ours that name nothing, one line that could be either."""
    ours, theirs = b.pair(side)
    odd = 1_000_000 + b.number * 10
    for _ in range(2):
        side.ours.append(replace(ours, name=b.name("tx_"), payment="", reference="", amount=odd))
    side.theirs.append(replace(theirs, ours="", parent="", amount=odd))
    b.expect(side, "ambiguous", theirs.source)


@fault
def missing_in_ledger(b: Builder, side: Side) -> None:
    """A charge we never booked."""
    _, theirs = b.pair(side)
    side.theirs.append(theirs)
    b.expect(side, "missing_in_ledger", theirs.source)


@fault
def missing_at_provider(b: Builder, side: Side) -> None:
    """A charge they never reported."""
    ours, _ = b.pair(side)
    side.ours.append(ours)
    b.expect(side, "missing_at_provider", ours.reference)


@fault
def timing(b: Builder, side: Side) -> None:
    """A charge of the last hours, which the next file will have."""
    ours, _ = b.pair(side)
    side.ours.append(replace(ours, at=END - timedelta(minutes=b.dice.randint(1, 170))))
    b.expect(side, "timing", ours.reference)


@fault
def twice_at_provider(b: Builder, side: Side) -> None:
    """A line that stands twice in the file."""
    ours, theirs = b.pair(side)
    side.ours.append(ours)
    side.theirs += [theirs, replace(theirs)]
    b.clean[side.provider] += 1
    b.expect(side, "duplicate_at_provider", theirs.source)


@fault
def twice_in_ledger(b: Builder, side: Side) -> None:
    """A charge that we booked twice."""
    ours, theirs = b.pair(side)
    side.ours += [ours, replace(ours, name=b.name("tx_"))]
    side.theirs.append(theirs)
    b.clean[side.provider] += 1
    b.expect(side, "duplicate_in_ledger", ours.reference)


@fault
def changed(b: Builder, side: Side) -> None:
    """A line that a second file reports with other money; PayPal's ids do not name one line."""
    if side.provider == "paypal":
        return
    ours, theirs = b.pair(side)
    side.ours.append(ours)
    side.theirs.append(theirs)
    side.second_file.append(replace(theirs, amount=theirs.amount + 500))
    b.clean[side.provider] += 1
    b.expect(side, "line_changed", theirs.source)


@fault
def orphan_refund(b: Builder, side: Side) -> None:
    """A refund of a charge that nobody has."""
    _, theirs = b.pair(side)
    source = b.name("re_") if side.provider == "stripe" else b.name("R")
    word = "refund" if side.provider == "stripe" else "T1107"
    side.theirs.append(
        replace(
            theirs,
            reference=b.line_name(side, source),
            source=source,
            kind=word,
            ours="",
            amount=-theirs.amount,
            fee=0,
            parent=b.charge_name(side),
        )
    )
    b.expect(side, "refund_without_charge", source)


@fault
def dispute(b: Builder, side: Side) -> None:
    """A dispute of a known charge that we have not heard of."""
    _, charge = b.sale(side)
    source = b.name("dp_") if side.provider == "stripe" else b.name("D")
    word = "dispute" if side.provider == "stripe" else "T1201"
    side.theirs.append(
        Theirs(
            b.line_name(side, source),
            source,
            word,
            -charge.amount,
            charge.currency,
            0,
            charge.at + timedelta(minutes=5),
            parent=charge.source,
        )
    )
    b.expect(side, "unknown_dispute", source)


def _fee_line(b: Builder, side: Side, parent: str, code: str, stripe_word: str) -> str:
    source = b.name("fee_") if side.provider == "stripe" else b.name("F")
    line = b.line_name(side, source)
    own = source if side.provider == "paypal" else ""
    word = stripe_word if side.provider == "stripe" else code
    side.theirs.append(Theirs(line, own, word, -1_500, "USD", 0, b.at(), parent=parent))
    return own or line


@fault
def dispute_fee(b: Builder, side: Side) -> None:
    """A fee of its own for a payment."""
    _, charge = b.sale(side)
    b.expect(side, "unexpected_fee", _fee_line(b, side, charge.source, "T0106", "fee"))


@fault
def monthly_fee(b: Builder, side: Side) -> None:
    """A fee that belongs to no payment."""
    b.expect(side, "period_fee", _fee_line(b, side, "", "T0101", "fee"))


@fault
def exchange(b: Builder, side: Side) -> None:
    """Both halves of an exchange; Stripe has none of its own."""
    if side.provider == "stripe":
        return
    at = b.at()
    for minor, code in ((-12_000, "EUR"), (13_080, "USD")):
        name = b.name("X")
        side.theirs.append(Theirs(name, name, "T0200", minor, code, 0, at, parent=b.name("C")))
        b.expect(side, "fx_difference", name)


@fault
def unheard(b: Builder, side: Side) -> None:
    """A line of a kind nobody has seen."""
    _, theirs = b.pair(side)
    word = "moonbeam" if side.provider == "stripe" else "T8888"
    side.theirs.append(replace(theirs, kind=word, ours=""))
    b.expect(side, "unknown_kind", theirs.source)


@fault
def unreadable(b: Builder, side: Side) -> None:
    """An amount that is none."""
    _, theirs = b.pair(side)
    side.theirs.append(replace(theirs, raw="12,50" if side.provider == "stripe" else "12.50"))
    b.expect(side, "unreadable", "")


@fault
def only_our_name(b: Builder, side: Side) -> None:
    """No fault: a line whose only tie is our payment's id."""
    ours, theirs = b.pair(side)
    side.ours.append(replace(ours, reference=""))
    side.theirs.append(theirs)
    b.clean[side.provider] += 1


@fault
def in_two(b: Builder, side: Side) -> None:
    """No fault: one payment in two captures that come to it exactly."""
    ours, theirs = b.pair(side)
    side.ours.append(replace(ours, reference=b.name("pi_")))
    part = ours.amount // 20 * 10
    for minor, cost in ((part, 10), (ours.amount - part, ours.fee - 10)):
        charge = b.charge_name(side)
        side.theirs.append(
            replace(
                theirs,
                reference=b.line_name(side, charge),
                source=charge,
                parent="",
                amount=minor,
                fee=cost,
            )
        )
    b.clean[side.provider] += 1


@fault
def hold(b: Builder, side: Side) -> None:
    """No fault: a hold and its release, which move nothing."""
    if side.provider == "paypal":
        for code, minor in (("T1110", -700), ("T1111", 700)):
            name = b.name("H")
            side.theirs.append(Theirs(name, name, code, minor, "USD", 0, b.at()))


@fault
def never_paid(b: Builder, side: Side) -> None:
    """No fault: a payment that failed on both sides."""
    ours, _ = b.pair(side)
    side.ours.append(Ours(ours.name, ours.payment, "charge", "", ours.amount, ours.currency, 0,
                          ours.at, "failed"))  # fmt: skip


@fault
def refund_that_failed(b: Builder, side: Side) -> None:
    """No fault: Stripe booked a refund and took it back, and ours ended as failed."""
    if side.provider == "stripe":
        ours, theirs = b.pair(side)
        mine, other = b.refund(side, ours, theirs)
        side.ours[-1] = replace(mine, status="failed")
        back = replace(other, reference=b.name("txn_"), kind="refund_failure", amount=-other.amount)
        side.ours.append(ours)
        side.theirs += [theirs, replace(back, at=min(other.at + timedelta(days=2), END))]
