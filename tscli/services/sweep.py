"""The sweep: ask the provider about everything unsettled, store the answers, finish what is open.

Errors while asking are no evidence: a payment moves only on an answer about that payment. Two
sweeps, an operator and a webhook may overlap; leases only spare the double work.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from db.database import Books
from domain.errors import (
    BooksUnavailable,
    Busy,
    ConfigurationError,
    OutcomeUnknown,
    PaymentsError,
    Unavailable,
)
from domain.operation import Operation, next_step
from domain.operator import Permission
from domain.payment import Payment, observe
from domain.provider import Provider, ProviderAccount
from domain.recovery import Swept, SweptAs
from domain.review import ReviewKind
from tscli.services.context import Context
from tscli.services.drive import refresh
from tscli.services.leasing import lease, new_holder
from tscli.services.permission import require
from tscli.services.reviewing import ask_a_person
from tscli.services.stuck import Stuck, looked_at, stuck_payments

WORKERS = 8
"""Calls under way at once for one account; its rate limit slows them further."""

ERROR_BUDGET = 5
"""Payments in a row that could not be asked for, after which an account is left alone."""

BATCH = 100
LEASE = timedelta(minutes=5)

ALARM_AFTER = timedelta(days=1)
"""Age from which an outcome that is still not known is shown to a person as well."""

ELSEWHERE = "another sweep is at it"
"""Why a payment was not asked for that somebody else asks for at this moment."""
_OTHERS = "they belong to the account"

_NOT_LOOKED = (Unavailable, Busy)
"""Errors after which a payment is as due as before."""

Progress = Callable[[int, int], None]


async def sweep(
    context: Context,
    *,
    older_than: timedelta | None = None,
    provider: str | None = None,
    limit: int = 1_000,
    dry_run: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> list[Swept]:
    """Ask about what is due, or, with `older_than`, about all that is unsettled for so long.

    With `dry_run` the provider is asked and nothing is stored, sent or leased.
    """
    require(context, Permission.RECOVER)
    with context.database.read() as books:
        due = stuck_payments(books, context.clock.now(), older_than=older_than, provider=provider)[
            :limit
        ]
    accounts: dict[ProviderAccount, list[Stuck]] = defaultdict(list)
    for stuck in due:
        accounts[stuck.owner].append(stuck)
    run = _Run(context, len(due), dry_run, progress)
    for owner, waiting in accounts.items():
        await run.account(owner, waiting)
    return run.done


def unanswered(done: Iterable[Swept]) -> list[Swept]:
    """What could not be asked for: the provider is away, or its settings are wrong."""
    return [
        one
        for one in done
        if one.outcome is SweptAs.NOT_ASKED and not one.why.startswith((ELSEWHERE, _OTHERS))
    ]


class _Run:
    """One sweep under way."""

    def __init__(self, context: Context, total: int, dry_run: bool, progress: Progress) -> None:
        self._context = context
        self._total = total
        self._dry_run = dry_run
        self._progress = progress
        self._holder = new_holder(context.actor.host)
        self.done: list[Swept] = []

    async def account(self, owner: ProviderAccount, waiting: Sequence[Stuck]) -> None:
        """Sweep one account's payments, some at once, until its error budget is spent."""
        try:
            async with self._context.open_provider(owner.provider) as provider:
                if provider.account != owner:
                    self._skip(waiting, f"{_OTHERS} {owner.account!r}")
                    return
                budget = _Budget()
                for start in range(0, len(waiting), BATCH):
                    await self._batch(provider, waiting[start : start + BATCH], budget)
        except ConfigurationError as error:
            self._skip(waiting, error.message)

    async def _batch(self, provider: Provider, batch: Sequence[Stuck], budget: "_Budget") -> None:
        names = {f"recover:{s.payment_id}": s for s in batch}
        ours = set(names) if self._dry_run else self._lease(list(names))
        self._skip([s for name, s in names.items() if name not in ours], ELSEWHERE)
        todo = [s for name, s in names.items() if name in ours]

        async def work() -> None:
            while todo:
                stuck = todo.pop(0)
                if budget.spent:
                    self._skip([stuck], budget.why)
                    continue
                self._add(await self._one(provider, stuck, budget))

        ends = await asyncio.gather(*(work() for _ in range(WORKERS)), return_exceptions=True)
        self._let_go(sorted(ours))  # nobody is at it any more
        for error in ends:
            if error is not None:
                raise error

    async def _one(self, provider: Provider, stuck: Stuck, budget: "_Budget") -> Swept:
        before = _standing(self._context, stuck.payment_id)
        if before.settled:  # by somebody else, since we looked for what is stuck
            return _told(stuck, before, before, None)
        error: PaymentsError | None = None
        try:
            if self._dry_run:
                return await _preview(self._context, provider, stuck, before)
            await refresh(self._context, provider, stuck.payment_id)
            budget.reset()
        except PaymentsError as raised:
            error = raised
            budget.note(error)
        if not self._dry_run:
            with suppress(Busy, BooksUnavailable):  # then it stays as due as it was
                self._note(stuck, error)
        after = _standing(self._context, stuck.payment_id)
        return _told(stuck, before, after, error)

    def _note(self, stuck: Stuck, error: PaymentsError | None) -> None:
        """When it is to be asked for again, and whether a person is to know."""
        if not isinstance(error, _NOT_LOOKED):
            looked_at(self._context, stuck.payment_id)
        if error is not None:
            self._alarm(stuck, error)

    def _alarm(self, stuck: Stuck, error: PaymentsError) -> None:
        """Queue the operations whose outcome has not been known for too long."""
        now = self._context.clock.now()
        if now - stuck.since < ALARM_AFTER:
            return
        with self._context.database.transaction() as books:
            payment = books.payments.get(stuck.payment_id)
            for operation in books.operations.of_payment(stuck.payment_id, only_open=True):
                if operation.sent_at is None or _is_queued(books, operation):
                    continue
                reason = f"Whether the {operation.kind} happened is not known since"
                reason += f" {operation.sent_at:%Y-%m-%d %H:%M} UTC: {error.message}"
                ask_a_person(
                    books, self._context, payment, ReviewKind.UNSETTLED, reason,
                    operation=operation, evidence={"code": error.code},
                )  # fmt: skip

    def _lease(self, names: list[str]) -> set[str]:
        now = self._context.clock.now()
        with self._context.database.transaction() as books:
            return lease(books, names, self._holder, now, now + LEASE)

    def _let_go(self, names: list[str]) -> None:
        if self._dry_run:
            return
        with (
            suppress(Busy, Unavailable, OutcomeUnknown),  # they expire by themselves
            self._context.database.transaction() as books,
        ):
            books.leases.release(names, self._holder)
            books.leases.purge(self._context.clock.now())

    def _skip(self, waiting: Sequence[Stuck], why: str) -> None:
        for stuck in waiting:
            state = _standing(self._context, stuck.payment_id).payment.state
            self._add(
                Swept(
                    stuck.payment_id, stuck.owner.provider, SweptAs.NOT_ASKED, state, state,
                    why=why,
                )
            )  # fmt: skip

    def _add(self, swept: Swept) -> None:
        self.done.append(swept)
        self._progress(len(self.done), self._total)


