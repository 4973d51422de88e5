"""`tscli doctor`: is everything the books stand on sound?"""

import typer

from tscli.render.talk import FINDINGS
from tscli.render.view import Column, Format, View, show
from tscli.words import FormatOption, OutputOption, open_app

_COLUMNS = (Column("check", "check"), Column("result", "result"), Column("detail", "detail"))


def doctor(
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """Check files, schema, audit chain, ledger and payments; exit 1 when anything is wrong."""
    from tscli.services.doctor import examine

    app = open_app(ctx)
    found = list(examine(app.context(), app.settings.database_file))
    rows = [
        {"check": f.check, "result": "ok" if f.ok else "broken", "detail": f.detail} for f in found
    ]
    show(View("doctor", rows, _COLUMNS), form, output)
    if not all(f.ok for f in found):
        raise typer.Exit(FINDINGS)
