"""`tscli reconcile`: does our ledger agree with what the provider reports, and if not, where."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.buckets import Bucket
from domain.ids import check_id
from domain.settlement import Reject
from tscli.app import all_formats, export_formats
from tscli.render import matching
from tscli.render import reconciliation as data
from tscli.render.ledger import reject_data
from tscli.render.progress import progress
from tscli.render.talk import FINDINGS, PARTIAL, say
from tscli.render.view import Format, View, show
from tscli.render.write import check_apart, check_place, write_file
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

commands = typer.Typer(
    help="Compare the ledger with the provider's own files.", no_args_is_help=True
)

ZoneOption = Annotated[
    str,
    typer.Option("--timezone", help="Zone of the dates, and of timestamps that name no zone."),
]


@commands.command()
def run(
    ctx: typer.Context,
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, YYYY-MM-DD.")],
    end: Annotated[
        str, typer.Option("--to", metavar="DATE", help="First day that is no longer part of it.")
    ],
    export: Annotated[
        list[Path] | None,
        typer.Option("--export", help="An export file to take in first; may be given repeatedly."),
    ] = None,
    provider: ProviderOption = "stripe",
    timezone: ZoneOption = "UTC",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Compare our ledger with the provider's statements; the same inputs again change nothing.

    Statements taken in before count as well. Breaks of earlier runs that are still open are looked
    at again, and cleared where their lines agree now.

    Exit codes: 0 everything agrees, 1 breaks, 3 rows that could not be read.
    """
    from tscli.services.periods import period_of
    from tscli.services.reconciliation import reconcile_run

    files = export or []
    check_apart([output], files)
    app = open_app(ctx)
    period = period_of(day(start), day(end), timezone)
    with progress("reconciling") as advance:
        done = reconcile_run(
            app.context(),
            app.owner(provider),
            export_formats(provider),
            files,
            period,
            dry_run=dry_run,
            progress=advance,
        )
    if done.already_done:
        say(f"These inputs were compared before, as {done.run.run_id}; nothing was written.")
    shown = data.run_data(done.run) | {
        "already_done": done.already_done,
        "dry_run": dry_run,
        "rejects": [reject_data(r) for r in done.rejects],
    }
    _show("reconcile.run", shown, done.run.break_counts, form, output)
    _finish(done.rejects, done.run.break_count, f"tscli breaks list --run {done.run.run_id}")


@commands.command("import")
def import_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A provider's export or a bank statement.")],
    preview: Annotated[
        bool, typer.Option("--preview", help="Only read it and show what is in it; keep nothing.")
    ] = False,
    form_name: Annotated[
        str, typer.Option("--as", metavar="FORMAT", help="The format, where headers do not tell.")
    ] = "",
    bank: Annotated[
        str, typer.Option("--bank", metavar="NAME", help="A bank's CSV: its mapping [bank.NAME].")
    ] = "",
    dates: Annotated[
        str, typer.Option("--dates", help="DMY or MDY, where no date in the file tells.")
    ] = "",
    timezone: ZoneOption = "UTC",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Take in a provider's export or a bank statement; every line is kept once.

    What it is, is told by its first rows. Exit codes: 0 read whole, 3 rows that could not be read,
    or figures of the file's own that its rows do not come to.
    """
    from tscli.services import intake

    check_apart([output], [file])
    if dates:
        one_of("order of dates", dates, ["DMY", "MDY"])
    app = open_app(ctx)
    words = intake.Words(form_name, bank, dates, timezone)
    if preview:
        done = intake.preview(all_formats(), file, words, app.bank_mapping)
    else:
        with progress("taking in") as advance:
            done = intake.take_in(
                app.context(), app.owner, all_formats(), file, words, app.bank_mapping,
                dry_run=dry_run, progress=advance,
            )  # fmt: skip
    shown = data.taken_in_data(done, preview=preview)
    if form is Format.JSON:
        show(View("reconcile.import", shown), form, output)
    else:
        notes = data.taken_in_lines(shown)
        view = View("reconcile.import", shown["totals"], data.TOTAL_COLUMNS, notes=notes)
        show(view, form, output)
    if done.file.unreadable or any(one.difference for one in done.file.stated):
        raise typer.Exit(PARTIAL)


@commands.command()
def fetch(
    ctx: typer.Context,
    start: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    end: Annotated[str, typer.Option("--to", help="Day after the last, YYYY-MM-DD.")],
    folder: Annotated[Path, typer.Option(help="Where the file goes; made when missing.")],
    layout: Annotated[
        str, typer.Option(help="Which of the provider's files; its balance lines when left out.")
    ] = "",
    provider: ProviderOption = "stripe",
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Have the provider make an export file, or list its balance lines, and keep it in a folder."""
    from tscli.services.exports import fetch_export, lines_name
    from tscli.services.periods import period_of

    period = period_of(day(start), day(end), "UTC")
    layout = layout or lines_name(provider)
    place = folder / f"{layout}_{start}_{end}.csv"
    context = open_app(ctx).context()
    got = asyncio.run(fetch_export(context, provider, layout, period.start_at, period.end_at))
    folder.mkdir(parents=True, exist_ok=True)
    write_file(place, got.content)
    shown = {"provider": provider, "layout": got.format_name, "file": str(place)}
    shown["bytes"] = str(len(got.content))
    show(View("reconcile.fetch", shown), form, output)


