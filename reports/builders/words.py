"""Words and figures that several reports share."""

from collections.abc import Sequence
from datetime import date

from domain.break_life import AGES, OLDEST
from domain.buckets import Bucket
from domain.figures import DayFigures
from domain.run import Run
from reports.bucket_totals import currency_sheets
from reports.document import Fact, Share
from reports.instants import period_text
from reports.verdict import provider_name

AGE_ORDER = (*(name for _, name in AGES), OLDEST)
_AGREED = (Bucket.MATCHED, Bucket.WITHIN_TOLERANCE)


def label(word: str) -> str:
    """A word of ours as people write it.

    >>> label("missing_in_ledger")
    'Missing in ledger'
    """
    return word.replace("_", " ").capitalize()


def account_name(provider: str, account: str) -> str:
    """A provider account in words; the account is named only where it has a name of its own.

    >>> account_name("paypal", "default"), account_name("stripe", "eu")
    ('PayPal', 'Stripe eu')
    """
    name = provider_name(provider)
    return name if account == "default" else f"{name} {account}"


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def long_date(on: date) -> str:
    """A day as a title names it.

    >>> long_date(date(2026, 3, 4))
    '4 March 2026'
    """
    return f"{on.day} {on:%B} {on.year}"


def matched_share(run: Run) -> Share:
    """How many of all rows compared, of both sides, agree."""
    part = whole = 0
    for sheet in currency_sheets(run):
        whole += sheet.compared.expected.rows + sheet.compared.reported.rows
        for bucket, sides in sheet.buckets:
            if bucket in _AGREED:
                part += sides.expected.rows + sides.reported.rows
    return Share(part, whole)


def mode_fact(mode: str) -> Fact:
    """Whether real money is told of."""
    return Fact("Mode", "live" if mode == "live" else "test: no real money")


def period_facts(figures: DayFigures, mode: str) -> tuple[Fact, ...]:
    """What a report over a period is about."""
    text = period_text(figures.period)
    cut_off = f"{text.cut_off} {text.zone}"
    return (Fact("Period", text.span), Fact("Cut-off", cut_off), mode_fact(mode))


def span_slug(figures: DayFigures) -> str:
    """The period as part of a file's name."""
    return period_text(figures.period).span.replace(" to ", "-")
