"""Audit records, seals, heads and the proof over them as plain data for every format."""

from collections.abc import Iterable
from typing import Any

from domain.audit import AuditRecord
from domain.audit_seal import AuditProof, Head, Heads, Seal
from domain.clock import iso
from tscli.render.view import Column

AUDIT_COLUMNS = (
    Column("chain", "chain", number=True),
    Column("seq", "seq", number=True),
    Column("at", "at", stack=True),
    Column("what", "what", stack=True),
    Column("subject", "subject", stack=True),
    Column("operator", "operator"),
    Column("command", "command"),
    Column("reason", "reason"),
)


def audit_data(record: AuditRecord) -> dict[str, Any]:
    """One audit record."""
    return {
        "chain": record.chain,
        "seq": record.seq,
        "id": record.audit_id,
        "at": iso(record.recorded_at),
        "operator": record.actor.operator,
        "command": record.actor.command,
        "host": record.actor.host,
        "reason": record.actor.reason,
        "what": record.action,
        "subject": record.subject,
        "before": record.before,
        "detail": record.after,
        "ledger_digest": record.ledger_digest,
        "hash": record.hash,
    }


def proof_data(proof: AuditProof) -> dict[str, Any]:
    """What the verification of the chains found."""
    flaw = proof.flaw
    return {
        "verdict": "sound" if flaw is None else "broken",
        "records": proof.records,
        "entries": proof.entries,
        "chains": proof.chains,
        "seals": proof.seals,
        "anchored": proof.anchored,
        "head": proof.head,
        "first_broken": None
        if flaw is None
        else {
            "chain": flaw.chain,
            "seq": flaw.seq,
            "id": flaw.audit_id,
            "reason": flaw.reason,
        },
    }


def seal_data(seal: Seal, *, dry_run: bool) -> dict[str, Any]:
    """One seal, which is an anchor when it is kept as a file."""
    return {
        "number": seal.number,
        "sealed_at": iso(seal.sealed_at),
        "head": seal.head,
        "hash": seal.hash,
        "heads": _heads(seal.heads),
        "dry_run": dry_run,
    }


def heads_data(found: Heads) -> dict[str, Any]:
    """How far the chains go, which is an anchor when it is kept as a file."""
    return {"head": found.head, "records": found.records, "heads": _heads(found.heads)}


def _heads(heads: Iterable[Head]) -> list[dict[str, Any]]:
    return [{"chain": head.chain, "seq": head.seq, "hash": head.hash} for head in heads]
