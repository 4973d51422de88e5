"""The port: what the application may ask of a provider, and the only errors it answers with.

Every method that talks raises nothing but the `ProviderError` family: `Declined` and `Rejected`
mean certainly not done, `Unavailable` that nothing was executed, `OutcomeUnknown` that it may have
been. An adapter that is not sure says `OutcomeUnknown`; it never guesses, never retries, never
logs.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from domain.operation import Step
from domain.payment import Snapshot
from domain.settlement import LineKind
from domain.transaction import Movement
from domain.webhook import ListedEvent, Proof, ProviderEvent

KEY_WINDOW = timedelta(hours=23)
"""Age up to which a key may be sent again where a provider's windows say nothing else."""


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """Whose money it is: part of every provider-side key."""

    provider: str
    account: str
    mode: str
    """`live` or `test`."""


class AccountStatus(StrEnum):
    """What an operator decided about an account."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    MAINTENANCE = "maintenance"
    """Away for a while; recovery waits for it."""


@dataclass(frozen=True, slots=True)
class AccountSwitch:
    """The operator's switch of an account: nothing is sent unless it is active."""

    status: AccountStatus = AccountStatus.ACTIVE
    reason: str = ""
    by: str = ""
    at: datetime | None = None
    only_asks: bool = False
    """Books that were put back from a backup: the provider is asked, but sent nothing new."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, as data."""

    currencies: frozenset[str]
    method_types: frozenset[str]
    partial_capture: bool
    partial_refund: bool
    cancel: bool
    reauthorize: bool = False
    """Whether money that is held can be held again for longer."""
    setup_methods: bool = False
    """Whether a payment method is set up by its owner at a link of the provider."""
    exports: frozenset[str] = field(default=frozenset())
    """Layouts of files that the provider's interface hands out."""
    resend_events: bool = False
    """Whether the provider can be asked to deliver an event again."""
    regions: frozenset[str] = field(default=frozenset())
    """ISO 3166 codes; empty means everywhere."""
    amount_max_minor: int = 99_999_999
    key_windows: Mapping[Step, timedelta] = field(default_factory=dict)
    """How long the provider remembers the key of a step, less an hour for clocks that differ; past
    it the step is never sent again. A day for steps that are not named."""

    def key_window(self, step: Step) -> timedelta:
        """How long after its first send a step may be sent again."""
        return self.key_windows.get(step, KEY_WINDOW)


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """Enough to create the provider's object of a payment, without moving money."""

    payment_id: str
    amount_minor: int
    currency: str
    capture: bool
    method_token: str
    order_reference: str = ""
    provider_customer_id: str = ""
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One line of the provider's own books; amounts in minor units."""

    reference: str
    source: str
    kind: LineKind | None
    """None for a category we have no word for."""
    category: str
    amount_minor: int
    fee_minor: int
    currency: str
    occurred_at: datetime
    available_at: datetime
    payout: str = ""


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout as the provider shows it."""

    reference: str
    amount_minor: int
    currency: str
    status: str
    automatic: bool
    created_at: datetime
    arrives_on: str
    """ISO date, as the provider expects it."""
    trace: str = ""


@dataclass(frozen=True, slots=True)
class MethodView:
    """A payment method as the provider shows it: a token and what may be shown of it."""

    token: str
    type: str
    brand: str = ""
    last4: str = ""
    expires: str = ""
    """`YYYY-MM`, empty when it does not expire."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One of the provider's own files, as its interface hands it out."""

    name: str
    """File name without folders."""
    format_name: str
    """Layout, such as `stripe.balance_change`."""
    content: bytes


