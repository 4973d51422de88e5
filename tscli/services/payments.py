"""Creating, capturing, cancelling and refunding payments: intent first, then the provider.

Each verb writes its intent in one transaction (`intents`) and hands the operation to `drive`; the
same words with the same key find the first operation and finish it instead.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from db.database import Books
from domain.errors import (
    ApprovalRequired,
    CircuitOpen,
    Conflict,
    Declined,
    InvalidRequest,
    PaymentsError,
    Rejected,
    Unavailable,
)
from domain.idempotency import check_key
from domain.money import Money, parse_minor
from domain.operation import OPEN_STATES, Operation, OperationKind, OperationState
from domain.operator import Permission
from domain.payment import Command, Payment, check_command
from domain.provider import ProviderAccount
from domain.routing import AUTO
from tscli.services.context import Context
from tscli.services.customers import meet_customer
from tscli.services.drive import drive, written_down
from tscli.services.four_eyes import ask_for_refund, check_refund_limit
from tscli.services.idempotency import IdempotencyService
from tscli.services.intents import (
    CREATE_SCOPE,
    CreateWords,
    Intended,
    Intent,
    check_capabilities,
    check_text,
    check_words,
    create_intent,
    operation_intent,
    operation_scope,
    refundable_minor,
)
from tscli.services.permission import require
from tscli.services.routing import Routes, route


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request."""

    payment: Payment
    operation: Operation
    key: str
    """The idempotency key that finds this outcome again."""
    replayed: bool = False
    """True when the key had been used and no new operation was made."""
    dry_run: bool = False


async def create_payment(
    context: Context,
    words: CreateWords,
    key: str | None = None,
    *,
    routes: Routes | None = None,
    dry_run: bool = False,
) -> Outcome:
    """Create, authorise and, unless told otherwise, capture a payment.

    A provider that is to be chosen is chosen by `routes`; the next one is taken only when nothing
    was recorded for the first.

    Raises:
        InvalidRequest: words that make no sense; nothing was written.
        AlreadyExists: the order has a payment already.
        IdempotencyMismatch, IdempotencyInFlight: the key is taken.
        Unavailable, OutcomeUnknown: see `drive`.
    """
    check_words(words)
    require(context, Permission.TAKE_MONEY)
    key = check_key(key) if key else context.ids.new("op")
    if words.provider != AUTO or routes is None:
        return await _create(context, words, key, words.provider, dry_run=dry_run)
    first: CircuitOpen | None = None
    for name in route(context, routes, words, key):
        try:
            return await _create(context, words, key, name, dry_run=dry_run)
        except CircuitOpen as error:
            with context.database.read() as books:
                if books.idempotency.get(CREATE_SCOPE, key) is not None:
                    raise  # it is recorded, and stays with this provider
            first = first or error
    raise first or CircuitOpen("No provider can be asked now.")


async def _create(
    context: Context, words: CreateWords, key: str, name: str, *, dry_run: bool
) -> Outcome:
    """Create a payment with the provider of that name."""
    async with context.open_provider(name) as provider:
        check_capabilities(provider, words)
        owner, keys = provider.account, IdempotencyService(context)
        intent = await keys.begin(
            CREATE_SCOPE,
            key,
            lambda books: create_intent(books, context, owner, words, key),
            dry_run=dry_run,
        )
        if dry_run or intent.operation.state not in OPEN_STATES:
            return Outcome(intent.payment, intent.operation, key, intent.replayed, dry_run=dry_run)
        with _working(keys, CREATE_SCOPE, key, intent):
            if intent.payment.provider == owner.provider:
                check_owner(intent.payment, owner)
                await meet_customer(context, provider, intent.payment)
                payment, operation = await drive(context, provider, intent.operation.operation_id)
                return Outcome(payment, operation, key, intent.replayed)
    # Another command chose first and chose otherwise: its payment is finished where it was begun.
    return await _create(context, words, key, intent.payment.provider, dry_run=dry_run)


async def capture_payment(
    context: Context,
    payment_id: str,
    amount: str | None = None,
    key: str | None = None,
    *,
    dry_run: bool = False,
) -> Outcome:
    """Capture an authorised payment, in full or in part; the rest is released.

    Raises:
        InvalidTransition: the payment is not authorised.
        InvalidRequest: more than was authorised, or no amount at all.
        Unavailable, OutcomeUnknown: see `drive`.
    """

    def intended(payment: Payment, books: Books) -> int:
        check_command(payment, Command.CAPTURE)
        minor = _amount(payment, amount, payment.amount_minor)
        if minor > payment.amount_minor:
            raise InvalidRequest(
                f"{Money(minor, payment.currency)} is more than the authorised"
                f" {Money(payment.amount_minor, payment.currency)}."
            )
        return minor

    words = {"amount": amount}
    return await _operate(
        context, payment_id, OperationKind.CAPTURE, words, intended, key, dry_run=dry_run
    )


async def cancel_payment(
    context: Context,
    payment_id: str,
    key: str | None = None,
    *,
    reason: str = "",
    dry_run: bool = False,
) -> Outcome:
    """Make sure that a payment takes no money: cancel it here and at the provider.

    Raises:
        InvalidTransition: the money was captured, or the payment is over.
        Unavailable, OutcomeUnknown: see `drive`.
    """

    def intended(payment: Payment, books: Books) -> int:
        check_command(payment, Command.CANCEL)
        return payment.amount_minor

    return await _operate(
        context, payment_id, OperationKind.CANCEL, {}, intended, key, reason, dry_run=dry_run
    )


