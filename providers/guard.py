"""The guard: one wrapper around every provider for admission, pacing, retries and the breaker.

Adapters stay plain. A call that certainly did nothing is repeated here under its own key; one that
may have done something never is: whoever drives the operation asks first.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import stamina

from domain.breaker import Breaker, admit, failed, succeeded
from domain.clock import Clock, iso
from domain.errors import CircuitOpen, OutcomeUnknown, ProviderError, Unavailable, WebhookError
from domain.payment import Snapshot
from domain.provider import (
    BalanceLine,
    Capabilities,
    ExportFile,
    MethodView,
    PaymentRequest,
    PayoutView,
    Provider,
    ProviderAccount,
)
from domain.transaction import Movement
from domain.webhook import ListedEvent, Proof, ProviderEvent

# Repeats are the guard's own business: what comes of them is told by whoever drives the operation.
stamina.instrumentation.set_on_retry_hooks([])

Result = TypeVar("Result")

ATTEMPTS = 3
"""Calls in all for one that certainly did nothing."""

DEADLINE_SECONDS = 45.0
"""Longest time for all attempts of one call together."""

WAIT_SECONDS = 0.2
"""First pause between attempts; doubled each time."""

WAIT_MAX_SECONDS = 5.0
JITTER_SECONDS = 0.5
"""How much chance is in a pause, so that processes do not come back together."""

_SWAPS = 8
_OURS = frozenset({"authentication", "permission", "mode_mismatch"})
"""Reasons that lie with our settings: repeating helps nothing, and the provider is not down."""
_NOT_DOWN = _OURS | {"rate_limit", "in_progress"}


class GuardStore(Protocol):
    """What the processes share about one provider account."""

    def breaker(self, owner: ProviderAccount) -> Breaker:
        """The breaker as stored; a new one is closed."""

    def swap_breaker(self, owner: ProviderAccount, before: Breaker, after: Breaker) -> bool:
        """Store `after` unless somebody stored another since `before`; whether it was stored."""

    def pace(self, owner: ProviderAccount, rate: int) -> int:
        """Take one call from the account's bucket: microseconds to wait before making it."""

    def check_open(self, owner: ProviderAccount) -> None:
        """Pass unless an operator paused the account.

        Raises:
            CircuitOpen: it is paused; the message says by whom and why.
        """


