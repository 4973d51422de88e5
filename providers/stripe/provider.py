"""The Stripe account behind the port: one SDK call per method, errors translated, nothing retried.

Money moves only in `confirm`, `capture` and `refund`; `create` makes an unconfirmed PaymentIntent,
so that every later doubt is settled by reading it.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import stripe

from domain.clock import Clock, SystemClock
from domain.errors import CapabilityMissing
from domain.payment import Snapshot
from domain.provider import (
    BalanceLine,
    Capabilities,
    ExportFile,
    MethodView,
    PaymentRequest,
    PayoutView,
    ProviderAccount,
)
from domain.transaction import Movement
from domain.webhook import ListedEvent, Proof, ProviderEvent
from providers.http import HttpClient
from providers.stripe import events, reports, webhooks
from providers.stripe.amounts import to_stripe
from providers.stripe.capabilities import CAPABILITIES
from providers.stripe.errors import translated
from providers.stripe.snapshots import (
    balance_line,
    check_account,
    check_mode,
    method,
    payout,
    refund,
    snapshot,
)
from providers.stripe.transport import StripeTransport

ALLOWED_HOSTS = frozenset({"api.stripe.com", "files.stripe.com"})
_EXPAND_INTENT = ["latest_charge.balance_transaction"]
_PAGE = 100
_DEBITS = frozenset({"us_bank_account", "sepa_debit"})
"""Types that need a mandate."""


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """How one Stripe account is reached; the secret never leaves this value."""

    api_key: str
    account: str
    mode: str
    base_url: str = "https://api.stripe.com"
    return_url: str = ""
    """Where the customer comes back to after authentication."""
    account_id: str = ""
    """Stripe's id of the account, `acct_…`; `ping` refuses another one."""
    deadline_seconds: float = 30.0
    webhook_secrets: tuple[str, ...] = ()
    """Secrets of our webhook address, the old one beside the new while they are rolled."""


