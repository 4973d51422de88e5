"""What a seed is like: how often things fail and die, whose money moves, how time passes.

Swarm parameters: each seed draws its own mix, so that some storms are all kills, some all faults,
some calm, and rare combinations are reached that one mix for all would never reach.
"""

from dataclasses import dataclass
from random import Random

from providers.sandbox.faults import READ_FAULTS, WRITE_FAULTS, Fault

AMOUNTS = (1, 999, 10_000, 1_000_000, 99_999_999)
"""Minor units."""

GOOD = ("pm_card_visa", "pm_card_mastercard", "pm_card_amex")
REFUSED = (
    "pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedExpiredCard", "pm_card_chargeDeclinedProcessingError",
)  # fmt: skip
ASKING = ("pm_card_authenticationRequired", "pm_card_threeDSecureRequired")
DEBITS = ("pm_usBankAccount_success", "pm_usBankAccount_insufficientFunds")
PENDING_REFUND = "pm_card_pendingRefund"
WALLET = "paypal"
GOOD_WALLETS = ("wallet_buyer", "wallet_buyer", "wallet_buyer", "wallet_declined")
"""What the payer agrees with; one in four is refused by the bank, and may be used again."""


@dataclass(frozen=True)
class Weather:
    """The parameters of one seed; rates in percent."""

    fault_rate: int
    kill_rate: int
    late_rate: int
    amount_minor: int
    currency: str
    method: str
    capture: bool
    concurrency: int
    gap_seconds: int
    """Longest pause between two commands while nothing runs."""
    long_gap_rate: int
    """How often such a pause is hours or days long."""
    faults: tuple[Fault, ...]
    """What can strike a write."""
    provider: str

    def fault(self, dice: Random, *, write: bool) -> Fault:
        """What strikes the next request."""
        if dice.randrange(100) >= self.fault_rate:
            return Fault.NONE
        fitting = [f for f in self.faults if write or f in READ_FAULTS]
        return dice.choice(fitting) if fitting else Fault.NONE


def forecast(dice: Random) -> Weather:
    """Draw the parameters of a seed."""
    provider = dice.choices(("stripe", "paypal"), (70, 30))[0]
    method = WALLET if provider == "paypal" else _card(dice)
    debit = method in DEBITS
    few = tuple(dice.sample(WRITE_FAULTS, 3))
    return Weather(
        fault_rate=dice.choice((0, 15, 30, 60)),
        kill_rate=dice.choice((0, 2, 7)),
        late_rate=dice.choice((5, 20)),
        amount_minor=dice.choice(AMOUNTS if provider == "stripe" else AMOUNTS[1:]),
        currency="USD" if debit else dice.choice(("USD", "EUR", "JPY", "USD")),
        method=method,
        capture=debit or dice.random() < 0.5,
        concurrency=dice.choice((1, 2, 2)),
        gap_seconds=dice.choice((5, 60, 600)),
        long_gap_rate=dice.choice((0, 0, 20, 40)),
        faults=dice.choice((WRITE_FAULTS, WRITE_FAULTS, few)),
        provider=provider,
    )


def _card(dice: Random) -> str:
    kinds = (GOOD, REFUSED, ASKING, (PENDING_REFUND,), DEBITS)
    return dice.choice(dice.choices(kinds, (70, 10, 8, 6, 6))[0])
