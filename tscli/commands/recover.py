"""`tscli recover`: settle what is stuck, and show a person what no machine may decide."""

import asyncio
from typing import Annotated, Any

import typer

from domain.ids import check_id
from domain.recovery import SweptAs
from domain.review import Resolution, ReviewKind
from tscli.render.progress import progress
from tscli.render.talk import FINDINGS, PARTIAL, UNKNOWN
from tscli.render.view import Format, View, show
from tscli.words import (
    DryRunOption,
    FormatOption,
    LimitOption,
    OutputOption,
    ReasonOption,
    TicketOption,
    YesOption,
    confirm,
    duration,
    open_app,
)

commands = typer.Typer(
    help="Settle what is stuck; the queue of what needs a person.", no_args_is_help=True
)

TargetArgument = Annotated[
    str, typer.Argument(metavar="TARGET", help="A payment pay_…, operation op_… or review rev_….")
]


@commands.command()
def sweep(
    ctx: typer.Context,
    older_than: Annotated[
        str | None,
        typer.Option(help="All that is unsettled for so long, such as 15m; else what is due."),
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider's.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=100_000, help="Most payments to ask for.")
    ] = 1_000,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Ask the providers about what is open, and finish it.

    Exit code 3: some could not be asked for; 6: some outcomes are still unknown; 1: some need a
    person.
    """
    from tscli.render import recovery as data
    from tscli.services.sweep import sweep as run

    age = duration(older_than) if older_than else None
    context = open_app(ctx).context()
    with progress("asking") as advance:
        done = asyncio.run(
            run(
                context, older_than=age, provider=provider, limit=limit, dry_run=dry_run,
                progress=advance,
            )
        )  # fmt: skip
    counts = {kind: sum(s.outcome is kind for s in done) for kind in SweptAs}
    told = ", ".join(f"{n} {kind.value.replace('_', ' ')}" for kind, n in counts.items() if n)
    notes = (f"{len(done)} payments: {told}.",) if done else ("Nothing is due.",)
    rows = [data.swept_data(s) for s in done]
    show(View("recover.sweep", rows, data.SWEEP_COLUMNS, notes=notes), form, output)
    for kind, code in (
        (SweptAs.NOT_ASKED, PARTIAL),
        (SweptAs.UNKNOWN, UNKNOWN),
        (SweptAs.REVIEW, FINDINGS),
    ):
        if counts[kind]:
            raise typer.Exit(code)


@commands.command()
def queue(
    ctx: typer.Context,
    kind: Annotated[
        ReviewKind | None, typer.Option(metavar="KIND", help="Only this kind, such as too_old.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider's.")] = None,
    closed: Annotated[bool, typer.Option("--closed", help="Show closed ones as well.")] = False,
    limit: LimitOption = 1_000,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """List what needs a person, oldest first."""
    from tscli.render import recovery as data
    from tscli.services import recovery

    found = recovery.queue(
        open_app(ctx).context(), kind=kind, provider=provider, closed=closed, limit=limit
    )
    rows = [data.review_data(r) for r in found]
    notes = () if rows else ("Nothing needs a person.",)
    show(View("recover.queue", rows, data.QUEUE_COLUMNS, notes=notes), form, output)


@commands.command("show")
def show_review(
    ctx: typer.Context,
    review: Annotated[str, typer.Argument(metavar="REVIEW", help="The review's id, rev_….")],
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show one review with its evidence and what helps."""
    from tscli.render import recovery as data
    from tscli.services import recovery

    check_id(review, "rev")
    found = recovery.review(open_app(ctx).context(), review)
    show(View("recover.show", data.review_detail(found)), form, output)


@commands.command()
def explain(
    ctx: typer.Context,
    target: TargetArgument,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show what was sent, what came back, what would settle it."""
    from tscli.render import recovery as data
    from tscli.services import recovery

    context = open_app(ctx).context()
    evidence = recovery.explain(context, recovery.payment_of(context, target))
    document = data.evidence_data(evidence)
    if form is not Format.TABLE:
        show(View("recover.explain", document), form, output)
        return
    settles = [
        f"{o['kind']} {o['id']} is {o['state']}; what settles it: {o['settled_by']}"
        for o in document["operations"]
        if o["settled_by"] != "settled"
    ]
    notes = tuple(settles) or ("Nothing about it is open.",)
    title = f"{document['payment_id']} is {document['state']}"
    view = View("recover.explain", document["ladder"], data.LADDER_COLUMNS, title, notes)
    show(view, form, output)


@commands.command()
def retry(
    ctx: typer.Context,
    target: TargetArgument,
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Ask once more and go on with what is open.

    What is too old to be repeated is sent with a fresh key, once the provider has shown that it did
    not happen.
    """
    from tscli.services import recovery

    context = open_app(ctx).context(reason)
    payment = recovery.payment_of(context, target)
    confirm(f"Go on with what is open of {payment}?", yes=yes, dry_run=dry_run)
    done = asyncio.run(recovery.retry(context, payment, ticket, dry_run=dry_run))
    _show_payment("recover.retry", done, form, output, dry_run=dry_run)


@commands.command()
def cancel(
    ctx: typer.Context,
    target: TargetArgument,
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Call a stuck payment off, here and at the provider."""
    from tscli.services import recovery
    from tscli.services.payments import failure_of

    context = open_app(ctx).context(reason)
    payment = recovery.payment_of(context, target)
    confirm(f"Call off {payment}?", yes=yes, dry_run=dry_run)
    outcome = asyncio.run(recovery.cancel(context, payment, ticket, dry_run=dry_run))
    _show_payment("recover.cancel", outcome.payment, form, output, dry_run=dry_run)
    error = failure_of(outcome)
    if error is not None:
        raise error


@commands.command()
def resolve(
    ctx: typer.Context,
    review: Annotated[str, typer.Argument(metavar="REVIEW", help="The review's id, rev_….")],
    finding: Annotated[
        Resolution,
        typer.Option("--as", metavar="FINDING", help="What you found: done, not_done, dismissed."),
    ],
    reference: Annotated[
        str, typer.Option("--reference", help="The provider's own id of what was done.")
    ] = "",
    reason: ReasonOption = "",
    ticket: TicketOption = "",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Ask a second person to agree to what you found out."""
    from tscli.render.people import approval_data
    from tscli.services.four_eyes import ask_for_resolution

    check_id(review, "rev")
    asked = ask_for_resolution(
        open_app(ctx).context(reason), review, finding, reference=reference, ticket=ticket,
        dry_run=dry_run,
    )  # fmt: skip
    shown = approval_data(asked) | {"dry_run": dry_run}
    note = f"Somebody else runs `tscli approvals approve {asked.approval_id}`."
    show(View("recover.resolve", shown, notes=() if dry_run else (note,)), form, output)


@commands.command()
def orphans(
    ctx: typer.Context,
    provider: Annotated[str, typer.Option(help="Whose account is looked through.")] = "stripe",
    since: Annotated[str, typer.Option(help="How far to look back, such as 2d.")] = "1d",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Find money at the provider that no payment of ours knows of.

    Exit code 1 if there is any.
    """
    from datetime import timedelta

    from tscli.render import recovery as data
    from tscli.services.orphans import find_orphans

    context = open_app(ctx).context()
    # Whole seconds are what providers filter by, so the present one belongs to the window.
    end = context.clock.now() + timedelta(seconds=1)
    start = end - duration(since)
    found = asyncio.run(find_orphans(context, provider, start, end, dry_run=dry_run))
    document = data.orphans_data(found)
    if form is Format.TABLE:
        notes = (f"{found.listed} payments listed, {len(found.adopted)} adopted.",)
        view = View("recover.orphans", document["orphans"], data.QUEUE_COLUMNS, notes=notes)
        show(view, form, output)
    else:
        show(View("recover.orphans", document), form, output)
    if found.reviews:
        raise typer.Exit(FINDINGS)


def _show_payment(command: str, payment: Any, form: Format, output: Any, *, dry_run: bool) -> None:
    from tscli.render.payments import payment_data

    show(View(command, payment_data(payment) | {"dry_run": dry_run}), form, output)
