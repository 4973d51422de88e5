"""PayPal's error bodies: a name by status, the issue that says what is wrong, a debug id.

What the world refuses is told by the issue of the call it was asked in.
"""

from domain.errors import PaymentsError
from providers.sandbox.truth.records import Json
from providers.sandbox.truth.refusals import Missing, Refusal

NAMES: dict[int, tuple[str, str]] = {
    400: (
        "INVALID_REQUEST",
        "Request is not well-formed, syntactically incorrect, or violates schema.",
    ),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication "
        "credentials.",
    ),
    403: ("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    409: (
        "RESOURCE_CONFLICT",
        "The server has detected a conflict while processing this request.",
    ),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business "
        "validation.",
    ),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error has occurred."),
}
"""Status -> the name and sentence the protocol fixes for it."""


class WireError(Exception):
    """An answer that is an error; `more` are members beside the usual ones."""

    def __init__(
        self, status: int, issue: str = "", field: str = "", *, name: str = "",
        more: Json | None = None,
    ) -> None:  # fmt: skip
        super().__init__(issue or name)
        self.status, self.issue, self.field, self.name = status, issue, field, name
        self.more = more or {}

    def body(self, debug_id: str) -> Json:
        """The JSON of the answer."""
        name, message = NAMES[self.status]
        detail: Json = {"issue": self.issue}
        if self.field:
            detail |= {"field": self.field, "location": "body"}
        body: Json = {"name": self.name or name, "message": message, "debug_id": debug_id}
        if self.issue:
            body["details"] = [detail]
        return {**body, **self.more}


ISSUES: dict[str, str] = {
    "already_captured": "ORDER_ALREADY_CAPTURED",
    "already_authorized": "ORDER_ALREADY_AUTHORIZED",
    "wrong_verb": "ACTION_DOES_NOT_MATCH_INTENT",
    "not_approved": "ORDER_NOT_APPROVED",
    "order_voided": "ORDER_COMPLETED_OR_VOIDED",
    "order_completed": "ORDER_ALREADY_COMPLETED",
    "action_required": "PAYER_ACTION_REQUIRED",
    "duplicate_invoice": "DUPLICATE_INVOICE_ID",
    "authorization_voided": "AUTHORIZATION_VOIDED",
    "authorization_expired": "AUTHORIZATION_EXPIRED",
    "too_many_captures": "MAX_CAPTURE_COUNT_EXCEEDED",
    "too_much_captured": "MAX_CAPTURE_AMOUNT_EXCEEDED",
    "cannot_renew": "REAUTHORIZATION_NOT_SUPPORTED",
    "not_captured": "PENDING_CAPTURE",
    "charge_disputed": "TRANSACTION_DISPUTED",
    "already_refunded": "CAPTURE_FULLY_REFUNDED",
    "too_much_refunded": "REFUND_AMOUNT_EXCEEDED",
    "setup_not_approved": "SETUP_TOKEN_NOT_APPROVED",
    "setup_used": "TOKEN_ALREADY_USED",
}
"""The world's reason -> PayPal's issue."""

ELSEWHERE: dict[tuple[str, str], str] = {
    ("authorizations", "already_captured"): "AUTHORIZATION_ALREADY_CAPTURED",
    ("void", "already_captured"): "PREVIOUSLY_CAPTURED",
    ("void", "authorization_voided"): "PREVIOUSLY_VOIDED",
    ("void", "authorization_expired"): "CANNOT_BE_VOIDED",
}
"""(word of the path, reason) -> the issue where one call says it differently."""


def translate(error: PaymentsError, path: str) -> WireError:
    """The answer for what the world said no to."""
    if isinstance(error, Missing):
        return WireError(404, "INVALID_RESOURCE_ID")
    if isinstance(error, Refusal):
        if error.reason == "declined":
            return WireError(422, decline_issue(path, error.field))
        words = path.rsplit("/", 1)[-1], path.split("/")[3] if path.count("/") > 3 else ""
        special = next(
            (ELSEWHERE[w, error.reason] for w in words if (w, error.reason) in ELSEWHERE), ""
        )
        return WireError(422, special or ISSUES.get(error.reason, error.reason.upper()))
    return WireError(400, "INVALID_PARAMETER_VALUE")


def _issue(path: str, reason: str) -> str:
    for word in reversed(path.split("/")):
        if (word, reason) in ELSEWHERE:
            return ELSEWHERE[word, reason]
    return ISSUES.get(reason, reason.upper())


def decline_issue(path: str, behaviour: str) -> str:
    """How PayPal words a bank's no: captures name the instrument, authorizations do not."""
    if behaviour == "fraud":
        return "TRANSACTION_REFUSED"
    return "PAYER_CANNOT_PAY" if path.endswith("/authorize") else "INSTRUMENT_DECLINED"
