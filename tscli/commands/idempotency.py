"""`tscli idempotency`: what a key stands for."""

from typing import Annotated

import typer

from domain.clock import iso
from tscli.render.payments import operation_data
from tscli.render.view import Column, Format, View, show
from tscli.words import FormatOption, OutputOption, open_app

commands = typer.Typer(help="What an idempotency key stands for.", no_args_is_help=True)

_COLUMNS = (
    Column("scope", "scope", stack=True),
    Column("payment_id", "payment", stack=True),
    Column("operation.kind", "what"),
    Column("recovery_point", "state"),
    Column("next_step", "next"),
    Column("sendable_until", "may be sent until", stack=True),
    Column("holder", "at work"),
)


@commands.command("show")
def show_key(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key, in all its scopes.")],
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show what was asked for under a key, and what became of it."""
    from domain.idempotency import check_key
    from tscli.app import key_window
    from tscli.services.idempotency import standings

    found = standings(open_app(ctx).context(), check_key(key), key_window)
    rows = [
        {
            "key": s.row.key,
            "scope": s.row.scope,
            "fingerprint": s.row.fingerprint,
            "asked_at": iso(s.row.created_at),
            "payment_id": s.row.payment_id,
            "payment_state": s.payment.state.value,
            "operation": operation_data(s.operation, s.payment.currency),
            "recovery_point": s.operation.state.value,
            "next_step": s.step.value if s.step else None,
            "sendable_until": iso(s.sendable_until) if s.sendable_until else None,
            "holder": s.holder,
        }
        for s in found
    ]
    show(View("idempotency.show", rows, _COLUMNS), form, output)
