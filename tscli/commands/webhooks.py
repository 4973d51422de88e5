"""`tscli webhooks`: what providers told us, what came of it, and how to have it again."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.errors import InvalidRequest
from domain.ids import check_id
from domain.stored_event import EventFilter
from domain.webhook import EventState
from tscli.render import webhooks as data
from tscli.render.progress import progress
from tscli.render.talk import FINDINGS
from tscli.render.view import Format, View, show
from tscli.words import (
    DryRunOption,
    FormatOption,
    LimitOption,
    OutputOption,
    ProviderOption,
    ReasonOption,
    duration,
    open_app,
)

commands = typer.Typer(help="What providers told us, and what came of it.", no_args_is_help=True)

EventArgument = Annotated[str, typer.Argument(metavar="EVENT", help="Our id of the event, whe_….")]
OfProvider = Annotated[str | None, typer.Option("--provider", help="Only this provider's.")]
OfType = Annotated[str | None, typer.Option("--type", help="Only this type, word for word.")]
OfState = Annotated[
    EventState | None,
    typer.Option("--state", metavar="STATE", help="Only these, such as failed or parked."),
]
OfPayment = Annotated[str | None, typer.Option("--payment", help="Only this payment's.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="Received within so long, such as 2h.")
]
HowLong = Annotated[str, typer.Option("--since", help="How far to look back, such as 2h.")]


@commands.command("list")
def list_events(
    ctx: typer.Context,
    provider: OfProvider = None,
    kind: OfType = None,
    state: OfState = None,
    payment: OfPayment = None,
    since: SinceOption = None,
    limit: LimitOption = 50,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """List stored events, newest first."""
    from tscli.services.webhooks import find_events

    context = open_app(ctx).context()
    wanted = _filter(context, provider, kind, state, payment, since)
    rows = [data.event_data(e) for e in find_events(context, wanted, limit)]
    show(View("webhooks.list", rows, data.EVENT_COLUMNS), form, output)


@commands.command("show")
def show_event(
    ctx: typer.Context,
    event: EventArgument,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show one event with every attempt to apply it."""
    from tscli.services.webhooks import get_event

    check_id(event, "whe")
    found, attempts = get_event(open_app(ctx).context(), event)
    tried = [data.attempt_data(a) for a in attempts]
    show(View("webhooks.show", data.event_data(found) | {"attempts_made": tried}), form, output)


