"""`tscli demo`: the whole morning on a pretend week, with nothing to set up."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from tscli.app import export_formats
from tscli.render import demo as data
from tscli.render.progress import progress
from tscli.render.talk import FINDINGS, say
from tscli.render.view import Format, View, show
from tscli.words import FormatOption, OutputOption, demo_app


def demo(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="Where the files go; a folder of the demo's own otherwise.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another week.")] = 7,
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Play a week of payments, plant known faults, reconcile, and compare with the answer key.

    Your own books are neither read nor written.
    """
    with demo_app(ctx, folder, seed) as (app, place):
        result = asyncio.run(play(app, place, seed))
    shown = data.demo_data(result)
    if form is Format.JSON:
        show(View("demo", shown), form, output)
    else:
        view = View("demo", shown["faults"], data.FAULT_COLUMNS, notes=data.story(result))
        show(view, form, output)
    say(f"Open the report: {result.files['report']}")
    if not result.perfect:
        raise typer.Exit(FINDINGS)


async def play(app: Any, place: Path, seed: int) -> Any:
    """Play the demo of a seed in a folder; returns a `services.demo.DemoResult`."""
    from contextlib import nullcontext
    from dataclasses import replace

    from providers.registry import planted_export
    from tscli.services.demo import run_demo
    from tscli.services.demo_week import DAYS, MONDAY

    world = app.open_world("stripe")
    try:
        async with app.open_provider("stripe") as provider:
            context = replace(app.context(), open_provider=lambda _: nullcontext(provider))
            start = MONDAY.replace(hour=0)

            def plant(own: Any, faults: Any) -> Any:
                return planted_export(world, start, start + timedelta(days=DAYS), own, faults, seed)

            with progress("Playing a week of payments") as advance:
                return await run_demo(
                    context, provider, app.clock, world, plant, export_formats("stripe"),
                    place, seed, advance,
                )  # fmt: skip
    finally:
        world.close()
