"""Where every row of both sides went, per currency, and whether that equals the input files.

Everything here is a sum of `BucketTotal`s or of the files' own control totals, so the two can be
held against each other; nothing is taken from the list of breaks.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from domain.buckets import KINDS, Bucket
from domain.errors import IntegrityError
from domain.run import Run
from domain.settlement import InputFile

SET_ASIDE = (Bucket.NOT_EXPECTED, Bucket.NOT_MONEY, Bucket.OUTSIDE_PERIOD)
"""Buckets of rows that took no part in the comparison."""

ORDER = (Bucket.MATCHED, Bucket.WITHIN_TOLERANCE, *KINDS, *SET_ASIDE)

LEDGER_FORMAT = "ledger"
"""First word of the format of an input file that is a ledger; others are the provider's."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Rows and their money, in minor units of the currency it stands under."""

    rows: int = 0
    gross_minor: int = 0
    fee_minor: int = 0

    @property
    def net_minor(self) -> int:
        """Gross less fee."""
        return self.gross_minor - self.fee_minor

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.rows + other.rows,
            self.gross_minor + other.gross_minor,
            self.fee_minor + other.fee_minor,
        )

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.rows - other.rows,
            self.gross_minor - other.gross_minor,
            self.fee_minor - other.fee_minor,
        )


@dataclass(frozen=True, slots=True)
class TwoSides:
    """What the ledger holds and what the provider reports."""

    expected: Amounts = Amounts()
    reported: Amounts = Amounts()

    @property
    def difference(self) -> Amounts:
        """Reported less expected."""
        return self.reported - self.expected

    def __add__(self, other: "TwoSides") -> "TwoSides":
        return TwoSides(self.expected + other.expected, self.reported + other.reported)


@dataclass(frozen=True, slots=True)
class CurrencySheet:
    """All rows of one currency by bucket, beside what the input files sum to."""

    currency: str
    """Empty on the sheet of unreadable rows."""
    buckets: tuple[tuple[Bucket, TwoSides], ...]
    """In the order matched, break kinds, set aside; buckets without rows are left out."""
    expected_file: Amounts | None
    """Control totals of the ledger files; None when the ledger was a database."""
    reported_file: Amounts | None
    """Control totals of the provider's files; None when there was no file."""

    @property
    def compared(self) -> TwoSides:
        """The rows that took part: all but those set aside."""
        return _sum(pair for bucket, pair in self.buckets if bucket not in SET_ASIDE)

    @property
    def all_rows(self) -> TwoSides:
        """Every row of both sides."""
        return _sum(pair for _, pair in self.buckets)

    @property
    def ties(self) -> bool:
        """Whether the buckets of each side sum to what its files hold."""
        total = self.all_rows
        return self.expected_file in (None, total.expected) and self.reported_file in (
            None,
            total.reported,
        )


def currency_sheets(run: Run) -> tuple[CurrencySheet, ...]:
    """One sheet per currency in alphabetical order; that of unreadable rows, if any, stands first.

    Raises:
        IntegrityError: a total belongs to neither side or to no bucket known here.
    """
    pairs: dict[str, dict[Bucket, TwoSides]] = defaultdict(dict)
    for total in run.totals:
        if total.side not in ("expected", "reported") or total.bucket not in ORDER:
            raise IntegrityError(f"A bucket total names side {total.side!r}, {total.bucket!r}.")
        amounts = Amounts(total.rows, total.amount_minor, total.fee_minor)
        pair = (
            TwoSides(expected=amounts) if total.side == "expected" else TwoSides(reported=amounts)
        )
        buckets = pairs[total.currency]
        buckets[total.bucket] = buckets.get(total.bucket, TwoSides()) + pair

    ledger = [file for file in run.inputs if is_ledger(file)]
    theirs = [file for file in run.inputs if not is_ledger(file)]
    expected, reported = _control(ledger), _control(theirs)
    sheets = (
        CurrencySheet(
            currency,
            tuple(
                (bucket, pairs[currency][bucket]) for bucket in ORDER if bucket in pairs[currency]
            ),
            expected[currency] if ledger else None,
            reported[currency] if theirs else None,
        )
        for currency in sorted(pairs.keys() | expected.keys() | reported.keys())
    )
    return tuple(sheets)


def is_ledger(file: InputFile) -> bool:
    """Whether the file is our side of the comparison."""
    return file.format.partition(".")[0] == LEDGER_FORMAT


def _control(files: Iterable[InputFile]) -> dict[str, Amounts]:
    """Control totals by currency; unreadable rows are counted under the empty currency."""
    sums: dict[str, Amounts] = defaultdict(Amounts)
    for file in files:
        if file.unreadable:
            sums[""] += Amounts(rows=file.unreadable)
        for total in file.totals:
            if total.currency:
                sums[total.currency] += Amounts(total.rows, total.amount_minor, total.fee_minor)
    return sums


def _sum(pairs: Iterable[TwoSides]) -> TwoSides:
    return sum(pairs, start=TwoSides())
