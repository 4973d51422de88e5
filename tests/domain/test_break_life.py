"""The life of a break: what it is worth, how old it is, and when a closed one is news again."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from domain.break_life import BreakRecord, BreakState, Closing, age_class, effect_of, stays_closed
from domain.breaks import Break, Side
from domain.buckets import KINDS, WHOLES, Bucket

AT = "2026-03-02T10:00:00Z"


def found(expected: int | None, reported: int | None, status: str = "succeeded") -> Break:
    """A break of one line in dollars; fees of 10."""
    return Break(
        "brk_1", Bucket.AMOUNT_MISMATCH, "charge", "ch_1", "USD",
        None if expected is None else Side(expected, 10, "USD", status, AT),
        None if reported is None else Side(reported, 10, "USD", "charge", AT),
        ("amount",), "tx1", "", "", 0,
    )  # fmt: skip


def record(item: Break, closing: Closing = Closing.ACCEPTED) -> BreakRecord:
    """The same, closed by a person."""
    then = datetime(2026, 3, 2, 10, tzinfo=UTC)
    return BreakRecord(
        item.break_id, "stripe", "default", "test", item.kind, "ch_1", "USD", "tx1", "",
        BreakState.RESOLVED, closing, effect_of(item), then, "run_1", "run_1", then, then,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("item", "effect"),
    [
        (found(500, 490), {"USD": -10}),
        (found(None, 490), {"USD": 480}),
        (found(500, None), {"USD": -490}),
        (found(500, 500, "pending"), {"USD": 490}),
        (found(500, 500), {}),
    ],
)
def test_what_a_break_leaves_between_the_balances(item: Break, effect: dict[str, int]) -> None:
    """Net of fees; a line of ours counts once it has succeeded."""
    assert effect_of(item) == effect


@pytest.mark.parametrize("closing", list(Closing))
def test_a_closed_break_stays_closed_only_as_it_was(closing: Closing) -> None:
    """What a person closed stays closed while it says the same; what evidence cleared, or a
    booking, is news when it comes again."""
    item = found(500, 490)
    stands = closing in (Closing.ACCEPTED, Closing.WRITTEN_OFF, Closing.MATCHED)

    assert stays_closed(record(item, closing), item) is stands
    assert not stays_closed(record(item, closing), found(500, 480))
    assert not stays_closed(record(item, closing), replace(item, kind=Bucket.FEE_MISMATCH))


@pytest.mark.parametrize(
    ("days", "name"),
    [(0, "0-1"), (1, "0-1"), (2, "2-3"), (3, "2-3"), (4, "4-7"), (7, "4-7"), (8, "8-30"),
     (30, "8-30"), (31, "31-90"), (90, "31-90"), (91, "over 90")],
)  # fmt: skip
def test_ageing_classes(days: int, name: str) -> None:
    """Every day belongs to exactly one class."""
    assert age_class(days) == name


def test_age_counts_from_the_day_of_the_money() -> None:
    """Not from the first run that saw it, and never below zero."""
    one = record(found(500, 490))
    assert one.age_days(date(2026, 3, 9)) == 7
    assert one.age_days(date(2026, 3, 1)) == 0


def test_every_kind_says_what_it_means_and_what_helps() -> None:
    """At least twenty kinds; those about wholes are kinds like any other."""
    assert len(KINDS) >= 20
    assert set(KINDS) >= WHOLES
    for text in KINDS.values():
        assert text.meaning.endswith(".")
        assert text.remedy.startswith("tscli ")
