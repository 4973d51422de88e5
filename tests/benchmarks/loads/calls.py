"""What a payment says to its provider and nothing else: the real adapter and the sandbox's world
without any books. Faster than this no payment can be on the same machine, whatever books cost."""

import asyncio
from collections.abc import Sequence

from domain.money import Money
from domain.payment import Stage
from domain.provider import PaymentRequest
from tests.benchmarks.loads.load import Load, Share, Work
from tests.benchmarks.loads.shops import AMOUNT, shop_at
from tests.db.attacks import shell
from tests.tscli.shop import Shop


class Calls(Load):
    """One payment's calls after the other in each process."""

    name = "calls alone"

    def prepare(self, shares: Sequence[Share]) -> list[Share]:
        """See `Load.prepare`. Each process writes at its end how many were answered."""
        with shell(shares[0].url) as books:
            books.run("CREATE TABLE IF NOT EXISTS called (times bigint)")
        return list(shares)

    def ready(self, share: Share) -> Work:
        """See `Load.ready`. A first payment opens what stays open."""
        shop = shop_at(share.url)
        asyncio.run(_called(shop, "first"))

        def work() -> int:
            answered = sum(asyncio.run(_called(shop, str(each))) for each in range(share.count))
            with shell(share.url) as books:
                books.run("INSERT INTO called VALUES (?)", answered)
            return 0

        return work

    def done(self, url: str) -> int:
        """See `Load.done`."""
        with shell(url) as books:
            return int(books.one("SELECT coalesce(sum(times), 0) FROM called"))


async def _called(shop: Shop, name: str) -> bool:
    """Create and confirm; whether the money was taken."""
    money, method = Money.parse(AMOUNT, "USD"), "pm_card_visa"
    asked = PaymentRequest(f"pay_{name}", money.minor, money.currency, True, method)
    async with shop.context.open_provider("stripe") as provider:
        made = await provider.create(asked, f"{name}-create")
        seen = await provider.confirm(made.provider_payment_id, method, f"{name}-confirm")
    return seen.stage is Stage.CAPTURED