@commands.command()
def files(
    ctx: typer.Context,
    expected: Annotated[Path, typer.Option(help="Our side: a ledger CSV.")],
    reported: Annotated[
        list[Path], typer.Option(help="Their side: an export file; may be given several times.")
    ],
    provider: ProviderOption = "stripe",
    breaks: Annotated[Path | None, typer.Option(help="Write every break to this CSV.")] = None,
    timezone: ZoneOption = "UTC",
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Compare a ledger file with export files, without a database.

    Exit codes: 0 everything agrees, 1 breaks, 3 rows that could not be read.
    """
    from tscli.services.file_comparison import reconcile_files

    check_apart([breaks, output], [expected, *reported])
    if breaks is not None:
        check_place(breaks)
    done = reconcile_files(export_formats(provider), expected, reported, timezone, provider)
    if breaks is not None:
        write_file(breaks, done.breaks_csv())
    _show("reconcile.files", data.files_data(done), done.break_counts, form, output)
    count = sum(n for _, n in done.break_counts)
    _finish(done.rejects, count, "" if breaks else "the same command with --breaks FILE")


@commands.command("show")
def show_run(
    ctx: typer.Context,
    run: Annotated[str | None, typer.Argument(help="A run's id; all runs when left out.")] = None,
    limit: LimitOption = 50,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show one run with its inputs and buckets, or list the runs."""
    from tscli.services import reconciliation

    context = open_app(ctx).context()
    if run is None:
        rows = [data.run_data(r) for r in reconciliation.list_runs(context, limit)]
        show(View("reconcile.list", rows, data.RUN_COLUMNS), form, output)
        return
    found = reconciliation.get_run(context, check_id(run, "run"))
    _show("reconcile.show", data.run_data(found), found.break_counts, form, output)


@commands.command()
def explain(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A break, transaction, payment, line or its object.")
    ],
    run: Annotated[
        str | None, typer.Option(help="Around this run's period; a break's own, else the latest.")
    ] = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show why a row ended where it did: pass, fields compared, candidates turned down."""
    from tscli.services.rerunning import explain as certificates

    context = open_app(ctx).context()
    found, made = certificates(context, name, check_id(run, "run") if run else None)
    shown = {
        "run_id": found.run_id,
        "certificates": [matching.certificate_data(one) for one in made],
    }
    if form is Format.JSON:
        show(View("reconcile.explain", shown), form, output)
        return
    rows = [matching.certificate_row(one) for one in made]
    lines = tuple(line for one in made for line in matching.certificate_lines(one))
    show(View("reconcile.explain", rows, matching.CERTIFICATE_COLUMNS, notes=lines), form, output)


@commands.command()
def diff(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(metavar="RUN1", help="The earlier run's id.")],
    second: Annotated[str, typer.Argument(metavar="RUN2", help="The later run's id.")],
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show which breaks are new, changed or gone from one run to another, and by what evidence."""
    from tscli.services.rerunning import difference

    context = open_app(ctx).context()
    found = difference(context, check_id(first, "run"), check_id(second, "run"))
    rows = [
        *(matching.change_row("new", item, "") for item in found.new),
        *(
            matching.change_row("changed", after, f"it was {before.kind}")
            for before, after in found.changed
        ),
        *(matching.change_row("cleared", item, why) for item, why in found.cleared),
    ]
    shown = View("reconcile.diff", rows, matching.DIFF_COLUMNS)
    show(shown, form, output)


@commands.command()
def rerun(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")],
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Compare a run's own inputs again, from the bytes that were taken in, and check its result.

    Exit codes: 0 the same, byte for byte, 1 something differs.
    """
    from tscli.services.rerunning import rerun as again

    app = open_app(ctx)
    context = app.context()
    done = again(context, export_formats, check_id(run, "run"))
    shown = {
        "run_id": done.run.run_id,
        "same": done.same,
        "differences": list(done.differences),
    }
    show(View("reconcile.rerun", shown), form, output)
    if not done.same:
        raise typer.Exit(FINDINGS)


def _show(
    command: str,
    shown: dict[str, Any],
    counts: tuple[tuple[Bucket, int], ...],
    form: Format,
    output: Path | None,
) -> None:
    """The buckets for people, everything for machines."""
    if form is Format.JSON:
        show(View(command, shown), form, output)
        return
    notes = (
        *(f"{name}: {n} pairs" for name, n in shown["matches"].items()),
        *data.balance_lines(shown.get("balances", [])),
        "",
        data.verdict(shown["breaks"], shown["unreadable"]),
        *data.count_lines(counts),
        *_reject_lines(shown.get("rejects", [])),
    )
    show(View(command, shown["buckets"], data.BUCKET_COLUMNS, notes=notes), form, output)


def _reject_lines(rejects: list[dict[str, Any]]) -> list[str]:
    lines = [
        f"{r['file']}, line {r['line']}, column {r['column'] or '-'}: {r['reason']}"
        for r in rejects[:20]
    ]
    more = len(rejects) - len(lines)
    return lines + ([f"… and {more} more unreadable rows."] if more > 0 else [])


def _finish(rejects: tuple[Reject, ...], breaks: int, look: str) -> None:
    if (rejects or breaks) and look:
        say(f"Look at each break: {look}")
    if rejects:
        raise typer.Exit(PARTIAL)
    if breaks:
        raise typer.Exit(FINDINGS)
