"""Idempotency: one request, one effect, whoever repeats it and however often.

A key belongs to a scope (what is done, and to which payment) and to one set of words. Rows about
money are kept for good; the 24 hours of a provider's window only decide whether a key may be sent
again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.audit import canonical, digest
from domain.errors import IdempotencyMismatch, InvalidRequest
from domain.payment_method import refuse_card_number

_KEY = re.compile(r"[!-~]{1,200}")


CLAIM_SECONDS = 90
"""How long a claim on a key stands when its holder says nothing any more."""


class IdempotencyStore(Protocol):
    """Who is at work on a key. A hint that spares double work: every decision is the books' own,
    and a store that is wrong costs time, never more."""

    def claim(self, scope: str, key: str, holder: str) -> str | None:
        """Claim a key for `holder`; None when it is ours now, else who holds it.

        Raises:
            Unavailable: the store cannot be asked.
        """

    def take_over(self, scope: str, key: str, dead: str, holder: str) -> None:
        """Claim a key whose holder is known to be gone; nothing where somebody else holds it."""

    def release(self, scope: str, key: str, holder: str) -> None:
        """Let go of a key where it is ours; what nobody waits for may just expire."""


@dataclass(frozen=True, slots=True)
class IdempotencyRow:
    """What a key was used for."""

    scope: str
    key: str
    fingerprint: str
    """SHA-256 over the canonical words of the request, hex."""
    payment_id: str
    operation_id: str
    created_at: datetime


def fingerprint(words: Mapping[str, object]) -> str:
    """The digest of a request's words; equal words, equal digest."""
    return digest(canonical(words))


def check_key(key: str) -> str:
    """Return a usable key.

    Raises:
        InvalidRequest: empty, longer than 200 characters, not printable ASCII without blanks, or a
        card number.
    """
    if not _KEY.fullmatch(key):
        raise InvalidRequest(
            "An idempotency key is 1 to 200 printable ASCII characters without blanks."
        )
    return refuse_card_number(key, "idempotency key")


def check_same_words(row: IdempotencyRow, *asked: str) -> None:
    """Let a repeated request pass; `asked` are the fingerprints that mean the same.

    Raises:
        IdempotencyMismatch: the key stands for another request.
    """
    if row.fingerprint not in asked:
        raise IdempotencyMismatch(
            f"The idempotency key {row.key!r} was used for other words (see {row.payment_id})."
        )
