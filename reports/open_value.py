"""Open value: the money a break leaves in doubt, per currency, always positive.

Amounts and fees are counted separately and never set off against each other or across breaks: two
wrongs of opposite sign are twice the work, not none.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from domain.breaks import Break
from domain.buckets import Bucket


@dataclass(frozen=True, slots=True)
class OpenValue:
    """Money in doubt in one currency, in minor units."""

    currency: str
    breaks: int
    """Breaks that leave something of this currency open."""
    amount_minor: int
    fee_minor: int

    @property
    def total_minor(self) -> int:
        """Amounts and fees together."""
        return self.amount_minor + self.fee_minor


def fee_difference(item: Break) -> int | None:
    """Reported fee less expected fee, a missing side counting as 0; None as `difference_minor`."""
    if item.difference_minor is None:
        return None
    expected = item.expected.fee_minor if item.expected else 0
    return (item.reported.fee_minor if item.reported else 0) - expected


def open_parts(item: Break) -> tuple[tuple[str, int, int], ...]:
    """What one break leaves open as (currency, amount_minor, fee_minor), parts of zero left out.

    Mostly the difference. Where the currencies differ no difference exists, so each side is open
    in whole. Where only the status differs the ledger holds no money for the line, so all that
    was reported is open.
    """
    expected, reported = item.expected, item.reported
    if item.difference_minor is None:
        whole = [side for side in (expected, reported) if side]
    elif item.kind is Bucket.STATUS_MISMATCH and reported:
        whole = [reported]
    else:
        amount, fee = abs(item.difference_minor), abs(fee_difference(item) or 0)
        return ((item.currency, amount, fee),) if amount or fee else ()
    parts = ((side.currency, abs(side.amount_minor), abs(side.fee_minor)) for side in whole)
    return tuple(part for part in parts if part[1] or part[2])


def open_values(breaks: Iterable[Break]) -> tuple[OpenValue, ...]:
    """The open value of many breaks, by currency in alphabetical order."""
    sums: dict[str, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for item in breaks:
        for currency, amount, fee in open_parts(item):
            count, amounts, fees = sums[currency]
            sums[currency] = (count + 1, amounts + amount, fees + fee)
    return tuple(OpenValue(currency, *sums[currency]) for currency in sorted(sums))
