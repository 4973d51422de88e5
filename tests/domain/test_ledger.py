"""The ledger: zero-sum by construction, and every booking undone brings all accounts back."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger import (
    COUNTERPART,
    Account,
    Balance,
    Entry,
    Posting,
    booking,
    entries_digest,
    entry_digest,
    postings,
    reversed_postings,
    undone,
)
from domain.payment import Snapshot, observe
from domain.settlement import LEDGER_KINDS, LineKind, LineStatus
from domain.transaction import Movement
from tests.domain.samples import START, charge, histories, payment, refund, shuffled

_kinds = st.sampled_from(LEDGER_KINDS)
_minors = st.integers(-(10**15), 10**15)


def balances(moved: list[Posting]) -> Counter[Account]:
    """Account -> debits minus credits."""
    sums: Counter[Account] = Counter()
    for p in moved:
        sums[p.destination] += p.amount_minor
        sums[p.source] -= p.amount_minor
    return sums


@given(_kinds, _minors, _minors)
def test_postings_are_zero_sum(kind: LineKind, amount: int, fee: int) -> None:
    """Proves that a line's postings are positive, sum to zero and say what the provider holds."""
    made = postings(kind, amount, fee, "USD")
    assert all(p.amount_minor > 0 and p.source is not p.destination for p in made)
    sums = balances(list(made))
    assert sum(sums.values()) == 0
    assert sums[Account.PROVIDER_BALANCE] == amount - fee
    assert {p.currency for p in made} <= {"USD"}


@given(_kinds, _minors, _minors)
def test_a_reversal_undoes_everything(kind: LineKind, amount: int, fee: int) -> None:
    """Proves that an entry and its reversal leave nothing on any account."""
    made = postings(kind, amount, fee, "USD")
    assert not +balances([*made, *reversed_postings(made)])
    assert not -balances([*made, *reversed_postings(made)])
    assert reversed_postings(reversed_postings(made)) == made


@pytest.mark.parametrize("kind", LEDGER_KINDS)
def test_every_kind_has_a_counterpart(kind: LineKind) -> None:
    """Proves that no kind of line is booked against the provider's balance itself."""
    assert COUNTERPART[kind] is not Account.PROVIDER_BALANCE
    (made,) = postings(kind, 500, 0, "EUR")
    assert made == Posting(COUNTERPART[kind], Account.PROVIDER_BALANCE, 500, "EUR")


def test_nothing_is_booked_as_nothing() -> None:
    """Proves that a line without money makes no posting."""
    assert postings(LineKind.CHARGE, 0, 0, "USD") == ()


PENDING, DONE, FAILED = LineStatus.PENDING, LineStatus.SUCCEEDED, LineStatus.FAILED


@pytest.mark.parametrize(
    ("before", "after", "kind", "minor"),
    [
        (None, charge(), "charge", 10_000),
        (None, charge(fee_minor=320), "charge", 9_680),
        (charge(), charge(fee_minor=320), "fee_stated", -320),
        (charge(fee_minor=320), charge(fee_minor=300), "fee_stated", 20),
        (charge(), charge(), None, 0),
        (charge(), charge(fee_minor=0), None, 0),
        (None, refund(500, status=PENDING), None, 0),
        (refund(500, status=PENDING), refund(500), "refund", -500),
        (refund(500), refund(500, status=FAILED), None, 0),
        (None, refund(500, status=FAILED), None, 0),
    ],
)
def test_what_a_change_books(
    before: Movement | None, after: Movement, kind: str | None, minor: int
) -> None:
    """Proves what each change of a movement adds to the ledger, and to our balance there."""
    booked = booking(before, after, "USD")
    assert (booked[0] if booked else None) == kind
    assert balances(list(booked[1]) if booked else [])[Account.PROVIDER_BALANCE] == minor


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (DONE, FAILED, True),
        (DONE, LineStatus.CANCELLED, True),
        (DONE, DONE, False),
        (PENDING, FAILED, False),
        (FAILED, FAILED, False),
        (None, FAILED, False),
    ],
)
def test_what_is_undone(before: LineStatus | None, after: LineStatus, expected: bool) -> None:
    """Proves that only what was booked is reversed, and only when it did not happen."""
    old = refund(500, status=before) if before else None
    assert undone(old, refund(500, status=after)) is expected


def booked(news: list[Snapshot]) -> list[Posting]:
    """All postings of a payment that learns that news in that order."""
    known, of_movement = payment(), dict[object, list[Posting]]()
    for item in news:
        seen = observe(known, item)
        for before, after in seen.changed:
            mine = of_movement.setdefault(after.name, [])
            if undone(before, after):
                mine += reversed_postings(mine)
            elif made := booking(before, after, "USD"):
                mine += made[1]
        known = seen.payment
    return [p for made in of_movement.values() for p in made]


@given(st.data())
def test_the_trial_balance_equals_the_movements(data: st.DataObject) -> None:
    """Proves that in any order of news the accounts hold what the succeeded movements say."""
    history = data.draw(histories())
    sums = balances(booked(data.draw(shuffled(history))))
    settled = [m for m in history[-1].movements if m.status is DONE]
    expected: Counter[Account] = Counter()
    for m in settled:
        fee = m.fee_minor or 0
        expected[Account.PROVIDER_BALANCE] += m.amount_minor - fee
        expected[COUNTERPART[m.kind]] -= m.amount_minor
        expected[Account.FEES] += fee
    assert {a: n for a, n in sums.items() if n} == {a: n for a, n in expected.items() if n}


ENTRY = Entry(
    entry_id="ent_1",
    transaction_id="txn_1",
    provider="stripe",
    account="default",
    mode="test",
    kind="charge",
    occurred_at=START,
    postings=postings(LineKind.CHARGE, 10_000, 320, "USD"),
)


@pytest.mark.parametrize(
    "change",
    [
        {"entry_id": "ent_2"},
        {"transaction_id": "txn_2"},
        {"account": "other"},
        {"mode": "live"},
        {"kind": "refund"},
        {"occurred_at": START.replace(microsecond=1)},
        {"reverses": "ent_0"},
        {"postings": ENTRY.postings[:1]},
        {"postings": ENTRY.postings[::-1]},
        {"postings": postings(LineKind.CHARGE, 10_001, 320, "USD")},
        {"postings": postings(LineKind.CHARGE, 10_000, 320, "EUR")},
        {"postings": reversed_postings(ENTRY.postings)},
    ],
    ids=str,
)
def test_any_change_of_an_entry_changes_its_digest(change: dict[str, object]) -> None:
    """Proves that the digest covers every field of an entry and the order of its postings."""
    assert entry_digest(replace(ENTRY, **change)) != entry_digest(ENTRY)


def test_the_digest_of_many_entries_knows_their_order() -> None:
    """Proves that entries cannot be swapped, dropped or added under one digest."""
    one, two = entry_digest(ENTRY), entry_digest(replace(ENTRY, entry_id="ent_2"))
    digests = {entries_digest(d) for d in ([one], [two], [one, two], [two, one], [one, one], [])}
    assert len(digests) == 6
    assert entries_digest([]) == ""


def test_a_balance_is_debits_minus_credits() -> None:
    """Proves the sign of a balance."""
    row = Balance("stripe", "default", "test", Account.FEES, "USD", 320, 20)
    assert row.balance_minor == 300
