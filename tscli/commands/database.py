"""`tscli db`: the schema of the books."""

import typer

from domain.operator import Permission
from tscli.render.view import Format, View, show
from tscli.words import DryRunOption, FormatOption, OutputOption, open_app

commands = typer.Typer(help="The database behind the books.", no_args_is_help=True)


@commands.command()
def upgrade(
    ctx: typer.Context,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Bring the schema up to date: all of it, or nothing."""
    app = open_app(ctx)
    context, database = app.context(), app.database
    context.operators.check(context.actor.operator, Permission.SWITCH)
    before = database.schema_status()
    after = before if dry_run else database.upgrade()
    shown = {
        "database": database.kind,
        "before": before.current,
        "schema": after.current,
        "needed": after.head,
        "dry_run": dry_run,
    }
    show(View("db.upgrade", shown), form, output)


@commands.command()
def status(
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """Show which schema the database has and which one this program needs."""
    database = open_app(ctx).database
    found = database.schema_status()
    shown = {
        "database": database.kind,
        "schema": found.current,
        "needed": found.head,
        "up_to_date": found.up_to_date,
    }
    show(View("db.status", shown), form, output)
