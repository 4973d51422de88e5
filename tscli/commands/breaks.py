"""`tscli breaks`: where the two sides disagree, one by one, and what is done about it."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.break_life import BreakFilter, BreakState
from domain.buckets import KINDS
from domain.clock import iso
from domain.ids import check_id
from tscli.render import breaks as data
from tscli.render.reconciliation import counted
from tscli.render.view import Format, View, show
from tscli.words import (
    DryRunOption,
    FormatOption,
    LimitOption,
    OutputOption,
    day,
    one_of,
    open_app,
)

commands = typer.Typer(help="Where ledger, provider and bank disagree.", no_args_is_help=True)

BreaksArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[BREAK]...", help="Breaks by their ids, brk_….")
]
KindOption = Annotated[str | None, typer.Option(help="Only this kind.")]
ProviderFilter = Annotated[str | None, typer.Option("--provider", help="Only this provider.")]
CurrencyFilter = Annotated[str | None, typer.Option("--currency", help="Only this currency.")]
NoteOption = Annotated[str, typer.Option("--note", help="Why, in words; kept with the break.")]
StateOption = Annotated[str | None, typer.Option(help="open or resolved.")]


@commands.command("list")
def list_breaks(
    ctx: typer.Context,
    kind: KindOption = None,
    state: StateOption = None,
    provider: ProviderFilter = None,
    currency: CurrencyFilter = None,
    assignee: Annotated[str | None, typer.Option(help="Only those handed to this person.")] = None,
    run: Annotated[str | None, typer.Option(help="As found by this run.")] = None,
    limit: LimitOption = 200,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """List breaks as they were last seen."""
    from tscli.services.breaks import list_breaks as find

    context = open_app(ctx).context()
    wanted = _filter(None, kind, provider, currency, state, assignee, run)
    now = context.clock.now()
    rows = [data.listed_data(listed, now) for listed in find(context, wanted, limit)]
    notes = (f"The first {limit}; see --limit.",) if len(rows) == limit else ()
    show(View("breaks.list", rows, data.BREAK_COLUMNS, notes=notes), form, output)


@commands.command("show")
def show_break(
    ctx: typer.Context,
    break_id: Annotated[str, typer.Argument(metavar="BREAK", help="The break's id, brk_….")],
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show one break: both sides, what it means, which runs saw it, and all that happened to it."""
    from tscli.services.breaks import break_life

    context = open_app(ctx).context()
    listed, runs, events = break_life(context, check_id(break_id, "brk"))
    shown: dict[str, Any] = data.listed_data(listed, context.clock.now()) | {
        "seen_in": [
            {"run_id": run.run_id, "from": iso(run.period.start_at), "at": iso(run.started_at)}
            for run in runs
        ],
        "history": [data.event_data(event) for event in events],
    }
    show(View("breaks.show", shown), form, output)


