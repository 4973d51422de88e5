"""Requests for a second person's word, and what happens when it is given.

Nobody approves their own request: that is checked here, inside the transaction that begins what was
asked for, and once more by the database.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from db.database import Books
from domain.approval import Approval, ApprovalState, plan_text
from domain.audit import digest
from domain.errors import (
    ApprovalRequired,
    Conflict,
    InvalidRequest,
    NotPermitted,
    PaymentsError,
    SelfApproval,
    StaleVersion,
)
from domain.operator import Permission
from tscli.services.context import Context
from tscli.services.permission import refused, require

Plan = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of thing that needs two people."""

    version: Callable[[Books, Plan], int]
    """Version of what the plan is about, read under the lock under which it changes, so that it is
    still this one when the plan is applied; another one makes the plan stale."""
    apply: Callable[[Books, Context, Approval, Plan], str]
    """Begins it in the transaction of the agreement; the id of the operation to be driven, or
    nothing when all is done."""


def request(
    books: Books,
    context: Context,
    action: str,
    subject: str,
    plan: Plan,
    version: int,
    *,
    key: str,
    reason: str = "",
    ticket: str = "",
) -> Approval:
    """Write down what a second person is asked to agree to, or find the same request pending."""
    text, plan_hash = plan_text(plan)
    pending = books.approvals.pending(action, subject, plan_hash)
    if pending is not None:
        return pending
    asked = Approval(
        approval_id=context.ids.new("apr"),
        action=action,
        subject=subject,
        plan=text,
        plan_hash=plan_hash,
        subject_version=version,
        key=key,
        requested_by=context.actor.operator,
        requested_at=context.clock.now(),
        reason=reason,
        ticket=ticket,
    )
    books.approvals.add(asked)
    books.record(
        replace(context.actor, reason=reason or context.actor.reason),
        "approval.requested",
        subject,
        after={"approval_id": asked.approval_id, "action": action, "plan_hash": plan_hash},
    )
    return asked


def required(context: Context, asked: Approval | None, why: str) -> ApprovalRequired:
    """The error that tells the requester what happens next; nothing is asked of nobody."""
    if asked is None or context.operators.alone:
        return ApprovalRequired(
            f"{why} A second person has to agree, and no operators are configured.",
            hint="Configure two: see `Two people` in the README.",
        )
    return ApprovalRequired(
        f"{why} A second person has to agree: {asked.approval_id}.",
        hint=f"Somebody else runs `tscli approvals approve {asked.approval_id}`; afterwards the"
        " same command shows what came of it.",
    )


def find_approvals(
    context: Context, *, state: ApprovalState | None = None, subject: str | None = None,
    limit: int = 1_000,
) -> list[Approval]:  # fmt: skip
    """Requests, oldest first."""
    with context.database.read() as books:
        return books.approvals.find(state=state, subject=subject, limit=limit)


def get_approval(context: Context, approval_id: str) -> Approval:
    """One request.

    Raises:
        NotFound: there is none.
    """
    with context.database.read() as books:
        return books.approvals.get(approval_id)


def agree(
    context: Context,
    actions: Mapping[str, Action],
    approval_id: str,
    *,
    reason: str = "",
    dry_run: bool = False,
) -> Approval:
    """Agree to a request and begin what it asks for, in one transaction.

    Raises:
        SelfApproval: the requester cannot agree; the attempt is audited.
        NotPermitted: the operator may not approve, or there is only one person.
        StaleVersion: what it is about has changed; the request is over.
        Conflict: somebody decided before.
    """
    require(context, Permission.APPROVE)
    if context.operators.alone:
        raise NotPermitted(
            "With no operators configured there is nobody to be a second person.",
            hint="Configure two: see `Two people` in the README.",
        )
    try:
        with context.database.transaction(dry_run=dry_run) as books:
            asked, error = _agree(books, context, actions, approval_id, reason)
    except SelfApproval as error:
        refused(context, f"approval {approval_id}", error)
        raise
    if error is not None:
        raise error
    return asked


def _agree(
    books: Books, context: Context, actions: Mapping[str, Action], approval_id: str, reason: str
) -> tuple[Approval, PaymentsError | None]:
    """Everything that must be true at the moment of the agreement; an error that comes with a
    write of its own is returned, so that the write stays."""
    asked = _pending(books, approval_id)
    if asked.requested_by == context.actor.operator:
        raise SelfApproval(
            f"You asked for {approval_id} yourself.", hint="Somebody else has to agree."
        )
    plan = _plan(asked)
    action = actions.get(asked.action)
    if action is None:
        raise InvalidRequest(f"There is no action {asked.action!r} that could be approved.")
    if action.version(books, plan) != asked.subject_version:
        _decide(books, context, asked, ApprovalState.STALE, "what it is about has changed")
        return asked, StaleVersion(
            f"{asked.subject} changed since {approval_id} was asked for: nothing was done.",
            hint="Look at it again and ask anew.",
        )
    operation_id = action.apply(books, context, asked, plan)
    return _decide(books, context, asked, ApprovalState.APPROVED, reason, operation_id), None


def reject(
    context: Context, approval_id: str, *, reason: str = "", dry_run: bool = False
) -> Approval:
    """Say no to a request; the requester may take it back so as well.

    Raises:
        Conflict: somebody decided before.
        InvalidRequest: no reason was given.
        NotPermitted: it is somebody else's request, and the operator may not approve.
    """
    if not reason.strip():
        raise InvalidRequest("A no needs a reason for the one who asked.", hint="Add --reason.")
    if get_approval(context, approval_id).requested_by != context.actor.operator:
        require(context, Permission.APPROVE)
    with context.database.transaction(dry_run=dry_run) as books:
        asked = _pending(books, approval_id)
        return _decide(books, context, asked, ApprovalState.REJECTED, reason)


def _pending(books: Books, approval_id: str) -> Approval:
    asked = books.approvals.get(approval_id, lock=True)
    if asked.state is not ApprovalState.PENDING:
        raise Conflict(
            f"{approval_id} is {asked.state} by {asked.decided_by}.",
            hint=f"See `tscli approvals show {approval_id}`.",
        )
    return asked


def _plan(asked: Approval) -> Plan:
    if digest(asked.plan.encode()) != asked.plan_hash:
        raise Conflict(f"The plan of {asked.approval_id} is not what was asked for.")
    plan: dict[str, object] = json.loads(asked.plan)
    return plan


def _decide(
    books: Books,
    context: Context,
    asked: Approval,
    state: ApprovalState,
    decision: str,
    operation_id: str = "",
) -> Approval:
    now, by = context.clock.now(), context.actor.operator
    books.approvals.decide(asked.approval_id, state, now, by, decision, operation_id)
    books.record(
        context.actor,
        f"approval.{state}",
        asked.subject,
        before={"approval_id": asked.approval_id, "requested_by": asked.requested_by},
        after={"state": state, "decision": decision, "operation_id": operation_id},
    )
    return books.approvals.get(asked.approval_id)
