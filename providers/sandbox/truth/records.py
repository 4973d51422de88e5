"""The things of the pretend world, as plain mutable records that are stored whole.

Instants are whole Unix seconds, amounts ISO 4217 minor units, currencies upper case; no field may
hold anything that JSON cannot carry.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = dict[str, Any]
"""A JSON object."""


class IntentStatus(StrEnum):
    """Life of one attempt to be paid."""

    NEEDS_METHOD = "needs_method"
    NEEDS_CONFIRMATION = "needs_confirmation"
    NEEDS_ACTION = "needs_action"
    PROCESSING = "processing"
    APPROVED = "approved"
    """The payer has agreed, and nothing was taken or held yet."""
    AUTHORIZED = "authorized"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"


@dataclass
class Customer:
    """Somebody who pays; `details` are the words of the face that made it."""

    id: str
    created_at: int
    details: Json = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    deleted: bool = False


@dataclass
class Method:
    """A card or bank account, never its number; `behaviour` names what it does when charged."""

    id: str
    created_at: int
    kind: str
    """`card`, `us_bank_account`, `sepa_debit` or `paypal`."""
    behaviour: str
    details: Json
    billing: Json = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    customer_id: str | None = None
    detached: bool = False


@dataclass
class Intent:
    """One payment, from the wish to the money."""

    id: str
    created_at: int
    amount_minor: int
    currency: str
    manual_capture: bool = False
    status: str = IntentStatus.NEEDS_METHOD
    method_id: str | None = None
    customer_id: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    echo: Json = field(default_factory=dict)
    """Words of the face that the world keeps and gives back without understanding them."""
    secret: str = ""
    charge_id: str | None = None
    capturable_minor: int = 0
    received_minor: int = 0
    cancelled_at: int | None = None
    cancel_reason: str | None = None
    failure: Json | None = None
    """code, decline_code, message, method snapshot of the last refused attempt."""


@dataclass
class Charge:
    """One attempt to take an intent's money from a method."""

    id: str
    created_at: int
    intent_id: str
    amount_minor: int
    currency: str
    status: str
    """`succeeded`, `pending` or `failed`."""
    method: Json
    """The method as it was: id, kind, behaviour, details, billing."""
    captured: bool = False
    captured_minor: int = 0
    refunded_minor: int = 0
    released_minor: int = 0
    """Authorised but given up: the rest of a partial capture, or a cancelled authorisation."""
    disputed: bool = False
    line_id: str | None = None
    customer_id: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    echo: Json = field(default_factory=dict)
    failure: Json | None = None


@dataclass
class Authorization:
    """Money held for one payment, to be taken in one or several captures."""

    id: str
    created_at: int
    intent_id: str
    amount_minor: int
    currency: str
    method: Json
    """The method as it was: id, kind, behaviour, details, billing."""
    honoured_until: int
    expires_at: int
    status: str = "created"
    """`created`, `partially_captured`, `captured`, `voided` or `expired`."""
    captured_minor: int = 0
    renewed: bool = False
    """Whether it was authorised a second time, or is the second time itself."""


@dataclass
class Setup:
    """A method on its way into the vault: it waits for its owner's agreement."""

    id: str
    created_at: int
    template: str
    """Public name of the test method it stands for."""
    status: str
    """`needs_action`, `approved` or `used`."""
    customer_id: str | None = None


@dataclass
class Refund:
    """Money of one charge on its way back."""

    id: str
    created_at: int
    charge_id: str
    intent_id: str
    amount_minor: int
    currency: str
    status: str
    """`pending`, `needs_action`, `succeeded`, `failed` or `cancelled`."""
    method_kind: str
    reason: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    email: str | None = None
    line_id: str | None = None
    failure_line_id: str | None = None
    failure_reason: str | None = None


@dataclass
class Dispute:
    """A payer's bank taking money back, for a while or for good."""

    id: str
    created_at: int
    charge_id: str
    intent_id: str
    amount_minor: int
    currency: str
    reason: str
    brand: str
    status: str = "open"
    """`open`, `won` or `lost`."""
    line_ids: list[str] = field(default_factory=list)


@dataclass
class Payout:
    """Money leaving the balance for the company's bank."""

    id: str
    created_at: int
    amount_minor: int
    currency: str
    automatic: bool
    arrival_at: int
    status: str
    """`pending`, `in_transit`, `paid`, `failed` or `cancelled`."""
    description: str | None = None
    statement_descriptor: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    line_id: str | None = None
    failure_line_id: str | None = None
    failure_code: str | None = None
    reversed_at: int | None = None


@dataclass
class Report:
    """A file the provider was asked to prepare; `text` is None until it is ready."""

    id: str
    created_at: int
    report_type: str
    parameters: Json
    file_id: str
    text: str | None = None
    error: str | None = None
    ready_at: int | None = None


@dataclass(frozen=True)
class Line:
    """One entry of the provider's balance: net = amount - fee."""

    id: str
    created_at: int
    available_at: int
    amount_minor: int
    fee_minor: int
    currency: str
    category: str
    """charge, refund, refund_failure, partial_capture_reversal, dispute, dispute_reversal, fee,
    payout or payout_reversal."""
    method_kind: str
    """Kind of the method behind it, empty when there is none."""
    source_id: str | None
    charge_id: str | None
    description: str
    payout_id: str | None = None
    """The automatic payout that carried it, or that it is."""

    @property
    def net_minor(self) -> int:
        """What the balance gains."""
        return self.amount_minor - self.fee_minor


@dataclass(frozen=True)
class Movement:
    """Money that really changed hands between the world outside and the account."""

    seq: int
    at: int
    kind: str
    """capture, refund, refund_returned, dispute_withdrawn, dispute_returned, paid_out,
    payout_returned."""
    amount_minor: int
    """Signed: positive comes into the account."""
    currency: str
    intent_id: str | None
    object_id: str | None


@dataclass(frozen=True)
class Happening:
    """A fact the world told, with the object as it was then."""

    seq: int
    id: str
    at: int
    fact: str
    """Past tense with dots: `payment.succeeded`, `charge.captured`."""
    kind: str
    """Record kind of the object, a key of `RECORDS`."""
    object_id: str
    body: Json
    request_id: str | None
    idempotency_key: str | None


RECORDS: dict[str, type[Any]] = {
    "customer": Customer, "method": Method, "intent": Intent, "charge": Charge, "refund": Refund,
    "dispute": Dispute, "payout": Payout, "report": Report, "authorization": Authorization,
    "setup": Setup,
}  # fmt: skip
"""Kind of a stored record -> its class."""

KIND_OF = {cls: kind for kind, cls in RECORDS.items()}
"""The inverse of `RECORDS`."""
