"""The market of PayPal tests: one world each, the descriptions read once."""

from collections.abc import Iterator

import pytest

from tests.providers.paypal.descriptions import Descriptions, load
from tests.providers.paypal.market import Market


@pytest.fixture(scope="session")
def descriptions() -> Descriptions | None:
    """PayPal's API descriptions, where they are present."""
    return load()


@pytest.fixture
def market(descriptions: Descriptions | None) -> Iterator[Market]:
    """A new world and who talks to it."""
    opened = Market(descriptions)
    yield opened
    opened.world.close()
