"""`tscli payments`: create, look at, capture, cancel and refund payments."""

import asyncio
from typing import Annotated, Any

import typer

from domain.errors import InvalidRequest
from domain.ids import check_id
from domain.money import Money, format_minor
from domain.payment import PaymentState
from tscli.render import payments as data
from tscli.render.view import Format, View, show
from tscli.words import (
    DryRunOption,
    FormatOption,
    KeyOption,
    LimitOption,
    OutputOption,
    ReasonOption,
    RegionOption,
    YesOption,
    confirm,
    key_or_fresh,
    open_app,
)

commands = typer.Typer(help="Create, capture, cancel and refund payments.", no_args_is_help=True)

PaymentArgument = Annotated[str, typer.Argument(metavar="PAYMENT", help="The payment's id, pay_….")]
AmountOption = Annotated[
    str | None,
    typer.Option("--amount", help="Amount in major units, such as 60.00; all of it when left out."),
]


@commands.command()
def create(
    ctx: typer.Context,
    amount: Annotated[str, typer.Option(help="Amount in major units, such as 100.00.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code, such as USD.")],
    method: Annotated[str, typer.Option(help="A token of the provider, or our pm_ id.")],
    provider: Annotated[
        str | None,
        typer.Option(help="Who takes the money; auto, or nothing, chooses by rule."),
    ] = None,
    region: RegionOption = "",
    order: Annotated[
        str | None, typer.Option(help="Your order reference: no order is charged twice.")
    ] = None,
    customer: Annotated[str, typer.Option(help="Your customer reference, or our cus_ id.")] = "",
    description: Annotated[str, typer.Option(help="What the customer pays for.")] = "",
    capture: Annotated[
        bool, typer.Option("--capture/--no-capture", help="Take the money now, or only authorise.")
    ] = True,
    key: KeyOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Create a payment, authorise it and, unless told otherwise, capture it."""
    from domain.routing import AUTO
    from tscli.services.intents import CreateWords
    from tscli.services.payments import create_payment

    money = Money.parse(amount, currency.upper())
    app = open_app(ctx)
    chosen = app.default_provider if provider is None else provider
    through = "the provider the rules choose" if chosen == AUTO else chosen
    confirm(f"Charge {money} through {through}?", yes=yes, dry_run=dry_run)
    if order is not None and not order.strip():
        raise InvalidRequest("--order is empty: name the order, or leave the word out.")
    words = CreateWords(
        money,
        AUTO if provider is None else provider,
        method,
        capture,
        order or "",
        customer,
        description,
        region.upper(),
    )
    key = key_or_fresh(app, key, dry_run=dry_run)
    outcome = asyncio.run(
        create_payment(app.context(), words, key, routes=app.routes(chosen), dry_run=dry_run)
    )
    _show_outcome("payments.create", outcome, form, output)


@commands.command("show")
def show_payment(
    ctx: typer.Context,
    payment: PaymentArgument,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask the provider first, and finish what is open.")
    ] = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show one payment with its operations and movements of money."""
    from tscli.services import lookups

    check_id(payment, "pay")
    context = open_app(ctx).context()
    if refresh:
        asyncio.run(lookups.refresh_payment(context, payment))
    found = lookups.payment_detail(context, payment)
    shown = data.payment_data(found.payment) | {
        "operations": [data.operation_data(o, found.payment.currency) for o in found.operations],
        "transactions": [data.transaction_data(t) for t in found.transactions],
    }
    show(View("payments.show", shown), form, output)


@commands.command("list")
def list_payments(
    ctx: typer.Context,
    state: Annotated[
        PaymentState | None,
        typer.Option(metavar="STATE", help="Only payments in this state, such as succeeded."),
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider's.")] = None,
    search: Annotated[
        str | None, typer.Option(help="Exact id, order reference or provider reference.")
    ] = None,
    limit: LimitOption = 50,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """List payments, newest first."""
    from tscli.services import lookups

    found = lookups.find_payments(
        open_app(ctx).context(), state=state, provider=provider, search=search, limit=limit
    )
    rows = [data.payment_data(p) for p in found]
    notes = (f"The newest {limit}; see --limit.",) if len(rows) == limit else ()
    show(View("payments.list", rows, data.LIST_COLUMNS, notes=notes), form, output)


@commands.command()
def capture(
    ctx: typer.Context,
    payment: PaymentArgument,
    amount: AmountOption = None,
    key: KeyOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Capture an authorised payment, in full or in part; the rest is released."""
    from tscli.services.payments import capture_payment

    check_id(payment, "pay")
    confirm(f"Capture {amount or 'all'} of {payment}?", yes=yes, dry_run=dry_run)
    app = open_app(ctx)
    key = key_or_fresh(app, key, dry_run=dry_run)
    context = app.context()
    outcome = asyncio.run(capture_payment(context, payment, amount, key, dry_run=dry_run))
    _show_outcome("payments.capture", outcome, form, output)


@commands.command()
def reauthorize(
    ctx: typer.Context,
    payment: PaymentArgument,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Hold an authorised payment's money for longer; nothing moves."""
    from tscli.services.renewal import reauthorize_payment

    check_id(payment, "pay")
    confirm(f"Hold the money of {payment} again?", yes=yes, dry_run=dry_run)
    held = asyncio.run(reauthorize_payment(open_app(ctx).context(), payment, dry_run=dry_run))
    shown = data.payment_data(held) | {"dry_run": dry_run}
    show(View("payments.reauthorize", shown), form, output)


@commands.command()
def cancel(
    ctx: typer.Context,
    payment: PaymentArgument,
    reason: ReasonOption = "",
    key: KeyOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Cancel a payment that took no money yet, here and at the provider."""
    from tscli.services.payments import cancel_payment

    check_id(payment, "pay")
    confirm(f"Cancel {payment}?", yes=yes, dry_run=dry_run)
    app = open_app(ctx)
    key = key_or_fresh(app, key, dry_run=dry_run)
    context = app.context(reason)
    outcome = asyncio.run(cancel_payment(context, payment, key, reason=reason, dry_run=dry_run))
    _show_outcome("payments.cancel", outcome, form, output)


@commands.command()
def refund(
    ctx: typer.Context,
    payment: PaymentArgument,
    amount: AmountOption = None,
    reason: ReasonOption = "",
    key: KeyOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Give captured money back, in full or in part."""
    from tscli.services.payments import refund_payment

    check_id(payment, "pay")
    confirm(f"Refund {amount or 'all that is left'} of {payment}?", yes=yes, dry_run=dry_run)
    app = open_app(ctx)
    key = key_or_fresh(app, key, dry_run=dry_run)
    context = app.context(reason)
    outcome = asyncio.run(
        refund_payment(context, payment, amount, key, reason=reason, dry_run=dry_run)
    )
    _show_outcome("payments.refund", outcome, form, output)


@commands.command()
def history(
    ctx: typer.Context,
    payment: PaymentArgument,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show everything that happened to a payment, oldest first, from the audit trail."""
    from tscli.services import lookups

    check_id(payment, "pay")
    records = lookups.payment_history(open_app(ctx).context(), payment)
    rows = [data.history_data(r) for r in records]
    show(View("payments.history", rows, data.HISTORY_COLUMNS), form, output)


def _show_outcome(command: str, outcome: Any, form: Any, output: Any) -> None:
    """Show what became of a request, then end with the exit code that says the same."""
    from tscli.services.payments import failure_of

    payment = outcome.payment
    shown = data.payment_data(payment) | {
        "operation": data.operation_data(outcome.operation, payment.currency),
        "idempotency_key": outcome.key,
        "replayed": outcome.replayed,
        "dry_run": outcome.dry_run,
    }
    left = format_minor(payment.captured_minor - payment.refunded_minor, payment.currency)
    notes = (f"Kept after refunds: {left} {payment.currency}.",) if payment.refunded_minor else ()
    show(View(command, shown, notes=notes), form, output)
    error = failure_of(outcome)
    if error is not None:
        raise error
