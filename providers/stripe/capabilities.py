"""What Stripe can do, as data. Source: Stripe's pages on currencies and payment methods."""

from domain.iso4217 import EXPONENTS
from domain.provider import Capabilities
from providers.stripe.reports import REPORTS

_NOT_CHARGED = frozenset(
    {
        "BOV", "CHE", "CHW", "CLF", "COU", "CUC", "CUP", "ERN", "HRK", "IRR", "KPW", "MXV", "SSP",
        "STD", "SYP", "USN", "UYI", "UYW", "VED", "VEF", "VES", "ZWL", "SDG", "SVC", "IQD", "LYD",
        "GHS", "BTN", "TMT",
    }
)  # fmt: skip
"""Codes with minor units that Stripe does not present to customers."""

CAPABILITIES = Capabilities(
    currencies=frozenset(EXPONENTS) - _NOT_CHARGED,
    method_types=frozenset({"card", "us_bank_account", "sepa_debit", "link"}),
    partial_capture=True,
    partial_refund=True,
    cancel=True,
    exports=frozenset(REPORTS),
)
