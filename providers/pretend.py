"""The door to the pretend world: opened, served, exported and delivered from, without any key.

Nothing heavy is imported before it is asked for. What is here is reached through the registry.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.buckets import Bucket
from domain.clock import Clock
from domain.errors import ConfigurationError

if TYPE_CHECKING:
    from providers.registry import AccountSettings, SandboxSettings
    from providers.sandbox.bank_statements import Planted
    from providers.sandbox.deliveries import Deliverer as Deliverer
    from providers.sandbox.world import World as World

ADDRESS = "http://127.0.0.1:12111"
"""Requests into the pretend world are addressed as the real ones are; they never leave the
process."""

SETTLEMENT = "paypal.settlement"
"""Name of PayPal's settlement file among the files the pretend world can write."""


def signed_by(seed: str, settings: "AccountSettings") -> "AccountSettings":
    """Settings of a sandbox account: its world signs with its own unless they say what with."""
    from providers.sandbox.signing import stripe_secret, webhook_id

    return replace(
        settings,
        webhook_secrets=settings.webhook_secrets or (stripe_secret(seed),),
        webhook_id=settings.webhook_id or webhook_id(seed),
    )


def roots(world: "World | None", sandbox: "SandboxSettings", clock: Clock) -> Sequence[bytes]:
    """The root of the pretend PayPal, which alone signs for it, as DER."""
    from providers.sandbox.signing import root

    opened = world or open_world(sandbox, clock, "paypal")
    try:
        return [root(opened)]
    finally:
        if world is None:
            opened.close()


def open_world(settings: "SandboxSettings", clock: Clock, provider: str) -> "World":
    """Open a provider's pretend world, made when it is not there yet."""
    from providers.sandbox.world import World

    path = world_path(settings, provider)
    if path != ":memory:":
        Path(path).parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    return World.open(path, clock, seed=settings.seed, provider=provider)


def world_path(settings: "SandboxSettings", provider: str) -> str:
    """Where a provider's world is kept: each has a file of its own beside the first one."""
    if settings.path == ":memory:" or provider == "stripe":
        return settings.path
    first = Path(settings.path)
    return str(first.with_name(f"{first.stem}-{provider}{first.suffix}"))


def reset_world(settings: "SandboxSettings", provider: str) -> None:
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


def deliverer(world: "World", settings: "AccountSettings", **weather: int) -> "Deliverer":
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
    address = (settings.base_url or ADDRESS).rstrip("/")
    signer = Signer(own.webhook_secrets[0], own.webhook_id, address)
    return Deliverer(world, signer, Weather(**weather))


def face(world: "World") -> Any:
    """The world's face as a transport: requests are answered in this process."""
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


def sandbox_bank(
    world: "World", form: str, start: date, end: date, *, late: int = 0, missing: int = 0,
    merged: int = 0, off: int = 0, unrelated: bool = False, seed: int = 1,
) -> tuple[str, tuple["Planted", ...]]:  # fmt: skip
    """Statements of the company's bank account over [start, end) as a file, and what was planted.

    The formats and the faults are described in `providers.sandbox.bank_files` and
    `bank_statements`.

    Raises:
        InvalidRequest: no such format, an empty period, or too few payouts for the faults.
    """
    from providers.sandbox.bank_files import write_statements
    from providers.sandbox.bank_statements import BankFaults, bank_statements

    faults = BankFaults(late, missing, merged, off, unrelated, seed)
    books = bank_statements(world, start, end, faults)
    return write_statements(books.statements, form), books.planted


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
