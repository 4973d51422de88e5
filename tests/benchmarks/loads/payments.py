"""Payments: each created, confirmed and booked by the service that the command calls."""

from tests.benchmarks.loads.load import Load, Share, Work
from tests.benchmarks.loads.shops import AMOUNT, captured_once, shop_at


class Payments(Load):
    """One after the other in each process."""

    name = "payments"

    def ready(self, share: Share) -> Work:
        """See `Load.ready`. A first payment opens what stays open."""
        shop = shop_at(share.url)
        run = f"{share.folder.name}-{share.number}"
        shop.create(AMOUNT, order_reference=f"{run}-first")

        def work() -> int:
            for each in range(share.count):
                shop.create(AMOUNT, order_reference=f"{run}-{each}")
            return 0

        return work

    def done(self, url: str) -> int:
        """See `Load.done`."""
        return captured_once(url)