@commands.command("assign")
def assign_breaks(
    ctx: typer.Context,
    to: Annotated[str, typer.Option("--to", help="Whose they are; empty takes them back.")],
    breaks: BreaksArgument = None,
    kind: KindOption = None,
    provider: ProviderFilter = None,
    currency: CurrencyFilter = None,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Hand breaks to somebody."""
    from tscli.services.breaks import assign

    wanted = _open_ones(breaks, kind, provider, currency)
    context = open_app(ctx).context()
    _changed("assign", lambda: assign(context, wanted, to, dry_run=dry_run), dry_run, form, output)


@commands.command("comment")
def comment_breaks(
    ctx: typer.Context,
    text: Annotated[str, typer.Option("--text", help="What is to be remembered.")],
    breaks: BreaksArgument = None,
    kind: KindOption = None,
    provider: ProviderFilter = None,
    currency: CurrencyFilter = None,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Write something down about breaks."""
    from tscli.services.breaks import comment

    wanted = _filter(breaks, kind, provider, currency)
    context = open_app(ctx).context()
    _changed(
        "comment", lambda: comment(context, wanted, text, dry_run=dry_run), dry_run, form, output
    )


@commands.command("snooze")
def snooze_breaks(
    ctx: typer.Context,
    until: Annotated[str, typer.Option("--until", help="Day on which they come back.")],
    breaks: BreaksArgument = None,
    kind: KindOption = None,
    provider: ProviderFilter = None,
    currency: CurrencyFilter = None,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Put breaks off until a day; they stay open, and in every statement."""
    from tscli.services.breaks import snooze

    wanted = _open_ones(breaks, kind, provider, currency)
    moment = datetime.combine(day(until), time(), UTC)
    context = open_app(ctx).context()
    _changed(
        "snooze", lambda: snooze(context, wanted, moment, dry_run=dry_run), dry_run, form, output
    )


@commands.command("resolve")
def resolve_breaks(
    ctx: typer.Context,
    reason: Annotated[
        str, typer.Option(help="book, fee, write-off, accept or match; see the README.")
    ],
    note: NoteOption,
    breaks: BreaksArgument = None,
    kind: KindOption = None,
    provider: ProviderFilter = None,
    currency: CurrencyFilter = None,
    ticket: Annotated[str, typer.Option(help="Where it is discussed.")] = "",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Close breaks, and post to the ledger what the reason says; much money needs two people.

    book: take the provider's line into our ledger. fee: post the difference to fees. write-off:
    post it to suspense. accept: post nothing. match: these breaks are one another's missing side.
    """
    from tscli.services.closing import Reason, resolve

    chosen = Reason(one_of("reason", reason, [r.value for r in Reason]))
    wanted = _open_ones(breaks, kind, provider, currency)
    context = open_app(ctx).context()
    _changed(
        "resolve",
        lambda: resolve(context, wanted, chosen, note, ticket=ticket, dry_run=dry_run),
        dry_run,
        form,
        output,
    )


@commands.command("write-off")
def write_off_breaks(
    ctx: typer.Context,
    note: NoteOption,
    breaks: BreaksArgument = None,
    kind: KindOption = None,
    provider: ProviderFilter = None,
    currency: CurrencyFilter = None,
    ticket: Annotated[str, typer.Option(help="Where it is discussed.")] = "",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Post the differences to suspense and close the breaks: `resolve --reason write-off`."""
    resolve_breaks(
        ctx, "write-off", note, breaks, kind, provider, currency, ticket, dry_run, form, output
    )


@commands.command("reopen")
def reopen_breaks(
    ctx: typer.Context,
    note: NoteOption,
    breaks: BreaksArgument = None,
    kind: KindOption = None,
    provider: ProviderFilter = None,
    currency: CurrencyFilter = None,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Open closed breaks again, and reverse what closing them posted."""
    from tscli.services.closing import reopen

    wanted = _filter(breaks, kind, provider, currency, None if breaks else BreakState.RESOLVED)
    context = open_app(ctx).context()
    _changed(
        "reopen", lambda: reopen(context, wanted, note, dry_run=dry_run), dry_run, form, output
    )


@commands.command("export")
def export_breaks(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("--output", help="The CSV file to write.")],
    kind: KindOption = None,
    state: StateOption = "open",
    provider: ProviderFilter = None,
    currency: CurrencyFilter = None,
    form: FormatOption = Format.CSV,
) -> None:
    """Write every break that fits into a file, for work elsewhere."""
    from tscli.services.breaks import list_breaks as find

    context = open_app(ctx).context()
    wanted = _filter(None, kind, provider, currency, state)
    now = context.clock.now()
    rows = [data.listed_data(listed, now) for listed in find(context, wanted, None)]
    show(View("breaks.export", rows, data.EXPORT_COLUMNS), form, output)


def _filter(
    breaks: list[str] | None,
    kind: str | None,
    provider: str | None,
    currency: str | None,
    state: str | None = None,
    assignee: str | None = None,
    run: str | None = None,
) -> BreakFilter:
    if kind is not None:
        one_of("kind of a break", kind, [bucket.value for bucket in KINDS])
    if state is not None:
        one_of("state of a break", state, [s.value for s in BreakState])
    names = tuple(check_id(name, "brk") for name in breaks or ())
    code = currency.upper() if currency else None
    return BreakFilter(kind, state, provider, code, assignee, run, names)


def _open_ones(
    breaks: list[str] | None, kind: str | None, provider: str | None, currency: str | None
) -> BreakFilter:
    """Named breaks whatever their state, else the open ones that fit a filter."""
    chosen = bool(kind or provider or currency)
    return _filter(breaks, kind, provider, currency, BreakState.OPEN if chosen else None)


def _changed(
    name: str, act: Callable[[], Any], dry_run: bool, form: Format, output: Path | None
) -> None:
    """Do it and show what became of every break."""
    changed = act()
    rows = [
        {"break_id": one.break_id, "outcome": one.outcome, "note": one.note, "dry_run": dry_run}
        for one in changed
    ]
    notes = (f"{counted(len(rows), 'break')}.", *(["Nothing was written."] if dry_run else []))
    show(View(f"breaks.{name}", rows, data.CHANGED_COLUMNS, notes=notes), form, output)
