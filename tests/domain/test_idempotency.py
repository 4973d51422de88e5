"""Idempotency keys and fingerprints: equal words are one request, other words never pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IdempotencyMismatch, InvalidRequest
from domain.idempotency import IdempotencyRow, check_key, check_same_words, fingerprint
from tests.domain.samples import START

WORDS = {"amount_minor": 10_000, "currency": "USD", "capture": True, "order": "o1", "to": ["a"]}


@given(st.permutations(list(WORDS.items())))
def test_equal_words_have_one_fingerprint(items: list[tuple[str, object]]) -> None:
    """Proves that the order of the words does not matter."""
    assert fingerprint(dict(items)) == fingerprint(WORDS)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 10_001},
        {"amount_minor": "10000"},
        {"currency": "usd"},
        {"capture": False},
        {"order": "o1 "},
        {"order": ""},
        {"order": None},
        {"to": ["a", "a"]},
        {"more": ""},
    ],
    ids=str,
)
def test_other_words_have_another_fingerprint(change: dict[str, object]) -> None:
    """Proves that every word counts, its type included."""
    assert fingerprint({**WORDS, **change}) != fingerprint(WORDS)


@pytest.mark.parametrize("key", ["k", "a" * 200, "order-1/try_2", "550e8400-e29b-41d4-a716-4466"])
def test_usable_keys(key: str) -> None:
    """Proves which keys are taken, unchanged."""
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key",
    ["", " ", "a b", "a" * 201, "käse", "a\n", "\x1b[31m", "a\u202e", "4242424242424242", "\uff14"],
)
def test_unusable_keys(key: str) -> None:
    """Proves that empty, long, invisible and foreign keys and card numbers are refused."""
    with pytest.raises(InvalidRequest) as refused:
        check_key(key)
    assert "4242" not in refused.value.message


def test_the_same_words_pass_and_others_do_not() -> None:
    """Proves that a key stands for one request, and that the refusal names the first payment."""
    row = IdempotencyRow("create", "k1", fingerprint(WORDS), "pay_1", "op_1", START)
    check_same_words(row, fingerprint(dict(WORDS)))
    with pytest.raises(IdempotencyMismatch, match="pay_1"):
        check_same_words(row, fingerprint({**WORDS, "order": "o2"}))
