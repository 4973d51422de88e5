"""`tscli schedule`: the entries by which a machine runs by itself what has to be run."""

import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tscli.render.talk import say, tell
from tscli.render.view import Format, View, show
from tscli.render.write import write_file
from tscli.words import FormatOption, OutputOption, open_app

commands = typer.Typer(help="What runs by itself, ready to be installed.")


class Kind(StrEnum):
    """What starts the jobs."""

    CRON = "cron"
    SYSTEMD = "systemd"


@commands.callback()
def group() -> None:
    """What runs by itself, ready to be installed."""


@commands.command("show")
def show_schedule(
    ctx: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="cron or systemd.")],
    user: Annotated[str, typer.Option("--user", help="Whose rights the jobs have.")] = "tscli",
    environment_file: Annotated[
        str, typer.Option("--environment-file", help="File of TSCLI_ settings; absolute path.")
    ] = "/etc/tscli/tscli.env",
    program: Annotated[
        str, typer.Option("--program", help="Absolute path of tscli; this one otherwise.")
    ] = "",
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Print cron entries or systemd units for the day's run, its check, sweep and webhooks.

    With `--output FILE` they go to a file; JSON holds each file with its name.
    """
    from tscli.day_app import written_folders
    from tscli.services import schedule

    app = open_app(ctx)
    zone, writes = app.settings.day.timezone, written_folders(app)
    place = schedule.Place(program or _program(), user, environment_file, zone, writes)
    if kind is Kind.CRON:
        files = {"/etc/cron.d/tscli": schedule.cron(place)}
    else:
        units = schedule.systemd(place)
        files = {f"/etc/systemd/system/{name}": text for name, text in units.items()}
    if form is not Format.TABLE:
        rows = [{"file": name, "content": text} for name, text in files.items()]
        show(View("schedule.show", rows), form, output)
        return
    text = "\n".join(_titled(name, content, len(files) > 1) for name, content in files.items())
    if output is None:
        tell(text.rstrip("\n"))
    else:
        say(f"Wrote {write_file(output, text.encode())}")


def _titled(name: str, content: str, several: bool) -> str:
    return f"# {name}\n{content}" if several else content


def _program() -> str:
    """The executable that was called, as an absolute path."""
    called = Path(sys.argv[0])
    if called.name == "tscli" and called.is_file():
        return str(called.resolve())
    beside = Path(sys.executable).parent / "tscli"
    return str(beside if beside.is_file() else Path(shutil.which("tscli") or "/usr/bin/tscli"))
