"""Customers and their payment methods: tokens come from the provider, never numbers from a
person."""

from contextlib import suppress

from db.database import Books
from domain.errors import InvalidRequest, NotFound, Rejected
from domain.operator import Permission
from domain.payment import Payment
from domain.payment_method import Customer, PaymentMethod, refuse_card_number
from domain.provider import Provider, ProviderAccount
from tscli.services.context import Context
from tscli.services.permission import require

_REFERENCE_MAX = 200


def customer_for(books: Books, context: Context, name: str) -> str | None:
    """The id of the customer of that id or reference, made when new; None for no name.

    Raises:
        InvalidRequest: a reference that is too long or cannot be printed.
    """
    if not name:
        return None
    if len(name) > _REFERENCE_MAX:
        raise InvalidRequest(f"A customer reference has at most {_REFERENCE_MAX} characters.")
    if not name.isprintable():
        raise InvalidRequest("The customer contains characters that cannot be printed.")
    while (found := books.people.customer(name)) is None:
        new = Customer(context.ids.new("cus"), name, context.clock.now())
        if books.people.add_customer(new):
            books.record(
                context.actor,
                "customer.created",
                new.customer_id,
                after={"customer_id": new.customer_id},
            )
    return found.customer_id


async def meet_customer(context: Context, provider: Provider, payment: Payment) -> None:
    """Make sure the provider knows the payment's customer, when it has one."""
    if payment.customer_id and payment.provider_payment_id is None:
        await provider_customer(context, provider, payment.customer_id)


async def provider_customer(context: Context, provider: Provider, customer_id: str) -> str:
    """The provider's id of a customer, created there when it has none.

    Raises:
        ProviderError: it could not be created; nothing about money was sent.
    """
    with context.database.read() as books:
        known = books.people.provider_customer(provider.account, customer_id)
    if known:
        return known
    made = await provider.add_customer(customer_id, f"customer.{customer_id}")
    with context.database.transaction() as books:
        books.people.add_provider_customer(provider.account, customer_id, made)
        return books.people.provider_customer(provider.account, customer_id)


async def add_method(
    context: Context, provider_name: str, token: str, customer: str, *, dry_run: bool = False
) -> PaymentMethod:
    """Keep a provider's token as a payment method, attached to the customer where one is named.

    Raises:
        InvalidRequest: a card number instead of a token.
        ProviderError: the provider does not know the token.
    """
    require(context, Permission.TAKE_MONEY)
    refuse_card_number(token, "token")
    refuse_card_number(customer, "customer")
    async with context.open_provider(provider_name) as provider:
        owner = provider.account
        with context.database.transaction(dry_run=dry_run) as books:
            kept = books.people.method_by_token(owner, token)
            customer_id = customer_for(books, context, customer)
        if kept is not None:
            return kept
        there = ""
        if customer_id and not dry_run:
            there = await provider_customer(context, provider, customer_id)
        view = await provider.add_method(token, there)
        method = PaymentMethod(
            method_id=context.ids.new("pm"),
            customer_id=customer_id,
            provider=owner.provider,
            account=owner.account,
            mode=owner.mode,
            token=view.token,
            type=view.type,
            created_at=context.clock.now(),
            brand=view.brand,
            last4=view.last4,
            expires=view.expires,
        )
    with context.database.transaction(dry_run=dry_run) as books:
        if dry_run:
            return method
        return _keep(books, context, owner, method)


async def setup_method(
    context: Context, provider_name: str, customer: str, *, dry_run: bool = False
) -> tuple[str, str]:
    """Begin to keep a method: (token for `add_method`, link at which its owner agrees).

    Raises:
        CapabilityMissing: the provider sets methods up otherwise.
        ProviderError: the provider did not begin it.
    """
    require(context, Permission.TAKE_MONEY)
    refuse_card_number(customer, "customer")
    async with context.open_provider(provider_name) as provider:
        if not provider.capabilities.setup_methods or dry_run:
            return ("", "") if dry_run else await provider.setup_method("", "")
        with context.database.transaction() as books:
            customer_id = customer_for(books, context, customer)
        there = await provider_customer(context, provider, customer_id) if customer_id else ""
        return await provider.setup_method(there, context.ids.new("op"))


def _keep(
    books: Books, context: Context, owner: ProviderAccount, method: PaymentMethod
) -> PaymentMethod:
    while (kept := books.people.method_by_token(owner, method.token)) is None:
        if books.people.add_method(method):
            books.record(
                context.actor,
                "payment_method.added",
                method.method_id,
                after={"provider": method.provider, "type": method.type},
            )
    return kept


async def remove_method(
    context: Context, method_id: str, *, dry_run: bool = False
) -> PaymentMethod:
    """Detach a payment method at the provider and mark it as removed.

    Raises:
        NotFound: there is none.
        ProviderError: the provider could not be told; it stays.
    """
    require(context, Permission.TAKE_MONEY)
    with context.database.read() as books:
        method = books.people.method(method_id)
    if method.removed_at is not None or dry_run:
        return method
    if method.customer_id:
        async with context.open_provider(method.provider) as provider:
            with suppress(Rejected):  # it is not attached (any more): what was wanted
                await provider.remove_method(method.token)
    with context.database.transaction() as books:
        books.people.remove_method(method_id, context.clock.now())
        books.record(
            context.actor,
            "payment_method.removed",
            method_id,
            before={"provider": method.provider, "type": method.type},
        )
        return books.people.method(method_id)


def find_methods(
    context: Context, customer: str, *, removed: bool, limit: int
) -> list[PaymentMethod]:
    """Payment methods, newest first.

    Raises:
        NotFound: there is no such customer.
    """
    with context.database.read() as books:
        customer_id = None
        if customer:
            found = books.people.customer(customer)
            if found is None:
                raise NotFound(f"There is no customer {customer!r}.")
            customer_id = found.customer_id
        return books.people.methods(customer_id, removed=removed, limit=limit)


def get_method(context: Context, method_id: str) -> PaymentMethod:
    """One payment method.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        return books.people.method(method_id)
