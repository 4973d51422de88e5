"""The rest of what a provider can be asked for, from the command line: each through its adapter."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from domain.clock import SetClock
from domain.errors import OutcomeUnknown, Rejected
from domain.payment import PaymentState
from providers.http import HttpClient
from providers.sandbox.faults import Fault
from providers.sandbox.stripe_face import stripe_face
from providers.sandbox.world import DEFAULT_ACCOUNT, World
from providers.stripe.provider import ALLOWED_HOSTS, StripeProvider, StripeSettings
from tests.conftest import START, Cli
from tests.tscli.shop import open_shop
from tests.tscli.test_paypal_payments import agree
from tscli.services.recovery import retry

CREATE = (
    "payments",
    "create",
    "--amount",
    "30.00",
    "--currency",
    "EUR",
    "--yes",
    "--format",
    "json",
)
F = Fault


def test_a_hold_is_renewed_where_the_provider_can(cli: Cli) -> None:
    """Proves that PayPal is asked with one key, that Stripe cannot, and that others are refused."""
    words = ("--provider", "paypal", "--method", "paypal", "--no-capture")
    held = cli(*CREATE, *words).data
    assert cli("payments", "reauthorize", held["id"], "--yes").exit_code == 5, "not agreed to yet"
    agree(held["provider_payment_id"])
    cli("payments", "show", held["id"], "--refresh")
    assert cli("payments", "reauthorize", held["id"], "--dry-run").exit_code == 0
    early = cli("payments", "reauthorize", held["id"], "--yes")
    assert early.exit_code == 4, "PayPal renews from the fourth day on"
    other = cli(*CREATE, "--method", "pm_card_visa", "--no-capture").data
    refused = cli("payments", "reauthorize", other["id"], "--yes")
    assert refused.exit_code == 4
    assert "capability_missing" in refused.stderr


def test_a_wallet_is_kept_once_its_owner_agreed(cli: Cli) -> None:
    """Proves that a set-up token shows the link, and becomes a method after the owner's word."""
    begun = cli("methods", "setup", "--customer", "c1", "--format", "json").data
    assert begun["link"].startswith("http")
    add = ("methods", "add", "--provider", "paypal", "--token", begun["token"], "--customer", "c1")
    assert cli(*add).exit_code == 4, "nobody agreed yet"
    agree(begun["token"])
    kept = cli(*add, "--format", "json")
    assert kept.exit_code == 0, kept.stderr
    paid = cli(*CREATE, "--provider", "paypal", "--method", kept.data["id"], "--customer", "c1")
    assert (paid.exit_code, paid.data["state"]) == (0, "succeeded"), paid.stderr
    assert cli("methods", "setup", "--provider", "stripe").exit_code == 4
    assert cli("methods", "setup", "--dry-run", "--format", "json").data["token"] == ""


def test_stripe_makes_the_file_that_reconciliation_reads(cli: Cli, tmp_path: Path) -> None:
    """Proves that an export can be fetched and compared without leaving the command line."""
    cli(*CREATE, "--method", "pm_card_visa")
    days = ("--from", "2026-01-01", "--to", "2030-01-01")
    fetch = ("reconcile", "fetch", *days, "--folder", str(tmp_path / "in"), "--format", "json")
    got = cli(*fetch, "--layout", "stripe.balance_change_from_activity.itemized")
    assert got.exit_code == 0, got.stderr
    ran = cli("reconcile", "run", *days, "--export", got.data["file"])
    assert ran.exit_code == 0, ran.stdout
    assert cli(*fetch, "--layout", "stripe.nothing").exit_code == 4
    assert cli(*fetch, "--provider", "paypal", "--layout", "paypal.settlement").exit_code == 4


def test_a_key_of_another_account_is_refused() -> None:
    """Proves that a pinned account is compared with the one whose key it is."""

    def ping(account_id: str) -> None:
        face = httpx2.ASGITransport(app=stripe_face(World.open(":memory:", SetClock(START))))
        settings = StripeSettings("sk_test_x", "default", "test", account_id=account_id)
        http = HttpClient(settings.base_url, ALLOWED_HOSTS, transport=face)
        asyncio.run(StripeProvider(settings, http).ping())

    ping(DEFAULT_ACCOUNT)
    with pytest.raises(Rejected) as refused:
        ping("acct_other")
    assert refused.value.reason == "mode_mismatch"


@pytest.mark.parametrize(
    ("method", "currency", "days", "state"),
    [
        ("pm_usBankAccount_success", "USD", 4, "succeeded"),
        ("pm_sepaDebit_success", "EUR", 6, "succeeded"),
        ("pm_sepaDebit_accountClosed", "EUR", 6, "failed"),
    ],
)
def test_debits_take_days_and_carry_a_mandate(
    database: object, clock: SetClock, monkeypatch: pytest.MonkeyPatch,
    method: str, currency: str, days: int, state: str,
) -> None:  # fmt: skip
    """Proves for bank debits that they are under way first, then what the bank answers."""
    shop = open_shop(database, clock, monkeypatch)  # type: ignore[arg-type]
    bodies: list[str] = []
    plan = shop.plan
    shop.plan = lambda request: bodies.append(request.content.decode()) or plan(request)
    made = shop.create("30.00", currency=currency, method=method)
    assert made.payment.state is PaymentState.PROCESSING
    assert any("mandate_data[customer_acceptance][type]=offline" in _plain(b) for b in bodies)
    clock.advance(timedelta(days=days))
    assert shop.refresh(made.payment.payment_id).state.value == state
    shop.prove()


def _plain(body: str) -> str:
    return body.replace("%5B", "[").replace("%5D", "]")


def test_a_lost_object_is_looked_for_by_our_id(
    database: object, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that another try by hand adopts the object whose creation was never answered."""
    shop = open_shop(database, clock, monkeypatch)  # type: ignore[arg-type]
    shop.plan = lambda request: F.TIMEOUT_AFTER
    with pytest.raises(OutcomeUnknown):
        shop.create()
    shop.fail([])
    (known,) = shop.payments()
    assert known.provider_payment_id is None
    there = len(shop.world.intents())
    assert there, "it was created, only nobody was told"
    by_hand = replace(shop.context, actor=replace(shop.actor, reason="looked"))
    done = asyncio.run(retry(by_hand, known.payment_id))
    assert done.captured_minor == 10_000
    assert len(shop.world.intents()) == there, "nothing was created again"
    shop.prove()
