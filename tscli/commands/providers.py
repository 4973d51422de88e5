"""`tscli providers`: who can take money, whether calls pass, and the switch."""

import asyncio
from typing import Annotated, Any

import typer

from domain.breaker import Breaker
from domain.clock import iso
from domain.money import Money
from domain.provider import AccountStatus
from tscli.app import App, provider_rows
from tscli.render.talk import FINDINGS
from tscli.render.view import Column, Format, View, show
from tscli.words import (
    DryRunOption,
    FormatOption,
    OutputOption,
    ReasonOption,
    RegionOption,
    open_app,
)

commands = typer.Typer(help="The providers payments go through.", no_args_is_help=True)

ProviderArgument = Annotated[
    str, typer.Argument(metavar="PROVIDER", help="Name of the provider, such as stripe.")
]

_COLUMNS = (
    Column("provider", "provider"),
    Column("account", "account"),
    Column("mode", "mode"),
    Column("status", "status"),
    Column("breaker", "breaker"),
    Column("rate_per_second", "per second", number=True),
    Column("currency_count", "currencies", number=True),
    Column("sandbox", "sandbox"),
)

_CHOICES = (
    Column("provider", "provider"),
    Column("chosen", "chosen"),
    Column("against", "what speaks against it"),
)


@commands.command("list")
def list_providers(
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """List the providers with their account, status, breaker and limits."""
    app = open_app(ctx)
    rows = [row | _shared(app, str(row["provider"])) for row in provider_rows(app)]
    show(View("providers.list", rows, _COLUMNS), form, output)


@commands.command("show")
def show_provider(
    ctx: typer.Context,
    provider: ProviderArgument,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show one provider with everything it can do."""
    app = open_app(ctx)
    app.owner(provider)
    (row,) = [row for row in provider_rows(app) if row["provider"] == provider]
    show(View("providers.show", row | _shared(app, provider)), form, output)


@commands.command()
def choose(
    ctx: typer.Context,
    amount: Annotated[str, typer.Option(help="Amount in major units, such as 100.00.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code, such as USD.")],
    method: Annotated[str, typer.Option(help="A type such as card, our pm_ id, or a token.")] = "",
    region: RegionOption = "",
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show which provider the rules choose for a payment, and why not the others."""
    from domain.routing import AUTO
    from tscli.services.intents import CreateWords
    from tscli.services.routing import choices

    app = open_app(ctx)
    money = Money.parse(amount, currency.upper())
    words = CreateWords(money, AUTO, method, region=region.upper())
    found = choices(app.context(), app.routes(AUTO), words)
    chosen = next((c for c in found if not c.against), None)
    rows = [{"provider": c.provider, "chosen": c is chosen, "against": c.against} for c in found]
    show(View("providers.choose", rows, _CHOICES), form, output)
    if chosen is None:
        raise typer.Exit(FINDINGS)


@commands.command()
def check(
    ctx: typer.Context,
    provider: ProviderArgument,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Ask the provider something harmless: whether it answers, and to our key."""
    from tscli.services.provider_accounts import check_account

    app = open_app(ctx)
    owner = asyncio.run(check_account(app.context(), provider))
    shown = {
        "provider": owner.provider,
        "account": owner.account,
        "mode": owner.mode,
        "answer": "ok",
    }
    show(View("providers.check", shown), form, output)


@commands.command()
def pause(
    ctx: typer.Context,
    provider: ProviderArgument,
    reason: ReasonOption = "",
    maintenance: Annotated[
        bool, typer.Option("--maintenance", help="Away for a while, rather than switched off.")
    ] = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Stop everything that would be sent to a provider, from every process."""
    status = AccountStatus.MAINTENANCE if maintenance else AccountStatus.INACTIVE
    _switch(ctx, "providers.pause", provider, status, reason, dry_run, form, output)


@commands.command()
def resume(
    ctx: typer.Context,
    provider: ProviderArgument,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Let calls to a provider pass again."""
    _switch(ctx, "providers.resume", provider, AccountStatus.ACTIVE, reason, dry_run, form, output)


def _switch(
    ctx: typer.Context,
    command: str,
    provider: str,
    status: AccountStatus,
    reason: str,
    dry_run: bool,
    form: Format,
    output: Any,
) -> None:
    from tscli.services.provider_accounts import set_status

    app = open_app(ctx)
    view = set_status(app.context(reason), app.owner(provider), status, reason, dry_run=dry_run)
    shown = {
        "provider": provider,
        "account": view.owner.account,
        "mode": view.owner.mode,
        "status": view.switch.status.value,
        "reason": view.switch.reason,
        "by": view.switch.by,
        "dry_run": dry_run,
    }
    show(View(command, shown), form, output)


def _shared(app: App, provider: str) -> dict[str, Any]:
    from tscli.services.provider_accounts import view_account

    view = view_account(app.context(), app.owner(provider))
    return {
        "status": view.switch.status.value,
        "status_reason": view.switch.reason,
        "status_by": view.switch.by,
        **_breaker(view.breaker),
        "rate_per_second": app.account_settings(provider).rate_per_second,
    }


def _breaker(breaker: Breaker) -> dict[str, Any]:
    until = breaker.open_until()
    return {
        "breaker": breaker.state.value,
        "breaker_failures": breaker.failures,
        "breaker_open_until": iso(until) if until else None,
    }
