"""The test methods everybody knows by name, and what each does when it is charged.

Adding a behaviour means adding its word here and its effect in `attempts` or `refunds`.
"""

from dataclasses import dataclass, field

from providers.sandbox.truth.records import Json


@dataclass(frozen=True)
class Refused:
    """How a bank says no."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True)
class Template:
    """A test method: its kind, its behaviour and what may be told about it."""

    kind: str
    behaviour: str
    details: Json = field(default_factory=dict)


DECLINES: dict[str, Refused] = {
    "declined": Refused("card_declined", "generic_decline", "Your card was declined."),
    "no_funds": Refused("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "lost": Refused("card_declined", "lost_card", "Your card was declined."),
    "stolen": Refused("card_declined", "stolen_card", "Your card was declined."),
    "fraud": Refused("card_declined", "fraudulent", "Your card was declined."),
    "expired": Refused("expired_card", "expired_card", "Your card has expired."),
    "wrong_cvc": Refused(
        "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."
    ),
    "processing_error": Refused(
        "processing_error", "processing_error", "An error occurred while processing your card."
    ),
    "unauthenticated": Refused(
        "authentication_required",
        "authentication_required",
        "This payment needs the customer to authenticate first.",
    ),
    "closed": Refused("account_closed", "", "The customer's bank account has been closed."),
    "debit_no_funds": Refused("insufficient_funds", "", "The account has insufficient funds."),
    "rejected": Refused(
        "payment_intent_authentication_failure", "", "The customer failed to authenticate."
    ),
}
"""Behaviour -> the refusal it ends in."""


def _card(behaviour: str, last4: str, brand: str = "visa", funding: str = "credit") -> Template:
    details = {"brand": brand, "last4": last4, "funding": funding, "country": "US"}
    return Template("card", behaviour, {**details, "exp_month": 12, "exp_year": 2034})


def _ach(behaviour: str, last4: str) -> Template:
    details = {"bank_name": "STRIPE TEST BANK", "last4": last4, "routing_number": "110000000"}
    more = {"account_holder_type": "individual", "account_type": "checking"}
    return Template("us_bank_account", behaviour, {**details, **more})


def _sepa(behaviour: str, last4: str) -> Template:
    return Template(
        "sepa_debit", behaviour, {"bank_code": "37040044", "country": "DE", "last4": last4}
    )


TEMPLATES: dict[str, Template] = {
    "pm_card_visa": _card("succeed", "4242"),
    "pm_card_visa_debit": _card("succeed", "5556", funding="debit"),
    "pm_card_mastercard": _card("succeed", "4444", "mastercard"),
    "pm_card_amex": _card("succeed", "8431", "amex"),
    "pm_card_discover": _card("succeed", "1117", "discover"),
    "pm_card_chargeDeclined": _card("declined", "0002"),
    "pm_card_chargeDeclinedInsufficientFunds": _card("no_funds", "9995"),
    "pm_card_chargeDeclinedLostCard": _card("lost", "9987"),
    "pm_card_chargeDeclinedStolenCard": _card("stolen", "9979"),
    "pm_card_chargeDeclinedFraudulent": _card("fraud", "0019"),
    "pm_card_chargeDeclinedExpiredCard": _card("expired", "0069"),
    "pm_card_chargeDeclinedIncorrectCvc": _card("wrong_cvc", "0127"),
    "pm_card_chargeDeclinedProcessingError": _card("processing_error", "0119"),
    "pm_card_chargeCustomerFail": _card("declined", "0341"),
    "pm_card_authenticationRequired": _card("authenticate", "3184"),
    "pm_card_threeDSecureRequired": _card("authenticate", "3220"),
    "pm_card_threeDSecure2Required": _card("authenticate", "3155"),
    "pm_card_createDispute": _card("dispute", "0259"),
    "pm_card_refundFail": _card("refund_fails", "5126"),
    "pm_card_pendingRefund": _card("refund_pends", "7726"),
    "pm_usBankAccount_success": _ach("debit", "6789"),
    "pm_usBankAccount_accountClosed": _ach("closed", "1113"),
    "pm_usBankAccount_insufficientFunds": _ach("debit_no_funds", "2227"),
    "pm_sepaDebit_success": _sepa("debit", "3000"),
    "pm_sepaDebit_accountClosed": _sepa("closed", "3001"),
}
"""Public test id -> method; using one makes a new method with an id of its own."""

ALIASES: dict[str, str] = {
    "pm_card_threeDSecure": "pm_card_threeDSecureRequired",
    "pm_sepaDebit": "pm_sepaDebit_success",
    "pm_usBankAccount": "pm_usBankAccount_success",
    **{
        name.replace("pm_card_charge", "pm_card_visa_charge"): name
        for name in TEMPLATES
        if name.startswith("pm_card_chargeDeclined")
    },
    **{"tok_" + n.removeprefix("pm_card_"): n for n in TEMPLATES if n.startswith("pm_card_")},
}
"""Other names of the same."""

NUMBERS: dict[str, str] = {
    "4242424242424242": "pm_card_visa",
    "4000056655665556": "pm_card_visa_debit",
    "5555555555554444": "pm_card_mastercard",
    "378282246310005": "pm_card_amex",
    "371449635398431": "pm_card_amex",
    "6011111111111117": "pm_card_discover",
    "4000000000000002": "pm_card_chargeDeclined",
    "4000000000009995": "pm_card_chargeDeclinedInsufficientFunds",
    "4000000000009987": "pm_card_chargeDeclinedLostCard",
    "4000000000009979": "pm_card_chargeDeclinedStolenCard",
    "4100000000000019": "pm_card_chargeDeclinedFraudulent",
    "4000000000000069": "pm_card_chargeDeclinedExpiredCard",
    "4000000000000127": "pm_card_chargeDeclinedIncorrectCvc",
    "4000000000000119": "pm_card_chargeDeclinedProcessingError",
    "4000000000000341": "pm_card_chargeCustomerFail",
    "4000002760003184": "pm_card_authenticationRequired",
    "4000000000003220": "pm_card_threeDSecureRequired",
    "4000002500003155": "pm_card_threeDSecure2Required",
    "4000000000000259": "pm_card_createDispute",
    "4000000000005126": "pm_card_refundFail",
    "4000000000007726": "pm_card_pendingRefund",
    "000123456789": "pm_usBankAccount_success",
    "000111111113": "pm_usBankAccount_accountClosed",
    "000222222227": "pm_usBankAccount_insufficientFunds",
    "DE89370400440532013000": "pm_sepaDebit_success",
    "DE62370400440532013001": "pm_sepaDebit_accountClosed",
}
"""Published test numbers, cards and bank accounts; no other number is ever taken."""


def template(name: str) -> Template | None:
    """The test method of that public id, token or alias, None when there is none."""
    return TEMPLATES.get(ALIASES.get(name, name))
