"""Approvals: what one person asks for and another one agrees to, word for word.

The request holds the plan, its hash, and the version of what it is about; when any of them is not
what it was, the agreement would be to something else and is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.audit import canonical, digest


class ApprovalState(StrEnum):
    """What became of a request."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    STALE = "stale"
    """What it is about changed before anybody agreed."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One request for a second person's word."""

    approval_id: str
    action: str
    """What is to be done, such as `refund`."""
    subject: str
    """Id of what it is done to."""
    plan: str
    """Canonical JSON of exactly what will be done."""
    plan_hash: str
    subject_version: int
    key: str
    """Idempotency key under which it will be done."""
    requested_by: str
    requested_at: datetime
    reason: str
    ticket: str
    state: ApprovalState = ApprovalState.PENDING
    decided_by: str = ""
    decided_at: datetime | None = None
    decision: str = ""
    """Why it was decided so."""
    operation_id: str = ""
    """The operation that came of it."""


def plan_text(plan: Mapping[str, object]) -> tuple[str, str]:
    """A plan as canonical JSON, and its hash."""
    raw = canonical(plan)
    return raw.decode(), digest(raw)
