"""Every load, as the table shows them."""

from tests.benchmarks.loads.chains import NoChain, OneChain
from tests.benchmarks.loads.deliveries import Deliveries
from tests.benchmarks.loads.imports import Imports
from tests.benchmarks.loads.load import Load
from tests.benchmarks.loads.payments import Payments
from tests.benchmarks.loads.sweeps import Sweeps

LOADS: dict[str, tuple[Load, int]] = {
    load.name: (load, units)
    for load, units in (
        (Payments(), 320),
        (Deliveries(), 320),
        (Sweeps(), 800),
        (Imports(), 96_000),
    )
}
"""Each by its name, with how many units all processes do together."""


def chained(url: str) -> list[Load]:
    """Payments without a chain, with one, and with as many as there are; SQLite has one anyway."""
    whole = [OneChain(), Payments()] if url.startswith("postgresql") else [Payments()]
    return [NoChain(), *whole]
