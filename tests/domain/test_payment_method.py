"""Card numbers: found wherever they hide in a text, while ordinary references pass."""

import random
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.errors import InvalidRequest
from domain.payment_method import (
    card_numbers,
    is_card_number,
    mask_card_numbers,
    refuse_card_number,
)

CARDS = {
    "visa": "4242424242424242",
    "visa of 13": "4222222222222",
    "visa of 19": "4000000000000000006",
    "mastercard": "5555555555554444",
    "mastercard 2": "2223003122003222",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "maestro": "6759649826438453",
}


@pytest.mark.parametrize("brand", CARDS)
def test_every_brand_is_known(brand: str) -> None:
    """Proves that published test numbers of each brand are seen as cards, and typing errors not."""
    number = CARDS[brand]
    assert is_card_number(number)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not is_card_number(wrong)


@pytest.mark.parametrize(
    "digits",
    ["", "4", "4242", "42424242424242424242", "\uff14\uff12" * 8, "abc", "0" * 16],
)
def test_what_is_no_card(digits: str) -> None:
    """Proves that length, alphabet and issuer count, not the check digit alone."""
    assert not is_card_number(digits)


HIDDEN = [
    "{n}",
    "card {n}",
    "{n}.",
    "no:{n},next",
    "({n})",
    "pm_{n}",
    "order 12 {n}",
    "{n} 12/27",
    "{n} 123",
    "12/27 {n} 123",
    "2026-03-02 {n}",
    "a\n{n}\nb",
]


SEPARATORS = {"plain": "", "blanks": " ", "hyphens": "-", "both": " - "}


def written(number: str, style: str) -> str:
    """A number as people write it."""
    groups = [number[i : i + 4] for i in range(0, len(number), 4)]
    return SEPARATORS[style].join(groups)


@pytest.mark.parametrize("text", HIDDEN)
@pytest.mark.parametrize("style", SEPARATORS)
@pytest.mark.parametrize("brand", CARDS)
def test_a_card_number_hides_nowhere(text: str, style: str, brand: str) -> None:
    """Proves that numbers in groups, beside other digits and inside sentences are refused."""
    whole = text.format(n=written(CARDS[brand], style))
    assert card_numbers(whole)
    with pytest.raises(InvalidRequest) as refused:
        refuse_card_number(whole, "description")
    assert "description" in refused.value.message
    assert CARDS[brand][:6] not in refused.value.message + refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "order 1234567890123456",
        "2026-03-02T09:00:00Z",
        "+49 170 1234567",
        "pi_3QabcDEF4242424242424242",
        "550e8400-e29b-41d4-a716-446655440000",
        "pay_01m83n4x3vyc6r2zz9yjt7bppq3b2t76errj",
        "1,234,567.89",
        "DE89 3704 0044 0532 0130 00",
    ],
)
def test_ordinary_texts_pass(text: str) -> None:
    """Proves that dates, phone numbers, our ids and bank accounts are kept as they are."""
    assert refuse_card_number(text, "description") == text
    assert mask_card_numbers(text) == text


def test_random_references_mostly_pass() -> None:
    """Proves that at most one in twenty 16-digit order references looks like a card."""
    dice = random.Random(4)
    references = [str(dice.randrange(10**15, 10**16)) for _ in range(2_000)]
    refused = sum(bool(card_numbers(r)) for r in references)
    assert refused < 100


@given(st.text(st.sampled_from("0123456789 -4a\n"), max_size=80))
@example("4242 4242 4242 4242 4242 4242")
def test_masking_leaves_no_card_number(text: str) -> None:
    """Proves that a masked text holds no card number and every other character of it."""
    masked = mask_card_numbers(text)
    assert not card_numbers(masked)
    spans = card_numbers(text)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    assert all(f"…{text[end - 4 : end]}]" in masked for _, end in spans)


def test_several_cards_are_all_masked() -> None:
    """Proves that the last four digits of each number stay, and nothing else of it."""
    masked = mask_card_numbers("4242424242424242 and 5555-5555-5555-4444 7")
    assert masked == "[card …4242] and [card …4444] 7"
