"""The demo: a week of payments, known faults, the reconciliation, and whether each fault was found.

It keeps its own books in its own folder; nothing of the operator's is read or written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

from domain.breaks import Break
from domain.buckets import Bucket
from domain.clock import SetClock
from domain.money import Money
from domain.provider import PaymentRequest, Provider
from domain.run import Run
from domain.settlement import ExportFormat, LineKind, LineStatus
from domain.transaction import Transaction
from tscli.services.context import Context
from tscli.services.demo_week import DAYS, MONDAY, PretendWorld, Week, play_week
from tscli.services.documents import of_run
from tscli.services.ledger import import_ledger, read_ledger
from tscli.services.ledger_csv import ledger_csv
from tscli.services.periods import period_of
from tscli.services.reconciliation import reconcile_run

EXPORT_FAULTS: Mapping[Bucket, int] = {
    Bucket.MISSING_IN_LEDGER: 1,
    Bucket.MISSING_AT_PROVIDER: 2,
    Bucket.AMOUNT_MISMATCH: 2,
    Bucket.FEE_MISMATCH: 1,
    Bucket.CURRENCY_MISMATCH: 1,
    Bucket.DUPLICATE_AT_PROVIDER: 1,
    Bucket.UNKNOWN_KIND: 1,
    Bucket.UNREADABLE: 1,
}
"""Faults planted into the provider's file; two more are planted into our ledger."""


class AnswerRow(Protocol):
    """One row of the answer key."""

    bucket: str
    provider_reference: str
    currency: str
    expected_minor: int | None
    reported_minor: int | None
    note: str


class PlantedExport(Protocol):
    """A provider's file with faults in it, and the key to them."""

    text: str
    answers: Sequence[AnswerRow]
    answer_key: str
    """The answer key as CSV text."""


@dataclass(frozen=True, slots=True)
class OwnFault:
    """A fault planted into our own ledger."""

    bucket: Bucket
    line_kind: LineKind
    provider_reference: str
    currency: str
    expected_minor: int
    reported_minor: int | None
    note: str


Plant = Callable[[Sequence[OwnFault], Mapping[Bucket, int]], PlantedExport]
"""Writes the week's export with faults; faults of our own are in the key and left alone."""


