"""Long runs about webhooks, with a make target of their own: `make deliveries`."""

import pytest

from domain.clock import SetClock
from tests.conftest import Cli
from tests.tscli.test_serve import kill_under_load
from tests.tscli.test_webhooks import deliver_in_every_order

pytestmark = pytest.mark.slow


def test_a_hundred_thousand_deliveries_are_one_projection(clock: SetClock) -> None:
    """Proves over at least 100,000 deliveries in random orders with repetitions that the books end
    the same, and over all 720 orders of six events."""
    delivered = seed = 0
    while delivered < 100_000:
        delivered += deliver_in_every_order(orders=720, seed=seed)
        seed += 1
    print(f"\n{delivered:,} deliveries, {seed * 720:,} orders, one projection")


def test_twenty_kills_under_load(cli: Cli) -> None:
    """Proves twenty times on each database that nothing acknowledged is missing."""
    acknowledged = kill_under_load(cli, 20)
    print(f"\n20 kills, {acknowledged} events acknowledged, none missing, none applied twice")
