"""`tscli config`: the settings as they were understood."""

import typer

from tscli.render.view import Column, Format, View, show
from tscli.words import FormatOption, OutputOption, open_app

commands = typer.Typer(help="The settings in force.", no_args_is_help=True)


@commands.command("show")
def show_settings(
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """Show every setting, secrets masked, and where they are read from."""
    from tscli import settings

    app = open_app(ctx)
    rows = [{"setting": k, "value": v} for k, v in settings.shown(app.settings).items()]
    columns = (Column("setting", "setting"), Column("value", "value"))
    notes = (
        f"Settings file: {settings.config_file()}",
        f"Data folder: {settings.data_folder()}",
        "Environment variables: TSCLI_ and the setting's name, parts joined by two underscores.",
    )
    show(View("config.show", rows, columns, notes=notes), form, output)
