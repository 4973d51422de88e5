"""Reading request bodies: members by path, money as the API writes it, refusals by its issues."""

import re
from typing import Any

from domain.errors import PaymentsError
from domain.money import exponent, format_minor, parse_minor
from providers.sandbox.paypal_wire.errors import WireError
from providers.sandbox.truth.records import Json

CURRENCIES = frozenset(
    {
        "AUD", "BRL", "CAD", "CNY", "CZK", "DKK", "EUR", "HKD", "HUF", "ILS", "JPY", "MYR", "MXN",
        "TWD", "NZD", "NOK", "PHP", "PLN", "GBP", "SGD", "SEK", "CHF", "THB", "USD",
    }
)  # fmt: skip
NO_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
"""Currencies PayPal writes without decimals, whatever ISO 4217 says."""

LARGEST = 999_999_999
"""Largest amount of a currency with two decimals, in minor units: 9,999,999.99."""

_VALUE = re.compile(r"[0-9]{1,25}(\.[0-9]+)?")


def member(body: Json, name: str, at: str = "") -> Any:
    """A member that must be there.

    Raises:
        WireError: 400 `MISSING_REQUIRED_PARAMETER`.
    """
    if body.get(name) in (None, "", [], {}):
        raise WireError(400, "MISSING_REQUIRED_PARAMETER", f"{at}/{name}")
    return body[name]


def text(body: Json, name: str, longest: int, at: str = "") -> str | None:
    """An optional text of at most so many letters.

    Raises:
        WireError: 400 `INVALID_STRING_LENGTH` or `INVALID_PARAMETER_SYNTAX`.
    """
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise WireError(400, "INVALID_PARAMETER_SYNTAX", f"{at}/{name}")
    if not 1 <= len(value) <= longest:
        raise WireError(400, "INVALID_STRING_LENGTH", f"{at}/{name}")
    return value


def money(body: Any, at: str) -> tuple[int, str]:
    """(minor units, currency) of a money object.

    Raises:
        WireError: 400 or 422 in PayPal's words.
    """
    if not isinstance(body, dict):
        raise WireError(400, "INVALID_PARAMETER_SYNTAX", at)
    code, value = str(member(body, "currency_code", at)), str(member(body, "value", at))
    if code not in CURRENCIES:
        raise WireError(422, "INVALID_CURRENCY_CODE", f"{at}/currency_code")
    if value.startswith("-"):
        raise WireError(422, "CANNOT_BE_ZERO_OR_NEGATIVE", f"{at}/value")
    if not _VALUE.fullmatch(value):
        raise WireError(400, "INVALID_PARAMETER_SYNTAX", f"{at}/value")
    if code in NO_DECIMALS and "." in value:
        raise WireError(422, "DECIMALS_NOT_SUPPORTED", f"{at}/value")
    try:
        minor = parse_minor(value, code)
    except PaymentsError:
        raise WireError(422, "DECIMAL_PRECISION", f"{at}/value") from None
    if minor <= 0:
        raise WireError(422, "CANNOT_BE_ZERO_OR_NEGATIVE", f"{at}/value")
    if minor > LARGEST:
        raise WireError(422, "MAX_VALUE_EXCEEDED", f"{at}/value")
    return minor, code


def shown(minor: int, currency: str) -> Json:
    """A money object."""
    value = format_minor(minor, currency)
    if currency in NO_DECIMALS and exponent(currency):
        value = value.partition(".")[0]
    return {"currency_code": currency, "value": value}


def number(query: dict[str, str], name: str, default: int, largest: int) -> int:
    """A whole number of the query, from 1.

    Raises:
        WireError: 400 `INVALID_PARAMETER_VALUE`.
    """
    given = query.get(name, str(default))
    if not (given.isascii() and given.isdecimal()) or not 1 <= int(given[:12]) <= largest:
        raise WireError(400, "INVALID_PARAMETER_VALUE", name)
    return int(given)
