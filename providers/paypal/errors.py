"""PayPal's errors in our words: the issue says what is certain about the request.

Sources: PayPal's pages on API responses, idempotency and rate limits, and the issue lists of its
API descriptions. A 5xx may come after the effect; everything else is said before it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from domain.errors import Declined, OutcomeUnknown, ProviderError, Rejected, Unavailable
from providers.http import Answer

IN_PROGRESS = frozenset({"PREVIOUS_REQUEST_IN_PROGRESS", "ORDER_COMPLETION_IN_PROGRESS"})
"""Another request is at work on the same thing: this one did nothing."""

NOT_YET = frozenset({"ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"})
"""The payer has not agreed: no failure, and nothing happened."""

DECLINES = frozenset(
    {
        "AGREEMENT_ALREADY_CANCELLED",
        "CARD_EXPIRED",
        "COMPLIANCE_VIOLATION",
        "INSTRUMENT_DECLINED",
        "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
        "PAYEE_BLOCKED_TRANSACTION",
        "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
        "PAYER_ACCOUNT_RESTRICTED",
        "PAYER_CANNOT_PAY",
        "PAYMENT_DENIED",
        "PAYMENT_SOURCE_DECLINED_BY_PROCESSOR",
        "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
        "REFERENCED_CARD_EXPIRED",
        "TRANSACTION_BLOCKED_BY_PAYEE",
        "TRANSACTION_LIMIT_EXCEEDED",
        "TRANSACTION_REFUSED",
    }
)
"""Issues that say no to the money; every other one says no to the request."""

_NOT_EXECUTED = {
    401: (
        "authentication",
        "PayPal did not accept the client id and secret.",
        "Check TSCLI_PAYPAL__CLIENT_ID and its secret.",
    ),
    403: (
        "permission",
        "The PayPal app may not do this.",
        "Enable the feature for the app at PayPal.",
    ),
    409: (
        "in_progress",
        "PayPal is working on this already.",
        "Run the command again in a moment.",
    ),
    429: ("rate_limit", "PayPal is limiting our rate.", "Run the command again in a moment."),
}
"""Status -> (reason, message, hint) of answers that say the request was not executed now."""

_UNCLEAR = frozenset({408, 424})
"""Client errors that may come after execution: a timeout, and a failure behind PayPal."""

_LONGEST_PAUSE_SECONDS = 3600


def read(answer: Answer, *, asking: bool) -> dict[str, Any]:
    """The JSON object of a good answer, empty for an answer without a body.

    Raises:
        Declined, Rejected, Unavailable, OutcomeUnknown: see `domain.errors`.
    """
    body = _object(answer.body)
    if 200 <= answer.status < 300:
        if body is None and answer.body.strip():
            raise _doubt(asking, "PayPal's answer cannot be read.")
        return body or {}
    raise _translate(answer, body, asking)


@contextmanager
def reading(*, asking: bool) -> Iterator[None]:
    """Raise our error in place of the accident that reading an odd shape is.

    Raises:
        Unavailable: the answer to a question has an odd shape.
        OutcomeUnknown: the answer to anything else has.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise _doubt(asking, "PayPal's answer has a shape this program cannot read.") from error


def _translate(answer: Answer, body: Mapping[str, Any] | None, asking: bool) -> ProviderError:
    status, debug_id = answer.status, str(answer.headers.get("Paypal-Debug-Id") or "")
    issue, said = _told(body)
    reason = issue or f"http_{status}"
    if status in _NOT_EXECUTED or issue in IN_PROGRESS:
        word, message, hint = _NOT_EXECUTED.get(status, _NOT_EXECUTED[409])
        return Unavailable(
            message,
            hint=hint,
            reason=word,
            request_id=debug_id,
            retry_after_seconds=_pause(answer.headers),
        )
    if 400 <= status < 500 and status not in _UNCLEAR and issue:
        kind = Declined if issue in DECLINES else Rejected
        verb = "declined" if kind is Declined else "refused"
        return kind(f"PayPal {verb}: {said or issue}", reason=reason, request_id=debug_id)
    message = f"PayPal answered with HTTP {status}"
    if asking:
        return Unavailable(f"{message}.", reason=reason, request_id=debug_id)
    return OutcomeUnknown(
        f"{message}: it may or may not have happened.", reason=reason, request_id=debug_id
    )


def _told(body: Mapping[str, Any] | None) -> tuple[str, str]:
    """(issue, its description) of the first detail, the error's own name without one."""
    if body is None:
        return "", ""
    details = body.get("details")
    first = details[0] if isinstance(details, list) and details else {}
    if not isinstance(first, Mapping):
        return "", ""
    issue = first.get("issue") or body.get("name") or body.get("error") or ""
    name = body.get("name")
    if name == "RESULTSET_TOO_LARGE":
        issue = name
    return str(issue), str(first.get("description") or "")


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        # Amounts are texts; whatever else has a point stays a text, too.
        parsed = json.loads(body, parse_float=str) if body.strip() else None
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _doubt(asking: bool, message: str) -> ProviderError:
    return Unavailable(message) if asking else OutcomeUnknown(message)


def _pause(headers: Mapping[str, str]) -> int | None:
    text = str(headers.get("Retry-After") or "")
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        return None
    return min(int(text), _LONGEST_PAUSE_SECONDS)
