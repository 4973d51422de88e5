"""`tscli audit`: who did what when, and the proof that nobody changed the record of it."""

from typing import Annotated

import typer

from tscli.render import audit as data
from tscli.render.talk import FINDINGS, say
from tscli.render.view import Format, View, show
from tscli.words import DryRunOption, FormatOption, LimitOption, OutputOption, open_app

commands = typer.Typer(help="The sealed record of every change.", no_args_is_help=True)


@commands.command("list")
def list_records(
    ctx: typer.Context,
    subject: Annotated[str | None, typer.Option(help="Only about this id.")] = None,
    limit: LimitOption = 50,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """List audit records, the newest last."""
    from tscli.services.audit import list_audit

    rows = [data.audit_data(r) for r in list_audit(open_app(ctx).context(), subject, limit)]
    show(View("audit.list", rows, data.AUDIT_COLUMNS), form, output)


@commands.command()
def verify(
    ctx: typer.Context,
    anchor: Annotated[
        str | None,
        typer.Option(
            help="A head kept outside the books, or a file with one: nothing it covers may be gone."
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Prove that no audit record and no ledger entry was changed or cut off; exit 1 names the first
    that was."""
    from tscli.services.anchoring import read_anchor
    from tscli.services.audit import verify_audit

    proof = verify_audit(open_app(ctx).context(), read_anchor(anchor) if anchor else None)
    show(View("audit.verify", data.proof_data(proof)), form, output)
    if proof.flaw is not None:
        say(f"Audit record {proof.flaw.seq} ({proof.flaw.audit_id}): {proof.flaw.reason}.")
        raise typer.Exit(FINDINGS)


@commands.command()
def seal(
    ctx: typer.Context,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Seal how far the audit trail goes now, so that nothing can be cut off its end unnoticed."""
    from tscli.services.sealing import seal_audit

    sealed = seal_audit(open_app(ctx).context(), dry_run=dry_run)
    show(View("audit.seal", data.seal_data(sealed, dry_run=dry_run)), form, output)


@commands.command()
def head(
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """Show the head of the audit trail, to be kept elsewhere for `audit verify --anchor`."""
    from tscli.services.sealing import audit_head

    show(View("audit.head", data.heads_data(audit_head(open_app(ctx).context()))), form, output)
