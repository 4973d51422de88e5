"""Driving an operation to its end: decide, send, learn, again; re-entered by whoever finds it open.

Nothing is sent before it is marked as sending in a committed row, no transaction is open while we
wait, and doubt is settled by asking for the provider's object, never by sending something new.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from db.database import Books
from domain.errors import (
    BooksUnavailable,
    Busy,
    CapabilityMissing,
    Declined,
    OutcomeUnknown,
    ProviderError,
    Rejected,
    Unavailable,
)
from domain.operation import Operation, OperationKind, Step, may_still_arrive
from domain.payment import Payment, Snapshot
from domain.provider import Provider
from domain.review import ReviewKind
from tscli.services.booking import learn
from tscli.services.context import Context
from tscli.services.customers import meet_customer
from tscli.services.deciding import (
    Next,
    decide,
    leave_unknown,
    renew,
    settle_refused,
)
from tscli.services.reviewing import ask_a_person
from tscli.services.steps import call

RESENDS = 2
"""How often one command sends a doubtful step again, under the same key, before it leaves it."""

LEAVES_WITHIN = timedelta(minutes=1)
"""A decision older than this is taken anew: a machine that slept in between may find that its key
was forgotten, or that a person has decided otherwise."""

_NO_REFUSAL = frozenset({"idempotency_error", "mode_mismatch"})
"""Reasons that tell nothing about the request: the key met other words, or the wrong books
answered."""

_PAUSE_SECONDS = 0.2


async def drive(
    context: Context, provider: Provider, operation_id: str
) -> tuple[Payment, Operation]:
    """Take an operation as far as it can go now.

    Raises:
        OutcomeUnknown: it may or may not have happened; it stays open.
        Unavailable: the provider cannot be asked; it stays open.
    """
    resent, looked, renewed = 0, False, False
    with context.database.read() as books:
        seen = books.operations.get(operation_id)
    doubtful = may_still_arrive(seen, context.clock.now())
    while True:
        found = decide(context, provider.capabilities, seen, looked=looked)
        seen, doubtful = found.operation, doubtful or found.elsewhere
        if found.look:
            looked = await _look(context, provider, found)
            continue
        if found.stuck:
            raise too_old(context, found)
        if found.step is None:
            return found.payment, found.operation
        if context.clock.now() - found.operation.updated_at > LEAVES_WITHIN:
            continue
        try:
            await _take(context, provider, found, found.step)
        except (CapabilityMissing, Declined, Rejected) as error:
            await _after_refusal(context, provider, found, error, doubtful or resent > 0)
        except OutcomeUnknown as error:
            resent += 1
            moved = await _ask(context, provider, found.payment)
            if not moved and resent > RESENDS:
                if found.step is Step.CREATE and not renewed:
                    # It moves no money; an error kept under its key could stand in the way.
                    renew(context, found.operation)
                    renewed = True
                    continue
                _give_way(context, found, error)
                raise unknown(found.payment, error) from error
            await asyncio.sleep(0 if moved else _PAUSE_SECONDS * resent)
        except Unavailable as error:
            if not resent:
                raise
            # This try did nothing, but one before it may have.
            _give_way(context, found, error)
            raise unknown(found.payment, error) from error


async def refresh(context: Context, provider: Provider, payment_id: str) -> Payment:
    """Ask the provider about a payment, store the answer, and finish what is open.

    Raises:
        Unavailable, OutcomeUnknown: see `drive`; the first of them, after all was tried.
    """
    with context.database.read() as books:
        payment = books.payments.get(payment_id)
        unfinished = books.operations.of_payment(payment_id, only_open=True)
    if payment.provider_payment_id is not None:
        store_snapshot(context, payment_id, await provider.get(payment.provider_payment_id))
    elif unfinished:
        await meet_customer(context, provider, payment)
    error = await _drive_all(context, provider, unfinished)
    with context.database.read() as books:
        after = books.payments.get(payment_id)
        unfinished = books.operations.of_payment(payment_id, only_open=True)
    if unfinished and after.version != payment.version:
        # What one of them brought about may settle the others.
        error = await _drive_all(context, provider, unfinished)
    if error is not None:
        raise error
    with context.database.read() as books:
        return books.payments.get(payment_id)


async def _drive_all(
    context: Context, provider: Provider, unfinished: Iterable[Operation]
) -> ProviderError | None:
    """Drive each of them, a cancellation before what it calls off; the first error, after all were
    tried."""
    first: ProviderError | None = None
    for operation in sorted(unfinished, key=lambda o: o.kind is not OperationKind.CANCEL):
        try:
            await drive(context, provider, operation.operation_id)
        except ProviderError as error:
            first = first or error
    return first


def store_snapshot(context: Context, payment_id: str, snapshot: Snapshot) -> bool:
    """Store what the provider shows; whether it taught us anything."""

    def store(books: Books) -> bool:
        payment = books.payments.get(payment_id, lock=True)
        return bool(learn(books, context, payment, snapshot).facts)

    return context.database.run(store)


def unknown(payment: Payment, error: ProviderError) -> OutcomeUnknown:
    """The error that leaves an operation open."""
    return OutcomeUnknown(
        f"It is not known whether {payment.payment_id} was changed at the provider:"
        f" {error.message}",
        hint=_settled_by(payment),
        reason=error.reason,
        request_id=error.request_id,
    )


@contextmanager
def written_down(payment: Payment, key: str = "") -> Iterator[None]:
    """For commands that send: books that fail them may have done so before a request left or after
    its answer came, so what became of it is unknown. `key` is the one to repeat the words with.

    Raises:
        OutcomeUnknown: the books could not be read or written.
    """
    try:
        yield
    except (Busy, BooksUnavailable) as error:
        raise OutcomeUnknown(
            f"{error.message} What became of {payment.payment_id} is not written down yet.",
            hint=_settled_by(payment, key),
        ) from error


def _settled_by(payment: Payment, key: str = "") -> str:
    same = f" or the same command with --idempotency-key {key}" if key else ""
    return (
        "`tscli recover sweep` settles it, or at once"
        f" `tscli payments show {payment.payment_id} --refresh`{same}."
    )


async def _take(context: Context, provider: Provider, found: Next, step: Step) -> None:
    """Make one call and store what it shows.

    Raises:
        OutcomeUnknown: also when the answer teaches nothing, as one that contradicts our record.
    """
    snapshot = await call(context, provider, found.payment, found.operation, step)
    payment_id = found.payment.payment_id
    store = _store_created if step is Step.CREATE else store_snapshot
    if not store(context, payment_id, snapshot):
        raise OutcomeUnknown("the provider's answer did not bring the payment any further.")


def _store_created(context: Context, payment_id: str, snapshot: Snapshot) -> bool:
    """Store a new object, unless another process stored one first: ours moves no money and is
    left alone."""

    def store(books: Books) -> bool:
        payment = books.payments.get(payment_id, lock=True)
        if payment.provider_payment_id not in (None, snapshot.provider_payment_id):
            return True
        return bool(learn(books, context, payment, snapshot).facts)

    return context.database.run(store)


async def _after_refusal(
    context: Context,
    provider: Provider,
    found: Next,
    error: CapabilityMissing | Declined | Rejected,
    doubtful: bool,
) -> None:
    """A refusal is believed after one look at the provider's object, unless doubt came before
    it.

    Creating moves no money, so its refusal is always believed: an object we never heard of can
    never be confirmed.
    """
    if await _ask(context, provider, found.payment):
        return
    meaningless = found.step is Step.FENCE or error.reason in _NO_REFUSAL
    if meaningless or (doubtful and found.step is not Step.CREATE):
        leave_unknown(context, found.operation, error, review=meaningless)
        raise unknown(found.payment, error) from error
    settle_refused(context, found, error)


async def _ask(context: Context, provider: Provider, payment: Payment) -> bool:
    """Read the provider's object; whether that taught us anything."""
    if payment.provider_payment_id is None:
        return False
    try:
        snapshot = await provider.get(payment.provider_payment_id)
    except ProviderError:
        return False  # an error while asking is no evidence
    return store_snapshot(context, payment.payment_id, snapshot)


