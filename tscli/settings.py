"""Settings: environment variables `TSCLI_*`, a secrets folder, and a TOML file, in that order.

Secrets are read from there only, never from the command line, and are masked wherever they are
shown.
"""

import getpass
import os
import pwd
import socket
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from domain.errors import ConfigurationError, InvalidRequest
from domain.money import parse_minor
from domain.operator import Operator, Operators, Role
from domain.routing import Rule
from tscli.database_settings import PostgreSQLSection
from tscli.day_settings import DaySection
from tscli.reconcile_settings import ReconcileSection

_PLACEHOLDERS = frozenset({"changeme", "secret", "xxx", "todo", "sk_test_...", "sk_live_..."})


class StripeSection(BaseModel):
    """One Stripe account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr = SecretStr("")
    """Secret or restricted key; without one the sandbox world is used."""
    account: str = Field(default="default", min_length=1, max_length=64)
    """Our name for the account; part of every stored key."""
    base_url: str = "https://api.stripe.com"
    """Another address for a local `tscli sandbox serve`."""
    account_id: str = ""
    """Stripe's own id of the account, `acct_…`; `providers check` refuses a key of another one."""
    return_url: str = ""
    """Where customers come back to after authentication."""
    webhook_secrets: SecretStr = SecretStr("")
    """Signing secrets of the webhook address, separated by commas; several while one is rolled."""
    deadline_seconds: int = Field(default=30, gt=0, le=300)
    """Longest time one call may take."""
    rate_per_second: int = Field(default=20, ge=0, le=1000)
    """Calls per second for all processes together; 0 is no limit. The sandbox has none."""


class PayPalSection(BaseModel):
    """One PayPal account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    """Without one the sandbox world is used."""
    mode: Literal["live", "test"] = "test"
    """PayPal's keys do not tell; the adapter refuses the other mode's address."""
    account: str = Field(default="default", min_length=1, max_length=64)
    """Our name for the account; part of every stored key."""
    merchant_id: str = ""
    """PayPal's id of the account; objects that name another one are refused."""
    base_url: str = ""
    """Another address for a local `tscli sandbox serve --provider paypal`."""
    return_url: str = ""
    """Where payers come back to after agreeing."""
    cancel_url: str = ""
    """Where payers come back to when they do not agree."""
    brand_name: str = ""
    """The shop's name as PayPal shows it."""
    webhook_id: str = Field(default="", max_length=50, pattern=r"^[A-Za-z0-9_-]*$")
    """PayPal's id of our webhook, which every delivery is signed for."""
    webhook_verify: Literal["certificate", "postback"] = "certificate"
    """How deliveries are verified: here by certificate, or by asking PayPal about each."""
    deadline_seconds: int = Field(default=30, gt=0, le=300)
    """Longest time one call may take."""
    rate_per_second: int = Field(default=10, ge=0, le=1000)
    """Calls per second for all processes together; 0 is no limit. The sandbox has none."""


class OperatorSection(BaseModel):
    """One person or job that acts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    """`viewer`, `operator`, `approver` or `admin`."""
    system_user: str = ""
    """The machine's user who alone may act under this name."""


class ApiSection(BaseModel):
    """The webhook receiver."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr = SecretStr("")
    """Bearer token of the calls that look and replay; without one they are refused."""
    allow: str = ""
    """Address ranges that may deliver, separated by commas; everybody when empty."""
    proxies: str = ""
    """Address ranges of our own proxies, whose X-Forwarded-For is believed."""


class RouteSection(BaseModel):
    """One rule of which payments a provider takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str
    currencies: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    amount_min: str = ""
    """Major units, in the one currency of the rule."""
    amount_max: str = ""


class ApprovalsSection(BaseModel):
    """From where on a second person has to agree."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    replay_above: int = Field(default=100, ge=1)
    """Most webhook events that one person may have applied again at once."""
    refund_above: dict[str, str] = Field(default_factory=dict)
    """Currency -> amount in major units, such as `USD = "500.00"`."""
    write_off_above: dict[str, str] = Field(default_factory=dict)
    """Currency -> major units of breaks that one person may close by hand at once."""


class SandboxSection(BaseModel):
    """The pretend world."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = ""
    """File of the world; in the data folder when empty."""
    seed: int = Field(default=1, ge=0)
    """Seed of the world's identifiers."""


