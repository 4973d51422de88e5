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
    here = holder.rsplit(":", 3)[0]
    held = books.leases.holders(sorted(set(names) - ours), now)
    gone = {other for other in set(held.values()) if _is_gone(other, here)}
    dead = sorted(name for name, other in held.items() if other in gone)
    for other in sorted(gone):
        books.leases.release(dead, other)
    return ours | (books.leases.take(dead, holder, now, until) if dead else set())


def new_holder(host: str) -> str:
    """A name for this command: machine, where its process ids count, process, birth, and chance."""
    return f"{_here(host)}:{os.getpid()}:{_born(os.getpid())}:{secrets.token_hex(8)}"


def is_gone(holder: str, host: str) -> bool:
    """Whether a holder is certainly dead: a process of this machine that is not there any more.

    One of another container, or of the machine before it was started again, is never certain.
    """
    return _is_gone(holder, _here(host))


def _is_gone(holder: str, here: str) -> bool:
    try:
        where, pid, born, _ = holder.rsplit(":", 3)
        return where == here and born != "0" and _born(int(pid)) != born
    except ValueError:
        return False


def _here(host: str) -> str:
    """Where a process id names one process: the machine since its start, and within it the space
    of process ids, which containers of one host name do not share. Empty where nothing tells."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        return f"{host}:"
    return f"{host}:{boot[:13]}-{space.strip('pid:[]')}"


def _born(pid: int) -> str:
    """When a process of this machine was started, in its own ticks; `-` when there is none.

    Where the system does not tell, every process counts as alive: `0`.
    """
    try:
        if os.readlink("/proc/self") != str(os.getpid()):
            return "0"  # it shows the processes of another space
    except OSError:
        return "0"
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "-"
    return text.rpartition(")")[2].split()[19]
