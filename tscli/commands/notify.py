"""`tscli notify`: whether messages reach the people they are for."""

from typing import Annotated, Any

import typer

from tscli.render.talk import FINDINGS
from tscli.render.view import Column, Format, View, show
from tscli.words import FormatOption, OutputOption, open_app

commands = typer.Typer(help="Messages to people, by the rules of [[day.notify]].")

_COLUMNS = (Column("rule", "rule"), Column("ok", "sent"), Column("detail", "what came of it"))


@commands.callback()
def group() -> None:
    """Messages to people, by the rules of [[day.notify]]."""


@commands.command("test")
def send_test(
    ctx: typer.Context,
    rule: Annotated[
        str | None, typer.Option("--rule", metavar="NAME", help="Only this one; all otherwise.")
    ] = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Send a test message by every rule, or by one; exit code 1 if any was not accepted."""
    from tscli.day_app import open_morning, send_notice
    from tscli.services.day_notices import try_rules
    from tscli.words import one_of

    app = open_app(ctx)
    morning = open_morning(app)
    names = [one.name for one in morning.section.notify]
    chosen = names if rule is None else [one_of("notification rule", rule, names)]
    sent = try_rules(morning, send_notice, chosen)
    rows: list[dict[str, Any]] = [
        {"rule": one.rule, "ok": one.ok, "detail": one.detail} for one in sent
    ]
    notes = () if rows else ("There are no rules [[day.notify]].",)
    show(View("notify.test", rows, _COLUMNS, notes=notes), form, output)
    if not all(one.ok for one in sent):
        raise typer.Exit(FINDINGS)
