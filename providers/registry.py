"""The only door to concrete providers: opens accounts by name, importing nothing before it is asked
for.

Without keys an account is opened in the sandbox world: the same adapter, another transport.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.breaks import Bucket
from domain.clock import Clock
from domain.errors import CapabilityMissing, ConfigurationError
from domain.provider import Capabilities, Provider
from domain.settlement import ExportFormat

if TYPE_CHECKING:
    from providers.guard import GuardStore
    from providers.sandbox.deliveries import Deliverer as Deliverer
    from providers.sandbox.world import World as World

    Roots = Callable[[], Sequence[bytes]]

NAMES = ("stripe", "paypal")
"""Every provider there is."""

SANDBOX_ACCOUNT = "sandbox"
SETTLEMENT = "paypal.settlement"
"""Name of PayPal's settlement file among the files the pretend world can write."""

_SANDBOX_RETURN = "https://example.com/return"
"""Where pretend customers come back to."""

_SANDBOX_URL = "http://127.0.0.1:12111"
"""Requests into the pretend world are addressed as the real ones are; they never leave the
process."""


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Where the pretend world is kept."""

    path: str
    """File of the world, or `:memory:`."""
    seed: int = 1


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """How one provider account is reached; without a key it is the sandbox's."""

    key: str = ""
    """The secret: an API key, or a client's secret."""
    client_id: str = ""
    """Public half of the key, where a provider has one."""
    account: str = "default"
    mode: str = "test"
    """`live` or `test`, for providers whose keys do not tell."""
    merchant_id: str = ""
    base_url: str = ""
    return_url: str = ""
    cancel_url: str = ""
    brand_name: str = ""
    deadline_seconds: float = 30.0
    rate_per_second: int = 20
    """For all processes together; the sandbox in process has no limit."""
    webhook_secrets: tuple[str, ...] = ()
    """What Stripe signs deliveries with; in the sandbox the world's own secret when empty."""
    webhook_id: str = ""
    """What PayPal signs deliveries for; in the sandbox the world's own when empty."""
    webhook_verify: str = "certificate"
    """How PayPal's deliveries are verified: `certificate` or `postback`."""

    @property
    def sandbox(self) -> bool:
        """Whether nothing real moves."""
        return not self.key


def check_name(name: str) -> str:
    """The name of a provider there is.

    Raises:
        ConfigurationError: there is no such provider.
    """
    if name not in NAMES:
        raise ConfigurationError(
            f"There is no provider {name!r}.", hint=f"Known are: {', '.join(NAMES)}."
        )
    return name


def formats(name: str) -> tuple[ExportFormat, ...]:
    """The export layouts of a provider.

    Raises:
        ConfigurationError: there is no such provider.
        CapabilityMissing: its files cannot be read.
    """
    check_name(name)
    if name != "stripe":
        raise CapabilityMissing(f"Files of {name} cannot be read.")
    from providers.stripe.exports import FORMATS

    return FORMATS


def capabilities(name: str) -> Capabilities:
    """What a provider can do.

    Raises:
        ConfigurationError: there is no such provider.
    """
    check_name(name)
    if name == "paypal":
        from providers.paypal.capabilities import CAPABILITIES as PAYPAL

        return PAYPAL
    from providers.stripe.capabilities import CAPABILITIES as STRIPE

    return STRIPE


def mode_of(name: str, settings: AccountSettings) -> str:
    """`live` or `test`: as a Stripe key says, as the settings say for PayPal.

    Raises:
        ConfigurationError: a Stripe key has no known prefix.
    """
    if settings.sandbox:
        return "test"
    if name == "paypal":
        return settings.mode
    if settings.key.startswith(("sk_test_", "rk_test_")):
        return "test"
    if settings.key.startswith(("sk_live_", "rk_live_")):
        return "live"
    raise ConfigurationError(
        "The Stripe API key starts with none of sk_test_, rk_test_, sk_live_, rk_live_.",
        hint="Set TSCLI_STRIPE__API_KEY to a secret or restricted key.",
    )


