"""Recording intents: the transaction before anything is sent.

Here keys are looked up, orders are kept from being paid twice, refunds are reserved against what is
left, and the operation is written that everything later refers to.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from db.database import Books
from domain.errors import AlreadyExists, CapabilityMissing, Conflict, InvalidRequest
from domain.idempotency import IdempotencyRow, check_same_words, fingerprint
from domain.money import Money
from domain.operation import Operation, OperationKind, OperationState
from domain.payment import Observation, Payment, Stage
from domain.payment_method import refuse_card_number
from domain.provider import Provider, ProviderAccount
from domain.review import ReviewKind
from domain.routing import AUTO
from tscli.services.booking import store, summary
from tscli.services.context import Context
from tscli.services.customers import customer_for
from tscli.services.provider_accounts import refuse_down, refuse_put_back
from tscli.services.steps import owner_of

_TEXT_MAX = 500

CREATE_SCOPE = "create"
"""Scope of the keys of creations: one for all customers, so that no order is charged twice."""

Intended = Callable[[Payment, Books], int]
"""Checks that an operation is legal now and says its amount in minor units."""


@dataclass(frozen=True, slots=True)
class CreateWords:
    """The words of a request to create a payment, as the operator gave them."""

    money: Money
    provider: str
    """Its name, or `auto` where the operator named none."""
    method: str
    """Our payment method id, or the provider's token."""
    capture: bool = True
    order_reference: str = ""
    customer: str = ""
    """Our customer id, or the shop's own reference."""
    description: str = ""
    region: str = ""
    """ISO 3166 code of the customer, for rules that ask for it."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What the transaction leaves behind: an operation to be driven, or one found again."""

    payment: Payment
    operation: Operation
    replayed: bool = False


def operation_scope(kind: OperationKind, payment_id: str) -> str:
    """Scope of the keys of what is done to one payment."""
    return f"{kind}:{payment_id}"


def check_words(words: CreateWords) -> None:
    """Refuse words that can never be sent.

    Raises:
        InvalidRequest: no positive amount, too long a text, or a card number in any of them.
    """
    if words.money.minor <= 0:
        raise InvalidRequest("The amount must be more than nothing.")
    texts = {
        "method": words.method,
        "order reference": words.order_reference,
        "customer": words.customer,
        "description": words.description,
        "region": words.region,
    }
    for what, text in texts.items():
        check_text(text, what)
    if not words.method:
        raise InvalidRequest("A payment needs a method: a token of the provider or our pm_ id.")


def check_text(text: str, what: str) -> None:
    """Refuse a text that must not be kept.

    Raises:
        InvalidRequest: too long, not printable, or with a card number in it.
    """
    refuse_card_number(text, what)
    if len(text) > _TEXT_MAX:
        raise InvalidRequest(f"The {what} is longer than {_TEXT_MAX} characters.")
    if any(not c.isprintable() for c in text):
        raise InvalidRequest(f"The {what} contains characters that cannot be printed.")


def check_capabilities(provider: Provider, words: CreateWords) -> None:
    """Refuse what the provider cannot do, before anything is written or sent.

    Raises:
        CapabilityMissing: the currency or the amount.
    """
    name, able = provider.account.provider, provider.capabilities
    if words.money.currency not in able.currencies:
        raise CapabilityMissing(f"{name} does not charge {words.money.currency}.")
    if words.money.minor > able.amount_max_minor:
        most = Money(able.amount_max_minor, words.money.currency)
        raise CapabilityMissing(f"{name} charges at most {most} at once.")


