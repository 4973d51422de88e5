"""Thirty days, one run each: late items, one identity per break, a bridge that ties every day."""

import asyncio
import csv
import io
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from db.database import Database
from domain.break_life import BreakFilter, BreakState, Closing
from domain.bridge import Bridge
from domain.buckets import WHOLES
from domain.clock import SetClock
from domain.matching import Matching
from domain.payment import PaymentState
from domain.payout import MembersBy
from domain.run import Run
from domain.settlement import LineKind
from providers.sandbox.exports import export
from providers.stripe.exports import FORMATS
from tests.tscli.shop import Shop, open_shop
from tscli.services.breaks import list_breaks
from tscli.services.bridging import bridge
from tscli.services.closing import Reason, resolve
from tscli.services.context import Context
from tscli.services.lookups import refresh_payment
from tscli.services.periods import period_of
from tscli.services.reconciliation import reconcile_run
from tscli.services.rerunning import rerun

FIRST = date(2026, 3, 1)
DAYS = 30
COLUMNS = (
    "balance_transaction_id", "created_utc", "currency", "gross", "fee", "net",
    "reporting_category", "source_id", "description", "charge_id", "automatic_payout_id",
    "payment_metadata[payment_id]",
)  # fmt: skip


@dataclass
class Month:
    """A shop, its files, and what its runs found."""

    shop: Shop
    folder: Path
    dice: random.Random
    late: list[dict[str, str]] = field(default_factory=list)
    """Lines that the provider's file of their day left out; they come a day later."""
    unseen: list[tuple[int, str]] = field(default_factory=list)
    """(day, payment) of disputes that our ledger has not heard of yet."""
    runs: list[Run] = field(default_factory=list)
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Subject of a break -> the ids it was found under."""

    def play(self, day: int) -> None:
        """One day: sales, refunds, now and then a dispute or a fee, and the payouts."""
        shop, dice = self.shop, self.dice
        shop.clock.at = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(
            days=day, hours=8
        )
        for number in range(5):
            shop.create(
                f"{dice.randint(5, 300)}.{dice.randint(10, 99)}",
                order_reference=f"o{day}-{number}",
                key=f"k{day}-{number}",
                currency=dice.choice(["USD", "USD", "EUR"]),
            )
            shop.clock.advance(timedelta(minutes=40))
        paid = [p for p in shop.payments() if p.state is PaymentState.SUCCEEDED]
        shop.refund(
            dice.choice([p for p in paid if not p.refunded_minor]).payment_id, key=f"r{day}"
        )
        if day % 7 == 3:
            self._dispute(day)
        if day % 10 == 9:
            shop.world.fee("USD", 1_500, "Monthly fee")
        for due, payment_id in [u for u in self.unseen if u[0] + 2 == day]:
            asyncio.run(refresh_payment(shop.context, payment_id))
            self.unseen.remove((due, payment_id))
        shop.world.tick()
        shop.world.make_payouts()

    def _dispute(self, day: int) -> None:
        payment = next(
            p
            for p in self.shop.payments()
            if p.state is PaymentState.SUCCEEDED and not p.refunded_minor and not p.disputed_minor
        )
        charge = next(m.reference for m in payment.movements if m.kind is LineKind.CHARGE)
        self.shop.world.dispute(charge)
        self.unseen.append((day, payment.payment_id))

    def files(self, day: int) -> list[Path]:
        """The provider's files of a day: activity with one line too few, and the payouts."""
        start = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=day)
        end = start + timedelta(days=1)
        # The report goes by the day on which a payout arrives, two days after it left.
        arrived = end + timedelta(days=3)
        rows = self._rows("balance_change_from_activity.itemized", start, end)
        unpaid = [row for row in rows if not row["automatic_payout_id"]]
        held = unpaid[-1:] if day % 3 == 1 else []
        rows = [row for row in rows if row not in held]
        rows, self.late = rows + self.late, held
        return [
            self._write(f"activity-{day}.csv", rows),
            self._write(
                f"payouts-{day}.csv", self._rows("payout_reconciliation.itemized", start, arrived)
            ),
            *self._payout_lines(day, start, end),
        ]

    def _rows(self, name: str, start: datetime, end: datetime) -> list[dict[str, str]]:
        text = export(self.shop.world, name, start, end, COLUMNS)
        return list(csv.DictReader(io.StringIO(text)))

    def _payout_lines(self, day: int, start: datetime, end: datetime) -> list[Path]:
        text = export(self.shop.world, "balance_history", start, end)
        rows = [row for row in csv.DictReader(io.StringIO(text)) if "payout" in row["Type"]]
        return [self._write(f"history-{day}.csv", rows)] if rows else []

    def _write(self, name: str, rows: Iterable[dict[str, str]]) -> Path:
        listed = list(rows)
        path = self.folder / name
        out = io.StringIO()
        writer = csv.DictWriter(out, list(listed[0]) if listed else COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)
        path.write_text(out.getvalue())
        return path

    def reconcile(self, day: int) -> list[Bridge]:
        """The morning after: the run of the day, payouts and monthly fees booked, the bridge."""
        shop = self.shop
        shop.clock.at = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(
            days=day + 1, hours=6
        )
        period = period_of(FIRST + timedelta(days=day), FIRST + timedelta(days=day + 1), "UTC")
        files = [path for path in self.files(day) if path.read_text().count("\n") > 1]
        done = reconcile_run(_comparing(shop, day), shop.owner, FORMATS, files, period)
        self.runs.append(done.run)
        for listed in list_breaks(shop.context, BreakFilter(state=BreakState.OPEN), None):
            subject = listed.item.transaction_id or listed.item.provider_reference
            subject += " as a payout" if listed.item.kind in WHOLES else ""
            self.names[subject].add(listed.record.break_id)
        bookable = [
            listed.record.break_id
            for listed in list_breaks(shop.context, BreakFilter(state=BreakState.OPEN), None)
            if listed.item.line_kind in ("payout", "fee") and listed.item.expected is None
        ]
        if bookable:
            resolve(shop.context, BreakFilter(break_ids=tuple(bookable)), Reason.BOOK, "statement")
        return bridge(_comparing(shop, day), shop.owner, period.end_at)


