"""`tscli day`: the whole morning as one command that may be run as often as anybody likes."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tscli.render import days as data
from tscli.render.talk import say
from tscli.render.view import Format, View, show
from tscli.words import (
    DryRunOption,
    FormatOption,
    OutputOption,
    ReasonOption,
    day,
    one_of,
    open_app,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tscli.app import App
    from tscli.services.day_plan import Morning
    from tscli.services.day_run import DayDone

commands = typer.Typer(help="The morning that runs itself.", no_args_is_help=True)


@commands.command()
def run(
    ctx: typer.Context,
    date: Annotated[
        str | None,
        typer.Option("--date", metavar="DATE", help="A business date; the last one otherwise."),
    ] = None,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="Also those before it that are not done, in order.")
    ] = False,
    redo: Annotated[
        str,
        typer.Option(
            "--redo",
            metavar="STEP",
            help="Do a step again: webhooks, recover, fetch, reconcile or reports.",
        ),
    ] = "",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Run a business date: webhooks, recovery, files, reconciliation, reports, messages.

    A step that is done is not done again, so that the command may be repeated until all is there.

    Exit codes: 0 done, or done before; 1 breaks or other findings; 3 a file is late, missing or
    partial, or a provider away: that part is open, the rest done; 5 another one is at work.
    """
    from domain.day import SILENT, STEPS, worst
    from domain.errors import InvalidRequest
    from tscli.day_app import open_morning
    from tscli.services.day_run import due_dates

    if date and catch_up:
        raise InvalidRequest("Name a date or catch up, not both.")
    if redo:
        one_of("step", redo, [step for step in STEPS if step not in SILENT])
    app = open_app(ctx)
    morning = open_morning(app)
    due = due_dates(app.context(), morning, day(date) if date else None, catch_up=catch_up)
    if due.left:
        say(
            f"{len(due.left)} earlier dates are not done, from {due.left[0]}: --catch-up runs them."
        )
    done = _run(app, morning, due.dates, redo, dry_run=dry_run)
    days = [data.done_data(one) for one in done]
    if form is Format.JSON:
        show(View("day.run", {"dry_run": dry_run, "days": days}), form, output)
    else:
        rows = [step for one in days for step in one["steps"]]
        notes = tuple(data.done_lines(days))
        show(View("day.run", rows, data.STEP_COLUMNS, notes=notes), form, output)
    code = worst(one.exit_code for one in done if not one.already_done)
    if code:
        raise typer.Exit(code)


def _run(
    app: "App", morning: "Morning", dates: "Sequence[Any]", redo: str, *, dry_run: bool
) -> "list[DayDone]":
    """Run dates under the lock, then tell whoever is to hear of them."""
    from tscli.services.day_run import run_days

    context = app.context()
    if dry_run:
        return asyncio.run(run_days(context, morning, dates, redo=redo, dry_run=True))
    try:
        with context.database.exclusive(f"day run ({morning.mode})") as held:
            done = asyncio.run(run_days(context, morning, dates, redo=redo, held=held))
            held()  # messages are sent by one alone
            _tell(app, morning, done)
            return done
    except KeyboardInterrupt:
        say(f"Stopped. `tscli day run --date {dates[0]}` goes on where it was.")
        raise


def _tell(app: "App", morning: "Morning", done: "Sequence[DayDone]") -> None:
    """Messages and the heartbeat; what goes wrong with them is said, and fails nothing."""
    from tscli.day_app import open_ping, send_notice
    from tscli.services.day_notices import tell_people
    from tscli.services.heartbeat import beat

    context = app.context()
    for sent in tell_people(context, morning, send_notice, done):
        word = "sent" if sent.ok else "not sent"
        say(f"Notification {sent.rule}: {word}, {sent.detail}.")
    for trouble in asyncio.run(beat(context, morning, open_ping(app), done)):
        say(trouble)


@commands.command()
def accept(
    ctx: typer.Context,
    date: Annotated[str, typer.Argument(metavar="DATE", help="A business date that is open.")],
    reason: ReasonOption = "",
    mode: Annotated[
        str | None,
        typer.Option("--mode", help="live or test; live where a live account is configured."),
    ] = None,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Say that what a date waits for will not come; `day run` then does the rest without it."""
    from tscli.services.day_accepting import accept_open

    app, on = open_app(ctx), day(date)
    steps = accept_open(app.context(reason), on, app.mode(mode), dry_run=dry_run)
    rows = [data.step_data(one) for one in steps]
    notes = (f"`tscli day run --date {on}` does the rest.",)
    show(View("day.accept", rows, data.STEP_COLUMNS, notes=notes), form, output)
