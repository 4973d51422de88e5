"""The PayPal account behind the port: errors translated, nothing retried, doubt left to `get`.

Money moves only in `confirm`, `capture` and `refund`. `create` makes an order nobody has paid: a
wallet's owner is asked at PayPal, a vaulted method is named only when `confirm` captures.

PayPal cannot cancel an order. But an unpaid order moves no money without a call of ours, and that
call must fit the order's intent: `cancel` turns the intent into the other one, so that a capture of
ours still under way is refused whenever it arrives. What the order was made for stays readable in
its unit's `reference_id`; an unpaid order whose intent differs from it is told as CANCELLED.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from domain.clock import Clock, SystemClock
from domain.errors import CapabilityMissing, ConfigurationError, Rejected, Unavailable
from domain.payment import Snapshot, Stage
from domain.provider import (
    BalanceLine,
    Capabilities,
    ExportFile,
    MethodView,
    PaymentRequest,
    PayoutView,
    ProviderAccount,
)
from domain.settlement import LineKind
from domain.transaction import Movement
from domain.webhook import ListedEvent, Proof, ProviderEvent
from providers.http import HttpClient
from providers.paypal import bodies, events, search, snapshots, vault, webhooks
from providers.paypal.capabilities import CAPABILITIES
from providers.paypal.client import PayPalClient, segment
from providers.paypal.errors import NOT_YET, reading
from providers.paypal.exports import AUTHORIZATION_CODES, EVENT_CODES, PAYOUT_CODES
from providers.paypal.listener import Listener
from providers.paypal.places import Places, real_places
from providers.paypal.snapshots import CAPTURE, TAKEN, WALLET

LIVE_URL, TEST_URL = "https://api-m.paypal.com", "https://api-m.sandbox.paypal.com"
ALLOWED_HOSTS = frozenset({"api-m.paypal.com", "api-m.sandbox.paypal.com"})

_ORDERS = "/v2/checkout/orders"
_AUTHORIZATIONS, _CAPTURES = "/v2/payments/authorizations", "/v2/payments/captures"
_DISPUTES, _BALANCES = "/v1/customer/disputes", "/v1/reporting/balances"


@dataclass(frozen=True, slots=True)
class PayPalSettings:
    """How one PayPal account is reached; the secret never leaves this value."""

    client_id: str
    client_secret: str
    account: str
    mode: str
    merchant_id: str = ""
    """PayPal's own id of the account; every object that names another one is refused."""
    base_url: str = TEST_URL
    return_url: str = ""
    """Where the payer comes back to after agreeing."""
    cancel_url: str = ""
    brand_name: str = ""
    deadline_seconds: float = 30.0
    webhook_id: str = ""
    """PayPal's id of our webhook; every delivery is signed for it."""
    webhook_verify: str = "certificate"
    """`certificate` or `postback`."""