@dataclass(frozen=True, slots=True)
class Found:
    """One planted fault and the break that was found for it."""

    answer: AnswerRow
    item: Break | None


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo did and found."""

    week: Week
    run: Run
    found: list[Found]
    surplus: list[Break]
    """Breaks nobody planted; there must be none."""
    files: dict[str, Path]

    @property
    def perfect(self) -> bool:
        """Whether every planted fault was found in its class, and nothing else."""
        return not self.surplus and all(f.item is not None for f in self.found)


async def run_demo(
    context: Context,
    provider: Provider,
    clock: SetClock,
    world: PretendWorld,
    plant: Plant,
    formats: Sequence[ExportFormat],
    folder: Path,
    seed: int,
    progress: Callable[[int, int], None],
) -> DemoResult:
    """Play, plant, reconcile and report."""
    week = await play_week(context, clock, world, seed, progress)
    own, lines = await _own_faults(context, provider, clock, week)
    end = MONDAY.date() + timedelta(days=DAYS)
    planted = plant(own, EXPORT_FAULTS)
    files = {
        "ledger": folder / "ledger.csv",
        "export": folder / "stripe_balance_change.csv",
        "answers": folder / "answer_key.csv",
        "report": folder / "reconciliation.html",
    }
    lines += await _payouts(context, provider)
    imported = folder / "ledger_import.csv"
    imported.write_bytes(ledger_csv(lines))
    import_ledger(context, provider.account, read_ledger(imported))
    imported.unlink()
    with context.database.read() as books:
        files["ledger"].write_bytes(ledger_csv(books.ledger.transactions(provider.account)))
    files["export"].write_text(planted.text)
    files["answers"].write_text(planted.answer_key)
    run, breaks = _reconcile(context, provider, formats, files["export"], end)
    from reports.formats import render_document

    files["report"].write_bytes(render_document(of_run(run, breaks), "html"))
    found, surplus = compare_with_key(planted.answers, breaks)
    return DemoResult(week, run, found, surplus, files)


def _reconcile(
    context: Context,
    provider: Provider,
    formats: Sequence[ExportFormat],
    export: Path,
    end: date,
) -> tuple[Run, list[Break]]:
    period = period_of(MONDAY.date(), end, "UTC")
    done = reconcile_run(context, provider.account, formats, [export], period)
    with context.database.read() as books:
        return done.run, list(books.runs.breaks_of(done.run.run_id))


async def _own_faults(
    context: Context, provider: Provider, clock: SetClock, week: Week
) -> tuple[list[OwnFault], list[Transaction]]:
    """A line booked twice, and a charge whose success never reached us."""
    payment = next(p for p in week.captured() if not p.refunded_minor and p.capture)
    with context.database.read() as books:
        booked = next(
            t
            for t in books.ledger.transactions(payment_id=payment.payment_id)
            if t.kind is LineKind.CHARGE
        )
    twin = replace(booked, transaction_id=context.ids.new("txn"), origin="import")
    missed = await _missed_success(context, provider, clock)
    faults = [
        _fault(Bucket.DUPLICATE_IN_LEDGER, twin, None, "our ledger has the charge twice"),
        _fault(
            Bucket.STATUS_MISMATCH, missed, missed.amount_minor, "our ledger still waits for it"
        ),
    ]
    return faults, [twin, missed]


async def _payouts(context: Context, provider: Provider) -> list[Transaction]:
    """The week's payouts as our accountants book them: money on its way to the bank."""
    start = MONDAY.replace(hour=0)
    return [
        Transaction(
            transaction_id=context.ids.new("txn"),
            payment_id=None,
            provider=provider.account.provider,
            account=provider.account.account,
            mode=provider.account.mode,
            kind=LineKind.PAYOUT,
            provider_reference=payout.reference,
            amount_minor=-payout.amount_minor,
            currency=payout.currency,
            fee_minor=0,
            status=LineStatus.SUCCEEDED,
            occurred_at=payout.created_at,
            origin="import",
        )
        async for payout in provider.payouts(start, start + timedelta(days=DAYS))
    ]


def _fault(bucket: Bucket, t: Transaction, reported_minor: int | None, note: str) -> OwnFault:
    return OwnFault(
        bucket, t.kind, t.provider_reference, t.currency, t.amount_minor, reported_minor, note
    )


async def _missed_success(context: Context, provider: Provider, clock: SetClock) -> Transaction:
    """A charge made past our books, as when another system shares the account."""
    money = Money(4_200, "USD")
    request = PaymentRequest(
        payment_id=context.ids.new("pay"),
        amount_minor=money.minor,
        currency=money.currency,
        capture=True,
        method_token="pm_card_visa",  # noqa: S106 - a public test token
    )
    created = await provider.create(request, "demo.missed.create")
    done = await provider.confirm(
        created.provider_payment_id, request.method_token, "demo.missed.confirm"
    )
    charge = done.movements[0]
    return Transaction(
        transaction_id=context.ids.new("txn"),
        payment_id=request.payment_id,
        provider=provider.account.provider,
        account=provider.account.account,
        mode=provider.account.mode,
        kind=charge.kind,
        provider_reference=charge.reference,
        amount_minor=charge.amount_minor,
        currency=money.currency,
        fee_minor=0,
        status=LineStatus.PROCESSING,
        occurred_at=clock.now(),
        origin="import",
    )


def compare_with_key(
    answers: Sequence[AnswerRow], breaks: Sequence[Break]
) -> tuple[list[Found], list[Break]]:
    """Each planted fault with its break, and the breaks nobody planted.

    An unreadable row has no reference: it is known by its kind alone.
    """
    left = list(breaks)
    found = []
    for answer in answers:
        item = next((b for b in left if _is(b, answer)), None)
        if item is not None:
            left.remove(item)
        found.append(Found(answer, item))
    return found, left


def _is(item: Break, answer: AnswerRow) -> bool:
    if item.kind.value != answer.bucket:
        return False
    return item.kind is Bucket.UNREADABLE or item.provider_reference == answer.provider_reference