@asynccontextmanager
async def open_provider(
    name: str,
    settings: AccountSettings,
    sandbox: SandboxSettings,
    clock: Clock,
    store: "GuardStore",
) -> AsyncIterator[Provider]:
    """Open a provider's account, guarded, for the length of the block.

    Raises:
        ConfigurationError: no such provider, or settings that cannot be used.
    """
    check_name(name)
    from providers.guard import Guarded

    world = None
    if settings.sandbox and not settings.base_url:
        world = open_world(sandbox, clock, name)
    if settings.sandbox:
        settings = signed_by(world.core.seed if world else str(sandbox.seed), settings)
    if name == "paypal":
        provider = _paypal(settings, world, clock, partial(_roots, world, sandbox, clock))
    else:
        provider = _stripe(settings, world, clock)
    try:
        yield Guarded(provider, store, clock, 0 if world is not None else settings.rate_per_second)
    finally:
        await provider.aclose()
        if world is not None:
            world.close()


def _stripe(settings: AccountSettings, world: "World | None", clock: Clock) -> Provider:
    from providers.http import HttpClient
    from providers.stripe.provider import ALLOWED_HOSTS, StripeProvider, StripeSettings

    account = StripeSettings(
        api_key=settings.key or "sk_test_sandbox",
        account=SANDBOX_ACCOUNT if settings.sandbox else settings.account,
        mode=mode_of("stripe", settings),
        base_url=settings.base_url or (_SANDBOX_URL if world else "https://api.stripe.com"),
        return_url=settings.return_url or (_SANDBOX_RETURN if settings.sandbox else ""),
        deadline_seconds=settings.deadline_seconds,
        webhook_secrets=settings.webhook_secrets,
    )
    http = HttpClient(
        account.base_url,
        ALLOWED_HOSTS,
        deadline_seconds=account.deadline_seconds,
        transport=_face(world) if world is not None else None,
    )
    return StripeProvider(account, http, clock)


def _paypal(
    settings: AccountSettings, world: "World | None", clock: Clock, roots: "Roots"
) -> Provider:
    from providers.http import HttpClient
    from providers.paypal.places import Places
    from providers.paypal.provider import (
        ALLOWED_HOSTS,
        LIVE_URL,
        TEST_URL,
        PayPalProvider,
        PayPalSettings,
    )

    mode = mode_of("paypal", settings)
    real = LIVE_URL if mode == "live" else TEST_URL
    account = PayPalSettings(
        client_id=settings.client_id or "sandbox",
        client_secret=settings.key or "sandbox",
        account=SANDBOX_ACCOUNT if settings.sandbox else settings.account,
        mode=mode,
        merchant_id=world.account if world is not None else settings.merchant_id,
        base_url=settings.base_url or (_SANDBOX_URL if world else real),
        return_url=settings.return_url or _SANDBOX_RETURN,
        cancel_url=settings.cancel_url or _SANDBOX_RETURN,
        brand_name=settings.brand_name,
        deadline_seconds=settings.deadline_seconds,
        webhook_id=settings.webhook_id,
        webhook_verify=settings.webhook_verify,
    )
    transport = _face(world) if world is not None else None
    http = HttpClient(
        account.base_url,
        ALLOWED_HOSTS,
        deadline_seconds=account.deadline_seconds,
        transport=transport,
    )
    places = None
    if settings.sandbox:
        places = Places(frozenset({account.base_url.rstrip("/")}), roots, transport)
    return PayPalProvider(account, http, clock=clock, places=places)


def check_webhooks(name: str, settings: AccountSettings) -> None:
    """Let an account pass whose webhooks can be verified.

    Raises:
        ConfigurationError: a key is configured, what its webhooks are signed with is not.
    """
    check_name(name)
    if settings.sandbox or (settings.webhook_id if name == "paypal" else settings.webhook_secrets):
        return
    missing = {"paypal": "TSCLI_PAYPAL__WEBHOOK_ID", "stripe": "TSCLI_STRIPE__WEBHOOK_SECRETS"}
    raise ConfigurationError(
        f"{missing[name]} is not set: no webhook of {name} could be verified.",
        hint=f"Set {missing[name]} as the provider's dashboard shows it.",
    )