def _comparing(shop: Shop, day: int) -> Context:
    """Every other day is compared in buckets on disk, which must not show anywhere."""
    rows = 0 if day % 2 else 1_000_000
    return replace(shop.context, matching=Matching(rows_in_memory=rows))


@pytest.fixture
def month(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Month:
    """A month that has not begun."""
    clock.at = datetime.combine(FIRST, datetime.min.time(), UTC)
    shop = open_shop(database, clock, monkeypatch)
    return Month(shop, tmp_path, random.Random(7))


def test_a_month_ties_every_day(month: Month, database_url: str) -> None:
    """Every day's bridge ties to zero, every payout closes, every break keeps its one name; on
    PostgreSQL, where the same days take longer, of the first two weeks."""
    _ties(month, DAYS if database_url.startswith("sqlite") else DAYS // 2)


@pytest.mark.slow
def test_a_whole_month_ties_every_day(month: Month) -> None:
    """The same of all thirty days, on either database."""
    _ties(month, DAYS)


def _ties(month: Month, days: int) -> None:
    for day in range(days):
        month.play(day)
        bridges = month.reconcile(day)
        assert bridges
        assert [b.tie_out_minor for b in bridges] == [0] * len(bridges), f"day {day}"
    assert {k: v for k, v in month.names.items() if len(v) > 1} == {}
    proofs = [proof for run in month.runs for proof in run.payouts]
    assert proofs
    assert {proof.members_by for proof in proofs} == {MembersBy.STATED}
    assert [proof.residual_minor for proof in proofs] == [0] * len(proofs)
    assert sum(run.cleared for run in month.runs) >= days // 3, (
        "late lines and disputes were cleared"
    )
    _prove_lives(month, days)
    for day, run in enumerate(month.runs[:4]):
        again = rerun(_comparing(month.shop, day + day // 2), lambda _: FORMATS, run.run_id)
        assert again.differences == ()


def _prove_lives(month: Month, days: int) -> None:
    """What came late was cleared with its evidence; a month in one run finds what the days did."""
    context = month.shop.context
    closed = list_breaks(context, BreakFilter(state=BreakState.RESOLVED), None)
    cleared = [one for one in closed if one.record.closing is Closing.CLEARED]
    with context.database.read() as books:
        for one in cleared:
            last = books.breaks.events(one.record.break_id)[-1]
            assert (last.action, last.note[:12]) == ("cleared", "agrees with "), last
    left = {
        one.record.break_id
        for one in list_breaks(context, BreakFilter(state=BreakState.OPEN), None)
    }
    whole = period_of(FIRST, FIRST + timedelta(days=days), "UTC")
    said = [
        reconcile_run(
            _comparing(month.shop, day), month.shop.owner, FORMATS, [], whole, dry_run=True
        )
        for day in (0, 1)
    ]
    assert said[0].run.break_count == len(left)
    assert replace(said[1].run, run_id=said[0].run.run_id) == said[0].run
