"""Stripe's errors in our words: what is certain about the request decides, not its class.

Sources: Stripe's error reference and its page on idempotent requests. The rate limiter and
parameter validation stand before execution; a 5xx may come after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from domain.errors import Declined, OutcomeUnknown, ProviderError, Rejected, Unavailable

_NOT_EXECUTED = {
    401: ("authentication", "Stripe did not accept the API key.", "Check TSCLI_STRIPE__API_KEY."),
    403: (
        "permission",
        "The API key may not do this.",
        "Give the restricted key this permission at Stripe.",
    ),
    409: (
        "in_progress",
        "Stripe is working on this request already.",
        "Run the command again in a moment.",
    ),
    429: ("rate_limit", "Stripe is limiting our rate.", "Run the command again in a moment."),
}
"""Status -> (reason, message, hint) of answers that say the request was not executed now."""

_UNCLEAR = frozenset({408, 424})
"""Client errors that may come after execution: a timeout, and a failure behind Stripe."""


@contextmanager
def translated(*, asking: bool = False) -> Iterator[None]:
    """Raise our errors in place of the SDK's; `asking` for requests that change nothing.

    Raises:
        Declined, Rejected, Unavailable, OutcomeUnknown: see `domain.errors`.
    """
    try:
        yield
    except stripe.StripeError as error:
        raise _translate(error, asking) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # Read, but not what it should be: whatever happened, this answer does not tell.
        kind = Unavailable if asking else OutcomeUnknown
        raise kind("Stripe's answer has a shape this program cannot read.") from error


def _translate(error: stripe.StripeError, asking: bool) -> ProviderError:
    status = error.http_status or 0
    detail = getattr(error, "error", None)
    reason = str(getattr(detail, "code", None) or error.code or f"http_{status}")
    if isinstance(error, stripe.IdempotencyError):
        reason = "idempotency_error"
    said = str(getattr(detail, "message", None) or "no message")
    request_id = error.request_id or ""
    if status in _NOT_EXECUTED:
        ours, message, hint = _NOT_EXECUTED[status]
        return Unavailable(message, hint=hint, reason=ours, request_id=request_id)
    if isinstance(error, stripe.CardError):
        code = str(getattr(detail, "decline_code", None) or reason)
        return Declined(f"Stripe declined: {said}", reason=code, request_id=request_id)
    if 400 <= status < 500 and status not in _UNCLEAR and detail is not None:
        return Rejected(f"Stripe refused: {said}", reason=reason, request_id=request_id)
    if asking:
        return Unavailable(
            f"Stripe gave no usable answer (HTTP {status}).", reason=reason, request_id=request_id
        )
    return OutcomeUnknown(
        f"Stripe answered with HTTP {status}: it may or may not have happened.",
        reason=reason,
        request_id=request_id,
    )
