"""What the steps of a day come to, as a table."""

import doctest
from datetime import date

import pytest

from domain import day
from domain.day import DayState, StepRecord, StepState, verdict, worst

STATES = {"done": StepState.DONE, "open": StepState.OPEN, "failed": StepState.FAILED,
          "pending": StepState.PENDING, "running": StepState.RUNNING}  # fmt: skip


def steps(text: str) -> list[StepRecord]:
    """`fetch done 0, notify open 3`: steps with state and exit code."""
    return [
        StepRecord(date(2026, 3, 2), "test", step, "", STATES[state], exit_code=int(code))
        for step, state, code in (part.split() for part in text.split(", "))
    ]


@pytest.mark.parametrize(
    ("told", "state", "code"),
    [
        ("fetch done 0, reports done 0", DayState.DONE, 0),
        ("reconcile done 1, reports done 0", DayState.DONE, 1),
        ("recover done 6, reconcile done 1", DayState.DONE, 6),
        ("fetch done 3, recover done 6, reconcile done 1", DayState.DONE, 3),
        ("fetch open 3, reconcile done 1", DayState.OPEN, 3),
        ("fetch done 0, reports pending 0", DayState.OPEN, 3),
        ("fetch done 0, reports running 0", DayState.OPEN, 3),
        ("fetch failed 2, recover open 3", DayState.FAILED, 2),
        ("reports done 0, notify open 3", DayState.DONE, 0),
        ("reports done 0, notify failed 2", DayState.DONE, 0),
    ],
)
def test_a_day_is_what_its_steps_are(told: str, state: DayState, code: int) -> None:
    """Proves the order of what is worse, and that messengers decide nothing."""
    assert verdict(steps(told)) == (state, code)


@pytest.mark.parametrize(
    ("codes", "code"), [((), 0), ((0, 1), 1), ((1, 6), 6), ((6, 3, 1), 3), ((3, 2), 2), ((0,), 0)]
)
def test_of_several_days_the_worst_counts(codes: tuple[int, ...], code: int) -> None:
    assert worst(codes) == code


def test_outcomes_have_words() -> None:
    assert doctest.testmod(day).failed == 0
