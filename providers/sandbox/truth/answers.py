"""Answers kept under idempotency keys: the first result of a key is given again, whatever it was.

A key is claimed before the work and answered with the work, in the same transaction. Only work that
began is ever answered; a claim whose process died is free again.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from enum import Enum, auto

from providers.sandbox.truth.core import DAY, Core
from providers.sandbox.truth.records import Json

WINDOW_SECONDS = DAY
"""After this long a key is forgotten and makes a new request."""
CLAIM_SECONDS = 60
"""A claim without an answer is given up after this long on the world's clock."""


class Claim(Enum):
    """What became of the wish to use a key."""

    MINE = auto()
    REPLAY = auto()
    BUSY = auto()
    MISMATCH = auto()


@dataclass(frozen=True)
class Answer:
    """A stored result: HTTP status, body text, and the request that made it."""

    status: int
    body: str
    request_id: str


def fingerprint(method: str, path: str, parameters: Json) -> str:
    """SHA-256 hex over endpoint and parameters in a canonical form."""
    words = json.dumps([method, path, parameters], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(words.encode()).hexdigest()


def claim(core: Core, key: str, print_: str) -> tuple[Claim, Answer | None]:
    """Take the key for this request, or learn why not; the answer comes with `REPLAY`."""
    now = core.now()
    core.store.run("DELETE FROM answers WHERE born_at <= ?", now - WINDOW_SECONDS)
    row = core.store.one("SELECT * FROM answers WHERE key = ?", key)
    if row is not None and row["fingerprint"] != print_:
        return Claim.MISMATCH, None
    if row is not None and row["status"] is not None:
        return Claim.REPLAY, Answer(row["status"], row["body"], row["request_id"])
    if row is not None and not _abandoned(row["owner"], now - row["born_at"]):
        return Claim.BUSY, None
    core.store.run(
        "INSERT OR REPLACE INTO answers (key, fingerprint, born_at, owner) VALUES (?, ?, ?, ?)",
        key, print_, now, str(os.getpid()),
    )  # fmt: skip
    return Claim.MINE, None


def keep(core: Core, key: str, answer: Answer) -> None:
    """Store the result under its claimed key."""
    core.store.run(
        "UPDATE answers SET status = ?, body = ?, request_id = ?, owner = NULL WHERE key = ?",
        answer.status, answer.body, answer.request_id, key,
    )  # fmt: skip


def drop(core: Core, key: str) -> None:
    """Give an unanswered claim back."""
    core.store.run("DELETE FROM answers WHERE key = ? AND status IS NULL", key)


def poison(core: Core, key: str, status: int, body: str) -> bool:
    """Replace a stored result, its effect untouched; False when none is stored."""
    cursor = core.store.run(
        "UPDATE answers SET status = ?, body = ? WHERE key = ? AND status IS NOT NULL",
        status, body, key,
    )  # fmt: skip
    return cursor.rowcount == 1


def _abandoned(owner: str | None, age_seconds: int) -> bool:
    if age_seconds >= CLAIM_SECONDS or owner is None:
        return True
    if os.name != "posix" or int(owner) == os.getpid():
        return False
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
