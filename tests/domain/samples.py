"""Payments, movements and provider histories that the domain's tests are made of."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from domain.operation import Operation, OperationKind, OperationState
from domain.payment import Payment, Snapshot, Stage
from domain.settlement import LineKind, LineStatus
from domain.transaction import Movement

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
URL = "https://bank.example/authenticate"


def payment(**changes: Any) -> Payment:
    """A payment of 100.00 USD of which nothing is known yet."""
    words: dict[str, Any] = {
        "payment_id": "pay_1",
        "provider": "stripe",
        "account": "default",
        "mode": "test",
        "amount_minor": 10_000,
        "currency": "USD",
        "capture": True,
        "method_token": "pm_card_visa",
        "created_at": START,
        "updated_at": START,
    }
    return Payment(**words | changes)


def snapshot(stage: Stage, *movements: Movement, **changes: Any) -> Snapshot:
    """What the provider shows of that payment."""
    words: dict[str, Any] = {
        "provider": "stripe",
        "account": "default",
        "mode": "test",
        "provider_payment_id": "pi_1",
        "stage": stage,
        "amount_minor": 10_000,
        "currency": "USD",
        "movements": movements,
        "payment_id": "pay_1",
    }
    return Snapshot(**words | changes)


def movement(kind: LineKind, minor: int, **changes: Any) -> Movement:
    """One movement of money, succeeded unless said otherwise."""
    words: dict[str, Any] = {
        "kind": kind,
        "reference": f"{kind.value}_1",
        "amount_minor": minor,
        "fee_minor": None,
        "status": LineStatus.SUCCEEDED,
        "occurred_at": START,
    }
    return Movement(**words | changes)


def charge(minor: int = 10_000, **changes: Any) -> Movement:
    """Money that came in."""
    return movement(LineKind.CHARGE, minor, **changes)


def refund(minor: int, **changes: Any) -> Movement:
    """Money that went back; `minor` is what was given back."""
    return movement(LineKind.REFUND, -minor, **changes)


def operation(kind: OperationKind, **changes: Any) -> Operation:
    """An intent on that payment that was marked as sending."""
    words: dict[str, Any] = {
        "operation_id": "op_1",
        "payment_id": "pay_1",
        "kind": kind,
        "amount_minor": 10_000,
        "state": OperationState.SENDING,
        "operator": "tess",
        "created_at": START,
        "updated_at": START,
        "sent_at": START,
    }
    return Operation(**words | changes)


_STATUSES = {
    LineStatus.PENDING: (LineStatus.SUCCEEDED, LineStatus.FAILED, LineStatus.CANCELLED),
    LineStatus.SUCCEEDED: (LineStatus.FAILED,),
}
"""How the status of a refund can go on."""


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """What one consistent provider shows of one payment, in order, from birth to its last news."""
    seen = [snapshot(Stage.CREATED)]
    if draw(st.booleans()):
        seen.append(snapshot(Stage.ACTION, next_action_url=URL))
    if draw(st.booleans()):
        seen.append(snapshot(Stage.UNDERWAY))
    end = draw(st.sampled_from(["open", "refused", "fenced", "cancelled", "captured", "captured"]))
    refused = {"failure_code": "card_declined", "failure_message": "No."}
    if end in ("refused", "fenced"):
        seen.append(snapshot(Stage.DECLINED, **refused))
        last = snapshot(Stage.FAILED, **refused) if end == "refused" else snapshot(Stage.CANCELLED)
        return [*seen, last]
    if end in ("cancelled", "captured") and draw(st.booleans()):
        seen.append(snapshot(Stage.AUTHORIZED))
    if end == "cancelled":
        seen.append(snapshot(Stage.CANCELLED))
    if end == "captured":
        seen += [snapshot(Stage.CAPTURED, *state) for state in draw(money_histories())]
    return seen


@st.composite
def money_histories(draw: st.DrawFn) -> list[tuple[Movement, ...]]:
    """All movements of a captured payment, after each thing that happened to its money."""
    captured = draw(st.integers(1, 10_000))
    known: dict[str, Movement] = {"ch": charge(captured, occurred_at=START + timedelta(minutes=1))}
    seen = [tuple(known.values())]
    for number in range(draw(st.integers(0, 6))):
        _happen(draw, known, captured, START + timedelta(hours=number + 1), number)
        seen.append(tuple(known.values()))
    return seen


def _happen(
    draw: st.DrawFn, known: dict[str, Movement], captured: int, now: datetime, number: int
) -> None:
    refunds = [n for n, m in known.items() if m.kind is LineKind.REFUND and m.status in _STATUSES]
    left = captured + sum(known[n].amount_minor for n in refunds)
    event = draw(st.sampled_from(["fee", "refund", "settle", "dispute", "reversal"]))
    if event == "fee" and known["ch"].fee_minor is None:
        known["ch"] = replace(known["ch"], fee_minor=draw(st.integers(-5, 500)))
    elif event == "refund" and left > 0:
        status = draw(st.sampled_from([LineStatus.PENDING, LineStatus.SUCCEEDED]))
        given = draw(st.integers(1, left))
        known[f"re_{number}"] = refund(
            given, reference=f"re_{number}", status=status, occurred_at=now, operation_id="op_1"
        )
    elif event == "settle" and refunds:
        name = draw(st.sampled_from(refunds))
        status = draw(st.sampled_from(_STATUSES[known[name].status]))
        known[name] = replace(known[name], status=status, fee_minor=0)
    elif event == "dispute":
        lost = movement(LineKind.DISPUTE, -captured, fee_minor=1_500, occurred_at=now)
        known.setdefault("dp", lost)
    elif event == "reversal" and "dp" in known:
        won = movement(LineKind.DISPUTE_REVERSAL, captured, fee_minor=0, occurred_at=now)
        known.setdefault("rv", won)


def shuffled(history: Iterable[Snapshot]) -> st.SearchStrategy[list[Snapshot]]:
    """The same news in any order, some of it told again."""
    news = list(history)
    again = st.lists(st.sampled_from(news), max_size=4)
    return again.flatmap(lambda more: st.permutations([*news, *more]))
