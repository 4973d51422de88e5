"""A reconciliation run: what was compared, and what came of it; bucket totals that must tie."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.arrival import Arrival
from domain.buckets import Bucket
from domain.errors import IntegrityError
from domain.payout import PayoutProof
from domain.settlement import InputFile


@dataclass(frozen=True, slots=True)
class BucketTotal:
    """Rows and money of one side that ended in one bucket, in one currency."""

    bucket: Bucket
    side: str
    """`expected` or `reported`."""
    currency: str
    """Empty for unreadable rows, whose currency nobody knows."""
    rows: int
    amount_minor: int
    fee_minor: int


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open span of instants in UTC, and the zone its dates were stated in."""

    start_at: datetime
    end_at: datetime
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class BalanceProof:
    """What a provider account held in one currency, from its own lines; minor units."""

    currency: str
    opening_minor: int
    activity_minor: int
    """Net of all lines of the period that move money, but payouts."""
    payouts_minor: int
    """Net of the period's payouts, negative when money left for the bank."""
    stated_minor: int | None = None
    """The closing balance as the provider states it, where it does."""

    @property
    def closing_minor(self) -> int:
        """Opening, activity and payouts together."""
        return self.opening_minor + self.activity_minor + self.payouts_minor

    @property
    def residual_minor(self) -> int | None:
        """Stated less computed closing; None where nothing is stated."""
        return None if self.stated_minor is None else self.stated_minor - self.closing_minor


@dataclass(frozen=True, slots=True)
class Run:
    """One comparison of a provider account's ledger with its files."""

    run_id: str
    provider: str
    account: str
    mode: str
    period: Period
    started_at: datetime
    inputs: tuple[InputFile, ...]
    expected_digest: str
    """SHA-256 over the ledger rows compared, hex: same inputs, same run."""
    totals: tuple[BucketTotal, ...]

    break_counts: tuple[tuple[Bucket, int], ...]
    """Breaks by kind, in the order of `domain.breaks.KINDS`, zero counts left out."""
    matches: tuple[tuple[str, int], ...] = ()
    """Pairs by the name of the pass that found them, sorted by name."""
    rules_digest: str = ""
    rules: str = ""
    """The rules as JSON, to compare the same inputs again."""
    balances: tuple[BalanceProof, ...] = ()
    """By currency, sorted."""
    payouts: tuple[PayoutProof, ...] = ()
    """The period's payouts, oldest first."""
    arrivals: tuple[Arrival, ...] = ()
    """Which bank line brought which payout, of all payouts around the period."""
    in_transit: tuple[tuple[str, int], ...] = ()
    """Currency -> minor units of payouts that are on their way to the bank, sorted."""
    cleared: int = 0
    """Breaks of earlier runs that are gone."""
    carried: int = 0
    """Breaks of earlier runs that are still there."""

    @property
    def break_count(self) -> int:
        """Breaks of all kinds; a pair of rows that disagrees is one break."""
        return sum(count for _, count in self.break_counts)

    @property
    def unreadable(self) -> int:
        """Rows that could not be read; one that several files hold is one."""
        return sum(total.rows for total in self.totals if total.bucket is Bucket.UNREADABLE)


def check_ties(
    side: str, totals: Iterable[BucketTotal], control: dict[str, tuple[int, int, int]]
) -> None:
    """Prove that the buckets of one side sum to its control totals, per currency.

    `control` maps currency -> (rows, amount_minor, fee_minor), with "" for unreadable rows.

    Raises:
        IntegrityError: they do not: a row was lost, counted twice or changed on the way.
    """
    sums: dict[str, tuple[int, int, int]] = {}
    for t in totals:
        if t.side == side:
            rows, amount, fee = sums.get(t.currency, (0, 0, 0))
            sums[t.currency] = (rows + t.rows, amount + t.amount_minor, fee + t.fee_minor)
    if sums != control:
        raise IntegrityError(
            f"The {side} side does not tie: buckets hold {sums}, the input holds {control}.",
            hint="This is our bug: keep the files and report it.",
        )
