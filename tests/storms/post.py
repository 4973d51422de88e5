"""The provider's post: its events as deliveries, signed here and by nothing of the product's.

Any event may be picked at any time and again, so that deliveries come twice, late and in any order.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from random import Random

from domain.clock import Clock
from providers.sandbox.world import World
from tests.storms.books import Row
from tests.storms.checks import Rows
from tests.storms.commands import Command

SECRET = "whsec_storms_and_nothing_else"
ACCOUNT_NEWS = "evt_storm_balance"
"""An event about the account itself, of which the world has none."""

Post = Callable[[], Command | None]


def post_of(world: World, clock: Clock, dice: Random) -> Post:
    """Picks an event that was told by now, or news of the account, and signs it."""

    def pick() -> Command | None:
        with world.change() as core:
            known = core.events(waiting=False)
            event_id = dice.choice([*known, ACCOUNT_NEWS])
            text = None if event_id == ACCOUNT_NEWS else core.event(event_id)
        now = int(clock.now().timestamp())
        body = text if text is not None else _news(now)
        signed = hmac.new(SECRET.encode(), f"{now}.{body}".encode(), hashlib.sha256)
        headers = (("Stripe-Signature", f"t={now},v1={signed.hexdigest()}"),)
        return Command("deliver", key=event_id, delivery=(headers, body.encode()))

    return pick


def _news(now: int) -> str:
    about = {"object": "balance", "livemode": False, "available": []}
    return json.dumps(
        {
            "id": ACCOUNT_NEWS, "object": "event", "type": "balance.available", "created": now,
            "livemode": False, "account": None, "data": {"object": about},
        }
    )  # fmt: skip


def is_stored(books: Rows, provider_event_id: str) -> bool:
    """Whether an acknowledged event is durable."""
    return any(e["provider_event_id"] == provider_event_id for e in books["webhook_events"])


def told_once(books: Rows) -> Iterator[tuple[str, str]]:
    """I11: news that has no other trace than an audit record is recorded once."""
    seen: set[str] = set()
    for record in books["audit"]:
        if not record["action"].endswith(".reported"):
            continue
        event_id = json.loads(record["state_after"])["event_id"]
        if event_id in seen:
            yield "I11", f"{event_id} had its effect twice"
        seen.add(event_id)


def undone(books: Rows) -> list[Row]:
    """Events that were stored and never had their say."""
    return [e for e in books["webhook_events"] if e["state"] in ("received", "failed", "parked")]
