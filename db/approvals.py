"""Approvals as rows: asked for once, decided once, never deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError as DatabaseIntegrityError

from db.schema import approvals
from domain.approval import Approval, ApprovalState
from domain.clock import from_micros, to_micros
from domain.errors import Conflict, NotFound

_KEPT = (
    "approval_id", "action", "subject", "plan", "plan_hash", "subject_version", "key",
    "requested_by", "reason", "ticket", "decided_by", "decision", "operation_id",
)  # fmt: skip
"""Stored as they are; the others are converted."""


class Approvals:
    """The approvals table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, approval: Approval) -> None:
        """Insert a request.

        Raises:
            Conflict: somebody asked for the same a moment ago.
        """
        row = {name: getattr(approval, name) for name in _KEPT} | {
            "requested_at": to_micros(approval.requested_at),
            "state": approval.state,
            "decided_at": None,
        }
        try:
            self._connection.execute(insert(approvals), row)
        except DatabaseIntegrityError as error:
            raise Conflict(
                f"The same {approval.action} of {approval.subject} was asked for a moment ago.",
                hint="See `tscli approvals list`.",
            ) from error

    def get(self, approval_id: str, *, lock: bool = False) -> Approval:
        """One request; `lock` keeps others out until the transaction ends.

        Raises:
            NotFound: there is none.
        """
        query = select(approvals).where(approvals.c.approval_id == approval_id)
        row = self._connection.execute(query.with_for_update() if lock else query).first()
        if row is None:
            raise NotFound(
                f"There is no approval {approval_id}.", hint="See `tscli approvals list`."
            )
        return _approval(row)

    def pending(self, action: str, subject: str, plan_hash: str) -> Approval | None:
        """The request for exactly this, where nobody has decided yet."""
        row = self._connection.execute(
            select(approvals).where(
                approvals.c.action == action,
                approvals.c.subject == subject,
                approvals.c.plan_hash == plan_hash,
                approvals.c.state == ApprovalState.PENDING,
            )
        ).first()
        return None if row is None else _approval(row)

    def find(
        self, *, state: ApprovalState | None = None, subject: str | None = None, limit: int = 1_000
    ) -> list[Approval]:
        """Requests, oldest first."""
        query = select(approvals).order_by(approvals.c.requested_at, approvals.c.approval_id)
        if state is not None:
            query = query.where(approvals.c.state == state)
        if subject is not None:
            query = query.where(approvals.c.subject == subject)
        return [_approval(row) for row in self._connection.execute(query.limit(limit))]

    def decide(
        self,
        approval_id: str,
        state: ApprovalState,
        now: datetime,
        by: str,
        decision: str,
        operation_id: str = "",
    ) -> bool:
        """Write what was decided, once; whether nobody had decided before."""
        done = self._connection.execute(
            update(approvals)
            .where(
                approvals.c.approval_id == approval_id,
                approvals.c.state == ApprovalState.PENDING,
            )
            .values(
                state=state,
                decided_by=by,
                decided_at=to_micros(now),
                decision=decision,
                operation_id=operation_id,
            )
        )
        return done.rowcount == 1


def _approval(row: Row[Any]) -> Approval:
    return Approval(
        **{name: getattr(row, name) for name in _KEPT},
        requested_at=from_micros(row.requested_at),
        state=ApprovalState(row.state),
        decided_at=None if row.decided_at is None else from_micros(row.decided_at),
    )
