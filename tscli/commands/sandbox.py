"""`tscli sandbox`: the pretend provider behind every command that runs without keys."""

import asyncio
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.errors import ConfigurationError
from tscli.render.talk import say, tell
from tscli.render.view import Format, View, show
from tscli.render.write import write_file
from tscli.words import (
    DryRunOption,
    FormatOption,
    OutputOption,
    YesOption,
    confirm,
    day,
    open_app,
)

commands = typer.Typer(help="The pretend provider used without keys.", no_args_is_help=True)

CountOption = Annotated[int, typer.Option(min=0, help="How many payouts it happens to.")]
PretendOption = Annotated[str, typer.Option("--provider", help="Whose pretend world.")]


@commands.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 12111,
    provider: PretendOption = "stripe",
) -> None:
    """Serve a pretend provider over HTTP; point its BASE_URL setting at it."""
    import uvicorn

    from providers.registry import sandbox_app

    if host not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigurationError(
            f"The sandbox has no authentication and is not served on {host}.",
            hint="Leave --host at 127.0.0.1.",
        )
    listener = _listen(host, port)
    world = open_app(ctx).open_world(provider)
    say(f"Serving the sandbox on http://{host}:{listener.getsockname()[1]} until Ctrl-C.")
    config = uvicorn.Config(sandbox_app(world), log_level="warning", server_header=False)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        world.close()
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    """A socket of our own, so that port 0 can be announced as what it became."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Port {port} of {host} cannot be used: {error.strerror}.",
            hint="Name another one with --port; 0 takes any that is free.",
        ) from error
    return listener


@commands.command()
def export(
    ctx: typer.Context,
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, YYYY-MM-DD.")],
    end: Annotated[
        str, typer.Option("--to", metavar="DATE", help="First day that is no longer part of it.")
    ],
    layout: Annotated[
        str, typer.Option("--layout", help="Which of the provider's export files.")
    ] = "balance_change_from_activity.itemized",
    timezone: Annotated[str, typer.Option(help="Zone of columns that are not UTC.")] = "UTC",
    provider: PretendOption = "stripe",
    output: Annotated[Path | None, typer.Option("--output", help="File to write.")] = None,
) -> None:
    """Write one of the provider's own export files from the pretend world's ground truth."""
    from providers.registry import sandbox_export
    from tscli.services.periods import period_of

    period = period_of(day(start), day(end), timezone)
    world = open_app(ctx).open_world(provider)
    try:
        text = sandbox_export(world, layout, period.start_at, period.end_at, timezone)
    finally:
        world.close()
    if output is None:
        tell(text.rstrip("\n"))
        return
    say(f"Wrote {write_file(output, text.encode())}")


@commands.command("bank-statement")
def bank_statement(
    ctx: typer.Context,
    start: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, YYYY-MM-DD.")],
    end: Annotated[
        str, typer.Option("--to", metavar="DATE", help="First day that is no longer part of it.")
    ],
    form: Annotated[
        str, typer.Option("--format", help="camt053, mt940, bai2, ofx or csv.")
    ] = "camt053",
    provider: PretendOption = "stripe",
    late: CountOption = 0,
    missing: CountOption = 0,
    merged: CountOption = 0,
    off: CountOption = 0,
    unrelated: Annotated[
        bool, typer.Option("--unrelated", help="Rent and card purchases.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of which payouts are hit.")] = 1,
    output: Annotated[Path | None, typer.Option("--output", help="File to write.")] = None,
) -> None:
    """Write statements of the company's bank account, into which the world's payouts arrive."""
    from providers.registry import sandbox_bank

    world = open_app(ctx).open_world(provider)
    try:
        text, planted = sandbox_bank(
            world, form, day(start), day(end), late=late, missing=missing, merged=merged, off=off,
            unrelated=unrelated, seed=seed,
        )  # fmt: skip
    finally:
        world.close()
    for plant in planted:
        say(f"Planted: {plant.fault} {' and '.join(plant.payouts)}")
    if output is None:
        tell(text.rstrip("\n"))
        return
    say(f"Wrote {write_file(output, text.encode())}")


@commands.command()
def deliver(
    ctx: typer.Context,
    to: Annotated[
        str, typer.Option("--to", metavar="URL", help="The receiver's address, or inbox: our own.")
    ],
    provider: PretendOption = "stripe",
    seed: Annotated[int, typer.Option(min=0, help="Of what goes wrong.")] = 1,
    duplicate: Annotated[
        int, typer.Option("--duplicate", min=0, max=100, help="Percent that come several times.")
    ] = 0,
    lose: Annotated[
        int, typer.Option("--lose", min=0, max=100, help="Percent that never come.")
    ] = 0,
    delay: Annotated[
        int, typer.Option("--delay", min=0, max=100, help="Percent that come next time only.")
    ] = 0,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="In any order.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Everything, delivered before or not.")
    ] = False,
    dry_run: DryRunOption = False,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Post the pretend provider's signed webhooks, as unreliably as asked; exit 1 if refused."""
    app = open_app(ctx)
    world = app.open_world(provider)
    try:
        deliverer = app.open_deliverer(
            world, seed=seed, duplicate_percent=duplicate, lose_percent=lose, delay_percent=delay,
            shuffle=shuffle,
        )  # fmt: skip
        if to == "inbox":
            handing = _into_inbox(app.context(), provider, deliverer, again=again, dry_run=dry_run)
        else:
            handing = deliverer.post(to, again=again, dry_run=dry_run)
        posted = asyncio.run(handing)
    finally:
        world.close()
    show(View("sandbox.deliver", {"provider": provider, "to": to, **asdict(posted)}), form, output)
    if posted.refused or posted.unanswered:
        raise typer.Exit(1)


async def _into_inbox(
    context: Any, name: str, deliverer: Any, *, again: bool, dry_run: bool
) -> Any:
    """Hand deliveries to our inbox, as the receiver would: verified, stored, not yet applied."""
    from domain.errors import Unavailable, WebhookError
    from tscli.services.inbox import receive

    async with context.open_provider(name) as provider:

        async def send(delivery: Any) -> int:
            try:
                await receive(context, provider, delivery.headers, delivery.body)
            except WebhookError:
                return 400
            except Unavailable:
                return 503
            return 200

        return await deliverer.hand_out(send, again=again, dry_run=dry_run)


@commands.command()
def reset(
    ctx: typer.Context,
    provider: PretendOption = "stripe",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Forget the pretend world; your own books stay as they are."""
    from providers.registry import check_name, reset_world, world_path

    app = open_app(ctx)
    path = world_path(app.sandbox, check_name(provider))
    confirm(f"Delete the sandbox world {path}?", yes=yes, dry_run=dry_run)
    if not dry_run:
        reset_world(app.sandbox, provider)
    say("The sandbox world is empty." if not dry_run else "Nothing was deleted.")
