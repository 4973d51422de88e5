"""The only wiring: settings become a database, providers and the context of a command.

Nothing heavy is imported before it is used; `tscli --help` must stay quick.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from domain.audit import Actor
from domain.clock import Clock, SetClock, SystemClock
from domain.errors import ConfigurationError, InvalidRequest
from domain.ids import Ids
from tscli.render.talk import say

if TYPE_CHECKING:
    from db.database import Database
    from domain.idempotency import IdempotencyStore
    from domain.operation import Step
    from domain.provider import Provider, ProviderAccount
    from domain.settlement import ExportFormat
    from providers.registry import AccountSettings, Deliverer, SandboxSettings, World
    from reconcile.bank.csv_mapping import CsvMapping
    from tscli.services.context import Context
    from tscli.services.routing import Routes
    from tscli.settings import PayPalSection, Settings, StripeSection


@dataclass
class App:
    """What one command works with; everything is made when first asked for."""

    settings: Settings
    command: str = ""
    clock: Clock = field(default_factory=SystemClock)
    _told: set[str] = field(default_factory=set)
    """Providers of which was said that they are pretended."""
    serves: bool = False
    """Whether it runs for long, and keeps its connections."""

    @cached_property
    def ids(self) -> Ids:
        """The source of identifiers."""
        return Ids(self.clock)

    @cached_property
    def database(self) -> Database:
        """The books."""
        from db.database import Database

        limits = self.settings.postgresql.limits
        return Database(
            self.settings.database, self.clock, self.ids, keep_open=self.serves, limits=limits
        )

    @property
    def default_provider(self) -> str:
        """Who takes a payment when nobody says: the rules where there are any, else Stripe."""
        from domain.routing import AUTO
        from providers.registry import NAMES

        return AUTO if self.settings.routing else NAMES[0]

    def routes(self, chosen: str) -> Routes:
        """The rules by which a provider is chosen; without any, everything goes to `chosen`, or
        with `auto` to the first that can take it.

        Raises:
            ConfigurationError: a rule for a provider there is not, or one that makes no sense.
        """
        from domain.routing import AUTO, Rule
        from providers.registry import NAMES, capabilities, check_name
        from tscli.services.routing import Routes

        rules = self.settings.rules
        for rule in rules:
            check_name(rule.provider)
        if not rules and chosen != AUTO:
            return Routes((), otherwise=chosen)
        rules = rules or [Rule(name) for name in NAMES]
        return Routes(rules, lambda: [(self.owner(n), capabilities(n)) for n in NAMES])

    @cached_property
    def claim_store(self) -> IdempotencyStore | None:
        """Redis for claims on idempotency keys where it is configured; the books take over where
        it does not answer.

        Raises:
            ConfigurationError: its address cannot be used.
        """
        url = self.settings.idempotency_url.get_secret_value()
        if not url:
            return None
        from db.redis_store import RedisStore
        from db.sql_store import SqlStore
        from tscli.services.claims import FallbackStore

        return FallbackStore(RedisStore(url), SqlStore(self.database, self.clock), say)

    @property
    def sandbox(self) -> SandboxSettings:
        """Where the pretend world is."""
        from providers.registry import SandboxSettings

        return SandboxSettings(self.settings.sandbox_path, self.settings.sandbox.seed)

    def account_settings(self, provider: str) -> AccountSettings:
        """How a provider's account is reached.

        Raises:
            ConfigurationError: there is no such provider.
        """
        from providers.registry import check_name

        check_name(provider)
        if provider == "paypal":
            return _paypal_settings(self.settings.paypal, self.settings.tls_minimum)
        return _stripe_settings(self.settings.stripe, self.settings.tls_minimum)

    def owner(self, provider: str) -> ProviderAccount:
        """Which account of a provider is configured.

        Raises:
            ConfigurationError: there is no such provider, or its key is none.
        """
        from domain.provider import ProviderAccount
        from providers.registry import SANDBOX_ACCOUNT, mode_of

        settings = self.account_settings(provider)
        account = SANDBOX_ACCOUNT if settings.sandbox else settings.account
        return ProviderAccount(provider, account, mode_of(provider, settings))

    @property
    def owners(self) -> list[ProviderAccount]:
        """The configured account of every provider.

        Raises:
            ConfigurationError: a provider's key is none.
        """
        from providers.registry import NAMES

        return [self.owner(name) for name in NAMES]

    def mode(self, word: str | None) -> str:
        """Whether live or test books are meant: as said, else live where a live account is
        configured.

        Raises:
            InvalidRequest: another word.
        """
        if word not in (None, "live", "test"):
            raise InvalidRequest(f"{word!r} is no mode.", hint="Use live or test.")
        return word or ("live" if any(o.mode == "live" for o in self.owners) else "test")

    def open_provider(self, provider: str) -> AbstractAsyncContextManager[Provider]:
        """Open a provider's configured account.

        Raises:
            ConfigurationError: there is no such provider, or its settings cannot be used.
        """
        from providers.registry import open_provider
        from tscli.services.provider_accounts import SharedAccounts

        settings = self.account_settings(provider)
        if settings.sandbox and provider not in self._told:
            self._told.add(provider)
            say(f"Sandbox mode: no key for {provider} is configured, no real money moves.")
        shared = SharedAccounts(self.database, self.clock)
        return open_provider(provider, settings, self.sandbox, self.clock, shared)

    def open_world(self, provider: str) -> World:
        """Open a provider's pretend world itself.

        Raises:
            ConfigurationError: there is no such provider.
        """
        from providers.registry import check_name, open_world

        return open_world(self.sandbox, self.clock, check_name(provider))

    def open_deliverer(self, world: World, **weather: int) -> Deliverer:
        """What delivers a pretend world's events to our webhook; see `registry.deliverer`.

        Raises:
            ConfigurationError: a real account is configured.
        """
        from providers.registry import deliverer

        return deliverer(world, self.account_settings(world.provider), **weather)

    def check_webhooks(self, provider: str) -> None:
        """Let a provider pass whose webhooks can be verified.

        Raises:
            ConfigurationError: its secret or webhook id is missing.
        """
        from providers.registry import check_webhooks

        check_webhooks(provider, self.account_settings(provider))

    def close(self) -> None:
        """Let go of what was opened."""
        if "database" in self.__dict__:
            self.database.close()

    def bank_mapping(self, name: str) -> CsvMapping:
        """How a bank's own CSV file is to be read.

        Raises:
            ConfigurationError: nothing is configured under this name, or not enough.
        """
        from reconcile.bank.csv_mapping import CsvMapping as Mapping

        table = self.settings.bank.get(name)
        if table is None:
            raise ConfigurationError(
                f"There is no mapping [bank.{name}].", hint="See `Bank statements` in the README."
            )
        return Mapping.parse(name, table)

    def context(self, reason: str = "") -> Context:
        """The surroundings for services.

        Raises:
            NotPermitted: whoever acts is none of the configured operators.
        """
        from tscli.services.context import Context, Limits
        from tscli.settings import host, real_user

        operators, name = self.settings.people, self.settings.acting
        operators.identify(name, real_user())
        return Context(
            database=self.database,
            clock=self.clock,
            ids=self.ids,
            actor=Actor(name, self.command, host(), reason),
            open_provider=self.open_provider,
            operators=operators,
            limits=Limits(
                self.settings.approvals.replay_above,
                self.settings.limits("refund_above"),
                self.settings.limits("write_off_above"),
            ),
            matching=self.settings.reconcile.matching,
            claim_store=self.claim_store,
        )


def _stripe_settings(section: StripeSection, tls_minimum: str) -> AccountSettings:
    from providers.registry import AccountSettings
    from tscli.settings import stripe_webhook_secrets

    key = section.api_key.get_secret_value()
    return AccountSettings(
        key=key,
        account=section.account,
        account_id=section.account_id,
        base_url=section.base_url if key or "base_url" in section.model_fields_set else "",
        return_url=section.return_url,
        deadline_seconds=section.deadline_seconds,
        rate_per_second=section.rate_per_second,
        tls_minimum=tls_minimum,
        webhook_secrets=stripe_webhook_secrets(section),
    )


def _paypal_settings(section: PayPalSection, tls_minimum: str) -> AccountSettings:
    from providers.registry import AccountSettings

    return AccountSettings(
        key=section.client_secret.get_secret_value(),
        client_id=section.client_id,
        account=section.account,
        mode=section.mode,
        merchant_id=section.merchant_id,
        base_url=section.base_url,
        return_url=section.return_url,
        cancel_url=section.cancel_url,
        brand_name=section.brand_name,
        deadline_seconds=section.deadline_seconds,
        rate_per_second=section.rate_per_second,
        tls_minimum=tls_minimum,
        webhook_id=section.webhook_id,
        webhook_verify=section.webhook_verify,
    )


def all_formats() -> tuple[ExportFormat, ...]:
    """The export layouts of every provider; needs no settings."""
    from providers.registry import NAMES, formats

    return tuple(form for name in NAMES for form in formats(name))


def export_formats(provider: str) -> tuple[ExportFormat, ...]:
    """The export layouts of a provider; needs no settings.

    Raises:
        ConfigurationError: there is no such provider.
    """
    from providers.registry import formats

    return formats(provider)


def key_window(provider: str, step: Step) -> timedelta:
    """How long a provider's key of a step may be sent again."""
    from providers.registry import capabilities

    return capabilities(provider).key_window(step)


