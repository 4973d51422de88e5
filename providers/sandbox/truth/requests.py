"""Keys that name the thing a request made: a repeat is answered with that thing as it is now.

Unlike `answers`, nothing of the answer is kept and parameters are not compared. A key is claimed
before the work; work that was refused gives its claim back.
"""

import os

from providers.sandbox.truth.core import Core

CLAIM_SECONDS = 60
"""A claim without a result is given up after this long on the world's clock."""

BUSY = ""
"""What `claim` says while another request is at work under the key."""


def claim(core: Core, scope: str, key: str, window_seconds: int) -> str | None:
    """Take the key for this request (None), or learn the id it made, or that it is `BUSY`."""
    now = core.now()
    row = core.store.one("SELECT * FROM requests WHERE scope = ? AND key = ?", scope, key)
    if row is not None and row["object_id"] and now - row["born_at"] < window_seconds:
        return str(row["object_id"])
    if row is not None and not row["object_id"] and now - row["born_at"] < CLAIM_SECONDS:
        return BUSY
    core.store.run(
        "INSERT OR REPLACE INTO requests (scope, key, born_at, owner) VALUES (?, ?, ?, ?)",
        scope, key, now, str(os.getpid()),
    )  # fmt: skip
    return None


def keep(core: Core, scope: str, key: str, object_id: str) -> None:
    """Remember what the claimed key made."""
    core.store.run(
        "UPDATE requests SET object_id = ?, owner = NULL WHERE scope = ? AND key = ?",
        object_id, scope, key,
    )  # fmt: skip


def drop(core: Core, scope: str, key: str) -> None:
    """Give a claim without a result back."""
    core.store.run(
        "DELETE FROM requests WHERE scope = ? AND key = ? AND object_id IS NULL", scope, key
    )
