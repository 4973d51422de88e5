"""`tscli providers`: who can take money, and what each can do."""

import typer

from tscli.render.view import Column, Format, View, show
from tscli.words import FormatOption, OutputOption, open_app

commands = typer.Typer(help="The providers payments go through.", no_args_is_help=True)

_COLUMNS = (
    Column("provider", "provider"),
    Column("account", "account"),
    Column("mode", "mode"),
    Column("sandbox", "sandbox"),
    Column("partial_capture", "partial capture"),
    Column("partial_refund", "partial refund"),
    Column("currency_count", "currencies", number=True),
    Column("method_types", "methods"),
)


@commands.command("list")
def list_providers(
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """List the providers with their configured account and capabilities."""
    from tscli.app import provider_rows

    show(View("providers.list", provider_rows(open_app(ctx)), _COLUMNS), form, output)
