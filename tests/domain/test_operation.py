"""Operations: what to do next, decided from what is known and never from what was tried."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.operation import (
    CHECK_DELAYS,
    OPEN_STATES,
    OperationKind,
    OperationState,
    Step,
    is_too_old,
    next_check_at,
    next_step,
)
from domain.payment import Stage
from domain.settlement import LineStatus
from tests.domain.samples import START, charge, operation, payment, refund

TABLE = """
            create    capture   cancel    refund
recorded    >confirm  refused   >cancel   >refund
sent        >confirm  refused   >cancel   >refund
created     >confirm  refused   >cancel   >refund
action      waiting   refused   >cancel   >refund
approved    >confirm  refused   >cancel   >refund
underway    waiting   refused   >cancel   >refund
declined    >fence    refused   >cancel   >refund
authorized  done      >capture  >cancel   >refund
cancelled   refused   refused   done      >refund
failed      refused   refused   done      >refund
captured    done      done      refused   >refund
"""
"""Once the provider's object is known; `>` stands before a step to take."""

WITHOUT_OBJECT = {
    OperationKind.CREATE: ">create",
    OperationKind.CAPTURE: "refused",
    OperationKind.CANCEL: ">create",
    OperationKind.REFUND: ">refund",
}
"""Before the provider's object is known, while nothing is over."""


def cells() -> list[tuple[Stage, OperationKind, str]]:
    """Every cell of the table above."""
    head, *rows = (line.split() for line in TABLE.strip().splitlines())
    return [
        (Stage[stage.upper()], OperationKind(kind), word)
        for stage, *words in rows
        for kind, word in zip(head, words, strict=True)
    ]


def said(stage: Stage, kind: OperationKind, provider_payment_id: str | None) -> str:
    """The verdict in the table's words."""
    verdict = next_step(
        operation(kind), payment(stage=stage, provider_payment_id=provider_payment_id)
    )
    assert verdict.step is None or verdict.state is None
    if verdict.step is None and verdict.state is None:
        return "waiting"
    return f">{verdict.step}" if verdict.step else str(verdict.state)


@pytest.mark.parametrize(("stage", "kind", "expected"), cells())
def test_every_cell_of_stages_and_kinds(stage: Stage, kind: OperationKind, expected: str) -> None:
    """Proves the next step for each intent at each stage."""
    assert said(stage, kind, "pi_1") == expected


def test_the_table_is_complete() -> None:
    """Proves that the table above names every pair there is."""
    assert {(stage, kind) for stage, kind, _ in cells()} == set(product(Stage, OperationKind))


@pytest.mark.parametrize("stage", [Stage.RECORDED, Stage.SENT])
@pytest.mark.parametrize("kind", OperationKind)
def test_without_an_object_one_is_made_first(stage: Stage, kind: OperationKind) -> None:
    """Proves that a doubtful creation is repeated, and that cancelling needs an object to fence."""
    assert said(stage, kind, None) == WITHOUT_OBJECT[kind]


@pytest.mark.parametrize("stage", [Stage.FAILED, Stage.CANCELLED])
def test_what_ended_without_an_object_stays_ended(stage: Stage) -> None:
    """Proves that a creation refused or called off before it had an object is never sent again."""
    assert said(stage, OperationKind.CREATE, None) == "refused"
    assert said(stage, OperationKind.CANCEL, None) == "done"


