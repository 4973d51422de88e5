"""The report object: its verdict, its open value, and what it refuses to tell."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.buckets import Bucket
from domain.errors import IntegrityError
from domain.run import BucketTotal, Period
from reports.amounts import with_currency
from reports.instants import period_text
from reports.open_value import open_parts, open_values
from reports.reconciliation import reconciliation_report
from reports.verdict import Verdict, headline
from tests.reports import sample_runs
from tests.reports.sample_runs import BREAKS, a_break, side


def report_of(run, breaks=()):
    return reconciliation_report(run, breaks, {}, "1")


def test_open_value_counts_every_break_once_and_sets_nothing_off():
    """Two opposite differences add up; a currency mismatch is open on both sides."""
    up = a_break(Bucket.AMOUNT_MISMATCH, "a", side(100, "USD"), side(130, "USD"), ("amount",))
    down = a_break(Bucket.AMOUNT_MISMATCH, "b", side(130, "USD"), side(100, "USD"), ("amount",))
    (value,) = open_values([up, down])
    assert (value.amount_minor, value.breaks) == (60, 2)

    parts = {item.provider_reference: open_parts(item) for item in BREAKS}
    assert parts["ch_currency"] == (("USD", 4000, 146), ("EUR", 4000, 146))
    assert parts["ch_status"] == (("USD", 7500, 248),)
    assert parts["ch_fee"] == (("EUR", 0, 25),)
    assert parts[""] == ()


def test_the_largest_break_stands_first_within_its_currency():
    """Whoever reads only the top of a list reads what weighs most."""
    report = sample_runs.long(3)
    group = next(group for group in report.kinds if group.kind is Bucket.MISSING_IN_LEDGER)
    assert [item.provider_reference for item in group.breaks] == [
        "re_gone", "ch_000003", "ch_000002", "ch_000001",
    ]  # fmt: skip


def test_breaks_that_are_not_the_run_s_are_refused():
    """A report never tells half of a run."""
    run = sample_runs.broken().run
    with pytest.raises(IntegrityError):
        report_of(run, BREAKS[1:])
    with pytest.raises(IntegrityError):
        report_of(run, [replace(BREAKS[0], kind=Bucket.MATCHED)])


def test_a_total_without_a_side_is_refused():
    """Money that belongs to neither side cannot be shown anywhere."""
    stray = BucketTotal(Bucket.MATCHED, "both", "USD", 1, 1, 0)
    with pytest.raises(IntegrityError):
        report_of(replace(sample_runs.agreed().run, totals=(stray,)))


def test_sums_that_do_not_tie_are_the_verdict_whatever_else_holds():
    """One row too few in the buckets turns an agreement into the gravest verdict."""
    run = sample_runs.agreed().run
    report = report_of(replace(run, totals=run.totals[:-1]))
    assert report.verdict is Verdict.UNTIED
    assert not report.ties
    assert report.headline.startswith("Rows are unaccounted for")


def test_a_lost_unreadable_row_does_not_tie_either():
    """The files counted one unreadable row, the buckets none."""
    run = sample_runs.agreed().run
    file = replace(run.inputs[0], unreadable=1)
    assert report_of(replace(run, inputs=(file,))).verdict is Verdict.UNTIED


def test_nothing_compared_is_no_agreement():
    """An empty period is told as such."""
    run = replace(sample_runs.agreed().run, totals=(), inputs=())
    assert report_of(run).verdict is Verdict.EMPTY


@pytest.mark.parametrize(
    ("verdict", "breaks", "unreadable", "sentence"),
    [
        (Verdict.AGREE, 0, 0, "Ledger and PayPal agree."),
        (Verdict.BREAKS, 1, 0, "1 break: USD 1.50 is open between ledger and PayPal."),
        (
            Verdict.UNREADABLE, 0, 2,
            "2 unreadable rows: it cannot be said that ledger and PayPal agree.",
        ),
    ],
)  # fmt: skip
def test_the_sentence(verdict, breaks, unreadable, sentence):
    """Numbers agree with their nouns, and an unreadable row alone is no agreement."""
    value = open_values(
        [a_break(Bucket.MISSING_IN_LEDGER, "a", None, side(140, "USD", -10))] if breaks else []
    )
    told = headline(verdict, "paypal", breaks, unreadable, value)
    assert told.replace("\u00a0", " ") == sentence


def test_many_currencies_are_counted_not_listed():
    """Seven amounts are no headline."""
    codes = ("AUD", "BHD", "CAD", "EUR", "GBP", "JPY", "USD")
    value = open_values(a_break(Bucket.MISSING_AT_PROVIDER, c, side(5, c), None) for c in codes)
    assert "money in 7 currencies is open" in headline(Verdict.BREAKS, "stripe", 7, 0, value)
    assert with_currency(5, "JPY") == "JPY\u00a05"


@pytest.mark.parametrize(
    ("start", "end", "zone", "span", "cut_off_utc"),
    [
        ((2026, 3, 2), (2026, 3, 9), "UTC", "2026-03-02 to 2026-03-08", ""),
        ((2026, 3, 2), (2026, 3, 3), "UTC", "2026-03-02", ""),
        ((2026, 3, 1, 23), (2026, 3, 8, 23), "Europe/Berlin", "2026-03-02 to 2026-03-08",
         "2026-03-08 23:00"),
        ((2026, 3, 28, 23), (2026, 3, 29, 22), "Europe/Berlin", "2026-03-29", "2026-03-29 22:00"),
        ((2026, 3, 2, 6), (2026, 3, 2, 18), "UTC", "2026-03-02 06:00 to 2026-03-02 18:00", ""),
        ((1970, 1, 1), (9999, 12, 31), "UTC", "the first row to the last row", ""),
    ],
)  # fmt: skip
def test_a_period_is_told_in_its_own_zone(start, end, zone, span, cut_off_utc):
    """Whole days where it is whole days, also over a change of the clocks; instants otherwise."""
    period = Period(datetime(*start, tzinfo=UTC), datetime(*end, tzinfo=UTC), zone)
    shown = period_text(period)
    assert (shown.span, shown.cut_off_utc) == (span, cut_off_utc)


def test_an_unknown_zone_is_told_in_utc_and_says_so():
    """No instant is shifted by a guess."""
    period = Period(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC), "Mars/Base")
    assert period_text(period).zone.startswith("UTC (stated in Mars/Base")