@commands.command()
def status(
    ctx: typer.Context,
    since: HowLong = "1d",
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Count events by state, and refused deliveries; exit code 1 when some wait for a person."""
    from tscli.services.webhooks import inbox_counts

    context = open_app(ctx).context()
    events, refused = inbox_counts(context, context.clock.now() - duration(since))
    rows = [{"provider": p, "what": s, "count": n} for (p, s), n in sorted(events.items())]
    rows += [
        {"provider": p, "what": f"refused: {reason}", "count": n}
        for (p, reason), n in sorted(refused.items())
    ]
    show(View("webhooks.status", rows, data.STATUS_COLUMNS), form, output)
    if any(state == EventState.DEAD for _, state in events):
        raise typer.Exit(FINDINGS)


@commands.command()
def receive(
    ctx: typer.Context,
    headers: Annotated[Path, typer.Option(help="File of header lines, NAME: VALUE.")],
    body: Annotated[Path, typer.Option(help="File of the bytes as they were delivered.")],
    provider: ProviderOption = "stripe",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Take one delivery from files: verified, stored and applied like any other."""
    app = open_app(ctx)
    lines, raw = _read(headers).decode("utf-8", "replace").splitlines(), _read(body)
    given = dict(_header(line) for line in lines if line.strip())
    shown = asyncio.run(_received(app.context(), provider, given, raw, dry_run=dry_run))
    show(View("webhooks.receive", shown | {"dry_run": dry_run}), form, output)


async def _received(
    context: Any, provider_name: str, headers: dict[str, str], body: bytes, *, dry_run: bool
) -> dict[str, Any]:
    from domain.stored_event import Source
    from tscli.services.applying import apply_event
    from tscli.services.inbox import receive as take
    from tscli.services.inbox import verified

    async with context.open_provider(provider_name) as provider:
        if dry_run:
            proof, event = await verified(provider, headers, body)
            return {"provider_event_id": event.provider_event_id, "type": event.type,
                    "proof": proof.value}  # fmt: skip
        stored = await take(context, provider, headers, body, source=Source.FILE)
        return data.applied_data(await apply_event(context, provider, stored))


@commands.command()
def apply(
    ctx: typer.Context,
    limit: LimitOption = 1_000,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Apply what is due: newly received, parked, or failed before."""
    from tscli.services.webhooks import apply_due

    with progress("applying") as advance:
        context = open_app(ctx).context()
        done = asyncio.run(apply_due(context, limit=limit, progress=advance))
    _show_applied("webhooks.apply", done, form, output)


@commands.command()
def replay(
    ctx: typer.Context,
    events: Annotated[
        list[str] | None, typer.Argument(metavar="EVENT…", help="Events, or use the filters.")
    ] = None,
    provider: OfProvider = None,
    kind: OfType = None,
    state: OfState = None,
    payment: OfPayment = None,
    since: SinceOption = None,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Apply stored events again; exit code 1 if any failed."""
    from tscli.services import webhooks

    context = open_app(ctx).context(reason)
    wanted = _filter(context, provider, kind, state, payment, since)
    if events and wanted != EventFilter():
        raise InvalidRequest("Name events or use filters, not both.")
    if not events and wanted == EventFilter():
        raise InvalidRequest(
            "Nothing is named: give events, or a filter.", hint="Add --state failed --since 2h."
        )
    if events:
        chosen = [webhooks.get_event(context, check_id(e, "whe"))[0] for e in events]
    else:
        chosen = webhooks.find_events(context, wanted, 100_000)
    with progress("replaying") as advance:
        done = asyncio.run(webhooks.replay(context, chosen, dry_run=dry_run, progress=advance))
    _show_applied("webhooks.replay", done, form, output)


@commands.command()
def backfill(
    ctx: typer.Context,
    since: HowLong = "2h",
    provider: ProviderOption = "stripe",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Store and apply the provider's events that were missed."""
    from tscli.services import webhooks

    context = open_app(ctx).context()
    end = context.clock.now() + timedelta(seconds=1)
    with progress("applying") as advance:
        found, done = asyncio.run(
            webhooks.backfill(
                context, provider, end - duration(since), end, dry_run=dry_run, progress=advance
            )
        )
    if dry_run:
        rows = [data.listed_data(m) for m in found.missing]
        show(View("webhooks.backfill", rows, data.MISSING_COLUMNS), form, output)
        return
    note = f"{found.listed} events listed, {len(found.missing)} were missing."
    _show_applied("webhooks.backfill", done, form, output, note)


@commands.command()
def gaps(
    ctx: typer.Context,
    since: HowLong = "1d",
    provider: ProviderOption = "stripe",
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Compare the provider's list of events with ours; exit code 1 if they differ."""
    from tscli.services.webhooks import missing_events

    context = open_app(ctx).context()
    end = context.clock.now() + timedelta(seconds=1)
    found = asyncio.run(missing_events(context, provider, end - duration(since), end))
    rows = [data.listed_data(m) for m in found.missing]
    rows += [data.undone_data(e) for e in found.undone]
    note = f"{found.listed} events listed by the provider."
    show(View("webhooks.gaps", rows, data.MISSING_COLUMNS, notes=(note,)), form, output)
    if rows:
        raise typer.Exit(FINDINGS)


@commands.command()
def retry(
    ctx: typer.Context,
    event: EventArgument,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Let a dead or waiting event be tried again by the next `apply`."""
    from tscli.services import webhooks

    check_id(event, "whe")
    found = webhooks.retry(open_app(ctx).context(), event, dry_run=dry_run)
    show(View("webhooks.retry", data.event_data(found) | {"dry_run": dry_run}), form, output)


@commands.command()
def discard(
    ctx: typer.Context,
    event: EventArgument,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Decide that an event is not to be applied."""
    from tscli.services import webhooks

    check_id(event, "whe")
    found = webhooks.discard(open_app(ctx).context(reason), event, dry_run=dry_run)
    show(View("webhooks.discard", data.event_data(found) | {"dry_run": dry_run}), form, output)


@commands.command()
def resend(
    ctx: typer.Context,
    event: EventArgument,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Have the provider deliver an event again, where it can."""
    from tscli.services import webhooks

    check_id(event, "whe")
    found = asyncio.run(webhooks.resend(open_app(ctx).context(), event, dry_run=dry_run))
    show(View("webhooks.resend", data.event_data(found) | {"dry_run": dry_run}), form, output)


def _filter(
    context: Any,
    provider: str | None,
    kind: str | None,
    state: EventState | None,
    payment: str | None,
    since: str | None,
) -> EventFilter:
    start = context.clock.now() - duration(since) if since else None
    return EventFilter(provider, kind, state, payment, start)


def _show_applied(
    command: str, done: Sequence[Any], form: Format, output: Any, note: str = ""
) -> None:
    rows = [data.applied_data(a) for a in done]
    notes = tuple(filter(None, (note, f"{len(rows)} events." if rows else "Nothing to apply.")))
    show(View(command, rows, data.APPLIED_COLUMNS, notes=notes), form, output)
    if any(a.outcome is EventState.FAILED for a in done):
        raise typer.Exit(FINDINGS)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{path.name} cannot be read: {error.strerror}.") from None


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise InvalidRequest(f"{line[:60]!r} is no header line: write NAME: VALUE.")
    return name.strip(), value.strip()
