"""`tscli reports`: results as documents that can be handed on."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from domain.ids import check_id
from tscli.render.talk import say
from tscli.render.write import hand_over, write_file
from tscli.words import open_app

commands = typer.Typer(help="Documents for people who forward them.", no_args_is_help=True)


class Document(StrEnum):
    """The formats of a report."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"


@commands.command()
def reconciliation(
    ctx: typer.Context,
    run: Annotated[str | None, typer.Option(help="A run's id; the latest when left out.")] = None,
    form: Annotated[Document, typer.Option("--format", help="Kind of document.")] = Document.HTML,
    output: Annotated[
        Path | None, typer.Option("--output", help="File or folder; stdout when left out.")
    ] = None,
) -> None:
    """Write the report of a reconciliation run: verdict, totals, every break with both sides."""
    from tscli.services.reporting import file_name, reconciliation_report

    if run is not None:
        check_id(run, "run")
    found, document = reconciliation_report(open_app(ctx).context(), run, form)
    if output is None:
        hand_over(document)
        return
    path = output / file_name(found, f".{form}") if output.is_dir() else output
    say(f"Wrote {write_file(path, document)}")
