"""The command tree, and the one place where errors become words and exit codes."""

import importlib
import sqlite3
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from domain.errors import PaymentsError, Unavailable
from tscli import __version__
from tscli.commands import TREE
from tscli.render import talk
from tscli.words import wants_json

_DEBUG = "tscli.debug"


class House(TyperGroup):
    """The root group: commands are loaded when they are named, and all they raise ends here."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The words of the top level."""
        return list(TREE)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command or group of a word, None for none."""
        if cmd_name in TREE and cmd_name not in self.commands:
            self.commands[cmd_name] = _loaded(cmd_name)
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; deliberate errors are told in a sentence, bugs without details."""
        try:
            return super().invoke(ctx)
        except PaymentsError as error:
            if ctx.meta.get(_DEBUG):
                raise
            talk.complain(error, as_json=wants_json(ctx))
            raise typer.Exit(talk.exit_code(error)) from None
        except (KeyboardInterrupt, EOFError):
            talk.say("Interrupted. Running the same command with the same key goes on from here.")
            raise typer.Exit(talk.INTERRUPTED) from None
        except BrokenPipeError:
            talk.close_stdout()
            raise typer.Exit(0) from None
        except (OSError, sqlite3.Error) as error:
            if ctx.meta.get(_DEBUG):
                raise
            talk.complain(trouble(error), as_json=wants_json(ctx))
            raise typer.Exit(talk.PARTIAL) from None
        except Exception as error:
            if _is_control_flow(error) or ctx.meta.get(_DEBUG):
                raise
            talk.confess(error)
            raise typer.Exit(talk.BUG) from None


def _loaded(name: str) -> Any:
    module = importlib.import_module(TREE[name])
    holder = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    if hasattr(module, "commands"):
        holder.add_typer(module.commands, name=name)
    else:
        holder.command(name)(getattr(module, name))
    return typer.main.get_group(holder).commands[name]


def trouble(error: Exception) -> Unavailable:
    """What the operating system or a file would not do, as an error of ours."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Unavailable(
        f"This machine would not do it: {said}.",
        hint="Check disk space and permissions, then run the command again with the same key.",
    )


def _is_control_flow(error: Exception) -> bool:
    """Typer's own ways of ending a command: usage errors and exits."""
    return any(base.__module__.startswith(("typer", "click")) for base in type(error).__mro__)


def _version(value: bool) -> None:
    if value:
        talk.tell(f"tscli {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="tscli",
    cls=House,
    help="Payments across providers, and the proof that ledger, provider and bank agree.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the trace of an error instead of a sentence.")
    ] = False,
) -> None:
    """Read the words that stand before the command."""
    ctx.meta[_DEBUG] = debug
