"""Which provider takes a payment: rules as data, and a reason for every provider considered.

A choice is made before anything is recorded as sending, and never again for the same payment.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.money import Money
from domain.provider import Capabilities, ProviderAccount

AUTO = "auto"
"""The word for a provider that is to be chosen by rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Payments that a provider takes; empty sets and bounds hold nothing back."""

    provider: str
    currencies: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    """ISO 3166 codes of customers."""
    methods: frozenset[str] = frozenset()
    """Types of payment methods, such as `card`."""
    minor_min: int | None = None
    minor_max: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One configured account that could take a payment."""

    owner: ProviderAccount
    able: Capabilities
    down: str = ""
    """Why nothing can be sent to it now, empty when something can."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a payment before it is recorded."""

    money: Money
    region: str = ""
    method_type: str = ""
    """Empty when only the provider could tell."""
    pinned: str = ""
    """The provider a kept method belongs to, which alone can charge it."""


@dataclass(frozen=True, slots=True)
class Considered:
    """One rule's provider: why not, or nothing against it."""

    provider: str
    against: str = ""
    down: bool = False
    """True when it could take the payment at another time."""


def consider(
    rules: Sequence[Rule], candidates: Sequence[Candidate], asked: Asked
) -> list[Considered]:
    """Every rule's provider in order, with what speaks against it; the first with nothing is it."""
    by_name = {c.owner.provider: c for c in candidates}
    return [_consider(rule, by_name.get(rule.provider), asked) for rule in rules]


def _consider(rule: Rule, candidate: Candidate | None, asked: Asked) -> Considered:
    if candidate is None:
        return Considered(rule.provider, "it is not configured")
    why_never = _against(rule, candidate, asked)
    down = not why_never and bool(candidate.down)
    return Considered(rule.provider, why_never or candidate.down, down)


def _against(rule: Rule, candidate: Candidate, asked: Asked) -> str:
    able, money = candidate.able, asked.money
    checks = (
        (asked.pinned in ("", rule.provider), f"the method belongs to {asked.pinned}"),
        (not rule.currencies or money.currency in rule.currencies, f"its rule leaves out"
         f" {money.currency}"),
        (money.currency in able.currencies, f"it does not charge {money.currency}"),
        (not rule.regions or asked.region in rule.regions, f"its rule leaves out the region"
         f" {asked.region or 'that is not named'}"),
        (not able.regions or not asked.region or asked.region in able.regions,
         f"it does not serve {asked.region}"),
        (not rule.methods or not asked.method_type or asked.method_type in rule.methods,
         f"its rule leaves out {asked.method_type}"),
        (not asked.method_type or asked.method_type in able.method_types,
         f"it does not take {asked.method_type}"),
        (rule.minor_min is None or money.minor >= rule.minor_min, "the amount is below its rule"),
        (rule.minor_max is None or money.minor <= rule.minor_max, "the amount is above its rule"),
        (money.minor <= able.amount_max_minor, "the amount is more than it charges at once"),
    )  # fmt: skip
    return next((why for holds, why in checks if not holds), "")
