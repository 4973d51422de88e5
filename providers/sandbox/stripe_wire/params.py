"""Parameters of requests: each endpoint names what it takes, everything else is refused.

A check turns text into a value or refuses it; it never guesses.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from domain.iso4217 import EXPONENTS
from providers.sandbox.stripe_wire.errors import invalid

Check = Callable[[str, Any], Any]
Spec = Mapping[str, Check]

_INTEGER = re.compile(r"-?[0-9]{1,15}")


def text(name: str, raw: Any) -> str:
    """Any text up to 5,000 characters."""
    if not isinstance(raw, str):
        raise invalid(name, f"Invalid string: {name}")
    if len(raw) > 5000:
        raise invalid(
            name, f"Invalid string: {name} is too long.", "parameter_invalid_string_empty"
        )
    return raw


def filled(name: str, raw: Any) -> str:
    """Text that is not empty."""
    if text(name, raw) == "":
        raise invalid(
            name,
            f"You passed an empty string for '{name}'. Omit it or give it a value.",
            "parameter_invalid_empty",
        )
    return str(raw)


def integer(name: str, raw: Any) -> int:
    """A whole number in ASCII digits."""
    if not isinstance(raw, str) or not _INTEGER.fullmatch(raw):
        raise invalid(name, f"Invalid integer: {str(raw)[:40]}", "parameter_invalid_integer")
    return int(raw)


def positive(name: str, raw: Any) -> int:
    """A whole number of at least 1."""
    value = integer(name, raw)
    if value < 1:
        raise invalid(
            name,
            "This value must be greater than or equal to 1.",
            "parameter_invalid_integer",
        )
    return value


def flag(name: str, raw: Any) -> bool:
    """`true` or `false`."""
    if raw not in ("true", "false"):
        raise invalid(name, f"Invalid boolean: {str(raw)[:40]}")
    return bool(raw == "true")


def flag_or_text(name: str, raw: Any) -> bool | str:
    """A flag, or one of the words that stand for a kind of yes."""
    if raw in ("true", "false"):
        return flag(name, raw)
    return str(one_of("one_off", "recurring")(name, raw))


def hash_of(name: str, raw: Any) -> dict[str, Any]:
    """A nested hash, taken as it is; an empty text empties it."""
    if raw == "":
        return {}
    if not isinstance(raw, dict):
        raise invalid(name, f"Invalid object: {name}")
    return raw


def metadata(name: str, raw: Any) -> dict[str, str]:
    """Up to 50 keys of at most 40 characters with values of at most 500."""
    value = hash_of(name, raw)
    if len(value) > 50:
        raise invalid(name, "Metadata can have up to 50 keys.")
    for key, item in value.items():
        if not isinstance(item, str) or len(item) > 500 or len(key) > 40:
            raise invalid(f"{name}[{key[:40]}]", "Metadata keys and values are short texts.")
    return value


def texts(name: str, raw: Any) -> list[str]:
    """A list of texts."""
    if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
        raise invalid(name, f"Invalid array: {name}")
    return raw


def one_of(*words: str) -> Check:
    """One of the given words."""

    def check(name: str, raw: Any) -> str:
        if raw not in words:
            raise invalid(name, f"Invalid {name}: must be one of {', '.join(words)}")
        return str(raw)

    return check


def currency(name: str, raw: Any) -> str:
    """A currency as the world writes it, upper case."""
    code = text(name, raw)
    if code.upper() not in EXPONENTS or not code.isascii():
        raise invalid(name, f"Invalid currency: {code[:10]}")
    return code.upper()


def span(name: str, raw: Any) -> Callable[[int], bool]:
    """An exact instant or bounds gt, gte, lt, lte in Unix seconds, as a test of instants."""
    if isinstance(raw, str):
        exact = integer(name, raw)
        return lambda instant: instant == exact
    bounds = {key: integer(f"{name}[{key}]", item) for key, item in hash_of(name, raw).items()}
    if unknown := set(bounds) - {"gt", "gte", "lt", "lte"}:
        raise unknown_parameter(f"{name}[{min(unknown)}]")
    return lambda instant: (
        bounds.get("gt", instant - 1) < instant
        and bounds.get("gte", instant) <= instant
        and bounds.get("lt", instant + 1) > instant
        and bounds.get("lte", instant) >= instant
    )


def unknown_parameter(name: str) -> Exception:
    """The answer to a parameter the endpoint does not take."""
    return invalid(name, f"Received unknown parameter: {name[:80]}", "parameter_unknown")


EXPAND: dict[str, Check] = {"expand": texts}
PAGE: dict[str, Check] = {
    **EXPAND,
    "limit": positive,
    "starting_after": filled,
    "ending_before": filled,
}
"""What every list takes."""


def read(spec: Spec, raw: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    """The checked values of a request.

    Raises:
        WireError: 400 for an unknown, malformed or missing parameter.
    """
    for name in raw:
        if name not in spec:
            raise unknown_parameter(name)
    for name in required:
        if name not in raw:
            raise invalid(name, f"Missing required param: {name}.", "parameter_missing")
    return {name: spec[name](name, value) for name, value in raw.items()}
