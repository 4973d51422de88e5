"""`tscli methods`: payment methods, as tokens only."""

import asyncio
from typing import Annotated

import typer

from tscli.render import payments as data
from tscli.render.view import Format, View, show
from tscli.words import (
    DryRunOption,
    FormatOption,
    LimitOption,
    OutputOption,
    ProviderOption,
    open_app,
)

commands = typer.Typer(
    help="Keep payment methods as the provider's tokens, never as numbers.", no_args_is_help=True
)

MethodArgument = Annotated[str, typer.Argument(metavar="METHOD", help="The method's id, pm_….")]


@commands.command()
def add(
    ctx: typer.Context,
    token: Annotated[str, typer.Option(help="The provider's token, such as pm_card_visa.")],
    customer: Annotated[str, typer.Option(help="Attach it to this customer.")] = "",
    provider: ProviderOption = "stripe",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Keep a token; the provider is asked what it stands for."""
    from tscli.services.customers import add_method

    context = open_app(ctx).context()
    method = asyncio.run(add_method(context, provider, token, customer, dry_run=dry_run))
    shown = data.method_data(method) | {"dry_run": dry_run}
    show(View("methods.add", shown), form, output)


@commands.command()
def setup(
    ctx: typer.Context,
    customer: Annotated[str, typer.Option(help="Whose it will be.")] = "",
    provider: ProviderOption = "paypal",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Begin to keep a method that its owner agrees to at a link."""
    from tscli.services.customers import setup_method

    context = open_app(ctx).context()
    token, link = asyncio.run(setup_method(context, provider, customer, dry_run=dry_run))
    shown = {"provider": provider, "token": token, "link": link, "dry_run": dry_run}
    more = f" --customer {customer}" if customer else ""
    note = f"Once they agreed: `tscli methods add --provider {provider} --token {token}{more}`."
    show(View("methods.setup", shown, notes=() if dry_run else (note,)), form, output)


@commands.command("list")
def list_methods(
    ctx: typer.Context,
    customer: Annotated[str, typer.Option(help="Only this customer's.")] = "",
    removed: Annotated[bool, typer.Option("--removed", help="Removed ones as well.")] = False,
    limit: LimitOption = 50,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """List payment methods, newest first."""
    from tscli.services.customers import find_methods

    found = find_methods(open_app(ctx).context(), customer, removed=removed, limit=limit)
    rows = [data.method_data(m) for m in found]
    show(View("methods.list", rows, data.METHOD_COLUMNS), form, output)


@commands.command("show")
def show_method(
    ctx: typer.Context,
    method: MethodArgument,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show one payment method."""
    from tscli.services.customers import get_method

    found = get_method(open_app(ctx).context(), method)
    show(View("methods.show", data.method_data(found)), form, output)


@commands.command()
def remove(
    ctx: typer.Context,
    method: MethodArgument,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Detach a payment method at the provider and stop using it."""
    from tscli.services.customers import remove_method

    found = asyncio.run(remove_method(open_app(ctx).context(), method, dry_run=dry_run))
    shown = data.method_data(found) | {"dry_run": dry_run}
    show(View("methods.remove", shown), form, output)
