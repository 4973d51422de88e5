"""`tscli reports`: results as documents that can be handed on."""

from datetime import UTC, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from domain.ids import check_id
from tscli.render import matching
from tscli.render.talk import FINDINGS, say
from tscli.render.view import Format, View, show
from tscli.render.write import hand_over, write_file
from tscli.words import FormatOption, OutputOption, ProviderOption, day, open_app

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


@commands.command()
def bridge(
    ctx: typer.Context,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="Up to and without this day; now otherwise."),
    ] = None,
    provider: ProviderOption = "stripe",
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Lead from our ledger's balance to the provider's and to the bank, by named open items.

    Exit codes: 0 every currency ties to zero, 1 one does not, or the provider states another
    balance.
    """
    from tscli.services.bridging import bridge as lead_over

    app = open_app(ctx)
    context = app.context()
    at = datetime.combine(day(as_of), time(), UTC) if as_of else context.clock.now()
    found = lead_over(context, app.owner(provider), at)
    if form is Format.JSON:
        show(View("reports.bridge", [matching.bridge_data(one) for one in found]), form, output)
    else:
        rows = [row for one in found for row in matching.bridge_rows(one)]
        show(View("reports.bridge", rows, matching.BRIDGE_COLUMNS), form, output)
    if any(one.tie_out_minor or one.gap_minor or one.bank_tie_out_minor for one in found):
        raise typer.Exit(FINDINGS)


@commands.command()
def payouts(
    ctx: typer.Context,
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, YYYY-MM-DD.")],
    end: Annotated[str, typer.Option("--to", metavar="DATE", help="First day that is out.")],
    provider: ProviderOption = "stripe",
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show what every payout consists of, and whether it adds up.

    Exit codes: 0 every payout closes to zero, 1 one does not, or nobody can say.
    """
    from tscli.services.payouts import list_payouts
    from tscli.services.periods import period_of

    app = open_app(ctx)
    period = period_of(day(start), day(end), "UTC")
    found = list_payouts(app.context(), app.owner(provider), period)
    rows = [matching.payout_data(proof) for proof in found]
    notes = tuple(f"{proof.payout_id}: {proof.note}" for proof in found if proof.note)
    show(View("reports.payouts", rows, matching.PAYOUT_COLUMNS, notes=notes), form, output)
    if any(proof.residual_minor != 0 for proof in found):
        raise typer.Exit(FINDINGS)
