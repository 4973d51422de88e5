"""The verdict: one word for a machine and one sentence for a person, first in every format.

The sentence may never sound better than the figures below it.
"""

from collections.abc import Sequence
from enum import StrEnum

from reports.amounts import whole, with_currency
from reports.open_value import OpenValue

_NAMED = 6
"""So many currencies are named in the sentence; more are counted."""

_NAMES = {"paypal": "PayPal"}
"""Providers whose name is not their word with a capital."""


class Verdict(StrEnum):
    """How a comparison ended, from worst to best."""

    UNTIED = "untied"
    """The sums of the buckets are not those of the files: no other figure can be trusted."""
    UNREADABLE = "unreadable"
    """Rows could not be read, so agreement cannot be stated; there may be breaks as well."""
    BREAKS = "breaks"
    EMPTY = "empty"
    """Neither side had a row to compare."""
    AGREE = "agree"


def provider_name(provider: str) -> str:
    """The provider's name as a person writes it.

    >>> provider_name("stripe"), provider_name("paypal")
    ('Stripe', 'PayPal')
    """
    return _NAMES.get(provider, provider[:1].upper() + provider[1:])


def count(number: int, noun: str) -> str:
    """A count and its noun, which takes an s unless there is one.

    >>> count(1, "break"), count(1200, "row")
    ('1 break', '1,200 rows')
    """
    return f"{whole(number)} {noun}" if number == 1 else f"{whole(number)} {noun}s"


def headline(
    verdict: Verdict,
    provider: str,
    breaks: int,
    unreadable: int,
    open_value: Sequence[OpenValue],
) -> str:
    """The sentence; `breaks` are those that are no unreadable rows."""
    name = provider_name(provider)
    if verdict is Verdict.AGREE:
        return f"Ledger and {name} agree."
    if verdict is Verdict.EMPTY:
        return f"Nothing was compared: neither ledger nor {name} has a row in this period."
    found = ", ".join(
        count(number, noun)
        for number, noun in ((breaks, "break"), (unreadable, "unreadable row"))
        if number
    )
    if verdict is Verdict.UNTIED:
        also = f" Besides: {found}." if found else ""
        return f"Rows are unaccounted for: the buckets do not sum to the input files.{also}"
    if not breaks:
        return f"{found}: it cannot be said that ledger and {name} agree."
    return f"{found}: {_open(open_value)} between ledger and {name}."


def _open(values: Sequence[OpenValue]) -> str:
    if not values:
        return "no amount is open"
    if len(values) > _NAMED:
        return f"money in {len(values)} currencies is open"
    amounts = [with_currency(value.total_minor, value.currency) for value in values]
    if len(amounts) == 1:
        return f"{amounts[0]} is open"
    return f"{', '.join(amounts[:-1])} and {amounts[-1]} are open"