class StripeProvider:
    """One Stripe account."""

    def __init__(
        self, settings: StripeSettings, http: HttpClient, clock: Clock | None = None
    ) -> None:
        stripe.enable_telemetry = False
        self._settings = settings
        self._kinds: dict[str, str] = {}
        self._clock = clock or SystemClock()
        self._transport = StripeTransport(http)
        self._owner = ProviderAccount("stripe", settings.account, settings.mode)
        self._client = stripe.StripeClient(
            settings.api_key,
            base_addresses={"api": http.base_url},
            http_client=self._transport,
            max_network_retries=0,
        )
        self._v1 = self._client.v1

    @property
    def account(self) -> ProviderAccount:
        """See `Provider.account`."""
        return self._owner

    @property
    def capabilities(self) -> Capabilities:
        """See `Provider.capabilities`."""
        return CAPABILITIES

    async def create(self, request: PaymentRequest, key: str) -> Snapshot:
        """See `Provider.create`."""
        if request.currency not in CAPABILITIES.currencies:
            raise CapabilityMissing(f"Stripe does not charge {request.currency}.")
        metadata = {**request.metadata, "payment_id": request.payment_id}
        if request.order_reference:
            metadata["order_reference"] = request.order_reference
        params: Any = {
            "amount": to_stripe(request.amount_minor, request.currency),
            "currency": request.currency.lower(),
            "payment_method": request.method_token,
            "capture_method": "automatic" if request.capture else "manual",
            "automatic_payment_methods": {
                "enabled": True,
                "allow_redirects": "always" if self._settings.return_url else "never",
            },
            "metadata": metadata,
            "expand": _EXPAND_INTENT,
        }
        if request.description:
            params["description"] = request.description
        if request.provider_customer_id:
            params["customer"] = request.provider_customer_id
        params["expand"] = [*_EXPAND_INTENT, "payment_method"]
        with translated():
            intent = await self._v1.payment_intents.create_async(params, _options(key))
            made = snapshot(intent, self._owner)
        kind = getattr(getattr(intent, "payment_method", None), "type", None)
        if kind:
            self._kinds[request.method_token] = str(kind)
        return made

    async def confirm(self, provider_payment_id: str, method_token: str, key: str) -> Snapshot:
        """See `Provider.confirm`."""
        params: Any = {"payment_method": method_token, "expand": _EXPAND_INTENT}
        if self._settings.return_url:
            params["return_url"] = self._settings.return_url
        if await self._kind(method_token) in _DEBITS:
            # The shop holds the signed mandate; Stripe asks only that it was accepted.
            params["mandate_data"] = {"customer_acceptance": {"type": "offline"}}
        with translated():
            intent = await self._v1.payment_intents.confirm_async(
                provider_payment_id, params, _options(key)
            )
            return snapshot(intent, self._owner)

    async def capture(
        self, provider_payment_id: str, amount_minor: int, currency: str, key: str
    ) -> Snapshot:
        """See `Provider.capture`."""
        params: Any = {
            "amount_to_capture": to_stripe(amount_minor, currency),
            "expand": _EXPAND_INTENT,
        }
        with translated():
            intent = await self._v1.payment_intents.capture_async(
                provider_payment_id, params, _options(key)
            )
            return snapshot(intent, self._owner)

    async def cancel(self, provider_payment_id: str, key: str) -> Snapshot:
        """See `Provider.cancel`."""
        with translated():
            intent = await self._v1.payment_intents.cancel_async(
                provider_payment_id, {"expand": _EXPAND_INTENT}, _options(key)
            )
            return snapshot(intent, self._owner)

    async def refund(
        self,
        provider_payment_id: str,
        amount_minor: int,
        currency: str,
        operation_id: str,
        key: str,
    ) -> Movement:
        """See `Provider.refund`."""
        params: Any = {
            "payment_intent": provider_payment_id,
            "amount": to_stripe(amount_minor, currency),
            "metadata": {"operation_id": operation_id},
            "expand": ["balance_transaction"],
        }
        with translated():
            return refund(await self._v1.refunds.create_async(params, _options(key)))

    async def reauthorize(
        self, provider_payment_id: str, amount_minor: int, currency: str, key: str
    ) -> Snapshot:
        """See `Provider.reauthorize`; Stripe has no such call."""
        raise CapabilityMissing(
            "Stripe cannot hold money again.", hint="Capture it, or create a new payment."
        )

    async def find(self, payment_id: str, start: datetime, end: datetime) -> Snapshot | None:
        """See `Provider.find`."""
        async for shown in self.payments(start, end):
            if shown.payment_id == payment_id:
                return await self.get(shown.provider_payment_id)
        return None

    async def get(self, provider_payment_id: str) -> Snapshot:
        """See `Provider.get`."""
        with translated(asking=True):
            intent = await self._v1.payment_intents.retrieve_async(
                provider_payment_id, {"expand": _EXPAND_INTENT}
            )
            charge: Any = intent.latest_charge
            refunds = [r async for r in self._refunds(intent)] if intent.amount_received else []
            disputed = bool(charge) and not isinstance(charge, str) and charge.disputed
            disputes = [d async for d in self._disputes(intent)] if disputed else []
            return snapshot(intent, self._owner, refunds, disputes)

    async def payments(self, start: datetime, end: datetime) -> AsyncIterator[Snapshot]:
        """See `Provider.payments`."""
        params: Any = {
            "created": _window(start, end),
            "limit": _PAGE,
            "expand": [f"data.{path}" for path in _EXPAND_INTENT],
        }
        with translated(asking=True):
            listed = await self._v1.payment_intents.list_async(params)
            async for intent in listed.auto_paging_iter():
                yield snapshot(intent, self._owner)

    async def balance_lines(self, start: datetime, end: datetime) -> AsyncIterator[BalanceLine]:
        """See `Provider.balance_lines`."""
        with translated(asking=True):
            listed = await self._v1.balance_transactions.list_async(
                {"created": _window(start, end), "limit": _PAGE}
            )
            async for line in listed.auto_paging_iter():
                yield balance_line(line)

    async def payouts(self, start: datetime, end: datetime) -> AsyncIterator[PayoutView]:
        """See `Provider.payouts`."""
        with translated(asking=True):
            listed = await self._v1.payouts.list_async(
                {"created": _window(start, end), "limit": _PAGE}
            )
            async for item in listed.auto_paging_iter():
                check_mode(item, self._owner)
                yield payout(item)

    async def ping(self) -> None:
        """See `Provider.ping`."""
        with translated(asking=True):
            check_mode(await self._v1.balance.retrieve_async(), self._owner)
            if self._settings.account_id:
                found = await self._v1.accounts.retrieve_current_async()
                check_account(str(found.id), self._settings.account_id)

    async def add_method(self, token: str, provider_customer_id: str) -> MethodView:
        """See `Provider.add_method`."""
        with translated(asking=not provider_customer_id):
            if provider_customer_id:
                found = await self._v1.payment_methods.attach_async(
                    token, {"customer": provider_customer_id}
                )
            else:
                found = await self._v1.payment_methods.retrieve_async(token)
        check_mode(found, self._owner)
        return method(found)

    async def get_method(self, token: str) -> MethodView:
        """See `Provider.get_method`."""
        return await self.add_method(token, "")

    async def setup_method(self, provider_customer_id: str, key: str) -> tuple[str, str]:
        """See `Provider.setup_method`; Stripe's tokens are made in the shop's own page."""
        raise CapabilityMissing(
            "Stripe's payment methods are made in the shop's page, not at a link.",
            hint="Keep the pm_… the page made: `tscli methods add --token pm_…`.",
        )

    async def fetch_export(self, format_name: str, start: datetime, end: datetime) -> ExportFile:
        """See `Provider.fetch_export`."""
        with translated(asking=True):
            return await reports.fetch(
                self._v1,
                self._transport.http,
                self._settings.api_key,
                self._owner,
                format_name,
                start,
                end,
            )

    async def remove_method(self, token: str) -> None:
        """See `Provider.remove_method`."""
        with translated():
            await self._v1.payment_methods.detach_async(token)

    async def add_customer(self, customer_id: str, key: str) -> str:
        """See `Provider.add_customer`."""
        with translated():
            made = await self._v1.customers.create_async(
                {"metadata": {"customer_id": customer_id}}, _options(key)
            )
        check_mode(made, self._owner)
        return str(made.id)

    def must_ask(self, headers: Mapping[str, str], body: bytes) -> bool:
        """See `Provider.must_ask`; a signature tells all."""
        return False

    async def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> Proof:
        """See `Provider.verify_webhook`."""
        return webhooks.verify(headers, body, self._settings.webhook_secrets, self._clock)

    def read_event(self, body: bytes) -> ProviderEvent:
        """See `Provider.read_event`."""
        return webhooks.read_event(body, self._owner)

    def events(self, start: datetime, end: datetime) -> AsyncIterator[ListedEvent]:
        """See `Provider.events`; newest first, as Stripe lists them, of the last 30 days."""
        return events.listed(self._client, self._owner, _window(start, end))

    async def get_event(self, event_id: str) -> ListedEvent:
        """See `Provider.get_event`."""
        return await events.one(self._client, self._owner, event_id)

    async def resend_event(self, event_id: str) -> None:
        """See `Provider.resend_event`; only Stripe's dashboard and its own tool can."""
        raise CapabilityMissing(
            "Stripe's API has no call that delivers an event again.",
            hint="Fetch what was missed with `tscli webhooks backfill --since 2h`.",
        )

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._transport.close_async()

    async def _kind(self, token: str) -> str:
        """The type of a payment method, asked for once; card tokens of tests tell by their name."""
        if token not in self._kinds and not token.startswith("pm_card_"):
            with translated(asking=True):
                found = await self._v1.payment_methods.retrieve_async(token)
            self._kinds[token] = str(found.type)
        return self._kinds.get(token, "card")

    async def _refunds(self, intent: Any) -> AsyncIterator[Any]:
        params: Any = {
            "payment_intent": intent.id,
            "limit": _PAGE,
            "expand": ["data.balance_transaction"],
        }
        listed = await self._v1.refunds.list_async(params)
        async for item in listed.auto_paging_iter():
            yield item

    async def _disputes(self, intent: Any) -> AsyncIterator[Any]:
        listed = await self._v1.disputes.list_async({"payment_intent": intent.id, "limit": _PAGE})
        async for item in listed.auto_paging_iter():
            check_mode(item, self._owner)
            yield item


def _options(key: str) -> Any:
    return {"idempotency_key": key}


def _window(start: datetime, end: datetime) -> Any:
    """Stripe's half-open filter on `created`, whole seconds."""
    return {"gte": int(start.timestamp()), "lt": int(end.timestamp())}
