"""The words that commands share: options of one meaning everywhere, and the way into the
application."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import InvalidRequest
from domain.idempotency import check_key
from tscli.app import App
from tscli.render.talk import ask, say
from tscli.render.view import Format
from tscli.render.write import check_place

_FORMAT = "tscli.format"
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _remember_format(context: typer.Context, value: Format) -> Format:
    context.meta[_FORMAT] = value
    return value


FormatOption = Annotated[
    Format,
    typer.Option(
        "--format",
        help="How to show the result.",
        callback=_remember_format,
        is_eager=True,
        rich_help_panel="Output",
    ),
]


def _writable(value: Path | None) -> Path | None:
    if value is not None:
        check_place(value)
    return value


OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        help="Write the result to this file.",
        callback=_writable,
        rich_help_panel="Output",
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, write and send nothing.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before moving money.")]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        help="Repeating the command with the same key never repeats the effect.",
    ),
]
ProviderOption = Annotated[str, typer.Option("--provider", help="Whose account is used.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail.")]
RegionOption = Annotated[
    str, typer.Option("--region", help="The customer's country, ISO 3166, for rules that ask.")
]
TicketOption = Annotated[
    str, typer.Option("--ticket", help="Where it is written up; kept in the audit trail.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Most rows to show.")]


def wants_json(context: typer.Context) -> bool:
    """Whether the command was asked for JSON, as far as its words were understood."""
    return context.meta.get(_FORMAT) is Format.JSON


def open_app(context: typer.Context) -> App:
    """The application for this command, with its settings read.

    Raises:
        ConfigurationError: settings that cannot be used.
    """
    from tscli.settings import load_settings

    app = App(load_settings(), command=words_of(context))
    context.call_on_close(app.close)
    return app


def words_of(context: typer.Context) -> str:
    """The command's words without its values, such as `payments refund`."""
    path = context.command_path.split()
    return " ".join(path[1:]) or "tscli"


def day(text: str) -> date:
    """A calendar day written YYYY-MM-DD.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        if len(text) != len("2026-01-31"):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"{text!r} is not a date: write YYYY-MM-DD.") from None


def one_of(what: str, word: str, known: Sequence[str]) -> str:
    """One of the words that are known.

    Raises:
        InvalidRequest: it is none.
    """
    if word not in known:
        raise InvalidRequest(f"{word!r} is no {what}.", hint=f"One of {', '.join(known)}.")
    return word


def duration(text: str) -> timedelta:
    """A length of time written as a whole number and s, m, h or d, such as `15m`.

    Raises:
        InvalidRequest: it is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise InvalidRequest(f"{text!r} is no length of time: write 30s, 15m, 2h or 7d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def key_or_fresh(app: App, key: str | None, *, dry_run: bool) -> str:
    """The given idempotency key, or a fresh one that is told before anything is sent."""
    if key is not None:
        return check_key(key)
    fresh = app.ids.new("op")
    if not dry_run:
        say(f"Idempotency key: {fresh}")
    return fresh


def confirm(question: str, *, yes: bool, dry_run: bool = False) -> None:
    """Ask before money moves, unless told not to.

    Raises:
        InvalidRequest: nobody is there to be asked, or the answer was no.
    """
    import sys

    if yes or dry_run:
        return
    if not sys.stdin.isatty():
        raise InvalidRequest(
            "This moves money and nobody is at the terminal to confirm it.",
            hint="Add --yes when you are sure.",
        )
    if not ask(question):
        raise InvalidRequest("Not confirmed; nothing was done.", hint="")


@contextmanager
def demo_app(context: typer.Context, folder: Path | None, seed: int) -> Iterator[tuple[App, Path]]:
    """An application with books, world, clock and identifiers of the demo's own.

    Raises:
        ConfigurationError: the folder cannot be used.
    """
    from tscli.app import open_demo
    from tscli.settings import state_folder

    place = folder or state_folder() / "demo"
    app = open_demo(place, seed, words_of(context))
    try:
        yield app, place
    finally:
        app.close()
