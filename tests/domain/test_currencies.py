"""The currency table: generated from the ISO list, complete, and nothing edited by hand."""

import pytest

from domain.errors import UnknownCurrency
from domain.iso4217 import EXPONENTS
from domain.money import exponent
from tests.tools import currencies


def test_the_committed_table_is_what_the_installed_iso_list_gives() -> None:
    """Fails when ISO 4217 moved on, or a hand did: `make currencies` writes it again."""
    assert currencies.table() == EXPONENTS
    assert currencies.TARGET.read_text() == currencies.source()


def test_every_active_currency_with_minor_units_is_known() -> None:
    """No hand-picked handful: each code of the list has the list's own exponent."""
    active = currencies.active()

    assert len(active) > 150
    assert {code: exponent(code) for code in active} == active


@pytest.mark.parametrize(
    ("code", "digits"),
    [("USD", 2), ("JPY", 0), ("KRW", 0), ("ISK", 0), ("UGX", 0), ("BHD", 3), ("KWD", 3),
     ("IQD", 3), ("TND", 3), ("MGA", 2), ("XCG", 2), ("CLF", 4), ("HUF", 2), ("TWD", 2)],
)  # fmt: skip
def test_exponents_that_libraries_and_providers_get_wrong(code: str, digits: int) -> None:
    """ISO's exponent stands here; a provider's deviation belongs to that provider's folder."""
    assert exponent(code) == digits


@pytest.mark.parametrize("code", sorted(currencies.WITHDRAWN))
def test_withdrawn_codes_stay_readable(code: str) -> None:
    """Old ledgers and exports still state amounts in them."""
    assert exponent(code) == 2


@pytest.mark.parametrize(
    "code", ["usd", "US", "USDX", "", " USD", "XAU", "XXX", "XTS", "\uff35\uff33\uff24"]
)
def test_what_is_no_currency_of_money_is_refused(code: str) -> None:
    """Lower case, metals, the test code and look-alikes: refused by name, never guessed."""
    with pytest.raises(UnknownCurrency, match="is not a currency we know"):
        exponent(code)
