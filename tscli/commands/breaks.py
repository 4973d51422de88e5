"""`tscli breaks`: where the two sides disagree, one by one."""

from typing import Annotated, Any

import typer

from domain.buckets import KINDS
from domain.clock import iso
from domain.ids import check_id
from tscli.render import reconciliation as data
from tscli.render.view import Format, View, show
from tscli.words import FormatOption, LimitOption, OutputOption, open_app

commands = typer.Typer(help="Where ledger and provider disagree.", no_args_is_help=True)


@commands.command("list")
def list_breaks(
    ctx: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None,
    state: Annotated[str | None, typer.Option(help="open or resolved.")] = None,
    run: Annotated[str | None, typer.Option(help="As found by this run.")] = None,
    limit: LimitOption = 200,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """List breaks as they were last seen."""
    from tscli.services.reconciliation import list_breaks as find

    if kind is not None:
        _check_word("kind", kind, [bucket.value for bucket in KINDS])
    if state is not None:
        _check_word("state", state, ["open", "resolved"])
    context = open_app(ctx).context()
    found = find(context, kind=kind, state=state, run_id=run, limit=limit)
    rows = [data.break_data(*row) for row in found]
    notes = (f"The first {limit}; see --limit.",) if len(rows) == limit else ()
    show(View("breaks.list", rows, data.BREAK_COLUMNS, notes=notes), form, output)


@commands.command("show")
def show_break(
    ctx: typer.Context,
    break_id: Annotated[str, typer.Argument(metavar="BREAK", help="The break's id, brk_….")],
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Show one break: both sides, what differs, what it means, and which runs saw it."""
    from tscli.services.reconciliation import break_history

    history = break_history(open_app(ctx).context(), check_id(break_id, "brk"))
    item, last = history[-1]
    shown: dict[str, Any] = data.break_data(item, run_id=last.run_id) | {
        "seen_in": [
            {"run_id": run.run_id, "from": iso(run.period.start_at), "at": iso(run.started_at)}
            for _, run in history
        ]
    }
    show(View("breaks.show", shown), form, output)


def _check_word(what: str, word: str, known: list[str]) -> None:
    from domain.errors import InvalidRequest

    if word not in known:
        raise InvalidRequest(
            f"{word!r} is no {what} of a break.", hint=f"One of {', '.join(known)}."
        )
