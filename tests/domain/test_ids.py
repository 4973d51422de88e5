"""Identifiers: a known prefix, the time first so that they sort, 130 bits nobody can guess."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import SetClock, from_micros
from domain.errors import InvalidRequest
from domain.ids import ALPHABET, PREFIXES, Ids, check_id, content_id, encode

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

unhurried = settings(deadline=None)


@pytest.mark.parametrize("prefix", sorted(PREFIXES))
def test_fresh_ids_are_of_their_kind(prefix: str) -> None:
    """Prefix, underscore, 36 characters; accepted as that kind and as no other."""
    fresh = Ids(SetClock(NOON)).new(prefix)

    assert len(fresh) == len(prefix) + 37
    assert check_id(fresh, prefix) == fresh
    with pytest.raises(InvalidRequest):
        check_id(fresh, "run" if prefix == "pay" else "pay")


@unhurried
@given(st.integers(0, 2**44), st.integers(1, 10**9))
def test_ids_sort_by_time(earlier_millis: int, later_by_millis: int) -> None:
    """Whatever the random part, a later millisecond has the greater id."""
    clock = SetClock(from_micros(1000 * earlier_millis))
    highest = Ids(clock, randbits=lambda bits: 2**bits - 1).new("pay")
    clock.advance(timedelta(milliseconds=later_by_millis))
    lowest = Ids(clock, randbits=lambda bits: 0).new("pay")

    assert highest < lowest


def test_at_least_128_random_bits_are_drawn_and_kept() -> None:
    """Two draws that differ in one bit, the first or the last, give two ids."""
    asked: list[int] = []

    def draw(value: int) -> str:
        return Ids(SetClock(NOON), randbits=lambda bits: asked.append(bits) or value).new("txn")

    assert len({draw(0), draw(1), draw(1 << 129)}) == 3
    assert min(asked) >= 128


def test_ids_of_one_instant_differ() -> None:
    """The system's randomness tells apart what the clock does not."""
    ids = Ids(SetClock(NOON))

    assert len({ids.new("evt") for _ in range(1000)}) == 1000


def test_an_unknown_prefix_is_a_programming_error() -> None:
    """A new kind of id is named in the table first."""
    with pytest.raises(ValueError, match="unknown id prefix 'foo'"):
        Ids(SetClock(NOON)).new("foo")


@unhurried
@given(st.integers(0, 32**10 - 1), st.integers(0, 32**10 - 1))
def test_the_encoding_keeps_order_and_tells_apart(a: int, b: int) -> None:
    """Texts of equal length compare as their numbers do."""
    assert (encode(a, 10) < encode(b, 10)) == (a < b)
    assert (encode(a, 10) == encode(b, 10)) == (a == b)
    assert set(encode(a, 10)) <= set(ALPHABET)


@unhurried
@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_content_ids_are_functions_of_their_parts(a: list[str], b: list[str]) -> None:
    """Same parts, same id, in any process, and parts are never glued together."""
    assert (content_id("brk", *a) == content_id("brk", *b)) == (a == b)
    assert check_id(content_id("brk", *a), "brk")


def test_a_content_id_does_not_change_between_releases() -> None:
    """Stored breaks are found again by it: this very text must come out for ever."""
    assert content_id("brk", "a", "bc") == "brk_7yqt3ksf36kw24mvxcgcy2c3yw"
    assert content_id("brk", "a", "bc") != content_id("brk", "ab", "c")


@pytest.mark.parametrize(
    "text",
    ["", "pay", "pay_", "pay_123", "PAY_" + "0" * 36, "pay_" + "0" * 35, "pay_" + "0" * 37,
     "pay_" + "O" * 36, "pay_" + "u" * 36, "pay-" + "0" * 36, " pay_" + "0" * 36,
     "pay_" + "0" * 36 + "\n", "pay_" + "\u0660" * 36, "xyz_" + "0" * 36],
)  # fmt: skip
def test_what_is_no_id_is_refused_by_name(text: str) -> None:
    """Words from outside are checked whole: length, alphabet, prefix."""
    with pytest.raises(InvalidRequest, match="is not the id of a payment"):
        check_id(text, "pay")