class Settings(BaseSettings):
    """Everything that can be configured."""

    model_config = SettingsConfigDict(
        env_prefix="TSCLI_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    database_url: SecretStr = SecretStr("")
    """`sqlite:////FOLDER/FILE` or `postgresql://…`; a file in the data folder when empty."""
    operator: str = Field(default="", max_length=64)
    """Who acts; the system's user when empty."""
    tls_minimum: Literal["1.2", "1.3"] = "1.3"
    """Oldest version of TLS that is spoken with providers."""
    idempotency_url: SecretStr = SecretStr("")
    """`redis://…`, `rediss://…` or `unix://…` for claims on keys; in the books when empty."""
    operators: dict[str, OperatorSection] = Field(default_factory=dict)
    """Everybody who may act, by name; with none there is one person."""
    routing: tuple[RouteSection, ...] = ()
    """Rules by which a provider is chosen, the first that fits; none chooses Stripe."""
    approvals: ApprovalsSection = ApprovalsSection()
    reconcile: ReconcileSection = ReconcileSection()
    day: DaySection = DaySection()
    bank: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Banks' own CSV files, by a name of ours."""
    postgresql: PostgreSQLSection = PostgreSQLSection()
    stripe: StripeSection = StripeSection()
    paypal: PayPalSection = PayPalSection()
    api: ApiSection = ApiSection()
    sandbox: SandboxSection = SandboxSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then the secrets folder, then the TOML file."""
        folder = os.environ.get("TSCLI_SECRETS_DIR") or None
        secrets = SecretsSettingsSource(settings_cls, secrets_dir=folder)
        file = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, env_settings, secrets, file

    @property
    def database(self) -> str:
        """The database's URL with its default filled in."""
        given = self.database_url.get_secret_value()
        return given or f"sqlite:///{data_folder() / 'tscli.db'}"

    @property
    def database_file(self) -> Path | None:
        """The file of a SQLite database, None for any other."""
        prefix = "sqlite:///"
        path = self.database.removeprefix(prefix)
        return Path(path) if self.database.startswith(prefix) and path else None

    @property
    def sandbox_path(self) -> str:
        """The world's file with its default filled in."""
        return self.sandbox.path or str(data_folder() / "sandbox.db")

    @property
    def people(self) -> Operators:
        """The configured operators."""
        return Operators(
            {
                name: Operator(name, section.role, section.system_user)
                for name, section in self.operators.items()
            }
        )

    def limits(self, name: Literal["refund_above", "write_off_above"]) -> dict[str, int]:
        """Currency -> minor units from where on two people are needed.

        Raises:
            ConfigurationError: a currency or an amount that is none.
        """
        given: dict[str, str] = getattr(self.approvals, name)
        try:
            return {code.upper(): parse_minor(text, code.upper()) for code, text in given.items()}
        except InvalidRequest as error:
            raise ConfigurationError(f"approvals.{name}: {error.message}") from None

    @property
    def rules(self) -> list[Rule]:
        """The rules by which a provider is chosen.

        Raises:
            ConfigurationError: a bound without the one currency it is in, or one that is none.
        """
        return [_rule(section) for section in self.routing]

    @property
    def acting(self) -> str:
        """The operator with the default filled in."""
        return self.operator or _system_user()


def _rule(section: RouteSection) -> Rule:
    currencies = frozenset(c.upper() for c in section.currencies)
    bounds: list[int | None] = []
    for text in (section.amount_min, section.amount_max):
        if text and len(currencies) != 1:
            raise ConfigurationError(
                f"The rule for {section.provider} has an amount and not exactly one currency."
            )
        try:
            bounds.append(parse_minor(text, min(currencies)) if text else None)
        except InvalidRequest as error:
            raise ConfigurationError(f"routing: {error.message}") from None
    return Rule(
        provider=section.provider,
        currencies=currencies,
        regions=frozenset(r.upper() for r in section.regions),
        methods=section.methods,
        minor_min=bounds[0],
        minor_max=bounds[1],
    )


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: names the setting and what is wrong with it, never its value.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{config_file()} cannot be read: {error}.") from None
    _check_places(settings)
    secrets = {
        "stripe.api_key": settings.stripe.api_key,
        "paypal.client_secret": settings.paypal.client_secret,
        "api.token": settings.api.token,
    }
    for name, secret in secrets.items():
        if (key := secret.get_secret_value()) != key.strip() or key.lower() in _PLACEHOLDERS:
            raise ConfigurationError(f"{name} is a placeholder or has blanks around it.")
    stripe_webhook_secrets(settings.stripe)
    listener, given = settings.paypal.webhook_id, settings.paypal.model_fields_set
    if "webhook_id" in given and listener.lower() in _PLACEHOLDERS | {"", "webhook_id"}:
        raise ConfigurationError("paypal.webhook_id is empty or a placeholder.")
    if settings.paypal.client_secret.get_secret_value() and not settings.paypal.client_id:
        raise ConfigurationError("paypal.client_secret is set, paypal.client_id is not.")
    return settings


def stripe_webhook_secrets(section: StripeSection) -> tuple[str, ...]:
    """The signing secrets one by one, none when nothing is set.

    Raises:
        ConfigurationError: one is empty, a placeholder or no signing secret: with it anybody could
            sign.
    """
    if "webhook_secrets" not in section.model_fields_set:
        return ()
    found = tuple(p.strip() for p in section.webhook_secrets.get_secret_value().split(","))
    for number, secret in enumerate(found, 1):
        rest = secret.removeprefix("whsec_")
        dull = rest.lower() in _PLACEHOLDERS or len(set(rest)) < 2
        if rest == secret or dull or not (rest.isascii() and rest.isprintable()):
            raise ConfigurationError(
                f"Part {number} of stripe.webhook_secrets is no signing secret.",
                hint="Copy it, with its whsec_, from the webhook's page in Stripe's dashboard.",
            )
    return found


def _check_places(settings: Settings) -> None:
    """Refuse books that are gone with the command, or that depend on where it is run."""
    named = os.environ.get("TSCLI_CONFIG")
    if named and not Path(named).is_file():
        raise ConfigurationError(f"TSCLI_CONFIG names {named}, which is no file.")
    url = settings.database
    if url.startswith("sqlite:") and not url.startswith("sqlite:////"):
        raise ConfigurationError(
            "The SQLite database needs an absolute path: books in memory or in whatever folder a"
            " command is run in would forget what was paid.",
            hint="Write TSCLI_DATABASE_URL as sqlite:////FOLDER/FILE, with four slashes.",
        )


def config_file() -> Path:
    """The TOML file: `TSCLI_CONFIG`, or `config.toml` in the user's config folder."""
    named = os.environ.get("TSCLI_CONFIG")
    return Path(named) if named else platformdirs.user_config_path("tscli") / "config.toml"


def data_folder() -> Path:
    """The user's data folder for the books and the sandbox world."""
    return platformdirs.user_data_path("tscli")


def state_folder() -> Path:
    """The user's state folder for logs and reports written without a name."""
    return platformdirs.user_state_path("tscli")


def host() -> str:
    """This machine's name, for the audit trail."""
    return socket.gethostname()


def shown(settings: Settings) -> dict[str, str]:
    """Every setting as text by its dotted name, secrets masked."""
    found: dict[str, str] = {}
    for name, value in settings.model_dump().items():
        inner: dict[str, Any] = value if isinstance(value, dict) else {"": value}
        for key, item in inner.items():
            found[f"{name}.{key}" if key else name] = _masked(item)
    return found


def _masked(value: object) -> str:
    if isinstance(value, SecretStr):
        return "********" if value.get_secret_value() else ""
    return str(value)


def _explain(error: ValidationError) -> str:
    words = {"extra_forbidden": "there is no such setting"}
    problems = [
        f"{'.'.join(map(str, e['loc'])) or 'settings'}: {words.get(e['type'], e['msg'])}"
        for e in error.errors(include_input=False, include_url=False)
    ]
    return f"A setting cannot be used: {'; '.join(problems)}."


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def real_user() -> str:
    """The machine's user by the process's own id, whatever the environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