async def _look(context: Context, provider: Provider, found: Next) -> bool:
    """Ask before a step that is too old is given up; True once the provider has answered.

    Raises:
        Unavailable, OutcomeUnknown: it did not, so nothing can be decided.
    """
    target = found.payment.provider_payment_id
    if target is None:
        return True
    snapshot = await provider.get(target)
    return not store_snapshot(context, found.payment.payment_id, snapshot)


def _give_way(context: Context, found: Next, error: ProviderError) -> None:
    """Leave a doubtful step to whoever looks next; a creation, which moves no money, gets fresh
    keys, so that a server error kept under the old one cannot hold it up for a day."""
    leave_unknown(context, found.operation, error)
    if found.step is Step.CREATE:
        renew(context, found.operation)


def too_old(context: Context, found: Next) -> OutcomeUnknown:
    """Put what only a person can settle into the review queue; the error that says so."""
    payment, operation = found.payment, found.operation
    sent = operation.step_sent_at
    since = f" at {sent:%Y-%m-%d %H:%M} UTC" if sent else ""
    reason = f"The {operation.kind} {operation.operation_id} was sent{since}; the provider does not"
    reason += " show it, and its key is too old to be sent again."
    evidence = {"why": found.stuck, "key": operation.key(Step(operation.step))}
    context.database.run(
        lambda books: ask_a_person(
            books, context, payment, ReviewKind.TOO_OLD, reason,
            operation=operation, evidence=evidence,
        )
    )  # fmt: skip
    return OutcomeUnknown(
        reason, hint=f"See `tscli recover explain {payment.payment_id}` and `tscli recover queue`."
    )
