"""The bank's values: a line is the same line wherever it is read, and two equal ones stay two."""

from dataclasses import replace
from datetime import date, timedelta

from domain.bank import BankLine, BankStatement, content, identities, identity

DAY = date(2026, 11, 4)
COFFEE = BankLine("ACC", "EUR", -450, DAY, text="CARD PURCHASE")
PAYOUT = BankLine("ACC", "EUR", 25000, DAY, reference="B1", text="STRIPE", end_to_end="T1")


def statement(*lines: BankLine, opening: int = 0, name: str = "S1") -> BankStatement:
    closing = opening + sum(line.amount_minor for line in lines)
    return BankStatement("ACC", "EUR", name, opening, DAY, closing, DAY, lines)


def test_two_equal_purchases_of_a_day_stay_two() -> None:
    first, second = identities([statement(COFFEE, COFFEE)])
    assert first != second
    assert (first, second) == (identity(COFFEE, 0), identity(COFFEE, 1))


def test_a_statement_read_again_has_the_same_lines() -> None:
    """A copy, another file position, other blanks: nothing is new."""
    again = replace(COFFEE, line=99, text="CARD  PURCHASE ")
    once = identities([statement(COFFEE, COFFEE)])
    assert identities([statement(again, again)]) == once
    assert set(identities([statement(COFFEE, COFFEE), statement(COFFEE, COFFEE)])) == set(once)


def test_an_overlapping_statement_adds_only_what_is_new() -> None:
    """The second one begins with a day of the first: its lines are known, the next day's is not."""
    later = replace(COFFEE, booked_on=DAY + timedelta(days=1))
    first = statement(PAYOUT, COFFEE, COFFEE)
    second = statement(COFFEE, COFFEE, later, opening=25000, name="S2")
    known, more = set(identities([first])), set(identities([second]))
    assert len(known | more) == 4


def test_statements_that_continue_each_other_hold_different_lines() -> None:
    """Two statements of one day, each with a coffee: one opens with what the other closed with."""
    morning = statement(COFFEE, opening=10_000)
    noon = statement(COFFEE, opening=9_550, name="S2")
    assert len(set(identities([morning, noon]))) == 2
    unnamed = replace(noon, statement_id="S1", lines=(COFFEE, PAYOUT), closing_minor=34_100)
    assert len(set(identities([morning, unnamed]))) == 3, "whatever the bank calls them"


def test_a_reference_stands_for_the_words() -> None:
    """Layouts cut text differently; what the bank calls one line is one, unless amounts differ."""
    other = replace(PAYOUT, text="STRIPE PAYMENTS UK", counterparty="STRIPE", end_to_end="")
    assert identity(other) == identity(PAYOUT)
    assert identity(replace(PAYOUT, amount_minor=25001)) != identity(PAYOUT)
    assert identity(replace(PAYOUT, account="B")) != identity(PAYOUT)
    assert identity(replace(PAYOUT, currency="USD")) != identity(PAYOUT)
    assert identity(replace(PAYOUT, reference="B2")) != identity(PAYOUT)
    words = replace(COFFEE, text="reference", counterparty="B1")
    assert content(words) != content(PAYOUT)


def test_every_word_counts_where_there_is_no_reference() -> None:
    for other in (
        replace(COFFEE, text="CARD"),
        replace(COFFEE, counterparty="CITY"),
        replace(COFFEE, end_to_end="E"),
        replace(COFFEE, valued_on=DAY),
    ):
        assert identity(other) != identity(COFFEE)


def test_pending_lines_move_no_balance() -> None:
    found = statement(PAYOUT, replace(COFFEE, status="pending"))
    assert found.booked_minor == 25000
    assert [line.pending for line in found.lines] == [False, True]
    assert found.sound
