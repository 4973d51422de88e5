"""`tscli operators`: who may act, and who is acting now."""

import typer

from tscli.render import people as data
from tscli.render.view import Format, View, show
from tscli.words import FormatOption, OutputOption, open_app

commands = typer.Typer(help="Who may act.", no_args_is_help=True)


@commands.command("list")
def list_operators(
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """List the configured operators with their roles."""
    app = open_app(ctx)
    rows = [data.operator_data(o) for o in app.settings.people.known.values()]
    notes = () if rows else ("Nobody is configured: there is one person, who may do everything.",)
    show(View("operators.list", rows, data.OPERATOR_COLUMNS, notes=notes), form, output)


@commands.command("show")
def show_operator(
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """Show who is acting, and what they may do."""
    context = open_app(ctx).context()
    name = context.actor.operator
    shown = data.acting_data(name, context.operators)
    show(View("operators.show", shown), form, output)
