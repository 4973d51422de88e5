"""Accepting that something will not come: a person's word ends what would stay open for ever."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from domain.day import Reason, StepRecord, StepState
from domain.errors import Conflict, InvalidRequest
from domain.operator import Permission
from tscli.services.permission import require

if TYPE_CHECKING:
    from tscli.services.context import Context

_FROM_OUTSIDE = ("webhooks", "recover", "fetch")
"""Steps that wait for others; what follows from them can be done by us."""


def accept_open(
    context: "Context", on: date, mode: str, *, dry_run: bool = False
) -> list[StepRecord]:
    """End the open steps of a day that wait for others; what follows from them is to be done next.

    Raises:
        InvalidRequest: no reason was given.
        NotFound: the day was never begun.
        Conflict: nothing of it is open.
    """
    require(context, Permission.RECONCILE)
    if not context.actor.reason.strip():
        raise InvalidRequest("Accepting needs a reason.", hint="Add --reason TEXT.")
    with context.database.transaction(dry_run=dry_run) as books:
        day = books.days.get(on, mode)
        steps = books.days.steps(on, mode)
        accepted = [_accepted(context, one) for one in steps if _waits_for_others(one)]
        if not accepted:
            raise Conflict(
                f"Nothing of {on} waits for others.",
                hint=f"`tscli runs show {on}` shows its steps.",
            )
        following = [
            replace(one, state=StepState.PENDING)
            for one in steps
            if one.step == "reports" or one.reason == Reason.WAITS
        ]
        books.days.save_steps([*accepted, *following])
        names = [" ".join(filter(None, one.name)) for one in accepted]
        books.record(context.actor, "day.accepted", f"{on} {day.mode}", after={"steps": names})
    return accepted


def _waits_for_others(step: StepRecord) -> bool:
    return step.step in _FROM_OUTSIDE and step.state is StepState.OPEN


def _accepted(context: "Context", step: StepRecord) -> StepRecord:
    note = f"accepted by {context.actor.operator}: {context.actor.reason}; it was {step.reason}"
    return replace(
        step, state=StepState.DONE, exit_code=0, reason="", note=note[:500],
        ended_at=context.clock.now(),
    )  # fmt: skip
