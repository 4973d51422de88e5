"""`tscli ledger`: the double-entry books."""

from pathlib import Path
from typing import Annotated

import typer

from tscli.render import ledger as data
from tscli.render.payments import transaction_data
from tscli.render.talk import PARTIAL, say
from tscli.render.view import Format, View, show
from tscli.render.write import check_apart, whole_file
from tscli.words import (
    DryRunOption,
    FormatOption,
    LimitOption,
    OutputOption,
    ProviderOption,
    day,
    one_of,
    open_app,
)

commands = typer.Typer(help="The double-entry books behind the payments.", no_args_is_help=True)


@commands.command("import")
def import_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV of ledger lines kept elsewhere.")],
    provider: ProviderOption = "stripe",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Take in ledger lines from a CSV file; the same file again changes nothing.

    Columns: transaction_id, payment_id, kind, provider_reference, amount, currency, fee, status,
    occurred_at.
    """
    from tscli.services.ledger import import_ledger, read_ledger

    check_apart([output], [file])
    app = open_app(ctx)
    given = read_ledger(file)
    done = import_ledger(app.context(), app.owner(provider), given, dry_run=dry_run)
    if done.seen_before:
        say(f"{file.name} was imported before; nothing to do.")
    show(View("ledger.import", data.imported_data(done)), form, output)
    if done.rejects:
        raise typer.Exit(PARTIAL)


@commands.command("export")
def export(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("--output", help="The file to write.")],
    form: Annotated[
        str, typer.Option("--format", help="csv, beancount, hledger or xlsx (extra [reports]).")
    ] = "csv",
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="First day; balances before it stand first."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="First day that is out.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider's books.")] = None,
) -> None:
    """Write the journal for accounting, with balances that their program proves again."""
    from tscli.services.ledger_export import JournalFormat, export_ledger

    chosen = JournalFormat(one_of("journal format", form, [f.value for f in JournalFormat]))
    first, last = day(start) if start else None, day(end) if end else None
    context = open_app(ctx).context()
    with whole_file(output) as temporary:
        count = export_ledger(context, chosen, temporary, start=first, end=last, provider=provider)
    say(f"Wrote {count} entries to {output}")


@commands.command("show")
def show_ledger(
    ctx: typer.Context,
    transaction: Annotated[
        str | None, typer.Argument(help="A transaction's id; the newest ones when left out.")
    ] = None,
    payment: Annotated[str | None, typer.Option(help="Only this payment's.")] = None,
    limit: LimitOption = 50,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show one transaction with its entries, or the newest transactions."""
    from tscli.services import ledger

    context = open_app(ctx).context()
    if transaction:
        found = ledger.transaction_detail(context, transaction)
        show(View("ledger.show", data.detail_data(found)), form, output)
        return
    rows = [transaction_data(t) for t in ledger.list_transactions(context, payment, limit)]
    show(View("ledger.list", rows, data.TRANSACTION_COLUMNS), form, output)


@commands.command("trial-balance")
def trial_balance(
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """Show every account's balance; debits and credits are equal per currency."""
    from tscli.services import ledger

    balances = ledger.trial_balance(open_app(ctx).context())
    rows = [data.balance_data(b) for b in balances]
    notes = tuple(data.proof_lines(balances))
    show(View("ledger.trial-balance", rows, data.BALANCE_COLUMNS, notes=notes), form, output)
