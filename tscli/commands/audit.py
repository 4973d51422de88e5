"""`tscli audit`: who did what when, and the proof that nobody changed the record of it."""

from typing import Annotated

import typer

from tscli.render import payments as data
from tscli.render.talk import FINDINGS, say
from tscli.render.view import Format, View, show
from tscli.words import FormatOption, LimitOption, OutputOption, open_app

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
    ctx: typer.Context, form: FormatOption = Format.TABLE, output: OutputOption = None
) -> None:
    """Prove that no audit record and no ledger entry was changed; exit 1 names the first that
    was."""
    from tscli.services.audit import verify_audit

    proof = verify_audit(open_app(ctx).context())
    shown = {
        "verdict": "sound" if proof.flaw is None else "broken",
        "records": proof.records,
        "entries": proof.entries,
        "head": proof.head,
        "first_broken": None
        if proof.flaw is None
        else {
            "chain": proof.flaw.chain,
            "seq": proof.flaw.seq,
            "id": proof.flaw.audit_id,
            "reason": proof.flaw.reason,
        },
    }
    show(View("audit.verify", shown), form, output)
    if proof.flaw is not None:
        say(f"Audit record {proof.flaw.seq} ({proof.flaw.audit_id}): {proof.flaw.reason}.")
        raise typer.Exit(FINDINGS)
