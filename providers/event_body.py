"""The raw bytes of an event as plain values, read strictly before anybody looks inside.

Whatever bytes come in, the only error that goes out is `Unreadable`.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from domain.errors import Unreadable

BODY_MAX_BYTES = 1024 * 1024
"""Largest event taken; providers' own are some kilobytes."""

DEPTH_MAX = 40
"""Deepest nesting taken; providers' own objects reach a dozen levels."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_MAX = 2**33


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object the bytes are, each name once; numbers with a point stay texts.

    Raises:
        Unreadable: they are not exactly one JSON object in UTF-8, or larger or deeper than any
            event.
    """
    if len(body) > BODY_MAX_BYTES:
        raise Unreadable(f"An event of {len(body)} bytes is too large.")
    try:
        found = json.loads(
            body.decode("utf-8"),
            parse_float=str,
            parse_constant=_no_constant,
            object_pairs_hook=_once_each,
        )
    except RecursionError:
        raise Unreadable("The event is nested too deeply.") from None
    except ValueError as error:
        raise Unreadable(f"The event is not JSON: {type(error).__name__}.") from None
    if not isinstance(found, dict):
        raise Unreadable("The event is not a JSON object.")
    _check(found)
    return found


def member(found: Any, *path: str) -> Any:
    """What lies at a path of names, None where there is nothing."""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def listed(found: Any, *path: str) -> list[Any]:
    """The list at a path of names, empty where there is none."""
    value = member(found, *path)
    return value if isinstance(value, list) else []


def word(value: Any) -> str:
    """An id or type, empty for anything else: plain ASCII of at most 255 letters."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def needed(value: Any, what: str) -> str:
    """An id or type that has to be there.

    Raises:
        Unreadable: it is missing, or no id.
    """
    text = word(value)
    if not text:
        raise Unreadable(f"The event has no usable {what}.")
    return text


def unix_seconds(value: Any) -> datetime:
    """Unix seconds as an instant.

    Raises:
        Unreadable: no whole number of seconds of our age.
    """
    if type(value) is not int or not 0 <= value < _SECONDS_MAX:
        raise Unreadable("The event does not say when it was created.")
    return _EPOCH + timedelta(seconds=value)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names differ: two readers must not see two events in the same bytes."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _check(found: Any) -> None:
    """Refuse what cannot be stored or walked: depth, and texts no database takes."""
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > DEPTH_MAX:
            raise Unreadable("The event is nested too deeply.")
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.keys()
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str):
                _check_text(value)
        level = inner


def _check_text(text: str) -> None:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Unreadable("The event holds half a character.")
    if "\0" in text:
        raise Unreadable("The event holds a NUL character.")
