"""The sandbox bank: payouts arrive as a bank books them, and every file says so again when read."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.bank import BankLine, identities
from domain.clock import SetClock
from domain.errors import InvalidRequest
from providers.sandbox.bank_files import FORMATS, write_statements
from providers.sandbox.bank_plain import CSV_MAPPING
from providers.sandbox.bank_statements import (
    LATE_DAYS,
    OFF_MINOR,
    BankFaults,
    bank_statements,
    business_day,
)
from providers.sandbox.truth import payouts
from providers.sandbox.world import World
from reconcile.bank.csv_mapping import CsvMapping
from reconcile.bank.reading import read_bank_bytes

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""A Monday."""
FROM, TO = date(2026, 11, 1), date(2026, 12, 1)
MAPPING = CsvMapping.parse("sandbox", CSV_MAPPING)
EXTENSIONS = {"camt053": "xml", "mt940": "sta", "bai2": "bai2", "ofx": "ofx", "csv": "csv"}
FORM_NAMES = {name: f"bank.{name}" for name in FORMATS}


@pytest.fixture(params=["stripe", "paypal"])
def trade(request):
    """Three weeks of payouts in three currencies, on every weekday, one of which came back."""
    clock = SetClock(START)
    world = World.open(":memory:", clock, provider=request.param)
    for day in range(20):
        world.fee("USD", -(10_000 + 137 * day), "income")
        if day % 3 == 0:
            world.fee("JPY", -(12_000 + day), "income")
            world.fee("BHD", -(51_205 + day), "income")
        world.make_payouts()
        clock.advance(timedelta(days=1))
    clock.advance(timedelta(days=2))
    world.fail_payout(world.payouts()[0].id)
    yield world
    world.close()


def told(line: BankLine, form: str) -> BankLine:
    """A true line as far as its format can tell it."""
    plain = replace(line, line=0)
    if form == "bai2":
        plain = replace(plain, counterparty="")
    if form in ("bai2", "ofx", "csv"):
        plain = replace(plain, reversal=False)
    return plain


def lines(statements):
    return [line for statement in statements for line in statement.lines]


@pytest.mark.parametrize("form", FORMATS)
def test_what_the_bank_wrote_is_what_is_read(trade, form):
    """Proves for every format: equal lines, same balances, nothing rejected or contradicted."""
    books = bank_statements(trade, FROM, TO, BankFaults(unrelated=True))
    data = write_statements(books.statements, form).encode()
    found = read_bank_bytes(data, f"b.{EXTENSIONS[form]}", mapping=MAPPING)

    assert found.file.format == FORM_NAMES[form]
    assert found.sound
    assert found.rejects == ()
    true = [told(line, form) for line in lines(books.statements)]
    read = [replace(line, line=0) for line in lines(found.statements)]
    if form == "ofx":  # every line has an id there
        read = [
            replace(got, reference=want.reference) for got, want in zip(read, true, strict=True)
        ]
    assert read == true
    for one in books.statements:
        own = [s for s in found.statements if s.currency == one.currency]
        assert own[-1].closing_minor == one.closing_minor
        if form != "ofx":
            assert own[0].opening_minor == one.opening_minor
            assert any("closing" in total.name for total in own[0].stated)


def test_payouts_arrive_once_on_business_days_with_their_reference(trade):
    """Proves: each paid payout is one credit; what came back is a credit and its return."""
    books = bank_statements(trade, FROM, TO)
    credits = [line for line in lines(books.statements) if line.amount_minor > 0]
    (back,) = [line for line in lines(books.statements) if line.amount_minor < 0]

    payouts = trade.payouts()
    assert sorted(line.amount_minor for line in credits) == sorted(p.amount_minor for p in payouts)
    assert {line.booked_on.weekday() for line in credits} == {0, 1, 2, 3, 4}
    assert len({line.end_to_end for line in credits}) == len(payouts)
    failed = next(p for p in payouts if p.status == "failed")
    assert (back.amount_minor, back.reversal) == (-failed.amount_minor, True)
    assert trade.provider.upper() in back.text


def test_a_payout_that_fails_before_it_arrives_never_shows():
    """Proves: nothing came, so nothing is booked."""
    clock = SetClock(START)
    world = World.open(":memory:", clock)
    world.fee("USD", -5000, "income")
    (payout,) = world.make_payouts()
    world.fail_payout(payout.id)
    clock.advance(timedelta(days=5))
    assert lines(bank_statements(world, FROM, TO).statements) == []


