"""Money: text to minor units and back without loss, strict refusals, no mixing of currencies."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import CurrencyMismatch, InvalidRequest, UnknownCurrency
from domain.iso4217 import EXPONENTS
from domain.money import MINOR_MAX, Money, format_minor, parse_minor

currencies = st.sampled_from(sorted(EXPONENTS))
amounts = st.integers(-MINOR_MAX, MINOR_MAX)
halves = st.integers(-MINOR_MAX // 2 + 1, MINOR_MAX // 2)
monies = st.builds(Money, amounts, currencies)

unhurried = settings(deadline=None)


@unhurried
@given(amounts, currencies)
def test_formatted_amounts_parse_to_themselves(minor: int, currency: str) -> None:
    """Nothing is lost on the way out and in again, in any currency, at any size."""
    assert parse_minor(format_minor(minor, currency), currency) == minor


@unhurried
@given(amounts, currencies)
def test_formatted_amounts_are_worth_what_they_say(minor: int, currency: str) -> None:
    """The written number, read by somebody else's decimals, is minor / 10**exponent exactly."""
    written = Decimal(format_minor(minor, currency))

    assert written * 10 ** EXPONENTS[currency] == minor
    assert written == Money(minor, currency).major


@unhurried
@given(st.text(max_size=24), currencies)
def test_any_text_is_read_exactly_or_refused(text: str, currency: str) -> None:
    """Whatever stands in a cell: its exact decimal value or InvalidRequest, nothing else."""
    try:
        minor = parse_minor(text, currency)
    except InvalidRequest:
        return
    assert text.isascii()
    assert Decimal(text) * 10 ** EXPONENTS[currency] == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("100.00", "USD", 10000),
        ("100", "USD", 10000),
        ("12.5", "USD", 1250),
        ("0.05", "USD", 5),
        ("-0.05", "EUR", -5),
        ("007.10", "USD", 710),
        ("1200", "JPY", 1200),
        ("1.005", "BHD", 1005),
        ("1.1", "KWD", 1100),
        ("0.0001", "CLF", 1),
        ("9999999999999.99", "USD", MINOR_MAX),
        ("-999999999999999", "JPY", -MINOR_MAX),
    ],
)
def test_plain_decimals_are_read(text: str, currency: str, minor: int) -> None:
    """Digits, at most one point, at most the currency's decimals, at most a leading minus."""
    assert parse_minor(text, currency) == minor


def test_minus_zero_is_zero() -> None:
    """Some exports write it; it is the one zero of the books and prints without a sign."""
    assert parse_minor("-0.00", "USD") == 0
    assert format_minor(parse_minor("-0", "JPY"), "JPY") == "0"


@pytest.mark.parametrize(
    "text",
    ["", " ", "-", ".", "+5", " 5", "5 ", "5\n", "\t5", "- 5", "--5", "5-", "(5)", ".5", "5.",
     "-.5", "1e3", "1E3", "1e-2", "NaN", "nan", "-NaN", "Infinity", "inf", "0x10", "1_000", "1,000",
     "1,000.00", "12,50", "1.000,00", "1 000", "1\u00a0000", "1'000", "1.2.3", "1..2", "12.50 USD",
     "$5", "\uff11\uff12.50", "\u0661", "5\u0660", "1\xb2", "\ufeff5", "5\x00", "\u22125", "None",
     "5.1234567", "1" * 19],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    """Signs, blanks, exponents, separators, other digits, words: refused, quoted in the message."""
    with pytest.raises(InvalidRequest, match="is not an amount"):
        parse_minor(text, "USD")


@pytest.mark.parametrize(
    ("text", "currency", "digits"),
    [("0.001", "USD", 2), ("12.340", "USD", 2), ("1.0", "JPY", 0), ("1.00", "KRW", 0),
     ("1.0000", "BHD", 3), ("1.00000", "CLF", 4)],
)  # fmt: skip
def test_too_many_decimals_are_refused_even_when_zero(
    text: str, currency: str, digits: int
) -> None:
    """Nothing is rounded, and a zero too many may mean the wrong currency."""
    with pytest.raises(InvalidRequest, match=f"{currency} has {digits}"):
        parse_minor(text, currency)


@pytest.mark.parametrize("text", ["10000000000000.00", "-10000000000000.00", "9" * 18])
def test_amounts_beyond_the_limit_are_refused(text: str) -> None:
    """10**15 minor units and more: sums of accepted amounts still fit 64 bits."""
    with pytest.raises(InvalidRequest, match="larger than any amount"):
        parse_minor(text, "USD")


def test_an_unknown_currency_reads_no_amount() -> None:
    """Without an exponent there is no value."""
    with pytest.raises(UnknownCurrency):
        parse_minor("1", "ABC")


@pytest.mark.parametrize("minor", [10**15, -(10**15), 2**63])
def test_money_beyond_the_limit_cannot_be_made(minor: int) -> None:
    """The limit holds for amounts that were computed, not only for text."""
    with pytest.raises(InvalidRequest, match="larger than any amount"):
        Money(minor, "USD")


@pytest.mark.parametrize("minor", [Decimal(5), "5", True, None])
def test_money_is_made_of_whole_numbers_only(minor: object) -> None:
    """Not of decimals, text or truth values, even where they look like a whole number."""
    with pytest.raises(TypeError, match="whole minor units"):
        Money(minor, "USD")


@unhurried
@given(halves, halves, currencies)
def test_sums_and_differences_are_those_of_the_minor_units(a: int, b: int, currency: str) -> None:
    """Adding and taking away again gives the first amount, and order follows the numbers."""
    first, second = Money(a, currency), Money(b, currency)

    assert (first + second).minor == a + b
    assert (first + second) - second == first
    assert first - second == first + -second
    assert (first < second, first <= second) == (a < b, a <= b)


def test_different_currencies_never_meet() -> None:
    """Adding, taking away and comparing refuse; equality is simply no."""
    dollars, yen = Money(100, "USD"), Money(100, "JPY")

    for meeting in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(CurrencyMismatch, match=r"1\.00 USD and 100 JPY"):
            meeting(dollars, yen)
    assert dollars != yen


def test_a_sum_beyond_the_limit_is_refused() -> None:
    """An addition cannot make what could not be stated."""
    with pytest.raises(InvalidRequest):
        Money(MINOR_MAX, "USD") + Money(1, "USD")


def test_money_is_neither_true_nor_false() -> None:
    """`if amount:` would take nothing for missing: it must not run."""
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(Money(0, "USD"))


@unhurried
@given(monies)
def test_money_reads_as_amount_and_currency(money: Money) -> None:
    """`12.50 USD`: what is printed for people parses to the same money."""
    amount, _, currency = str(money).partition(" ")

    assert Money.parse(amount, currency) == money
