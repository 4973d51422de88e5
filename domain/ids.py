"""Identifiers: a prefix, the time in milliseconds, 130 random bits; they sort by time.

A break's id is the one exception: it is derived from what is broken (`domain.breaks`), so that the
same break found twice has the same name.
"""

import hashlib
import re
import secrets
from collections.abc import Callable

from domain.clock import Clock, to_micros
from domain.errors import InvalidRequest

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no i, l, o, u."""

PREFIXES = {
    "pay": "payment", "txn": "transaction", "pm": "payment method", "cus": "customer",
    "op": "operation", "ent": "ledger entry", "evt": "event", "run": "run", "brk": "break",
    "apr": "approval", "aud": "audit record", "fil": "file", "rev": "review",
    "whe": "webhook event",
}  # fmt: skip

_TIME_CHARS, _RANDOM_CHARS = 10, 26
_ID = re.compile(rf"([a-z]{{2,3}})_([{ALPHABET}]{{26}}|[{ALPHABET}]{{36}})")


def encode(number: int, length: int) -> str:
    """The number in base 32, most significant first, padded to `length` characters."""
    chars = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        chars.append(ALPHABET[digit])
    return "".join(reversed(chars))


class Ids:
    """The source of fresh identifiers; `randbits` is replaced only to make sample data
    repeatable."""

    def __init__(self, clock: Clock, randbits: Callable[[int], int] = secrets.randbits) -> None:
        self._clock = clock
        self._randbits = randbits

    def new(self, prefix: str) -> str:
        """A fresh identifier such as `pay_` and 36 characters, sortable by the clock's
        millisecond."""
        if prefix not in PREFIXES:
            raise ValueError(f"unknown id prefix {prefix!r}")
        millis = to_micros(self._clock.now()) // 1000
        random = self._randbits(5 * _RANDOM_CHARS)
        return f"{prefix}_{encode(millis, _TIME_CHARS)}{encode(random, _RANDOM_CHARS)}"


def content_id(prefix: str, *parts: str) -> str:
    """An identifier that is a function of its parts (130 bits of SHA-256 over their lengths and
    text)."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return f"{prefix}_{encode(int.from_bytes(digest.digest()[:17], 'big') >> 6, _RANDOM_CHARS)}"


def check_id(text: str, prefix: str) -> str:
    """Return `text` when it is an id of that kind.

    Raises:
        InvalidRequest: it is not.
    """
    match = _ID.fullmatch(text)
    if match is None or match[1] != prefix:
        what = PREFIXES[prefix]
        article = "an" if what[0] in "aeio" else "a"
        raise InvalidRequest(f"{text!r} is not the id of {article} {what} ({prefix}_…).")
    return text