def provider_rows(app: App) -> list[dict[str, object]]:
    """Every provider with the account that is configured and what it can do."""
    from providers.registry import NAMES, capabilities

    rows: list[dict[str, object]] = []
    for name in NAMES:
        owner, able = app.owner(name), capabilities(name)
        rows.append(
            {
                "provider": name,
                "account": owner.account,
                "mode": owner.mode,
                "sandbox": app.account_settings(name).sandbox,
                "partial_capture": able.partial_capture,
                "partial_refund": able.partial_refund,
                "cancel": able.cancel,
                "currency_count": len(able.currencies),
                "currencies": sorted(able.currencies),
                "method_types": sorted(able.method_types),
            }
        )
    return rows


def open_demo(folder: Path, seed: int, command: str) -> App:
    """An application for the demo: fresh books and a fresh world in `folder`, a clock set by hand.

    Raises:
        ConfigurationError: the folder cannot be made or emptied of an earlier demo.
    """
    import random

    from pydantic import SecretStr

    from domain.errors import ConfigurationError
    from tscli.services.demo_week import MONDAY
    from tscli.settings import PayPalSection, SandboxSection, Settings, StripeSection

    books, world = folder / "demo.db", folder / "demo-world.db"
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        for path in (books, world):
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be used: {error.strerror}.") from error
    settings = Settings.model_construct(
        database_url=SecretStr(f"sqlite:///{books}"),
        operator="demo",
        stripe=StripeSection(),
        paypal=PayPalSection(),
        sandbox=SandboxSection(path=str(world), seed=seed),
    )
    app = App(settings, command, SetClock(MONDAY))
    dice = random.Random(seed)  # noqa: S311 - sample data must be repeatable
    app.ids = Ids(app.clock, dice.getrandbits)
    return app
