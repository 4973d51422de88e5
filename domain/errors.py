"""Every error the product raises on purpose; each leaf has a stable code and a next step.

PaymentsError
├── InvalidRequest
│   ├── CurrencyMismatch
│   └── UnknownCurrency
├── NotFound
├── Conflict
│   ├── InvalidTransition
│   ├── IdempotencyMismatch
│   ├── IdempotencyInFlight
│   ├── StaleVersion
│   ├── AlreadyExists
│   ├── AlreadyRunning
│   └── Busy                  another transaction was in the way; nothing was written
├── ProviderError
│   ├── Declined              the provider said no to the money; certainly not done
│   ├── Rejected              the provider refused the request before executing it
│   ├── Unavailable           provably not sent, or refused before execution; safe to retry
│   │   └── CircuitOpen
│   ├── OutcomeUnknown        it may have happened; only asking settles it
│   └── CapabilityMissing
├── WebhookError
│   ├── InvalidSignature
│   ├── Stale
│   ├── Unreadable
│   └── WrongAccount          well signed, but about another account or mode
├── UnreadableExport          carries file, line, column and reason
├── NotPermitted
│   ├── ApprovalRequired
│   └── SelfApproval
├── ConfigurationError
└── IntegrityError            the stored books contradict themselves

Breaks found by reconciliation are data (`domain.breaks`), never exceptions.
"""


class PaymentsError(Exception):
    """Base of all deliberate errors: one sentence, a stable code, a hint naming the next step."""

    code = "payments_error"
    hint = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


class InvalidRequest(PaymentsError):
    """The words of the request make no sense; nothing was written."""

    code = "invalid_request"
    hint = "See the command's --help for what it accepts."


class CurrencyMismatch(InvalidRequest):
    """Two amounts of different currencies met where one was required."""

    code = "currency_mismatch"
    hint = "State the amount in the payment's own currency."


class UnknownCurrency(InvalidRequest):
    """Not an ISO 4217 code that has minor units."""

    code = "unknown_currency"
    hint = "Use a three-letter ISO 4217 code such as USD, EUR or JPY."


class NotFound(PaymentsError):
    """No such thing is recorded here."""

    code = "not_found"
    hint = "List what exists with the matching `list` command."


class Conflict(PaymentsError):
    """The request is sound but the present state forbids it."""

    code = "conflict"


class InvalidTransition(Conflict):
    """The payment's state has no such edge."""

    code = "invalid_transition"
    hint = "Look at the payment with `tscli payments show ID`."


class IdempotencyMismatch(Conflict):
    """The key was used before with other words."""

    code = "idempotency_mismatch"
    hint = "Use a new --idempotency-key for a new request, or repeat the first request's words."


class IdempotencyInFlight(Conflict):
    """Another process is working on this key now."""

    code = "idempotency_in_flight"
    hint = "Wait for the other command to end, then run this one again with the same key."


class StaleVersion(Conflict):
    """Somebody changed the row between our read and our write."""

    code = "stale_version"
    hint = "Run the command again: it starts from the newer state."


class AlreadyExists(Conflict):
    """The business reference is taken by another payment."""

    code = "already_exists"
    hint = "Look at the existing one before charging the order again."


class AlreadyRunning(Conflict):
    """Another process holds the work."""

    code = "already_running"
    hint = "Wait for it to end."


class Busy(Conflict):
    """Another transaction was in the way of ours; nothing was written."""

    code = "busy"
    hint = "Run the command again with the same words and key."


class ProviderError(PaymentsError):
    """Something the provider said, or failed to say."""

    code = "provider_error"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        reason: str = "",
        request_id: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds


class Declined(ProviderError):
    """The provider executed the request and said no: certainly no money moved."""

    code = "declined"
    hint = "Ask the customer for another payment method and create a new payment."


class Rejected(ProviderError):
    """The provider refused the request before executing it."""

    code = "rejected"
    hint = "Look at the reason given; the same request will be refused again."


class Unavailable(ProviderError):
    """The provider could not be reached or would not take the request: nothing was done."""

    code = "unavailable"
    hint = "Run the command again later with the same --idempotency-key."


class BooksUnavailable(Unavailable):
    """The books could not be read or written: of this transaction nothing was kept. What a provider
    did before it is another question."""

    code = "books_unavailable"
    hint = (
        "See `tscli doctor`, then run the command again with the same words and key: what was"
        " committed is found again."
    )


class CircuitOpen(Unavailable):
    """Calls to the provider are suspended after repeated failures."""

    code = "circuit_open"
    hint = "See `tscli providers list`; calls resume by themselves."


class OutcomeUnknown(ProviderError):
    """The request left and no trustworthy answer came: it may have happened."""

    code = "outcome_unknown"
    hint = "Ask the provider with `tscli payments show ID --refresh`; do not charge again."


class CapabilityMissing(ProviderError):
    """The provider cannot do this; nothing was sent."""

    code = "capability_missing"
    hint = "See what each provider can do with `tscli providers list`."


class WebhookError(PaymentsError):
    """A webhook that must not be trusted."""

    code = "webhook_error"
    hint = "See what was refused with `tscli webhooks status`."


class InvalidSignature(WebhookError):
    """The signature does not fit the bytes."""

    code = "invalid_signature"
    hint = "Compare the webhook secret or id in the settings with the provider's dashboard."


class Stale(WebhookError):
    """The signed time is outside the tolerance."""

    code = "stale"
    hint = "Compare this machine's clock with the time; missed events come by a backfill."


class Unreadable(WebhookError):
    """The bytes are no event."""

    code = "unreadable"


class WrongAccount(WebhookError):
    """An event of another account, merchant or mode."""

    code = "wrong_account"
    hint = "Point the provider's webhook of this account, in this mode, at this address."


class UnreadableExport(PaymentsError):
    """A file that cannot be read as what it should be."""

    code = "unreadable_export"
    hint = "Export the file again from the provider, unedited, and compare its size."

    def __init__(
        self,
        reason: str,
        *,
        file: str = "",
        line: int = 0,
        column: str = "",
        hint: str | None = None,
    ) -> None:
        where = (
            file + (f", line {line}" if line else "") + (f", column {column!r}" if column else "")
        )
        super().__init__(f"{where}: {reason}" if where else reason, hint=hint)
        self.reason, self.file, self.line, self.column = reason, file, line, column


class NotPermitted(PaymentsError):
    """The operator may not do this."""

    code = "not_permitted"


class ApprovalRequired(NotPermitted):
    """A second person has to agree first."""

    code = "approval_required"


class SelfApproval(NotPermitted):
    """Nobody approves their own request."""

    code = "self_approval"


class ConfigurationError(PaymentsError):
    """Settings that are missing, contradictory or dangerous."""

    code = "configuration_error"
    hint = "See `tscli config show` and `tscli doctor`."


class IntegrityError(PaymentsError):
    """The database refused or contradicts itself: money rows were touched from outside."""

    code = "integrity_error"
    hint = "Run `tscli doctor` and `tscli audit verify`; do not repair by hand."