def create_intent(
    books: Books, context: Context, owner: ProviderAccount, words: CreateWords, key: str
) -> Intent:
    """Write a new payment with its operation, or find the one the key stands for.

    Raises:
        AlreadyExists, IdempotencyMismatch, IdempotencyInFlight: see `payments.create_payment`.
        NotFound: no such payment method.
    """
    unnamed, named = _asked(words, AUTO), _asked(words, [owner.provider, owner.account, owner.mode])
    row = books.idempotency.get(CREATE_SCOPE, key)
    if row is not None:
        payment = books.payments.get(row.payment_id)
        # A choice left open then or now is met by the provider it fell on: rules may come and go.
        alike = words.provider in (AUTO, payment.provider)
        check_same_words(row, named, *([unnamed] if alike else []))
        return Intent(payment, books.operations.get(row.operation_id), replayed=True)
    refuse_down(books, context, owner)
    _refuse_held(books, owner, words.order_reference)
    payment = _new_payment(books, context, owner, words)
    books.payments.add(payment)
    books.record(context.actor, "payment.created", payment.payment_id, after=summary(payment))
    amount_minor = payment.amount_minor
    operation = _add(books, context, payment, OperationKind.CREATE, amount_minor, "")
    asked = unnamed if words.provider == AUTO else named
    _remember(books, context, CREATE_SCOPE, key, asked, operation)
    return Intent(payment, operation)


def operation_intent(
    books: Books,
    context: Context,
    payment_id: str,
    kind: OperationKind,
    words: Mapping[str, object],
    intended: Intended,
    key: str,
    reason: str,
) -> Intent:
    """Write a new operation on a payment, or find the one that is meant.

    Raises:
        IdempotencyMismatch, IdempotencyInFlight: the key is taken.
        Conflict: a capture of another amount is unfinished.
        InvalidTransition, InvalidRequest: `intended` refuses.
    """
    payment = books.payments.get(payment_id, lock=True)
    asked = fingerprint({"payment": payment_id, "kind": kind, **words})
    scope = operation_scope(kind, payment_id)
    row = books.idempotency.get(scope, key)
    if row is not None:
        check_same_words(row, asked)
        return Intent(payment, books.operations.get(row.operation_id), replayed=True)
    refuse_put_back(books, owner_of(payment))
    unfinished = _unfinished_alike(books, payment, kind)
    if unfinished is not None:
        _check_alike(payment, unfinished, intended, books)
        return Intent(payment, unfinished, replayed=True)
    operation = _add(books, context, payment, kind, intended(payment, books), reason)
    _remember(books, context, scope, key, asked, operation)
    if kind is OperationKind.CANCEL and payment.stage is Stage.RECORDED:
        return _cancel_here(books, context, payment, operation)
    return Intent(payment, operation)


def _refuse_held(books: Books, owner: ProviderAccount, order_reference: str) -> None:
    """Pass unless the provider is known to hold money for this order that none of ours knows of.

    Raises:
        AlreadyExists: it does, as after books were put back from a backup.
    """
    if not order_reference:
        return
    for review in books.reviews.find(kind=ReviewKind.ORPHAN, provider=owner.provider):
        held = json.loads(review.evidence).get("order_reference")
        if review.owner == owner and held == order_reference:
            raise AlreadyExists(
                f"{owner.provider} holds money for order {order_reference!r} that none of our"
                f" payments knows of: {review.subject}.",
                hint=f"See `tscli recover show {review.review_id}` before the order is paid again.",
            )


def refundable_minor(payment: Payment, unfinished: list[Operation]) -> int:
    """What can still be refunded: captured minus refunded, reserved and disputed."""
    seen = {m.operation_id for m in payment.movements}
    reserved = sum(
        o.amount_minor
        for o in unfinished
        if o.kind is OperationKind.REFUND and o.operation_id not in seen
    )
    disputed = max(payment.disputed_minor, 0)
    return max(payment.captured_minor - payment.refunded_minor - reserved - disputed, 0)


def _asked(words: CreateWords, owner: object) -> str:
    """The fingerprint of a creation with that owner named; a region only helps to choose one."""
    return fingerprint(
        {
            "amount_minor": words.money.minor,
            "currency": words.money.currency,
            "owner": owner,
            "method": words.method,
            "capture": words.capture,
            "order_reference": words.order_reference,
            "customer": words.customer,
            "description": words.description,
        }
    )


