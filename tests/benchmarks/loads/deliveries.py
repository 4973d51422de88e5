"""Deliveries: webhooks verified, stored, and applied, each with news that the books do not have.

The news is a dispute of a payment that succeeded, so that every delivery changes the books once.
"""

import asyncio
import json
from collections.abc import Sequence

from domain.webhook import EventState
from providers.sandbox.deliveries import Deliverer, Delivery, Signer
from tests.benchmarks.loads.load import Load, Share, Work
from tests.benchmarks.loads.shops import AMOUNT, shop_at
from tests.db.attacks import shell
from tests.tscli.shop import Shop
from tscli.services.applying import apply_event
from tscli.services.inbox import receive

SECRET = "whsec_loads_and_nothing_else"
KNOWN, NEWS = "payment_intent.succeeded", "charge.dispute.created"


class Deliveries(Load):
    """One after the other in each process, as signed by the provider."""

    name = "deliveries"

    def ready(self, share: Share) -> Work:
        """See `Load.ready`. A delivery of what is known comes first and opens what stays open."""
        shop = shop_at(share.url, webhook_secrets=(SECRET,))
        for each in range(share.count):
            reference = f"{share.folder.name}-{share.number}-disputed-{each}"
            shop.create(AMOUNT, order_reference=reference)
        asyncio.run(_take_in(shop, signed(shop, KNOWN)[:1], EventState.UNCHANGED))
        for charge in shop.world.charges():
            shop.world.dispute(charge.id)
        news = signed(shop, NEWS)
        return lambda: asyncio.run(_take_in(shop, news, EventState.APPLIED))

    def done(self, url: str) -> int:
        """See `Load.done`."""
        with shell(url) as books:
            return int(
                books.one(
                    "SELECT count(*) FROM webhook_events e JOIN payments p"
                    " ON p.payment_id = e.payment_id WHERE e.state = ? AND e.attempts = 1"
                    " AND e.type = ? AND p.disputed_minor = p.amount_minor",
                    EventState.APPLIED.value,
                    NEWS,
                )
            )


def signed(shop: Shop, kind: str) -> list[Delivery]:
    """Every event of this type that the shop's world tells, signed now."""
    with shop.world.change() as core:
        told = {event_id: core.event(event_id) for event_id in core.events(waiting=False)}
    post = Deliverer(shop.world, Signer(SECRET))
    return [
        post.signed(event_id)
        for event_id, text in told.items()
        if text is not None and json.loads(text)["type"] == kind
    ]


async def _take_in(shop: Shop, news: Sequence[Delivery], expected: EventState) -> int:
    async with shop.open_provider("stripe") as provider:
        for one in news:
            stored = await receive(shop.context, provider, one.headers, one.body)
            applied = await apply_event(shop.context, provider, stored)
            assert applied.outcome is expected, applied
    return 0
