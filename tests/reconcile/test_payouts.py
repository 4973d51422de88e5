"""Payouts: which lines they paid, whether they add up, and where the bank shows them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from domain.arrival import Deposit
from domain.payout import MembersBy, PayoutProof
from reconcile.arrivals import Arrivals, find_arrivals
from reconcile.frames import reported_frame
from reconcile.payouts import prove_payouts
from reconcile.sides import some_rows
from reconcile.sums import solutions

DAY = 86_400_000_000


def table(text: str) -> pd.DataFrame:
    """A small reported frame: ref kind amount fee day payout category source parent."""
    head, *rows = (line.split() for line in text.strip().splitlines())
    cells = [dict(zip(head, row, strict=True)) for row in rows]

    def column(name: str, default: str) -> list[str]:
        return ["" if row.get(name, default) == "-" else row.get(name, default) for row in cells]

    return reported_frame(
        {
            "reference": column("ref", ""),
            "source": column("source", "-"),
            "parent": column("parent", "-"),
            "payout": column("payout", "-"),
            "category": [row.get("category", row["kind"]) for row in cells],
            "kind": column("kind", "charge"),
            "amount_minor": [int(row["amount"]) for row in cells],
            "fee_minor": [int(row.get("fee", "0")) for row in cells],
            "currency": column("currency", "USD"),
            "occurred_at": [int(row["day"]) * DAY for row in cells],
        }
    )


def lines(text: str, parts: int = 1) -> tuple[PayoutProof, ...]:
    """Payouts of a small table, whose rows come in so many parts."""
    whole = table(text)
    split = [some_rows(whole, np.arange(part, len(whole), parts)) for part in range(parts)]
    return prove_payouts(lambda: split)


def told(proofs: Sequence[PayoutProof]) -> list[tuple[str, int, str, int | None]]:
    """Name, paid, how its lines were found, residual."""
    return [(p.payout_id, p.paid_minor, p.members_by.value, p.residual_minor) for p in proofs]


CASES = {
    "the provider says it": (
        "ref kind amount fee day payout\n a charge 1000 59 1 po\n b refund -200 0 1 po\n"
        " po payout -741 0 2 -",
        [("po", 741, "stated", 0)],
    ),
    "what it says does not add up": (
        "ref kind amount fee day payout\n a charge 1000 59 1 po\n po payout -940 0 2 -",
        [("po", 940, "stated", -1)],
    ),
    "a negative payout": (
        "ref kind amount fee day payout\n a refund -500 0 1 po\n po payout 500 0 2 -",
        [("po", -500, "stated", 0)],
    ),
    "a sweep takes everything since the last": (
        "ref kind amount fee day category\n a charge 1000 0 1 T0006\n p1 payout -1000 0 2 T0401\n"
        " b charge 300 9 3 T0006\n p2 payout -291 0 4 T0401",
        [("p1", 1000, "swept", 0), ("p2", 291, "swept", 0)],
    ),
    "by hand, one set of lines": (
        "ref kind amount day\n a charge 700 1\n b charge 200 1\n c charge 50 1\n p payout -750 2",
        [("p", 750, "searched", 0)],
    ),
    "by hand, two sets of lines": (
        "ref kind amount day\n a charge 700 1\n b charge 300 1\n c charge 1000 1\n"
        " p payout -1000 2",
        [("p", 1000, "none", None)],
    ),
    "by hand, no set of lines": (
        "ref kind amount day\n a charge 700 1\n p payout -701 2",
        [("p", 701, "none", None)],
    ),
    "one that came back": (
        "ref kind amount day source parent\n a charge 700 1 - -\n p payout -700 2 po -\n"
        " r payout 700 3 po -",
        [("po", 700, "returned", 0)],
    ),
    "lines of its own instant, none after it": (
        "ref kind amount day category\n a charge 700 1 T0006\n b charge 90 2 T0006\n"
        " p1 payout -790 2 T0401\n c charge 5 3 T0006",
        [("p1", 790, "swept", 0)],
    ),
    "only lines of its currency": (
        "ref kind amount day currency\n a charge 700 1 USD\n b charge 700 1 EUR\n"
        " p payout -700 2 EUR",
        [("p", 700, "searched", 0)],
    ),
}


@pytest.mark.parametrize(("text", "found"), CASES.values(), ids=CASES)
def test_a_payout_is_the_sum_of_its_lines(
    text: str, found: list[tuple[str, int, str, int | None]]
) -> None:
    """charges - refunds - fees = paid, or the residual; and honesty where nobody can know."""
    assert told(lines(text)) == found
    assert lines(text, parts=2) == lines(text, parts=5) == lines(text)


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_a_line_that_comes_twice_counts_once(parts: int) -> None:
    """Wherever its other copy lies; what differs in anything is another line."""
    named, by_hand = (
        "ref kind amount day payout\n a charge 500 1 po\n a charge 500 1 po\n a charge 400 1 po\n"
        " po payout -900 2 -",
        "ref kind amount day\n a charge 700 1\n b charge 50 1\n a charge 700 1\n p payout -750 2",
    )

    assert told(lines(named, parts)) == [("po", 900, "stated", 0)]
    assert told(lines(by_hand, parts)) == [("p", 750, "searched", 0)]


@pytest.mark.parametrize("parts", [1, 4])
def test_what_one_payout_took_is_not_there_for_the_next(parts: int) -> None:
    """A crowd is swept without the lines that were found before, and with a payout nobody knew."""
    crowd = "".join(f" m{n} charge 10 3 T0006\n" for n in range(40))
    proofs = lines(
        "ref kind amount day category\n a charge 700 1 T0006\n b charge 40 1 T0006\n"
        f" p1 payout -700 2 T0400\n{crowd} p2 payout -10 4 T0400\n p3 payout -430 5 T0401\n"
        " c charge 9 6 T0006\n",
        parts,
    )

    assert told(proofs) == [
        ("p1", 700, "searched", 0), ("p2", 10, "none", None), ("p3", 430, "swept", 0),
    ]  # fmt: skip
    assert [(part.kind, part.rows) for part in proofs[2].parts] == [("charge", 41), ("payout", 1)]


def test_a_search_says_when_it_cannot_know() -> None:
    """More lines than can be searched to the end are no answer."""
    crowd = "ref kind amount day\n" + "".join(f" c{n} charge {n + 1} 1\n" for n in range(33))
    (proof,) = lines(f"{crowd} p payout -10 2")

    assert proof.members_by is MembersBy.NONE
    assert "33 lines" in proof.note


@pytest.mark.parametrize(
    ("values", "target", "count"),
    [
        ([1, 2, 3], 6, 1), ([5, 5, 5], 10, 1), ([1, 2, 3], 3, 2), ([1], 2, 0), ([-5, 8], 3, 1),
        ([], 0, 0), ([4, -4], 0, 1), (list(range(1, 33)), 528, 1),
    ],
)  # fmt: skip
def test_sets_of_numbers(values: list[int], target: int, count: int) -> None:
    """Equal values are interchangeable; two different sets are two; the empty set is none."""
    found = solutions(values, target)

    assert len(found) == count
    assert all(sum(values[place] for place in places) == target for places in found)


def payout(name: str, minor: int, day: int = 2, bank: str = "", by: str = "stated") -> PayoutProof:
    """One payout of a day in March."""
    at = f"2026-03-{day:02d}T00:00:00Z"
    return PayoutProof(name, "USD", minor, at, bank, MembersBy(by), ())


def deposit(name: str, minor: int, day: int, words: str = "", end_to_end: str = "") -> Deposit:
    """One bank line of a day in March."""
    return Deposit(name, "DE1", "USD", minor, f"2026-03-{day:02d}", "", end_to_end, words)


LATE = deposit("other", 77, 31, "RENT")
"""A later line: the statement reaches to the end of the month."""


def arrived(payouts: list[PayoutProof], deposits: list[Deposit]) -> Arrivals:
    """What is found of Stripe's payouts."""
    return find_arrivals(payouts, deposits, "stripe", "stripe/default/test")