async def refund_payment(
    context: Context,
    payment_id: str,
    amount: str | None = None,
    key: str | None = None,
    *,
    reason: str = "",
    dry_run: bool = False,
) -> Outcome:
    """Give captured money back, all that is left of it unless an amount is named.

    The amount is reserved in the transaction that checks the limit, and stays reserved while the
    outcome is unknown.

    Raises:
        InvalidTransition: nothing was captured, or all of it was refunded.
        InvalidRequest: more than is left.
        ApprovalRequired: a second person has to agree; the request for it was written.
        Unavailable, OutcomeUnknown: see `drive`.
    """
    chosen = check_key(key) if key else context.ids.new("op")
    asked: list[int] = []

    def intended(payment: Payment, books: Books) -> int:
        check_command(payment, Command.REFUND)
        unfinished = books.operations.of_payment(payment_id, only_open=True)
        left = refundable_minor(payment, unfinished)
        minor = _amount(payment, amount, left)
        if minor > left:
            raise InvalidRequest(
                f"{Money(minor, payment.currency)} is more than can be refunded:"
                f" {Money(left, payment.currency)} is left of {payment.payment_id}.",
                hint="Refunds under way are counted as given.",
            )
        asked.append(minor)
        check_refund_limit(context, payment, unfinished, minor)
        return minor

    words = {"amount": amount}
    try:
        return await _operate(
            context, payment_id, OperationKind.REFUND, words, intended, chosen, reason,
            dry_run=dry_run,
        )  # fmt: skip
    except ApprovalRequired as why:
        raise ask_for_refund(
            context, payment_id, amount, asked[-1], chosen, reason, why, dry_run=dry_run
        ) from None


def failure_of(outcome: Outcome) -> PaymentsError | None:
    """The error that says what an outcome means for the one who asked, None for success."""
    payment, operation = outcome.payment, outcome.operation
    if outcome.dry_run or operation.state is not OperationState.REFUSED:
        return None
    if operation.kind is OperationKind.CREATE:
        return Declined(
            f"{payment.payment_id} is {payment.state}:"
            f" {payment.failure_message or operation.error_message}",
            reason=payment.failure_code,
        )
    return failure_of_operation(operation)


def failure_of_operation(operation: Operation) -> Rejected | None:
    """The error that says that an operation was refused, None when it was not."""
    if operation.state is not OperationState.REFUSED:
        return None
    return Rejected(f"The {operation.kind} was refused: {operation.error_message}")


async def _operate(
    context: Context,
    payment_id: str,
    kind: OperationKind,
    words: Mapping[str, object],
    intended: Intended,
    key: str | None,
    reason: str = "",
    *,
    dry_run: bool,
) -> Outcome:
    """The common path of capture, cancel and refund."""
    permission = Permission.REFUND if kind is OperationKind.REFUND else Permission.TAKE_MONEY
    require(context, permission)
    check_text(reason, "reason")
    chosen = check_key(key) if key else context.ids.new("op")
    with context.database.read() as books:
        payment = books.payments.get(payment_id)
    async with context.open_provider(payment.provider) as provider:
        check_owner(payment, provider.account)
        scope, keys = operation_scope(kind, payment_id), IdempotencyService(context)
        intent = await keys.begin(
            scope,
            chosen,
            lambda books: operation_intent(
                books, context, payment_id, kind, words, intended, chosen, reason
            ),
            dry_run=dry_run,
        )
        if dry_run or intent.operation.state not in OPEN_STATES:
            return Outcome(
                intent.payment, intent.operation, chosen, intent.replayed, dry_run=dry_run
            )
        with _working(keys, scope, chosen, intent):
            done, operation = await drive(context, provider, intent.operation.operation_id)
    return Outcome(done, operation, chosen, intent.replayed)


@contextmanager
def _working(keys: IdempotencyService, scope: str, key: str, intent: Intent) -> Iterator[None]:
    """Let go of the key at the end, and name the payment and the key in an error that leaves an
    operation open: whoever repeats the words without them would ask for the money twice."""
    try:
        with written_down(intent.payment, key):
            yield
    except Unavailable as error:
        payment_id = intent.payment.payment_id
        error.hint = (
            f"{payment_id} waits for it: run `tscli payments show {payment_id} --refresh` later, or"
            f" the same command with --idempotency-key {key}."
        )
        raise
    finally:
        keys.end(scope, key)


def _amount(payment: Payment, text: str | None, default_minor: int) -> int:
    minor = default_minor if text is None else parse_minor(text, payment.currency)
    if minor <= 0:
        raise InvalidRequest("The amount must be more than nothing.")
    return minor


def check_owner(payment: Payment, owner: ProviderAccount) -> None:
    """A payment can only be worked on with the account it was made with.

    Raises:
        Conflict: another account or mode is configured.
    """
    if (payment.account, payment.mode) != (owner.account, owner.mode):
        raise Conflict(
            f"{payment.payment_id} belongs to the {payment.mode} account {payment.account!r} of"
            f" {payment.provider}; configured is the {owner.mode} account {owner.account!r}.",
            hint="Configure the account the payment was made with; see `tscli config show`.",
        )
