"""The commands of a storm as values, and how each is carried out by the services, in a child.

A command answers with `("done", payment state, operation state)` or `("error", code)`, as its exit
code and its output would.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain.errors import PaymentsError
from domain.money import Money
from tscli.services import payments
from tscli.services.context import Context
from tscli.services.intents import CreateWords
from tscli.services.payments import Outcome, failure_of


@dataclass(frozen=True)
class Command:
    """What an operator types, or a timer runs."""

    verb: str
    payment_id: str = ""
    key: str = ""
    amount: str | None = None
    words: tuple[tuple[str, Any], ...] = ()
    delivery: tuple[tuple[tuple[str, str], ...], bytes] | None = None
    """Headers and body of a webhook."""

    def __str__(self) -> str:
        asked = [self.verb, self.payment_id[-6:], self.amount or "", self.key and f"key={self.key}"]
        return " ".join([*filter(None, asked), *(f"{k}={v}" for k, v in self.words)])


async def carry_out(context: Context, command: Command) -> tuple[str, ...]:
    """Run a command; a deliberate error is an answer, any other one is a bug of ours."""
    try:
        return await VERBS[command.verb](context, command)
    except PaymentsError as error:
        return ("error", error.code)


async def _create(context: Context, command: Command) -> tuple[str, ...]:
    words = dict(command.words)
    money = Money(words.pop("amount_minor"), words.pop("currency"))
    asked = CreateWords(money, words.pop("provider"), words.pop("method"), **words)
    return _said(await payments.create_payment(context, asked, command.key))


async def _capture(context: Context, command: Command) -> tuple[str, ...]:
    pay, amount = command.payment_id, command.amount
    return _said(await payments.capture_payment(context, pay, amount, command.key))


async def _cancel(context: Context, command: Command) -> tuple[str, ...]:
    return _said(await payments.cancel_payment(context, command.payment_id, command.key))


async def _refund(context: Context, command: Command) -> tuple[str, ...]:
    pay, amount = command.payment_id, command.amount
    return _said(await payments.refund_payment(context, pay, amount, command.key))


async def _refresh(context: Context, command: Command) -> tuple[str, ...]:
    from tscli.services.lookups import refresh_payment

    payment = await refresh_payment(context, command.payment_id)
    return ("done", payment.state, "")


async def _sweep(context: Context, command: Command) -> tuple[str, ...]:
    """What the timer runs: all that is due, or all that is unsettled for `older_minutes`."""
    from tscli.services.sweep import sweep

    minutes = dict(command.words).get("older_minutes")
    older_than = None if minutes is None else timedelta(minutes=minutes)
    swept = await sweep(context, older_than=older_than)
    return ("done", *(f"{s.outcome}" for s in swept))


async def _deliver(context: Context, command: Command) -> tuple[str, ...]:
    """What the receiver does with one delivery: stored, acknowledged, applied."""
    from tscli.services import applying, inbox

    assert command.delivery is not None
    headers, body = command.delivery
    async with context.open_provider("stripe") as provider:
        stored = await inbox.receive(context, provider, dict(headers), body)
        acknowledge(stored.provider_event_id)
        applied = await applying.apply_event(context, provider, stored)
    return ("done", applied.outcome, applied.event.state)


def acknowledge(provider_event_id: str) -> None:
    """The answer leaves: from here on the provider will not deliver again."""
    from tests.storms import child

    child.CURRENT.meet("ack", provider_event_id)


async def _apply(context: Context, command: Command) -> tuple[str, ...]:
    """What the receiver's worker does: everything that has not had its say."""
    from domain.stored_event import EventFilter
    from domain.webhook import EventState
    from tscli.services import webhooks

    waiting = [
        event
        for state in (EventState.RECEIVED, EventState.FAILED, EventState.PARKED)
        for event in webhooks.find_events(context, EventFilter(state=state), 1_000)
    ]
    applied = await webhooks.replay(context, waiting)
    return ("done", *(f"{a.outcome}" for a in applied))


def _said(outcome: Outcome) -> tuple[str, ...]:
    failed = failure_of(outcome)
    if failed is not None:
        return ("error", failed.code)
    return ("done", outcome.payment.state, outcome.operation.state)


Carried = Callable[[Context, Command], Awaitable[tuple[str, ...]]]
VERBS: dict[str, Carried] = {
    "create": _create,
    "capture": _capture,
    "cancel": _cancel,
    "refund": _refund,
    "refresh": _refresh,
    "sweep": _sweep,
    "deliver": _deliver,
    "apply": _apply,
}