ARRIVALS = {
    "by the bank's reference": (
        [payout("po_1", 500, bank="TRACE123")],
        [deposit("d1", 500, 4, "SOMEBODY", "TRACE123"), LATE],
        [("po_1", "d1", "reference")],
        [],
    ),
    "by reference, another amount": (
        [payout("po_1", 500, bank="TRACE123")],
        [deposit("d1", 480, 4, "X", "TRACE123"), LATE],
        [("po_1", "d1", "reference")],
        [("bank_amount", "po_1", -20)],
    ),
    "by amount and days": (
        [payout("po_1", 500)],
        [deposit("d1", 500, 4, "STRIPE"), LATE],
        [("po_1", "d1", "amount")],
        [],
    ),
    "another provider's money is not ours": (
        [payout("po_1", 500)],
        [deposit("d1", 500, 4, "PAYPAL"), LATE],
        [],
        [("payout_not_in_bank", "po_1", -500)],
    ),
    "too late to be it": (
        [payout("po_1", 500)],
        [deposit("d1", 500, 20, "STRIPE"), LATE],
        [],
        [("payout_not_in_bank", "po_1", -500), ("bank_without_payout", "d1", 500)],
    ),
    "two payouts of one amount, two lines": (
        [payout("po_1", 500), payout("po_2", 500, 3)],
        [deposit("d1", 500, 4, "STRIPE"), deposit("d2", 500, 5, "STRIPE"), LATE],
        [("po_1", "d1", "equal set"), ("po_2", "d2", "equal set")],
        [],
    ),
    "two payouts of one amount, one line": (
        [payout("po_1", 500), payout("po_2", 500, 3)],
        [deposit("d1", 500, 4, "STRIPE"), LATE],
        [],
        [("ambiguous", "po_1", -500)],
    ),
    "several payouts in one deposit": (
        [payout("po_1", 500), payout("po_2", 300, 3), payout("po_3", 90, 3)],
        [deposit("d1", 800, 5, "STRIPE"), deposit("d2", 90, 5, "STRIPE"), LATE],
        [("po_3", "d2", "amount"), ("po_1", "d1", "merged"), ("po_2", "d1", "merged")],
        [],
    ),
    "a negative payout is a debit": (
        [payout("po_1", -500)],
        [deposit("d1", -500, 4, "STRIPE"), LATE],
        [("po_1", "d1", "amount")],
        [],
    ),
    "one that came back leaves nothing": (
        [payout("po_1", 500, by="returned")],
        [deposit("d1", 500, 4, "STRIPE"), deposit("d2", -500, 6, "STRIPE"), LATE],
        [("po_1", "d1", "returned"), ("po_1", "d2", "returned")],
        [],
    ),
    "not there yet": (
        [payout("po_1", 500, 30)],
        [deposit("d1", 77, 31, "RENT")],
        [],
        [],
    ),
}


@pytest.mark.parametrize(
    ("payouts", "deposits", "found", "broken"), ARRIVALS.values(), ids=ARRIVALS
)
def test_payouts_at_the_bank(
    payouts: list[PayoutProof],
    deposits: list[Deposit],
    found: list[tuple[str, str, str]],
    broken: list[tuple[str, str, int]],
) -> None:
    """Each line is used once; nothing is matched by amount outside the days a bank takes."""
    seen = arrived(payouts, deposits)

    assert [(a.payout_id, a.deposit, a.by) for a in seen.found] == found
    assert [(b.kind.value, b.provider_reference, b.difference_minor) for b in seen.breaks] == broken


def test_the_order_of_payouts_and_lines_means_nothing() -> None:
    """The same arrivals and breaks, whichever way round they are given."""
    for payouts, deposits, _, _ in ARRIVALS.values():
        there, back = arrived(payouts, deposits), arrived(payouts[::-1], deposits[::-1])
        assert sorted(a.payout_id for a in there.found) == sorted(a.payout_id for a in back.found)
        assert {b.break_id for b in there.breaks} == {b.break_id for b in back.breaks}