@pytest.mark.parametrize(("stage", "kind"), list(product(Stage, OperationKind)))
@pytest.mark.parametrize("state", [OperationState.DONE, OperationState.REFUSED])
def test_the_end_of_an_operation_is_final(
    state: OperationState, stage: Stage, kind: OperationKind
) -> None:
    """Proves that nothing seen later reopens a settled operation."""
    settled = operation(kind, state=state, error_message="No.")
    verdict = next_step(settled, payment(stage=stage))
    assert (verdict.step, verdict.state, verdict.why) == (None, state, "No.")
    assert state not in OPEN_STATES


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (LineStatus.PENDING, OperationState.DONE),
        (LineStatus.SUCCEEDED, OperationState.DONE),
        (LineStatus.FAILED, OperationState.REFUSED),
        (LineStatus.CANCELLED, OperationState.REFUSED),
    ],
)
def test_a_refund_is_settled_by_its_own_movement(
    status: LineStatus, expected: OperationState
) -> None:
    """Proves that only a refund that carries the operation's id settles it, a failed one as no."""
    mine = refund(2_000, operation_id="op_1", status=status)
    other = refund(2_000, reference="re_2", operation_id="op_2")
    known = payment(stage=Stage.CAPTURED, movements=(charge(), mine, other))
    assert next_step(operation(OperationKind.REFUND), known).state is expected
    stranger = replace(operation(OperationKind.REFUND), operation_id="op_3")
    assert next_step(stranger, known).step is Step.REFUND


def test_keys_are_a_function_of_the_intent() -> None:
    """Proves that a step has one key however often it is sent, and no key serves two steps."""
    first, second = operation(OperationKind.CREATE), operation(OperationKind.REFUND)
    second = replace(second, operation_id="op_2")
    assert first.key(Step.CONFIRM) == replace(first, state=OperationState.UNKNOWN).key(Step.CONFIRM)
    keys = {op.key(step) for op in (first, second) for step in Step}
    assert len(keys) == 2 * len(Step)
    assert replace(first, attempt=2).key(Step.CONFIRM) not in keys


@given(st.timedeltas(-timedelta(days=400), timedelta(days=4_000)))
def test_checks_never_end(age: timedelta) -> None:
    """Proves that what is unsettled is always looked at again, within a day and never at once."""
    now = START + age
    wait = next_check_at(START, now) - now
    assert CHECK_DELAYS[0] <= wait <= CHECK_DELAYS[-1]


def test_checks_come_later_and_later() -> None:
    """Proves that the wait only grows with age, up to a day."""
    waits = [
        next_check_at(START, START + timedelta(seconds=s)) - START - timedelta(seconds=s)
        for s in range(0, 3 * 86_400, 17)
    ]
    assert waits == sorted(waits)
    assert waits[0] == CHECK_DELAYS[0]
    assert waits[-1] == CHECK_DELAYS[-1]


HOUR, WINDOW = timedelta(hours=1), timedelta(hours=23)


@pytest.mark.parametrize(
    ("step", "sent", "sent_hours", "stage", "old"),
    [
        (Step.CREATE, "", 0, Stage.RECORDED, True),
        (Step.CONFIRM, "create", 25, Stage.CREATED, True),
        (Step.CONFIRM, "confirm", 2, Stage.CREATED, False),
        (Step.CONFIRM, "confirm", 24, Stage.CREATED, True),
        (Step.CONFIRM, "create", 25, Stage.APPROVED, False),
        (Step.CONFIRM, "confirm", 24, Stage.APPROVED, True),
        (Step.CONFIRM, "fence", 1, Stage.APPROVED, True),
        (Step.CAPTURE, "capture", 22, Stage.AUTHORIZED, False),
        (Step.REFUND, "refund", 24, Stage.CAPTURED, True),
        (Step.CANCEL, "cancel", 99, Stage.AUTHORIZED, False),
        (Step.FENCE, "fence", 99, Stage.DECLINED, False),
    ],
)
def test_when_a_step_is_too_old(
    step: Step, sent: str, sent_hours: int, stage: Stage, old: bool
) -> None:
    """Proves that a key's age counts from its own first send, that a customer's word makes a step
    due anew only before it was ever sent, and that fences never age."""
    now = START + 25 * HOUR
    born = now - sent_hours * HOUR if sent else None
    asked = replace(operation(OperationKind.CREATE), step=sent, step_sent_at=born)
    known = payment(stage=stage)
    assert is_too_old(asked, known, step, now, WINDOW) is old
