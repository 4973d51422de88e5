"""A week of a small shop, played through the real services: what the demo reconciles.

Everything goes through the payment services and the provider's adapter on a clock that is moved by
hand; the seed decides amounts and customers, so the same seed gives the same week.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from domain.clock import SetClock
from domain.money import Money
from domain.payment import Payment, PaymentState
from domain.settlement import LineKind
from tscli.services.context import Context
from tscli.services.intents import CreateWords
from tscli.services.lookups import refresh_payment
from tscli.services.payments import capture_payment, create_payment, refund_payment

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAYS = 7
PAYMENTS_A_DAY = 9

_PRICES = {"USD": (900, 24_900), "EUR": (700, 19_900), "GBP": (500, 9_900), "JPY": (500, 30_000)}
"""Smallest and largest amount by currency, minor units."""

_GOODS = ("Pro subscription", "Team seats", "Data add-on", "Workshop", "Annual plan")


class PretendWorld(Protocol):
    """What the week asks of the provider's other side: customers' banks and the calendar."""

    def dispute(self, charge_id: str) -> object:
        """A customer's bank takes a charge back."""

    def make_payouts(self) -> object:
        """The provider pays out what is available."""

    def tick(self) -> object:
        """Let everything happen that is due."""


@dataclass(slots=True)
class Week:
    """What was done."""

    payments: list[Payment] = field(default_factory=list)
    declined: int = 0
    disputed: str = ""
    """Charge that a customer's bank took back."""

    def captured(self) -> list[Payment]:
        """Payments that hold money."""
        return [p for p in self.payments if p.state is PaymentState.SUCCEEDED]


async def play_week(
    context: Context,
    clock: SetClock,
    world: PretendWorld,
    seed: int,
    progress: Callable[[int, int], None],
) -> Week:
    """Play the week; `progress` is told (days done, days in all)."""
    dice = random.Random(seed)  # noqa: S311 - a repeatable story, no secret
    week = Week()
    for day in range(DAYS):
        clock.at = MONDAY + timedelta(days=day)
        for number in range(PAYMENTS_A_DAY):
            await _sell(context, dice, week, day * PAYMENTS_A_DAY + number)
            clock.advance(timedelta(minutes=dice.randint(11, 48), seconds=dice.randint(0, 59)))
        await _give_back(context, dice, week)
        if day == DAYS - 3:
            await _lose_a_dispute(context, world, week)
        clock.advance(timedelta(hours=2))
        world.tick()
        world.make_payouts()
        progress(day + 1, DAYS)
    return week


async def _sell(context: Context, dice: random.Random, week: Week, number: int) -> None:
    currency = dice.choices(list(_PRICES), weights=(5, 3, 2, 2))[0]
    low, high = _PRICES[currency]
    fails, waits = number % 13 == 12, number % 8 == 5
    words = CreateWords(
        money=Money(dice.randint(low, high), currency),
        provider="stripe",
        method="pm_card_chargeDeclined" if fails else "pm_card_visa",
        capture=not waits,
        order_reference=f"order-{1001 + number}",
        customer=f"shopper-{dice.randint(1, 20):02d}",
        description=dice.choice(_GOODS),
    )
    outcome = await create_payment(context, words, f"demo-{number}")
    if outcome.payment.state is PaymentState.FAILED:
        week.declined += 1
        return
    payment = outcome.payment
    if waits:
        part = max(payment.amount_minor * 3 // 5, 1)
        amount = None if number % 3 == 0 else _major(part, currency)
        payment = (await capture_payment(context, payment.payment_id, amount)).payment
    week.payments.append(payment)


async def _give_back(context: Context, dice: random.Random, week: Week) -> None:
    """Refund one payment in full and one in part, where there are any that were not refunded
    yet."""
    untouched = [p for p in week.captured() if not p.refunded_minor]
    for part, payment in zip((1, 3), dice.sample(untouched, min(2, len(untouched))), strict=False):
        amount = _major(payment.captured_minor // part, payment.currency)
        done = await refund_payment(context, payment.payment_id, amount, reason="demo")
        week.payments[week.payments.index(payment)] = done.payment


async def _lose_a_dispute(context: Context, world: PretendWorld, week: Week) -> None:
    payment = next(p for p in week.captured() if p.currency == "USD" and not p.refunded_minor)
    charge = next(m.reference for m in payment.movements if m.kind is LineKind.CHARGE)
    world.dispute(charge)
    week.disputed = charge
    seen = await refresh_payment(context, payment.payment_id)
    week.payments[week.payments.index(payment)] = seen


def _major(minor: int, currency: str) -> str:
    return str(Money(minor, currency)).split()[0]
