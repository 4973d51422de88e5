"""Leases and their holders: who is at work on what, and who cannot be any more.

A lease spares double work; everything stays right without it.
"""

import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from db.database import Books


def lease(
    books: Books, names: Sequence[str], holder: str, now: datetime, until: datetime
) -> set[str]:
    """Lease what is free, ours, or held by a process of this machine that is gone; what is ours."""
    ours = books.leases.take(names, holder, now, until)
    host = holder.rsplit(":", 3)[0]
    held = books.leases.holders(sorted(set(names) - ours), now)
    gone = {other for other in set(held.values()) if is_gone(other, host)}
    dead = sorted(name for name, other in held.items() if other in gone)
    for other in sorted(gone):
        books.leases.release(dead, other)
    return ours | (books.leases.take(dead, holder, now, until) if dead else set())


def new_holder(host: str) -> str:
    """A name for this command: machine, process and its birth, and chance."""
    return f"{host}:{os.getpid()}:{_born(os.getpid())}:{secrets.token_hex(8)}"


def is_gone(holder: str, host: str) -> bool:
    """Whether a holder is certainly dead: a process of this machine that is not there any more."""
    try:
        where, pid, born, _ = holder.rsplit(":", 3)
        return where == host and born != "0" and _born(int(pid)) != born
    except ValueError:
        return False


def _born(pid: int) -> str:
    """When a process of this machine was started, in its own ticks; `-` when there is none.

    Where the system does not tell, every process counts as alive: `0`.
    """
    if not Path("/proc/self/stat").exists():
        return "0"
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "-"
    return text.rpartition(")")[2].split()[19]