class Guarded:
    """A provider whose every call is guarded."""

    def __init__(self, inner: Provider, store: GuardStore, clock: Clock, rate: int) -> None:
        """`rate` is calls per second for all processes together; 0 is no limit."""
        self._inner = inner
        self._store = store
        self._clock = clock
        self._rate = rate

    @property
    def account(self) -> ProviderAccount:
        """See `Provider.account`."""
        return self._inner.account

    @property
    def capabilities(self) -> Capabilities:
        """See `Provider.capabilities`."""
        return self._inner.capabilities

    async def create(self, request: PaymentRequest, key: str) -> Snapshot:
        """See `Provider.create`."""
        return await self._guarded(lambda: self._inner.create(request, key))

    async def confirm(self, provider_payment_id: str, method_token: str, key: str) -> Snapshot:
        """See `Provider.confirm`."""
        return await self._guarded(
            lambda: self._inner.confirm(provider_payment_id, method_token, key)
        )

    async def capture(
        self, provider_payment_id: str, amount_minor: int, currency: str, key: str
    ) -> Snapshot:
        """See `Provider.capture`."""
        return await self._guarded(
            lambda: self._inner.capture(provider_payment_id, amount_minor, currency, key)
        )

    async def cancel(self, provider_payment_id: str, key: str) -> Snapshot:
        """See `Provider.cancel`."""
        return await self._guarded(lambda: self._inner.cancel(provider_payment_id, key))

    async def refund(
        self,
        provider_payment_id: str,
        amount_minor: int,
        currency: str,
        operation_id: str,
        key: str,
    ) -> Movement:
        """See `Provider.refund`."""
        return await self._guarded(
            lambda: self._inner.refund(
                provider_payment_id, amount_minor, currency, operation_id, key
            )
        )

    async def reauthorize(
        self, provider_payment_id: str, amount_minor: int, currency: str, key: str
    ) -> Snapshot:
        """See `Provider.reauthorize`."""
        return await self._guarded(
            lambda: self._inner.reauthorize(provider_payment_id, amount_minor, currency, key)
        )

    async def find(self, payment_id: str, start: datetime, end: datetime) -> Snapshot | None:
        """See `Provider.find`."""
        return await self._guarded(lambda: self._inner.find(payment_id, start, end))

    async def get(self, provider_payment_id: str) -> Snapshot:
        """See `Provider.get`."""
        return await self._guarded(lambda: self._inner.get(provider_payment_id))

    def payments(self, start: datetime, end: datetime) -> AsyncIterator[Snapshot]:
        """See `Provider.payments`."""
        return self._listed(lambda: self._inner.payments(start, end))

    def balance_lines(self, start: datetime, end: datetime) -> AsyncIterator[BalanceLine]:
        """See `Provider.balance_lines`."""
        return self._listed(lambda: self._inner.balance_lines(start, end))

    def payouts(self, start: datetime, end: datetime) -> AsyncIterator[PayoutView]:
        """See `Provider.payouts`."""
        return self._listed(lambda: self._inner.payouts(start, end))

    async def ping(self) -> None:
        """See `Provider.ping`."""
        return await self._guarded(self._inner.ping)

    async def add_method(self, token: str, provider_customer_id: str) -> MethodView:
        """See `Provider.add_method`."""
        return await self._guarded(lambda: self._inner.add_method(token, provider_customer_id))

    async def get_method(self, token: str) -> MethodView:
        """See `Provider.get_method`."""
        return await self._guarded(lambda: self._inner.get_method(token))

    async def setup_method(self, provider_customer_id: str, key: str) -> tuple[str, str]:
        """See `Provider.setup_method`."""
        return await self._guarded(lambda: self._inner.setup_method(provider_customer_id, key))

    async def fetch_export(self, format_name: str, start: datetime, end: datetime) -> ExportFile:
        """See `Provider.fetch_export`; made anew it would only be waited for again."""
        return await self._once(lambda: self._inner.fetch_export(format_name, start, end))

    async def remove_method(self, token: str) -> None:
        """See `Provider.remove_method`."""
        return await self._guarded(lambda: self._inner.remove_method(token))

    async def add_customer(self, customer_id: str, key: str) -> str:
        """See `Provider.add_customer`."""
        return await self._guarded(lambda: self._inner.add_customer(customer_id, key))

    def must_ask(self, headers: Mapping[str, str], body: bytes) -> bool:
        """See `Provider.must_ask`."""
        return self._inner.must_ask(headers, body)

    async def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> Proof:
        """See `Provider.verify_webhook`; what is verified here needs no admission, so that a
        paused account still takes in what it is told."""
        if not self._inner.must_ask(headers, body):
            return await self._inner.verify_webhook(headers, body)
        try:
            # Once: the provider that delivers is waiting, and delivers again.
            return await self._once(lambda: self._inner.verify_webhook(headers, body))
        except WebhookError:
            self._note(down=False)  # it answered, and its answer was no
            raise

    def read_event(self, body: bytes) -> ProviderEvent:
        """See `Provider.read_event`."""
        return self._inner.read_event(body)

    def events(self, start: datetime, end: datetime) -> AsyncIterator[ListedEvent]:
        """See `Provider.events`."""
        return self._listed(lambda: self._inner.events(start, end))

    async def get_event(self, event_id: str) -> ListedEvent:
        """See `Provider.get_event`."""
        return await self._guarded(lambda: self._inner.get_event(event_id))

    async def resend_event(self, event_id: str) -> None:
        """See `Provider.resend_event`."""
        return await self._guarded(lambda: self._inner.resend_event(event_id))

    async def aclose(self) -> None:
        """See `Provider.aclose`."""
        await self._inner.aclose()

    async def _guarded(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Make a call, again while it certainly did nothing and repeating may help."""
        retrying = stamina.retry_context(
            on=_worth_repeating,
            attempts=ATTEMPTS,
            timeout=DEADLINE_SECONDS,
            wait_initial=WAIT_SECONDS,
            wait_max=WAIT_MAX_SECONDS,
            wait_jitter=JITTER_SECONDS,
        )
        async for attempt in retrying:
            with attempt:
                return await self._once(call)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, call: Callable[[], Awaitable[Result]]) -> Result:
        await self._enter()
        try:
            result = await call()
        except ProviderError as error:
            self._note(down=_says_down(error))
            raise
        self._note(down=False)
        return result

    async def _listed(self, listing: Callable[[], AsyncIterator[Result]]) -> AsyncIterator[Result]:
        """A listing is one admission; it is never repeated in the middle."""
        await self._enter()
        try:
            async for item in listing():
                yield item
        except ProviderError as error:
            self._note(down=_says_down(error))
            raise
        self._note(down=False)

    async def _enter(self) -> None:
        """Be admitted, and wait for our turn.

        Raises:
            CircuitOpen: the account is paused, or its circuit is open.
        """
        owner = self._inner.account
        self._store.check_open(owner)
        for _ in range(_SWAPS):
            breaker = self._store.breaker(owner)
            asked = admit(breaker, self._clock.now())
            if not asked.admitted:
                until = iso(asked.retry_at) if asked.retry_at else "later"
                raise CircuitOpen(
                    f"{owner.provider} failed {breaker.failures} times in a row;"
                    f" calls are suspended until {until}."
                )
            if asked.after == breaker or self._store.swap_breaker(owner, breaker, asked.after):
                break
        else:
            raise CircuitOpen(f"{owner.provider} is being tried by another process.")
        wait = self._store.pace(owner, self._rate) if self._rate else 0
        if wait:
            await asyncio.sleep(wait / 1_000_000)

    def _note(self, *, down: bool) -> None:
        """Store what a call said about the provider; a lost race is tried again, then let go."""
        owner = self._inner.account
        for _ in range(_SWAPS):
            breaker = self._store.breaker(owner)
            after = failed(breaker, self._clock.now()) if down else succeeded(breaker)
            if after == breaker or self._store.swap_breaker(owner, breaker, after):
                return


def _says_down(error: ProviderError) -> bool:
    """Whether an error is a sign that the provider is down; refusals prove that it is up."""
    if isinstance(error, CircuitOpen):
        return False
    return isinstance(error, Unavailable | OutcomeUnknown) and error.reason not in _NOT_DOWN


def _worth_repeating(error: Exception) -> bool | timedelta:
    """Whether nothing was done and another try may help; the pause the provider named, if any."""
    if not isinstance(error, Unavailable) or isinstance(error, CircuitOpen):
        return False
    if error.reason in _OURS:
        return False
    named = error.retry_after_seconds
    return True if named is None else timedelta(seconds=named)
