"""Holding an authorised payment's money again, for longer; nothing moves."""

from domain.errors import CapabilityMissing
from domain.operator import Permission
from domain.payment import Command, Payment, check_command
from tscli.services.booking import learn, summary
from tscli.services.context import Context
from tscli.services.payments import check_owner
from tscli.services.permission import require


async def reauthorize_payment(
    context: Context, payment_id: str, *, dry_run: bool = False
) -> Payment:
    """Ask the provider to hold the money again; once per payment, under one key.

    Raises:
        InvalidTransition: the payment is not authorised.
        CapabilityMissing: the provider cannot do it.
        Rejected: the provider does not renew this one.
        Unavailable, OutcomeUnknown: run it again; the key is the same.
    """
    require(context, Permission.TAKE_MONEY)
    with context.database.read() as books:
        payment = books.payments.get(payment_id)
    async with context.open_provider(payment.provider) as provider:
        check_owner(payment, provider.account)
        if not provider.capabilities.reauthorize:
            raise CapabilityMissing(
                f"{payment.provider} cannot hold money again.",
                hint="Capture it, or create a new payment.",
            )
        key = f"{payment_id}.reauthorize"
        with context.database.transaction(dry_run=dry_run) as books:
            payment = books.payments.get(payment_id, lock=True)
            check_command(payment, Command.CAPTURE)
            books.record(
                context.actor,
                "payment.renewal_recorded",
                payment_id,
                before=summary(payment),
                after={"key": key},
            )
        if dry_run or payment.provider_payment_id is None:
            return payment
        shown = await provider.reauthorize(
            payment.provider_payment_id, payment.amount_minor, payment.currency, key
        )
    with context.database.transaction() as books:
        held = books.payments.get(payment_id, lock=True)
        seen = learn(books, context, held, shown)
        books.record(context.actor, "payment.renewed", payment_id, after=summary(seen.payment))
        return seen.payment
