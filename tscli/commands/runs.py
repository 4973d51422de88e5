"""`tscli runs`: what ran, how long it took, what it found; and whether it ran at all."""

from typing import Annotated

import typer

from domain.ids import check_id
from tscli.render import days as data
from tscli.render import reconciliation
from tscli.render.talk import FINDINGS, tell
from tscli.render.view import Format, View, show
from tscli.words import FormatOption, LimitOption, OutputOption, day, open_app

commands = typer.Typer(
    help="What ran, how long, what it found; whether it ran at all.", no_args_is_help=True
)

ModeOption = Annotated[
    str | None,
    typer.Option("--mode", help="live or test; live where a live account is configured."),
]


@commands.command("list")
def list_runs(
    ctx: typer.Context,
    limit: LimitOption = 30,
    mode: ModeOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """List the days that were run and the reconciliation runs, each newest first."""
    from tscli.services.day_check import list_days
    from tscli.services.reconciliation import list_runs as compared

    app = open_app(ctx)
    context, meant = app.context(), app.mode(mode)
    rows = [data.day_data(one, steps) for one, steps in list_days(context, meant, limit)]
    rows += [data.run_row(one) for one in compared(context, limit) if one.mode == meant]
    show(View("runs.list", rows, data.RUN_COLUMNS), form, output)


@commands.command("show")
def show_run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RUN", help="A date, or a run's id run_….")],
    mode: ModeOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show a day with its steps, or a reconciliation run."""
    from tscli.services.day_check import get_day
    from tscli.services.reconciliation import get_run

    app = open_app(ctx)
    context = app.context()
    if name.startswith("run_"):
        found = get_run(context, check_id(name, "run"))
        show(View("runs.show", reconciliation.run_data(found)), form, output)
        return
    record, steps = get_day(context, day(name), app.mode(mode))
    shown, rows = data.day_data(record, steps), [data.step_data(step) for step in steps]
    if form is Format.TABLE:
        told = f"{shown['name']}: {shown['outcome']} in {shown['attempts']} attempts,"
        notes = (f"{told} {shown['seconds']} seconds, {shown['breaks']} breaks.",)
        show(View("runs.show", rows, data.STEP_COLUMNS, notes=notes), form, output)
        return
    show(View("runs.show", shown | {"steps": rows}), form, output)


@commands.command()
def check(
    ctx: typer.Context,
    date: Annotated[
        str | None,
        typer.Option("--date", metavar="DATE", help="The one that is due by now otherwise."),
    ] = None,
    mode: ModeOption = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Say in one line whether the day's run was done; for a monitor to call.

    Exit codes: 0 it was, whatever it found; 1 it is missing, unfinished, open or failed.
    """
    from tscli.services.day_check import check_day

    app = open_app(ctx)
    section, meant = app.settings.day, app.mode(mode)
    found = check_day(app.context(), section, meant, day(date) if date else None)
    environment = section.environment or meant
    shown = {
        "date": found.on.isoformat(),
        "environment": environment,
        "mode": found.mode,
        "ok": found.ok,
        "outcome": found.outcome,
        "sentence": found.sentence,
    }
    if form is Format.TABLE and output is None:
        tell(f"{environment} {found.sentence}")
    else:
        show(View("runs.check", shown), form, output)
    if not found.ok:
        raise typer.Exit(FINDINGS)
