"""Sweeps: payments whose answer was lost, found and settled by as many real sweeps at once.

The money did move in the world, so that asking settles each. The sweeps share the books; each has
a copy of the world, for what is measured is not how the pretend provider serves many at once.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx2
from sqlalchemy import delete

from db.schema import leases
from domain.errors import OutcomeUnknown
from providers.sandbox.faults import Fault
from tests.benchmarks.loads.load import Load, Share, Work, insist
from tests.benchmarks.loads.shops import AMOUNT, captured_once, close, shop_at
from tests.tscli.shop import Shop
from tscli.services.sweep import sweep, unanswered

ALL = 1_000_000


class Sweeps(Load):
    """One sweep in each process, over everything that is stuck; a unit is a settled payment.

    A sweep leases a hundred at a time: where there are fewer for each, some find nothing to do.
    """

    name = "sweeps"

    def prepare(self, shares: Sequence[Share]) -> list[Share]:
        """See `Load.prepare`."""
        first = shares[0]
        shop = shop_at(first.url, world_path=str(_world(first.folder)))
        shop.plan = _lost
        asyncio.run(_strand(shop, first.folder.name, sum(share.count for share in shares)))
        close(shop)
        return list(shares)

    def ready(self, share: Share) -> Work:
        """See `Load.ready`. A first payment is asked for in a dry run, which changes nothing."""
        own = share.folder / f"world-{share.number}.db"
        shutil.copyfile(_world(share.folder), own)
        shop = shop_at(share.url, world_path=str(own))
        moved = shop.moved()
        asyncio.run(sweep(shop.context, older_than=timedelta(), limit=1, dry_run=True))

        def work() -> int:
            turned_away = insist(lambda: _sweep(shop))
            assert shop.moved() == moved, "asking moved money"
            return turned_away

        return work

    def done(self, url: str) -> int:
        """See `Load.done`."""
        return captured_once(url)


def _sweep(shop: Shop) -> bool:
    """One sweep; whether it could ask about everything that nobody else asks about."""
    with shop.database.transaction() as books:
        # The leases of a command that was turned away end with its process, and this one goes on.
        ours = leases.c.holder.contains(f":{os.getpid()}:")
        books.leases._connection.execute(delete(leases).where(ours))
    return not unanswered(asyncio.run(sweep(shop.context, older_than=timedelta(), limit=ALL)))


def _world(folder: Path) -> Path:
    return folder / "world.db"


def _lost(request: httpx2.Request) -> Fault:
    """What moves money is done and its answer lost, and nobody can ask."""
    if request.method == "GET":
        return Fault.TIMEOUT_BEFORE
    return Fault.TIMEOUT_AFTER if request.url.path.endswith("/confirm") else Fault.NONE


async def _strand(shop: Shop, run: str, count: int) -> None:
    """So many payments of unknown outcome; all at once, since each waits between its tries."""
    made = await asyncio.gather(
        *(shop.creating(AMOUNT, order_reference=f"{run}-lost-{each}") for each in range(count)),
        return_exceptions=True,
    )
    assert all(isinstance(one, OutcomeUnknown) for one in made), made
    assert len(shop.moved()) == count
