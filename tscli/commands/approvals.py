"""`tscli approvals`: what waits for a second person, and their word."""

import asyncio
from typing import Annotated

import typer

from domain.approval import ApprovalState
from domain.ids import check_id
from tscli.render import people as data
from tscli.render.view import Format, View, show
from tscli.words import (
    DryRunOption,
    FormatOption,
    LimitOption,
    OutputOption,
    ReasonOption,
    YesOption,
    confirm,
    open_app,
)

commands = typer.Typer(help="What waits for a second person.", no_args_is_help=True)

ApprovalArgument = Annotated[
    str, typer.Argument(metavar="APPROVAL", help="The request's id, apr_….")
]


@commands.command("list")
def list_approvals(
    ctx: typer.Context,
    state: Annotated[
        ApprovalState | None,
        typer.Option(metavar="STATE", help="Only these: pending, approved, rejected or stale."),
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="Only requests about this payment or review.")
    ] = None,
    limit: LimitOption = 1_000,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """List requests, oldest first."""
    from tscli.services.approvals import find_approvals

    context = open_app(ctx).context()
    found = find_approvals(context, state=state, subject=subject, limit=limit)
    rows = [data.approval_data(a) for a in found]
    show(View("approvals.list", rows, data.APPROVAL_COLUMNS), form, output)


@commands.command("show")
def show_approval(
    ctx: typer.Context,
    approval: ApprovalArgument,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show one request, word for word."""
    from tscli.services.approvals import get_approval

    check_id(approval, "apr")
    found = get_approval(open_app(ctx).context(), approval)
    show(View("approvals.show", data.approval_data(found)), form, output)


@commands.command()
def approve(
    ctx: typer.Context,
    approval: ApprovalArgument,
    reason: ReasonOption = "",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Agree to what somebody else asked for, and do it."""
    from tscli.services.approvals import get_approval
    from tscli.services.four_eyes import approve as agree
    from tscli.services.payments import failure_of_operation

    check_id(approval, "apr")
    context = open_app(ctx).context(reason)
    asked = get_approval(context, approval)
    question = f"Agree to {data.in_words(asked)}, asked for by {asked.requested_by}?"
    confirm(question, yes=yes, dry_run=dry_run)
    agreed, operation = asyncio.run(agree(context, approval, reason=reason, dry_run=dry_run))
    shown = data.approval_data(agreed) | {
        "operation": data.operation_data(operation, asked) if operation else None,
        "dry_run": dry_run,
    }
    show(View("approvals.approve", shown), form, output)
    error = failure_of_operation(operation) if operation else None
    if error is not None:
        raise error


@commands.command()
def reject(
    ctx: typer.Context,
    approval: ApprovalArgument,
    reason: ReasonOption = "",
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Say no to a request, or take your own back."""
    from tscli.services.approvals import reject as refuse

    check_id(approval, "apr")
    refusal = refuse(open_app(ctx).context(reason), approval, reason=reason, dry_run=dry_run)
    shown = data.approval_data(refusal) | {"dry_run": dry_run}
    show(View("approvals.reject", shown), form, output)
