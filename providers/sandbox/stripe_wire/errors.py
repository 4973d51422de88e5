"""Stripe's error bodies, and which of them each refusal of the world becomes.

A message may name ids, fields and amounts, never a key or a card number.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from domain.errors import PaymentsError
from providers.sandbox.stripe_words import INTENT_STATUS
from providers.sandbox.truth.refusals import Missing, Refusal

KIND_WORDS = {
    "intent": "payment_intent",
    "method": "PaymentMethod",
    "line": "balance transaction",
    "report": "report run",
}
"""Record kind -> Stripe's word in 'No such …' messages."""

CODES = {
    "wrong_state": "payment_intent_unexpected_state",
    "no_method": "payment_intent_unexpected_state",
    "not_captured": "payment_intent_unexpected_state",
    "too_much_captured": None,
    "too_much_refunded": None,
    "already_refunded": "charge_already_refunded",
    "charge_disputed": "charge_disputed",
    "refund_wrong_state": None,
    "method_unusable": "payment_method_unexpected_state",
    "balance_insufficient": "balance_insufficient",
    "odd_amount": "invalid_charge_amount",
    "unknown_report": "resource_missing",
    "unknown_column": None,
}
"""Reason of a refusal -> Stripe's error code, None for errors that carry none."""

_STATUS = re.compile(r"\{([a-z_]+)\}")

FIELDS = {"method": "payment_method"}
"""Neutral field -> Stripe's parameter, where they differ."""


@dataclass
class WireError(Exception):
    """An answer that is an error: HTTP status and the members of Stripe's `error` object."""

    status: int
    type: str
    message: str
    code: str | None = None
    param: str | None = None
    more: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        members = {"code": self.code, "param": self.param, **self.more}
        error = {name: value for name, value in members.items() if value is not None}
        if self.code:
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        return {"error": {"type": self.type, "message": self.message, **error}}


def invalid(param: str | None, message: str, code: str | None = None) -> WireError:
    """A 400 about one parameter."""
    return WireError(400, "invalid_request_error", message, code, param)


def missing(param: str, word: str, object_id: str, status: int = 404) -> WireError:
    """No such object: 404, or 400 when a parameter named it."""
    message = f"No such {word}: '{object_id[:80]}'"
    return WireError(status, "invalid_request_error", message, "resource_missing", param)


def translate(error: PaymentsError, path_ids: tuple[str, ...]) -> WireError:
    """The answer for what the world said no to; a missing object of the path itself is a 404."""
    if isinstance(error, Missing):
        word = KIND_WORDS.get(error.kind, error.kind)
        in_path = error.object_id in path_ids
        param = "id" if in_path and error.kind in ("line",) else word.lower().replace(" ", "_")
        if error.kind == "intent" and in_path:
            param = "intent"
        if error.kind == "method":
            param = "payment_method"
        return missing(param, word, error.object_id, 404 if in_path else 400)
    if isinstance(error, Refusal):
        field_ = FIELDS.get(error.field, error.field)
        words = _STATUS.sub(lambda match: INTENT_STATUS.get(match[1], match[1]), error.message)
        return invalid(field_ or None, words, CODES.get(error.reason))
    return invalid(None, error.message)
