"""Certificates, differences between runs, bridges and payouts as plain data for every format."""

from typing import Any

from domain.breaks import Break
from domain.bridge import AtTheBank, Bridge
from domain.clock import iso
from domain.matching import Certificate
from domain.payout import PayoutProof
from domain.run import BalanceProof
from tscli.render.payments import money
from tscli.render.view import Column

BRIDGE_COLUMNS = (
    Column("item", "item", stack=True),
    Column("reference", "reference", stack=True),
    Column("age", "age, days"),
    Column("state", "state"),
    Column("amount.value", "amount", number=True),
    Column("currency", "cur"),
)
PAYOUT_COLUMNS = (
    Column("payout_id", "payout", stack=True),
    Column("occurred_at", "left", stack=True),
    Column("paid.value", "paid", number=True),
    Column("net.value", "lines", number=True),
    Column("residual.value", "residual", number=True),
    Column("currency", "cur"),
    Column("members_by", "lines by"),
)
DIFF_COLUMNS = (
    Column("change", "change"),
    Column("kind", "kind"),
    Column("provider_reference", "reference", stack=True),
    Column("break_id", "break", stack=True),
    Column("why", "why"),
)


CERTIFICATE_COLUMNS = (
    Column("subject", "row", stack=True),
    Column("side", "side"),
    Column("bucket", "bucket"),
    Column("decided_by", "decided by", stack=True),
)


def certificate_row(made: Certificate) -> dict[str, Any]:
    """The head of a certificate as a row of a table."""
    return {
        "subject": made.subject, "side": made.side, "bucket": made.bucket,
        "decided_by": made.decided_by,
    }  # fmt: skip


def change_row(change: str, item: Break, why: str) -> dict[str, Any]:
    """One break that differs between two runs."""
    return {
        "change": change,
        "kind": item.kind.value,
        "provider_reference": item.provider_reference,
        "break_id": item.break_id,
        "why": why,
    }


def certificate_data(made: Certificate) -> dict[str, Any]:
    """Why one row ended where it did."""
    return {
        "subject": made.subject,
        "side": made.side,
        "bucket": made.bucket,
        "decided_by": made.decided_by,
        "compared": list(made.compared),
        "candidates": [{"name": c.name, "verdict": c.verdict} for c in made.candidates],
    }


def certificate_lines(made: Certificate) -> list[str]:
    """The same as text for people."""
    return [
        f"{made.subject} ({made.side}): {made.bucket}",
        f"  decided by: {made.decided_by}",
        *(f"  {line}" for line in made.compared),
        *(f"  looked at {c.name}: {c.verdict}" for c in made.candidates),
    ]


def bridge_data(bridge: Bridge) -> dict[str, Any]:
    """One bridge with its items; amounts as decimal text and minor units."""
    code = bridge.currency

    def optional(minor: int | None) -> dict[str, Any] | None:
        return None if minor is None else money(minor, code)

    return {
        "provider": bridge.provider,
        "account": bridge.account,
        "mode": bridge.mode,
        "currency": code,
        "at": iso(bridge.at),
        "ledger": money(bridge.ledger_minor, code),
        "opening": money(bridge.opening_minor, code),
        "items": [
            {
                "break_id": item.break_id,
                "kind": item.kind,
                "reference": item.reference,
                "amount": money(item.amount_minor, code),
                "occurred_at": item.occurred_at,
                "age_days": item.age_days,
                "age": item.age,
                "state": item.state,
                "assignee": item.assignee,
            }
            for item in bridge.items
        ],
        "open": money(bridge.open_minor, code),
        "tolerated": money(bridge.tolerated_minor, code),
        "provider_balance": money(bridge.provider_minor, code),
        "stated": optional(bridge.stated_minor),
        "gap": optional(bridge.gap_minor),
        "bank": None if bridge.bank is None else _bank_data(bridge.bank, code),
        "tie_out": money(bridge.tie_out_minor, code),
    }


def _bank_data(bank: AtTheBank, code: str) -> dict[str, Any]:
    return {
        "paid": money(bank.paid_minor, code),
        "in_transit": money(bank.in_transit_minor, code),
        "late": money(bank.late_minor, code),
        "off": money(bank.off_minor, code),
        "arrived": money(bank.arrived_minor, code),
        "tie_out": money(bank.tie_out_minor, code),
    }


def bridge_rows(bridge: Bridge) -> list[dict[str, Any]]:
    """One bridge as the lines of a statement, from our ledger down to what ties."""
    code = bridge.currency

    def line(item: str, minor: int, reference: str = "", age: str = "", state: str = "") -> Any:
        return {"item": item, "reference": reference, "age": age, "state": state,
                "amount": money(minor, code), "currency": code}  # fmt: skip

    rows = [line("balance in our ledger", bridge.ledger_minor)]
    if bridge.opening_minor:
        rows.append(line("held before our books begin", bridge.opening_minor))
    rows += [
        line(i.kind, i.amount_minor, i.reference, f"{i.age} ({i.age_days})", i.state)
        for i in bridge.items
    ]
    if bridge.tolerated_minor:
        rows.append(line("within tolerance", bridge.tolerated_minor))
    rows.append(line("balance by the provider's lines", bridge.provider_minor))
    if bridge.stated_minor is not None:
        rows.append(line("balance the provider states", bridge.stated_minor))
    rows.append(line("tie-out", bridge.tie_out_minor))
    if bridge.bank is not None:
        bank = bridge.bank
        rows += [
            line("paid out so far", bank.paid_minor),
            line("on its way to the bank", -bank.in_transit_minor),
            line("late, or not to be told", -bank.late_minor),
            line("arrived above or below", bank.off_minor),
            line("arrived at the bank", bank.arrived_minor),
            line("tie-out at the bank", bank.tie_out_minor),
        ]
    return rows


def payout_data(proof: PayoutProof) -> dict[str, Any]:
    """One payout with what it consists of."""
    code = proof.currency
    residual = proof.residual_minor
    return {
        "payout_id": proof.payout_id,
        "currency": code,
        "occurred_at": proof.occurred_at,
        "bank_reference": proof.bank_reference,
        "paid": money(proof.paid_minor, code),
        "net": money(proof.net_minor, code),
        "residual": None if residual is None else money(residual, code),
        "members_by": proof.members_by.value,
        "note": proof.note,
        "parts": [
            {
                "kind": part.kind,
                "rows": part.rows,
                "amount": money(part.amount_minor, code),
                "fee": money(part.fee_minor, code),
            }
            for part in proof.parts
        ],
    }


def balance_data(proof: BalanceProof) -> dict[str, Any]:
    """The balance of one currency over a period."""
    code = proof.currency
    residual = proof.residual_minor
    return {
        "currency": code,
        "opening": money(proof.opening_minor, code),
        "activity": money(proof.activity_minor, code),
        "payouts": money(proof.payouts_minor, code),
        "closing": money(proof.closing_minor, code),
        "stated": None if proof.stated_minor is None else money(proof.stated_minor, code),
        "residual": None if residual is None else money(residual, code),
    }