def _new_payment(
    books: Books, context: Context, owner: ProviderAccount, words: CreateWords
) -> Payment:
    now = context.clock.now()
    kept = books.people.method_by_token(owner, words.method)
    if kept is None and books.people.has_method(words.method):
        kept = books.people.method(words.method)
    if kept is not None and kept.removed_at is not None:
        raise InvalidRequest(f"The payment method {kept.method_id} was removed.")
    if kept is not None and ProviderAccount(kept.provider, kept.account, kept.mode) != owner:
        raise InvalidRequest(
            f"The payment method {kept.method_id} belongs to another account or mode."
        )
    theirs = kept.customer_id if kept is not None else None
    return Payment(
        payment_id=context.ids.new("pay"),
        provider=owner.provider,
        account=owner.account,
        mode=owner.mode,
        amount_minor=words.money.minor,
        currency=words.money.currency,
        capture=words.capture,
        method_token=kept.token if kept else words.method,
        created_at=now,
        updated_at=now,
        order_reference=words.order_reference or None,
        customer_id=customer_for(books, context, words.customer) or theirs,
        description=words.description,
    )


def _add(
    books: Books,
    context: Context,
    payment: Payment,
    kind: OperationKind,
    amount_minor: int,
    reason: str,
) -> Operation:
    now = context.clock.now()
    operation = Operation(
        operation_id=context.ids.new("op"),
        payment_id=payment.payment_id,
        kind=kind,
        amount_minor=amount_minor,
        state=OperationState.RECORDED,
        operator=context.actor.operator,
        created_at=now,
        updated_at=now,
        reason=reason,
    )
    books.operations.add(operation)
    books.record(
        replace(context.actor, reason=reason or context.actor.reason),
        "operation.recorded",
        payment.payment_id,
        after={
            "operation_id": operation.operation_id,
            "kind": kind,
            "amount_minor": amount_minor,
            "currency": payment.currency,
        },
    )
    return operation


def _remember(
    books: Books, context: Context, scope: str, key: str, asked: str, operation: Operation
) -> None:
    books.idempotency.add(
        IdempotencyRow(
            scope=scope,
            key=key,
            fingerprint=asked,
            payment_id=operation.payment_id,
            operation_id=operation.operation_id,
            created_at=context.clock.now(),
        )
    )


def _unfinished_alike(books: Books, payment: Payment, kind: OperationKind) -> Operation | None:
    """An open capture or cancel is the same intent again; two refunds may both be meant."""
    if kind is OperationKind.REFUND:
        return None
    unfinished = books.operations.of_payment(payment.payment_id, only_open=True)
    return next((o for o in unfinished if o.kind is kind), None)


def _check_alike(payment: Payment, unfinished: Operation, intended: Intended, books: Books) -> None:
    """Let a repeated intent pass, not one of another amount."""
    if unfinished.kind is not OperationKind.CAPTURE or payment.stage is not Stage.AUTHORIZED:
        return
    if intended(payment, books) != unfinished.amount_minor:
        first = Money(unfinished.amount_minor, payment.currency)
        raise Conflict(
            f"A {unfinished.kind} of {first} is unfinished on {payment.payment_id}.",
            hint=f"Finish it first with `tscli payments show {payment.payment_id} --refresh`.",
        )


def _cancel_here(books: Books, context: Context, payment: Payment, operation: Operation) -> Intent:
    """Nothing was ever sent: the cancellation is ours alone."""
    now = context.clock.now()
    cancelled = Observation(replace(payment, stage=Stage.CANCELLED), ("payment.cancelled",))
    saved = store(books, context, payment, cancelled)
    for unfinished in books.operations.of_payment(payment.payment_id, only_open=True):
        mine = unfinished.operation_id == operation.operation_id
        state = OperationState.DONE if mine else OperationState.REFUSED
        books.operations.settle(unfinished, state, now)
    return Intent(saved, books.operations.get(operation.operation_id))
