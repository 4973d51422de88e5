"""What moved: currency totals by account, day by day, and the payouts of runs."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from domain.figures import DayFigures, Moved
from domain.run import Run
from reports.builders.words import account_name
from reports.document import Amount, Cell, Column, Kind, Table

_GROUPS = (
    ("charges", "Charges", ("charge",)),
    ("refunds", "Refunds", ("refund",)),
    ("disputes", "Disputes", ("dispute", "dispute_reversal")),
    ("adjustments", "Adjustments", ("adjustment",)),
)
"""Columns of money: key, title, kinds of transactions; fees of lines and payouts follow."""

_MONEY = (
    *(Column(key, title, Kind.AMOUNT) for key, title, _ in _GROUPS),
    Column("fees", "Fees", Kind.AMOUNT),
    Column("net", "Net", Kind.AMOUNT),
    Column("payouts", "Payouts", Kind.AMOUNT),
)
_CURRENCY = Column("currency", "Currency")
_COUNT = Column("transactions", "Transactions", Kind.COUNT)


def money_cells(moved: Iterable[Moved], currency: str) -> tuple[Cell, ...]:
    """Count and the columns of money in one currency: net is before payouts."""
    rows = [m for m in moved if m.currency == currency]
    groups = [sum(m.amount_minor for m in rows if m.kind in kinds) for _, _, kinds in _GROUPS]
    fees = sum(m.amount_minor for m in rows if m.kind == "fee") - sum(m.fee_minor for m in rows)
    payouts = sum(m.amount_minor for m in rows if m.kind == "payout")
    figures = (*groups, fees, sum(groups) + fees, payouts)
    return (sum(m.count for m in rows), *(Amount(minor, currency) for minor in figures))


def currency_totals(figures: DayFigures) -> Table:
    """Every account and currency in which money moved, and each currency's total."""
    by_account: dict[tuple[str, str, str], list[Moved]] = defaultdict(list)
    for m in figures.moved:
        by_account[(m.provider, m.account, m.currency)].append(m)
    currencies = sorted({m.currency for m in figures.moved})
    return Table(
        key="totals",
        title="By account and currency",
        columns=(Column("account", "Account"), _CURRENCY, _COUNT, *_MONEY),
        rows=[
            (account_name(provider, account), currency, *money_cells(rows, currency))
            for (provider, account, currency), rows in sorted(by_account.items())
        ],
        totals=tuple(("Total", code, *money_cells(figures.moved, code)) for code in currencies)
        if len({key[:2] for key in by_account}) > 1
        else (),
        note="Succeeded transactions of our ledger. Net is what the balance at the provider"
        " gained before payouts.",
        empty="No money moved.",
    )  # fmt: skip


def day_by_day(days: Sequence[DayFigures], whole: DayFigures) -> Table:
    """A row for each day and currency, and the sum of all days."""
    currencies = sorted({m.currency for m in whole.moved})
    return Table(
        key="days",
        title="Day by day",
        columns=(Column("day", "Day", Kind.DAY), _CURRENCY, _COUNT, *_MONEY),
        rows=[
            (day.on, code, *money_cells(day.moved, code))
            for day in days
            for code in currencies
            if any(m.currency == code for m in day.moved)
        ],
        totals=tuple(
            ("Total", code, *money_cells([m for day in days for m in day.moved], code))
            for code in currencies
        ),
        empty="No money moved.",
    )


def payout_table(runs: Iterable[Run]) -> Table:
    """The payouts that runs saw, and whether each adds up and arrived."""
    rows: list[tuple[Cell, ...]] = []
    for run in runs:
        arrived = {(a.payout_id, a.currency): a for a in run.arrivals}
        for proof in run.payouts:
            code, residual = proof.currency, proof.residual_minor
            seen = arrived.get((proof.payout_id, code))
            rows.append(
                (
                    account_name(run.provider, run.account),
                    proof.payout_id,
                    datetime.fromisoformat(proof.occurred_at).astimezone(UTC),
                    Amount(proof.paid_minor, code),
                    Amount(proof.net_minor, code),
                    None if residual is None else Amount(residual, code),
                    "yes" if seen else "not seen",
                )
            )
    return Table(
        key="payouts",
        title="Payouts",
        columns=(
            Column("account", "Account"),
            Column("payout_id", "Payout", Kind.CODE),
            Column("left_at", "Left (UTC)", Kind.INSTANT),
            Column("paid", "Paid", Kind.AMOUNT),
            Column("lines", "Its lines", Kind.AMOUNT),
            Column("residual", "Residual", Kind.AMOUNT),
            Column("at_bank", "At the bank"),
        ),
        rows=rows,
        note="A residual is money of a payout that no line explains; it has to be zero.",
        empty="No payout left in this period.",
    )
