"""Operators and approvals as plain data for every format."""

import json
from typing import Any

from domain.approval import Approval
from domain.clock import iso
from domain.money import format_minor
from domain.operation import Operation
from domain.operator import PERMITTED, Operator, Operators, Permission
from tscli.render import payments
from tscli.render.view import Column

APPROVAL_COLUMNS = (
    Column("id", "approval", stack=True),
    Column("words", "what", stack=True),
    Column("state", "state"),
    Column("requested_by", "asked by"),
    Column("requested_at", "at", stack=True),
    Column("decided_by", "decided by"),
    Column("reason", "reason"),
)
OPERATOR_COLUMNS = (
    Column("operator", "operator"),
    Column("role", "role"),
    Column("system_user", "system user"),
    Column("permitted", "may"),
)


def approval_data(approval: Approval) -> dict[str, Any]:
    """One request."""
    return {
        "id": approval.approval_id,
        "action": approval.action,
        "words": in_words(approval),
        "subject": approval.subject,
        "plan": json.loads(approval.plan),
        "plan_hash": approval.plan_hash,
        "subject_version": approval.subject_version,
        "idempotency_key": approval.key,
        "state": approval.state.value,
        "requested_by": approval.requested_by,
        "requested_at": iso(approval.requested_at),
        "reason": approval.reason,
        "ticket": approval.ticket,
        "decided_by": approval.decided_by,
        "decided_at": iso(approval.decided_at) if approval.decided_at else None,
        "decision": approval.decision,
        "operation_id": approval.operation_id,
    }


def in_words(approval: Approval) -> str:
    """What is asked for, for a person."""
    plan = json.loads(approval.plan)
    if approval.action == "refund":
        amount = format_minor(plan["amount_minor"], plan["currency"])
        return f"refund {amount} {plan['currency']} of {approval.subject}"
    if approval.action == "resolve":
        return f"resolve {plan['review_id']} as {plan['finding'].replace('_', ' ')}"
    if approval.action == "close_breaks":
        count = len(plan["break_ids"].split())
        return f"{plan['reason']} {count} break{'' if count == 1 else 's'}: {plan['note']}"
    return f"{approval.action} {approval.subject}"


def operation_data(operation: Operation, approval: Approval) -> dict[str, Any]:
    """The operation that came of a request about money."""
    return payments.operation_data(operation, json.loads(approval.plan)["currency"])


def operator_data(operator: Operator) -> dict[str, Any]:
    """One operator."""
    return {
        "operator": operator.name,
        "role": operator.role.value,
        "system_user": operator.system_user,
        "permitted": sorted(p.value for p in PERMITTED[operator.role]),
    }


def acting_data(name: str, operators: Operators) -> dict[str, Any]:
    """Who is acting."""
    if operators.alone:
        everything = sorted(p.value for p in Permission if p is not Permission.APPROVE)
        return {"operator": name, "role": None, "system_user": "", "permitted": everything}
    return operator_data(operators.known[name])