def signed_by(seed: str, settings: AccountSettings) -> AccountSettings:
    """Settings of a sandbox account: its world signs with its own unless they say what with."""
    from providers.sandbox.signing import stripe_secret, webhook_id

    return replace(
        settings,
        webhook_secrets=settings.webhook_secrets or (stripe_secret(seed),),
        webhook_id=settings.webhook_id or webhook_id(seed),
    )


def _roots(world: "World | None", sandbox: SandboxSettings, clock: Clock) -> Sequence[bytes]:
    """The root of the pretend PayPal, which alone signs for it, as DER."""
    from providers.sandbox.signing import root

    opened = world or open_world(sandbox, clock, "paypal")
    try:
        return [root(opened)]
    finally:
        if world is None:
            opened.close()


def open_world(settings: SandboxSettings, clock: Clock, provider: str) -> "World":
    """Open a provider's pretend world, made when it is not there yet."""
    from providers.sandbox.world import World

    path = world_path(settings, provider)
    if path != ":memory:":
        Path(path).parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    return World.open(path, clock, seed=settings.seed, provider=provider)


def world_path(settings: SandboxSettings, provider: str) -> str:
    """Where a provider's world is kept: each has a file of its own beside the first one."""
    if settings.path == ":memory:" or provider == NAMES[0]:
        return settings.path
    first = Path(settings.path)
    return str(first.with_name(f"{first.stem}-{provider}{first.suffix}"))


def reset_world(settings: SandboxSettings, provider: str) -> None:
    """Forget a provider's pretend world."""
    from providers.sandbox.world import reset

    reset(world_path(settings, provider))


def sandbox_app(world: "World") -> Callable[..., Any]:
    """The world's face as an ASGI application that speaks its provider's protocol."""
    if world.core.provider == "paypal":
        from providers.sandbox.paypal_face import paypal_face

        return paypal_face(world)
    from providers.sandbox.stripe_face import stripe_face

    return stripe_face(world)


def deliverer(world: "World", settings: AccountSettings, **weather: int) -> "Deliverer":
    """What delivers the world's events to its account's webhook; see `providers.sandbox.deliveries`
    for the weather: seed, duplicate_percent, lose_percent, delay_percent, shuffle.

    Raises:
        ConfigurationError: the account is a real one, which believes its real provider alone.
    """
    from providers.sandbox.deliveries import Deliverer, Signer, Weather

    if not settings.sandbox:
        raise ConfigurationError(
            f"A key for {world.provider} is configured: pretend webhooks are refused.",
            hint="Run this with settings that have no key.",
        )
    own = signed_by(world.core.seed, settings)
    address = (settings.base_url or _SANDBOX_URL).rstrip("/")
    signer = Signer(own.webhook_secrets[0], own.webhook_id, address)
    return Deliverer(world, signer, Weather(**weather))


def _face(world: "World") -> Any:
    import httpx2

    return httpx2.ASGITransport(app=sandbox_app(world), raise_app_exceptions=False)


def sandbox_export(
    world: "World", format_name: str, start: datetime, end: datetime, timezone: str
) -> str:
    """One of the provider's own export files, written from the pretend world's ground truth.

    Beside the default columns it has those that say what a line is about, where the layout has
    them.

    Raises:
        InvalidRequest: no such format or time zone.
    """
    if format_name == SETTLEMENT:
        from providers.sandbox.paypal_settlement import settlement_report

        return settlement_report(world, start, end)
    from providers.sandbox.exports import FORMATS, export

    layout = FORMATS.get(format_name)
    useful = ("source_id", "charge_id", "payment_intent_id")
    asked = [n for n in useful if layout and n in layout.columns and n not in layout.default]
    columns = [*layout.default, *asked] if layout else None
    return export(world, format_name, start, end, columns, timezone)


def sandbox_formats() -> tuple[str, ...]:
    """Names of the files the pretend world can write."""
    from providers.sandbox.exports import FORMATS

    return (*FORMATS, SETTLEMENT)


def planted_export(
    world: "World",
    start: datetime,
    end: datetime,
    own: Sequence[Any],
    faults: Mapping[Bucket, int],
    seed: int,
) -> Any:
    """An export with known faults and its answer key; see `providers.sandbox.planted`."""
    from providers.sandbox.planted import planted_export as plant

    return plant(world, start, end, own, faults, seed)