class Provider(Protocol):
    """One account at one provider."""

    @property
    def account(self) -> ProviderAccount:
        """Which account this is; checked against every object that comes back."""

    @property
    def capabilities(self) -> Capabilities:
        """What can be asked of it."""

    async def create(self, request: PaymentRequest, key: str) -> Snapshot:
        """Create the provider's object; moves no money."""

    async def confirm(self, provider_payment_id: str, method_token: str, key: str) -> Snapshot:
        """Authorise, and capture when the payment was created so."""

    async def capture(
        self, provider_payment_id: str, amount_minor: int, currency: str, key: str
    ) -> Snapshot:
        """Capture an authorised payment once, in full or in part; the rest is released."""

    async def cancel(self, provider_payment_id: str, key: str) -> Snapshot:
        """Make success impossible: cancel or void what is not captured."""

    async def refund(
        self,
        provider_payment_id: str,
        amount_minor: int,
        currency: str,
        operation_id: str,
        key: str,
    ) -> Movement:
        """Give money back; the operation id travels in the provider's metadata."""

    async def reauthorize(
        self, provider_payment_id: str, amount_minor: int, currency: str, key: str
    ) -> Snapshot:
        """Hold the money of an authorised payment again, for longer; moves none."""

    async def find(self, payment_id: str, start: datetime, end: datetime) -> Snapshot | None:
        """The provider's object that carries our payment id, among those created in [start, end).

        Listed, never searched for: indexes lag. None proves nothing.
        """

    async def get(self, provider_payment_id: str) -> Snapshot:
        """The provider's present view of one payment, all its movements included."""

    def payments(self, start: datetime, end: datetime) -> AsyncIterator[Snapshot]:
        """Payments created in [start, end), oldest window first; no movements beyond the charge."""

    def balance_lines(self, start: datetime, end: datetime) -> AsyncIterator[BalanceLine]:
        """Lines of the provider's books created in [start, end)."""

    def payouts(self, start: datetime, end: datetime) -> AsyncIterator[PayoutView]:
        """Payouts created in [start, end)."""

    async def ping(self) -> None:
        """Ask something harmless that needs our key; raises when the answer is not for us."""

    async def add_method(self, token: str, provider_customer_id: str) -> MethodView:
        """Look a token up at the provider and keep it for the customer where one is given."""

    async def get_method(self, token: str) -> MethodView:
        """What a token stands for."""

    async def setup_method(self, provider_customer_id: str, key: str) -> tuple[str, str]:
        """Begin to keep a method: (token for `add_method`, link at which its owner agrees)."""

    async def fetch_export(self, format_name: str, start: datetime, end: datetime) -> ExportFile:
        """Have one of the provider's files made for [start, end), and take it."""

    async def remove_method(self, token: str) -> None:
        """Make the token useless for further payments."""

    async def add_customer(self, customer_id: str, key: str) -> str:
        """Create the provider's customer object; returns its id."""

    def must_ask(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether `verify_webhook` will ask the provider, and so counts as a call to it; what can
        be told without asking is checked first, so that junk never becomes a call.

        Raises:
            InvalidSignature, Stale, Unreadable: see `verify_webhook`.
        """

    async def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> Proof:
        """Prove that the provider sent these raw bytes; names of headers in any case.

        Raises:
            InvalidSignature: they are not signed as they should be; never ask again.
            Stale: signed, but too long ago or in the future.
            Unreadable: they could not even be sent back to be verified.
            Unavailable: it cannot be told now; the provider must be made to deliver again.
        """

    def read_event(self, body: bytes) -> ProviderEvent:
        """What an event says, from its raw bytes; asks nobody, trusts nothing.

        Raises:
            Unreadable: the bytes are no event of this provider.
            WrongAccount: it is about another account, merchant or mode.
        """

    def events(self, start: datetime, end: datetime) -> AsyncIterator[ListedEvent]:
        """The provider's own list of events created in [start, end), in the provider's order.

        What the provider no longer keeps (Stripe 30 days) is not in it.
        """

    async def get_event(self, event_id: str) -> ListedEvent:
        """One event as the provider keeps it. Raises: Rejected when it knows none."""

    async def resend_event(self, event_id: str) -> None:
        """Have the provider deliver an event again to our address.

        Raises:
            CapabilityMissing: it has no such call.
        """

    async def aclose(self) -> None:
        """Close connections."""