class PayPalProvider:
    """One PayPal account.

    Raises:
        ConfigurationError: the address is the other mode's.
    """

    def __init__(
        self,
        settings: PayPalSettings,
        http: HttpClient,
        monotonic_seconds: Callable[[], float] = monotonic,
        *,
        clock: Clock | None = None,
        places: Places | None = None,
    ) -> None:
        """`places`: where certificates of webhooks come from; PayPal's own hosts by default."""
        wrong = {"live": TEST_URL, "test": LIVE_URL}.get(settings.mode)
        if http.base_url == wrong:
            raise ConfigurationError(f"{wrong} does not serve {settings.mode} accounts.")
        self._settings = settings
        self._owner = ProviderAccount("paypal", settings.account, settings.mode)
        self._client = PayPalClient(
            http, settings.client_id, settings.client_secret, monotonic_seconds
        )
        self._listener = Listener(
            settings.webhook_id,
            settings.webhook_verify,
            places or real_places(settings.mode),
            self._client,
            clock or SystemClock(),
        )

    @property
    def account(self) -> ProviderAccount:
        """See `Provider.account`."""
        return self._owner

    @property
    def capabilities(self) -> Capabilities:
        """See `Provider.capabilities`."""
        return CAPABILITIES

    async def create(self, request: PaymentRequest, key: str) -> Snapshot:
        """See `Provider.create`; a wallet's owner is asked at once, by the link in the answer."""
        s = self._settings
        body = bodies.order(request, s.return_url, s.cancel_url, s.brand_name)
        made = await self._client.tell("POST", _ORDERS, key, body)
        return self._snapshot(made, asking=False)

    async def confirm(self, provider_payment_id: str, method_token: str, key: str) -> Snapshot:
        """See `Provider.confirm`; does nothing while the payer has not agreed."""
        order = await self._order(provider_payment_id)
        with reading(asking=True):
            verb = snapshots.verb_of(order)
            stage = snapshots.stage_of(order)
            unasked = stage is Stage.CREATED and method_token != WALLET
        if not unasked and stage is not Stage.APPROVED:
            return self._snapshot(order, asking=True)
        body = await self._paying(method_token)
        call = "capture" if verb == CAPTURE else "authorize"
        try:
            path = f"{_ORDERS}/{provider_payment_id}/{call}"
            paid = await self._client.tell("POST", path, key, body)
        except Rejected as error:
            if error.reason not in NOT_YET:
                raise
            return await self.get(provider_payment_id)
        return self._snapshot(paid, asking=False)

    async def capture(
        self, provider_payment_id: str, amount_minor: int, currency: str, key: str
    ) -> Snapshot:
        """See `Provider.capture`."""
        body = bodies.part(amount_minor, currency)
        order = await self._order(provider_payment_id)
        held = self._held(order)
        if not held:
            raise Rejected(
                "PayPal holds no money for this payment that could be captured.",
                reason="NO_AUTHORIZATION",
            )
        path = f"{_AUTHORIZATIONS}/{held[0]['id']}/capture"
        taken = await self._client.tell("POST", path, key, body)
        return self._snapshot(snapshots.joined(order, "captures", taken), asking=False)

    async def reauthorize(
        self, provider_payment_id: str, amount_minor: int, currency: str, key: str
    ) -> Snapshot:
        """Hold the money again, once, from the fourth day on.

        Raises:
            Rejected: PayPal does not renew this authorization.
        """
        amount = bodies.part(amount_minor, currency)["amount"]
        order = await self._order(provider_payment_id)
        held = self._held(order)
        if not held:
            raise Rejected("There is no authorization to renew.", reason="NO_AUTHORIZATION")
        path = f"{_AUTHORIZATIONS}/{held[0]['id']}/reauthorize"
        again = await self._client.tell("POST", path, key, {"amount": amount})
        return self._snapshot(snapshots.joined(order, "authorizations", again), asking=False)

    async def cancel(self, provider_payment_id: str, key: str) -> Snapshot:
        """See `Provider.cancel`; what is held is voided, what was never paid is fenced."""
        order = await self._order(provider_payment_id)
        with reading(asking=True):
            stage = snapshots.stage_of(order)
            verb = snapshots.verb_of(order)
        if stage in (Stage.CREATED, Stage.ACTION, Stage.APPROVED):
            return await self._fenced(order, verb)
        for held in self._held(order) if stage is Stage.AUTHORIZED else ():
            path = f"{_AUTHORIZATIONS}/{held['id']}/void"
            voided = await self._client.tell("POST", path, f"{key}.{held['id']}")
            order = snapshots.joined(
                order, "authorizations", voided or {**held, "status": "VOIDED"}
            )
        return self._snapshot(order, asking=False)

    async def refund(
        self,
        provider_payment_id: str,
        amount_minor: int,
        currency: str,
        operation_id: str,
        key: str,
    ) -> Movement:
        """See `Provider.refund`; one that is there already is told, not made again."""
        body = bodies.refund(amount_minor, currency, operation_id)
        order = await self._order(provider_payment_id)
        with reading(asking=True):
            known = [snapshots.refund(r) for r in snapshots.payments(order, "refunds")]
            taken = [c for c in snapshots.payments(order, "captures") if c["status"] in TAKEN]
        made = [r for r in known if r.operation_id == operation_id]
        if made:
            return made[0]
        if not taken:
            raise Rejected("PayPal shows no captured money to refund.", reason="PENDING_CAPTURE")
        path = f"{_CAPTURES}/{taken[0]['id']}/refund"
        answer = await self._client.tell("POST", path, key, body)
        with reading(asking=False):
            snapshots.check_owner(answer, self._owner)
            return snapshots.refund(answer)

    async def find(self, payment_id: str, start: datetime, end: datetime) -> Snapshot | None:
        """See `Provider.find`; PayPal lists paid orders only, some hours late."""
        async for shown in self.payments(start, end):
            if shown.payment_id == payment_id:
                return shown
        return None

    async def get(self, provider_payment_id: str) -> Snapshot:
        """See `Provider.get`."""
        order = await self._order(provider_payment_id)
        with reading(asking=True):
            taken = [c for c in snapshots.payments(order, "captures") if c["status"] in TAKEN]
        disputes = [d for c in taken for d in await self._disputes(str(c["id"]))]
        return self._snapshot(order, disputes, asking=True)

    async def payments(self, start: datetime, end: datetime) -> AsyncIterator[Snapshot]:
        """See `Provider.payments`; PayPal lists what was captured or held, some hours late."""
        seen: set[str] = set()
        async for info in self._transactions(start, end, moving=False):
            order_id = await self._order_of(info)
            if order_id and order_id not in seen:
                seen.add(order_id)
                yield self._snapshot(await self._order(order_id), asking=True)

    async def balance_lines(self, start: datetime, end: datetime) -> AsyncIterator[BalanceLine]:
        """See `Provider.balance_lines`; lines come up to three hours late."""
        async for info in self._transactions(start, end, moving=True):
            with reading(asking=True):
                line = search.balance_line(info) if search.is_money(info) else None
            if line is not None:
                yield line

    async def payouts(self, start: datetime, end: datetime) -> AsyncIterator[PayoutView]:
        """See `Provider.payouts`."""
        async for info in self._transactions(start, end, moving=True):
            with reading(asking=True):
                found = info["transaction_event_code"] in PAYOUT_CODES
                view = search.payout(info) if found else None
            if view is not None:
                yield view

    async def ping(self) -> None:
        """See `Provider.ping`; an app that may not see balances has shown its key, too."""
        try:
            answer = await self._client.ask(_BALANCES)
        except Unavailable as error:
            if error.reason != "permission":
                raise
        else:
            with reading(asking=True):
                search.check_merchant(answer, self._settings.merchant_id)

    async def setup_method(self, provider_customer_id: str, key: str) -> tuple[str, str]:
        """Begin to keep a wallet: (token for `add_method`, link at which its owner agrees)."""
        s = self._settings
        page = bodies.page(s.return_url, s.cancel_url, s.brand_name)
        return await vault.begin(self._client, self._owner, page, provider_customer_id, key)

    async def add_method(self, token: str, provider_customer_id: str) -> MethodView:
        """See `Provider.add_method`; a setup token its owner agreed to becomes a vaulted method."""
        if token == WALLET:
            return MethodView(token=WALLET, type=WALLET)
        return await vault.keep(self._client, self._owner, token, provider_customer_id)

    async def get_method(self, token: str) -> MethodView:
        """See `Provider.get_method`."""
        if token == WALLET:
            return MethodView(token=WALLET, type=WALLET)
        return await vault.look_up(self._client, self._owner, token)

    async def fetch_export(self, format_name: str, start: datetime, end: datetime) -> ExportFile:
        """See `Provider.fetch_export`; PayPal's files come by SFTP, not by its interface."""
        raise CapabilityMissing("PayPal hands its files out by SFTP only: reports.paypal.com.")

    async def remove_method(self, token: str) -> None:
        """See `Provider.remove_method`; the wallet that is asked each time is not kept at all."""
        if token != WALLET:
            await vault.remove(self._client, token)

    async def add_customer(self, customer_id: str, key: str) -> str:
        """See `Provider.add_customer`; the vault has no customers, it takes our name for one."""
        return vault.customer_name(customer_id)

    def must_ask(self, headers: Mapping[str, str], body: bytes) -> bool:
        """See `Provider.must_ask`."""
        return self._listener.must_ask(headers, body)

    async def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> Proof:
        """See `Provider.verify_webhook`."""
        return await self._listener.verify(headers, body)

    def read_event(self, body: bytes) -> ProviderEvent:
        """See `Provider.read_event`; never with a snapshot, see `providers.paypal.webhooks`."""
        return webhooks.read_event(body, self._owner, self._settings.merchant_id)

    def events(self, start: datetime, end: datetime) -> AsyncIterator[ListedEvent]:
        """See `Provider.events`; newest first, as PayPal lists them."""
        s = self._settings
        return events.listed(self._client, self._owner, s.merchant_id, start, end)

    async def get_event(self, event_id: str) -> ListedEvent:
        """See `Provider.get_event`."""
        return await events.one(self._client, self._owner, self._settings.merchant_id, event_id)

    async def resend_event(self, event_id: str) -> None:
        """See `Provider.resend_event`."""
        await events.resend(self._client, event_id, self._settings.webhook_id)

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._listener.aclose()
        await self._client.aclose()

    async def _order(self, order_id: str) -> dict[str, Any]:
        order = await self._client.ask(f"{_ORDERS}/{segment(order_id)}")
        with reading(asking=True):
            payee = snapshots.only_unit(order).get("payee")
            snapshots.check_owner(order, self._owner, payee, self._settings.merchant_id)
        return order

    def _snapshot(self, order: Any, disputes: Any = (), *, asking: bool) -> Snapshot:
        with reading(asking=asking):
            return snapshots.snapshot(order, self._owner, self._settings.merchant_id, disputes)

    async def _fenced(self, order: Any, verb: str) -> Snapshot:
        """An unpaid order whose intent no longer fits the call that would take its money."""
        changes = bodies.fence(verb)
        try:
            await self._client.tell("PATCH", f"{_ORDERS}/{order['id']}", "", changes)
        except Rejected as error:
            raise Rejected(
                "PayPal has no call that cancels an unpaid order, and it did not let this one be"
                f" closed: {error.message}",
                hint="Look at the payment again: it was paid, or it lapses by itself.",
                reason=error.reason,
                request_id=error.request_id,
            ) from error
        return self._snapshot({**order, "intent": changes[0]["value"]}, asking=False)

    def _held(self, order: Any) -> list[Any]:
        with reading(asking=True):
            return snapshots.open_authorizations(order)

    async def _paying(self, method_token: str) -> dict[str, Any]:
        """The body that names what pays; what kind a vaulted method is only PayPal knows."""
        if method_token == WALLET:
            return bodies.paying("", "")
        kept = await vault.look_up(self._client, self._owner, method_token)
        return bodies.paying(kept.type, method_token)

    async def _disputes(self, capture_id: str) -> list[Any]:
        """The disputes of a capture, none when the app may not see disputes."""
        try:
            listed = await self._client.ask(_DISPUTES, {"disputed_transaction_id": capture_id})
        except Unavailable as error:
            if error.reason == "permission":
                return []
            raise
        with reading(asking=True):
            names = [str(item["dispute_id"]) for item in listed.get("items") or ()]
        return [await self._client.ask(f"{_DISPUTES}/{segment(name)}") for name in names]

    async def _order_of(self, info: Any) -> str:
        """The order a line of the books belongs to, empty for lines of nothing we could make."""
        with reading(asking=True):
            code, line_id = str(info["transaction_event_code"]), str(info["transaction_id"])
        if code in AUTHORIZATION_CODES:
            path = f"{_AUTHORIZATIONS}/{segment(line_id)}"
        elif EVENT_CODES.get(code) is LineKind.CHARGE:
            path = f"{_CAPTURES}/{segment(line_id)}"
        else:
            return ""
        try:
            found = await self._client.ask(path)
        except Rejected:
            return ""  # a payment that was not made through orders
        with reading(asking=True):
            related = (found.get("supplementary_data") or {}).get("related_ids") or {}
            return str(related.get("order_id") or "")

    def _transactions(self, start: datetime, end: datetime, *, moving: bool) -> AsyncIterator[Any]:
        merchant_id = self._settings.merchant_id
        return search.transactions(self._client, start, end, moving=moving, merchant_id=merchant_id)
