"""One step of an operation as a call to the provider, under the operation's own key."""

from dataclasses import replace

from domain.operation import Operation, Step
from domain.payment import Payment, Snapshot
from domain.provider import PaymentRequest, Provider, ProviderAccount
from tscli.services.context import Context


async def call(
    context: Context, provider: Provider, payment: Payment, operation: Operation, step: Step
) -> Snapshot:
    """Make the call; what the provider shows.

    Raises:
        ProviderError: see `domain.provider`.
    """
    key = operation.key(step)
    if step is Step.CREATE:
        return await provider.create(_request(context, payment), key)
    target = payment.provider_payment_id
    if target is None:
        raise ValueError(f"{step} needs the provider's payment id")
    if step is Step.CONFIRM:
        return await provider.confirm(target, payment.method_token, key)
    if step is Step.CAPTURE:
        return await provider.capture(target, operation.amount_minor, payment.currency, key)
    if step is Step.REFUND:
        movement = await provider.refund(
            target, operation.amount_minor, payment.currency, operation.operation_id, key
        )
        return replace(_same(payment, target), movements=(movement,))
    return await provider.cancel(target, key)


def owner_of(payment: Payment) -> ProviderAccount:
    """The account a payment was made with."""
    return ProviderAccount(payment.provider, payment.account, payment.mode)


def _request(context: Context, payment: Payment) -> PaymentRequest:
    customer = ""
    if payment.customer_id:
        with context.database.read() as books:
            customer = books.people.provider_customer(owner_of(payment), payment.customer_id)
    return PaymentRequest(
        payment_id=payment.payment_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        capture=payment.capture,
        method_token=payment.method_token,
        order_reference=payment.order_reference or "",
        provider_customer_id=customer,
        description=payment.description,
    )


def _same(payment: Payment, provider_payment_id: str) -> Snapshot:
    """A snapshot that says only what we know already."""
    return Snapshot(
        provider=payment.provider,
        account=payment.account,
        mode=payment.mode,
        provider_payment_id=provider_payment_id,
        stage=payment.stage,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )
