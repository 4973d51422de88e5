"""Writes `sample_data/`: the demo's week as files, run by `make sample-data`.

The same seed gives the same bytes; a test writes the files again and compares.
"""

import asyncio
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from tscli.app import App, open_demo
from tscli.commands.demo import play
from tscli.services.demo_week import DAYS, MONDAY

TARGET = Path(__file__).parents[2] / "sample_data"
SEED = 7

OTHER_LAYOUTS = {
    "stripe_payout_reconciliation.csv": "payout_reconciliation.itemized",
    "stripe_balance_history.csv": "balance_history",
}
"""True files of the same week, without faults."""


def write(target: Path) -> None:
    """Play the demo's week and keep its files in `target`."""
    from providers.registry import sandbox_export

    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        app: App = open_demo(place, SEED, "demo")
        try:
            result = asyncio.run(play(app, place, SEED))
            for key in ("ledger", "export", "answers"):
                shutil.copyfile(result.files[key], target / result.files[key].name)
            start = MONDAY.replace(hour=0)
            world = app.open_world("stripe")
            for file, layout in OTHER_LAYOUTS.items():
                text = sandbox_export(world, layout, start, start + timedelta(days=DAYS), "UTC")
                (target / file).write_text(text)
            world.close()
        finally:
            app.close()


if __name__ == "__main__":
    write(TARGET)
