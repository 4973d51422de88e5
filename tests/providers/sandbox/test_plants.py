"""Planted faults: each is exactly one difference, and the answer key names it."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime

import pytest

from domain.buckets import Bucket
from domain.errors import InvalidRequest
from domain.money import parse_minor
from providers.sandbox.exports import FORMATS, export_rows, write_rows
from providers.sandbox.plants import FAULTS, UNHEARD_OF, Answer, Planter, write_answers

FROM, TO = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
NAME = "balance_change_from_activity.itemized"
COLUMNS = ("balance_transaction_id", "created_utc", "currency", "gross", "fee", "net",
           "reporting_category", "source_id", "payment_intent_id", "description")  # fmt: skip


@pytest.fixture
def rows(api, world):
    """Forty charges in three currencies, some refunded."""
    for n in range(40):
        paid = api.pay(1000 + 10 * n, ("usd", "eur", "jpy")[n % 3])
        if n % 4 == 0:
            api.post("refunds", {"payment_intent": paid["id"], "amount": 500})
    return export_rows(world.core, NAME, FROM, TO, columns=COLUMNS)


def planted(rows, faults, seed=1):
    """A planter that has done its work."""
    planter = Planter(rows, FORMATS[NAME], seed=seed)
    planter.plant(faults)
    return planter


def test_each_fault_is_found_where_the_key_says(rows):
    """Proves: comparing rows before and after shows exactly the planted differences."""
    planter = planted(rows, dict.fromkeys(FAULTS, 3))
    before = {r["balance_transaction_id"]: r for r in rows}
    after = Counter(r["balance_transaction_id"] for r in planter.rows)
    by_id = {r["balance_transaction_id"]: r for r in planter.rows}
    assert Counter(a.bucket for a in planter.answers) == {f.value: 3 for f in FAULTS}
    for a in planter.answers:
        old, new = before.get(a.provider_reference), by_id.get(a.provider_reference)
        match Bucket(a.bucket):
            case Bucket.MISSING_AT_PROVIDER:
                assert new is None
                assert a.expected_minor == parse_minor(old["gross"], a.currency)
            case Bucket.MISSING_IN_LEDGER:
                assert old is None
                assert a.reported_minor == parse_minor(new["gross"], a.currency)
            case Bucket.AMOUNT_MISMATCH:
                assert a.expected_minor == parse_minor(old["gross"], a.currency)
                assert a.reported_minor == parse_minor(new["gross"], a.currency) != a.expected_minor
            case Bucket.FEE_MISMATCH:
                assert (old["gross"], old["fee"] == new["fee"]) == (new["gross"], False)
            case Bucket.CURRENCY_MISMATCH:
                assert (a.currency.lower(), old["gross"]) == (old["currency"], new["gross"])
                assert old["currency"] != new["currency"]
            case Bucket.DUPLICATE_AT_PROVIDER:
                assert after[a.provider_reference] == 2
            case Bucket.UNKNOWN_KIND:
                assert (old, new["reporting_category"]) == (None, UNHEARD_OF)
            case Bucket.UNREADABLE:
                assert old is None
                assert "," in new["gross"]
    named = {a.provider_reference for a in planter.answers}
    untouched = [r for r in rows if r["balance_transaction_id"] not in named]
    assert all(by_id[r["balance_transaction_id"]] == r for r in untouched)
    assert len(planter.rows) == len(rows) - 3 + 3 * 4


def test_changed_rows_still_tie_in_themselves(rows):
    """Proves: net = gross - fee in every row that can be read."""
    for row in planted(rows, dict.fromkeys(FAULTS, 2)).rows:
        if "," not in row["gross"]:
            currency = row["currency"].upper()
            gross, fee, net = (parse_minor(row[n], currency) for n in ("gross", "fee", "net"))
            assert net == gross - fee


def test_no_source_object_carries_two_faults(rows):
    """Proves: all sources of planted lines are different, for many seeds."""
    before = {r["balance_transaction_id"]: r["source_id"] for r in rows}
    for seed in range(20):
        planter = planted(rows, dict.fromkeys(FAULTS, 3), seed)
        sources = [before.get(a.provider_reference, a.provider_reference) for a in planter.answers]
        assert len(set(sources)) == len(sources)


def test_one_seed_one_choice(rows):
    """Proves: a seed repeats itself, another plants otherwise, the input is untouched."""
    copy = [dict(r) for r in rows]
    first, again, other = (planted(rows, {Bucket.AMOUNT_MISMATCH: 3}, s) for s in (1, 1, 2))
    assert (first.rows, first.answers) == (again.rows, again.answers)
    assert first.answers != other.answers
    assert rows == copy


def test_the_caller_adds_its_own_side(rows):
    """Proves: ledger-side faults join the key, on lines that carry nothing else."""
    planter = planted(rows, {Bucket.AMOUNT_MISMATCH: 1})
    row = planter.choose()
    taken = planter.answers[0].provider_reference
    free = next(
        r["balance_transaction_id"]
        for r in rows
        if r["balance_transaction_id"] not in (taken, row["balance_transaction_id"])
    )
    answer = Answer("status_mismatch", "status_mismatch", "charge", free, "USD", 1, 1, "pending")
    planter.add(answer)
    assert planter.answers[-1] == answer
    for reference in (taken, free):
        with pytest.raises(InvalidRequest):
            planter.add(Answer("duplicate_in_ledger", "duplicate_in_ledger", "charge", reference,
                               "USD", 1, 1, ""))  # fmt: skip


def test_too_many_or_impossible_faults_are_refused(rows):
    """Proves: a planter never plants less than asked."""
    for faults in ({Bucket.AMOUNT_MISMATCH: 500}, {Bucket.STATUS_MISMATCH: 1}):
        with pytest.raises(InvalidRequest):
            planted(rows, faults)
    with pytest.raises(InvalidRequest):
        planted([], {Bucket.MISSING_IN_LEDGER: 1})


@pytest.mark.parametrize("name", ["balance_history", "payout_reconciliation.itemized"])
def test_other_layouts_carry_faults_too(api, world, name):
    """Proves: planting needs only what a layout says about itself."""
    for _ in range(12):
        api.pay(1000)
    layout = FORMATS[name]
    with world.change() as core:
        core.store.run("UPDATE lines SET available_at = created_at")
    world.make_payouts()
    rows = export_rows(world.core, name, FROM, TO)
    planter = Planter(rows, layout, seed=3)
    planter.plant(dict.fromkeys(FAULTS, 1))
    text = write_rows(layout.default, planter.rows)
    assert len(list(csv.reader(io.StringIO(text)))) == len(rows) + 1 - 1 + 4


def test_the_key_as_a_file():
    """Proves: the CSV of the answer key, with empty cells for absent sides."""
    answer = Answer(
        "missing_in_ledger", "missing_in_ledger", "charge", "txn_1", "USD", None, 5, "x"
    )
    assert write_answers([answer]) == (
        "fault,bucket,line_kind,provider_reference,currency,expected_minor,reported_minor,note\n"
        "missing_in_ledger,missing_in_ledger,charge,txn_1,USD,,5,x\n"
    )
