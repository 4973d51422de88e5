"""The shop of one process: the real services, the real adapter, a sandbox world in the process."""

import itertools
import os
from typing import Any

from db.database import Database
from domain.clock import SystemClock
from domain.ids import Ids
from tests.db.attacks import shell
from tests.tscli.shop import Shop

AMOUNT = "5.00"
_SEEDS = itertools.count()


def shop_at(url: str, **words: Any) -> Shop:
    """A shop on these books that keeps its connection, in a world unlike any other one's."""
    clock: Any = SystemClock()  # elsewhere a shop's clock is set by hand
    database = Database(url, clock, Ids(clock), keep_open=True)
    return Shop(database, clock, seed=next(_SEEDS) + 1_000 * os.getpid(), **words)


def close(shop: Shop) -> None:
    """Let go of the world and of the books."""
    shop.world.close()
    shop.database.close()


def captured_once(url: str) -> int:
    """How many payments succeeded whose capture was booked and recorded exactly once."""
    with shell(url) as books:
        return int(
            books.one(
                "SELECT count(*) FROM payments p WHERE state = 'succeeded'"
                " AND captured_minor = amount_minor"
                " AND 1 = (SELECT count(*) FROM audit WHERE subject = p.payment_id"
                " AND action = 'payment.captured')"
                " AND 1 = (SELECT count(*) FROM transactions WHERE payment_id = p.payment_id"
                " AND kind = 'charge')"
            )
        )
