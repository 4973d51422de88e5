"""The only door to concrete providers: opens accounts by name, importing nothing before it is asked
for.

Without keys an account is opened in the sandbox world: the same adapter, another transport; what
can be done with that world itself stands in `providers.pretend`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from domain.clock import Clock
from domain.errors import ConfigurationError
from domain.provider import Capabilities, Provider
from domain.settlement import ExportFormat
from providers.pretend import ADDRESS, face, signed_by
from providers.pretend import SETTLEMENT as SETTLEMENT
from providers.pretend import deliverer as deliverer
from providers.pretend import open_world as open_world
from providers.pretend import planted_export as planted_export
from providers.pretend import reset_world as reset_world
from providers.pretend import roots as roots_of
from providers.pretend import sandbox_app as sandbox_app
from providers.pretend import sandbox_bank as sandbox_bank
from providers.pretend import sandbox_export as sandbox_export
from providers.pretend import sandbox_formats as sandbox_formats
from providers.pretend import world_path as world_path

if TYPE_CHECKING:
    from providers.guard import GuardStore
    from providers.sandbox.deliveries import Deliverer as Deliverer
    from providers.sandbox.world import World as World

    Roots = Callable[[], Sequence[bytes]]

NAMES = ("stripe", "paypal")
"""Every provider there is."""

SANDBOX_ACCOUNT = "sandbox"
_SANDBOX_RETURN = "https://example.com/return"
"""Where pretend customers come back to."""


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
    tls_minimum: str = "1.3"
    """Oldest version of TLS spoken: `1.2` or `1.3`."""
    account_id: str = ""
    """Stripe's own id of the account, `acct_…`, checked by `check`."""
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
    """
    if check_name(name) == "paypal":
        from providers.paypal.formats import FORMATS as PAYPAL

        return PAYPAL
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
        provider = _paypal(settings, world, clock, partial(roots_of, world, sandbox, clock))
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
        base_url=settings.base_url or (ADDRESS if world else "https://api.stripe.com"),
        return_url=settings.return_url or (_SANDBOX_RETURN if settings.sandbox else ""),
        deadline_seconds=settings.deadline_seconds,
        webhook_secrets=settings.webhook_secrets,
        account_id=world.account if world is not None else settings.account_id,
    )
    http = HttpClient(
        account.base_url,
        ALLOWED_HOSTS,
        deadline_seconds=account.deadline_seconds,
        transport=face(world) if world is not None else None,
        tls_minimum=settings.tls_minimum,
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
        base_url=settings.base_url or (ADDRESS if world else real),
        return_url=settings.return_url or _SANDBOX_RETURN,
        cancel_url=settings.cancel_url or _SANDBOX_RETURN,
        brand_name=settings.brand_name,
        deadline_seconds=settings.deadline_seconds,
        webhook_id=settings.webhook_id,
        webhook_verify=settings.webhook_verify,
    )
    transport = face(world) if world is not None else None
    http = HttpClient(
        account.base_url,
        ALLOWED_HOSTS,
        deadline_seconds=account.deadline_seconds,
        transport=transport,
        tls_minimum=settings.tls_minimum,
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
