"""The audit chain: who did what when and why, each record sealed over the one before.

The hash covers canonical bytes (JSON with sorted keys, no blanks), so two different records can
never have the same bytes. A chain proves order and completeness up to its head; whoever can rewrite
the whole database can rewrite the chain, which is why the head is printed in reports.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.clock import iso

GENESIS = "0" * 64
"""What the first record of a chain is sealed over."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and through what."""

    operator: str
    command: str
    """The command's words without values, such as `payments refund`."""
    host: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One sealed record."""

    chain: int
    seq: int
    """Dense within the chain, from 1."""
    audit_id: str
    recorded_at: datetime
    actor: Actor
    action: str
    """A fact in the past tense, such as `payment.captured`."""
    subject: str
    """Id of what it is about."""
    before: str
    """Canonical JSON of what mattered before, `null` for nothing."""
    after: str
    ledger_digest: str
    """Digest over the ledger entries written with this record, empty when there are none."""
    previous: str
    hash: str


def canonical(value: object) -> bytes:
    """The one byte form of a JSON value: sorted keys, no blanks, UTF-8."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def digest(data: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()


def seal(record: AuditRecord) -> str:
    """The hash a record must carry: over everything in it but the hash itself."""
    return digest(
        canonical(
            {
                "chain": record.chain,
                "seq": record.seq,
                "audit_id": record.audit_id,
                "recorded_at": iso(record.recorded_at),
                "operator": record.actor.operator,
                "command": record.actor.command,
                "host": record.actor.host,
                "reason": record.actor.reason,
                "action": record.action,
                "subject": record.subject,
                "before": record.before,
                "after": record.after,
                "ledger_digest": record.ledger_digest,
                "previous": record.previous,
            }
        )
    )


def as_json(value: Mapping[str, object] | None) -> str:
    """Canonical JSON text of what is kept in `before` and `after`."""
    return canonical(value).decode()


@dataclass(frozen=True, slots=True)
class Flaw:
    """Where a chain is broken first, and how."""

    chain: int
    seq: int
    audit_id: str
    reason: str


def first_flaw(records: Iterable[AuditRecord]) -> Flaw | None:
    """The first record that does not fit, of records in order of (chain, seq); None for a sound
    chain."""
    return next(_flaws(records), None)


def _flaws(records: Iterable[AuditRecord]) -> Iterator[Flaw]:
    chain, seq, head = None, 0, GENESIS
    for record in records:
        if record.chain != chain:
            chain, seq, head = record.chain, 0, GENESIS
        if record.seq != seq + 1:
            yield Flaw(record.chain, seq + 1, record.audit_id, f"record {seq + 1} is missing")
        elif record.previous != head:
            yield Flaw(
                record.chain, record.seq, record.audit_id, "it does not follow the one before"
            )
        elif seal(record) != record.hash:
            yield Flaw(record.chain, record.seq, record.audit_id, "its content was changed")
        seq, head = record.seq, record.hash