def test_a_negative_payout_is_a_debit():
    """Proves: what the provider takes from the account goes out of it, in every format."""
    clock = SetClock(START)
    world = World.open(":memory:", clock)
    with world.change() as core:
        payouts.create(core, -700, "USD", {})
    clock.advance(timedelta(days=5))
    books = bank_statements(world, FROM, TO)
    assert [line.amount_minor for line in lines(books.statements)] == [-700]
    for form in FORMATS:
        data = write_statements(books.statements, form).encode()
        found = read_bank_bytes(data, f"b.{EXTENSIONS[form]}", mapping=MAPPING)
        assert ([n.amount_minor for n in found.lines], found.sound) == ([-700], True)


def test_statements_of_neighbouring_periods_join(trade):
    """Proves: what closes one period opens the next, and both hold what one long one holds."""
    middle = date(2026, 11, 13)
    first = bank_statements(trade, FROM, middle).statements
    second = bank_statements(trade, middle, TO).statements
    whole = bank_statements(trade, FROM, TO).statements
    for one, two, both in zip(first, second, whole, strict=True):
        assert one.closing_minor == two.opening_minor
        assert one.lines + two.lines == both.lines
    assert set(identities([*first, *second])) == set(identities(whole))


def test_faults_are_planted_as_asked_and_told(trade):
    """Proves: so many of each fault, no payout twice, and the books show them."""
    long = date(2026, 12, 31)
    faults = BankFaults(late=2, missing=1, merged=1, off=1, seed=3)
    true = lines(bank_statements(trade, FROM, long).statements)
    books = bank_statements(trade, FROM, long, faults)
    shown = lines(books.statements)

    by_fault = {plant.fault: plant.payouts for plant in books.planted}
    assert sorted(p.fault for p in books.planted) == ["late", "late", "merged", "missing", "off"]
    hit = [payout for plant in books.planted for payout in plant.payouts]
    assert len(hit) == len(set(hit)) == 6
    sent = {p.id: p.amount_minor for p in trade.payouts()}
    only_true = Counter(n.amount_minor for n in true) - Counter(n.amount_minor for n in shown)
    only_shown = Counter(n.amount_minor for n in shown) - Counter(n.amount_minor for n in true)
    ((off,), (gone,)) = by_fault["off"], by_fault["missing"]
    assert only_true == Counter(sent[i] for i in (off, gone, *by_fault["merged"]))
    assert only_shown == Counter([sent[off] - OFF_MINOR, sum(sent[i] for i in by_fault["merged"])])
    late = {sent[i] for p in books.planted if p.fault == "late" for i in p.payouts}
    days = {n.amount_minor: n.booked_on for n in true}
    for line in shown:
        if line.amount_minor in late:
            assert line.booked_on == business_day(days[line.amount_minor], LATE_DAYS)
    assert bank_statements(trade, FROM, long, faults) == books, "one seed, one set of books"
    with pytest.raises(InvalidRequest, match="not enough"):
        bank_statements(trade, FROM, TO, BankFaults(missing=1000))


def test_days_and_words():
    """Proves: weekends wait for Monday, later counts working days, an empty period is refused."""
    assert business_day(date(2026, 11, 7)) == date(2026, 11, 9)
    assert business_day(date(2026, 11, 6), 1) == date(2026, 11, 9)
    world = World.open(":memory:", SetClock(START))
    assert [s.currency for s in bank_statements(world, FROM, TO).statements] == ["USD"]
    with pytest.raises(InvalidRequest, match="before it begins"):
        bank_statements(world, TO, FROM)
    with pytest.raises(InvalidRequest, match="no format"):
        write_statements([], "pdf")


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_period_is_a_statement_too(form):
    """Proves: no line, no reject, the balance stands."""
    world = World.open(":memory:", SetClock(START))
    books = bank_statements(world, FROM, TO)
    data = write_statements(books.statements, form).encode()
    found = read_bank_bytes(data, f"b.{EXTENSIONS[form]}", mapping=MAPPING)
    assert (found.lines, found.rejects, found.sound) == ((), (), True)