def _is_queued(books: Books, operation: Operation) -> bool:
    """Whether a person has been asked about an operation for a reason of its own."""
    waiting = books.reviews.find(payment_id=operation.payment_id)
    return any(
        r.operation_id == operation.operation_id and r.kind is not ReviewKind.UNSETTLED
        for r in waiting
    )


class _Budget:
    """How many payments in a row could not be asked for."""

    def __init__(self) -> None:
        self._failed = 0
        self.why = ""

    @property
    def spent(self) -> bool:
        """Whether the account is to be left alone."""
        return self._failed >= ERROR_BUDGET

    def note(self, error: PaymentsError) -> None:
        """Count an error that says the provider cannot be asked."""
        if isinstance(error, Unavailable) and not isinstance(error, BooksUnavailable):
            self._failed += 1
            self.why = f"its provider cannot be asked: {error.message}"

    def reset(self) -> None:
        """It can be asked after all."""
        self._failed = 0


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a payment stands at one moment."""

    payment: Payment
    unfinished: dict[str, str]
    """Kind of every open operation by its id."""
    reviewed: bool

    @property
    def settled(self) -> bool:
        """Whether nothing about it is open."""
        return not self.unfinished and self.payment.next_check_at is None


def _standing(context: Context, payment_id: str) -> _Standing:
    with context.database.read() as books:
        operations = books.operations.of_payment(payment_id, only_open=True)
        return _Standing(
            books.payments.get(payment_id),
            {o.operation_id: o.kind.value for o in operations},
            bool(books.reviews.find(payment_id=payment_id, limit=1)),
        )


def _told(stuck: Stuck, before: _Standing, after: _Standing, error: PaymentsError | None) -> Swept:
    return Swept(
        payment_id=stuck.payment_id,
        provider=stuck.owner.provider,
        outcome=_outcome(before, after, error),
        before=before.payment.state,
        after=after.payment.state,
        changes=_changes(before, after),
        why=error.message if error else "",
    )


def _outcome(before: _Standing, after: _Standing, error: PaymentsError | None) -> SweptAs:
    if isinstance(error, _NOT_LOOKED):
        return SweptAs.NOT_ASKED
    if after.reviewed:
        return SweptAs.REVIEW
    if isinstance(error, OutcomeUnknown):
        return SweptAs.UNKNOWN
    if error is not None:
        return SweptAs.NOT_ASKED
    if after.settled:
        return SweptAs.SETTLED
    return SweptAs.MOVED if _changes(before, after) else SweptAs.WAITING


def _changes(before: _Standing, after: _Standing) -> tuple[str, ...]:
    changes = []
    if before.payment.state is not after.payment.state:
        changes.append(f"{before.payment.state} -> {after.payment.state}")
    known = {m.name: m for m in before.payment.movements}
    changes += [
        f"{m.kind} {m.reference} {m.status}"
        for m in after.payment.movements
        if known.get(m.name) is None or known[m.name].status is not m.status
    ]
    changes += [
        f"{kind} {operation_id} ended"
        for operation_id, kind in before.unfinished.items()
        if operation_id not in after.unfinished
    ]
    return tuple(changes)


async def _preview(context: Context, provider: Provider, stuck: Stuck, before: _Standing) -> Swept:
    """What a sweep would learn and do, asked for and not stored."""
    payment, changes = before.payment, []
    if payment.provider_payment_id is not None:
        seen = observe(payment, await provider.get(payment.provider_payment_id))
        changes = [*seen.facts, *seen.anomalies]
        payment = seen.payment
    with context.database.read() as books:
        for operation in books.operations.of_payment(stuck.payment_id, only_open=True):
            verdict = next_step(operation, payment)
            what = verdict.step or verdict.state or verdict.why
            changes.append(f"{operation.kind} {operation.operation_id}: {what}")
    moved = payment.state is not before.payment.state
    return Swept(
        stuck.payment_id, stuck.owner.provider, SweptAs.MOVED if moved else SweptAs.WAITING,
        before.payment.state, payment.state, tuple(changes), "nothing was stored or sent",
    )  # fmt: skip
