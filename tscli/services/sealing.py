"""Sealing the audit chains: how far all of them go now, written over the seal before."""

from domain.audit_seal import Heads, Seal, combined
from domain.operator import Permission
from tscli.services.context import Context
from tscli.services.permission import require

SEALED = "audit.sealed"
"""The fact by which the chains tell of their seals."""


def seal_audit(context: Context, *, dry_run: bool = False) -> Seal:
    """Seal what the chains hold now.

    An audit record tells of the seal, so that a seal which is taken away is missed. The heads are
    read one after the other: each is a committed record, and all before it are.

    Raises:
        NotPermitted: the operator may not.
    """
    require(context, Permission.RECONCILE)
    with context.database.transaction(dry_run=dry_run) as books:
        books.audit_seals.lock()
        seal = books.audit_seals.append(context.clock.now(), books.audit.heads())
        after = {"number": seal.number, "hash": seal.hash, "head": seal.head}
        books.record(context.actor, SEALED, f"seal {seal.number}", after=after)
    return seal


def audit_head(context: Context) -> Heads:
    """The combined head of all chains and each of them."""
    with context.database.read() as books:
        heads = tuple(books.audit.heads())
    return Heads(combined(heads), heads, sum(head.seq for head in heads))
