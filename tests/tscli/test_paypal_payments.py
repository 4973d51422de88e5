"""PayPal from the command line: the payer agrees at PayPal, then the same words as for any
provider."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.clock import SystemClock
from providers.sandbox.paypal_settlement import settlement_report
from providers.sandbox.world import World
from tests.conftest import Cli
from tscli.app import App
from tscli.settings import load_settings

CREATE = (
    "payments", "create", "--amount", "30.00", "--currency", "EUR", "--provider", "paypal",
    "--yes", "--format", "json",
)  # fmt: skip


@contextmanager
def world() -> Iterator[World]:
    """The pretend PayPal behind the command line."""
    opened = App(load_settings(), clock=SystemClock()).open_world("paypal")
    yield opened
    opened.close()


def agree(order_id: str) -> None:
    """The payer agrees at PayPal."""
    with world() as paypal:
        paypal.approve(order_id)


def test_a_payer_agrees_and_the_money_comes_in(cli: Cli) -> None:
    made = cli(*CREATE, "--method", "paypal", "--order", "o1")
    assert (made.exit_code, made.data["state"]) == (0, "requires_action")
    assert made.data["next_action_url"].startswith("http")
    pay = made.data["id"]
    waiting = cli("payments", "show", pay, "--refresh", "--format", "json").data
    assert waiting["state"] == "requires_action", "asking is not agreeing"
    agree(made.data["provider_payment_id"])
    paid = cli("payments", "show", pay, "--refresh", "--format", "json").data
    assert (paid["state"], paid["captured"]["value"]) == ("succeeded", "30.00")
    assert paid["operations"][0]["state"] == "done"
    refunded = cli("payments", "refund", pay, "--amount", "12.00", "--yes", "--format", "json")
    assert refunded.data["refunded"]["value"] == "12.00"
    assert cli("doctor").exit_code == 0
    with world() as paypal:
        assert [m.amount_minor for m in paypal.movements()] == [3_000, -1_200]


def test_a_sweep_finishes_what_the_payer_agreed_to(cli: Cli) -> None:
    made = cli(*CREATE, "--method", "paypal").data
    sweep = ("recover", "sweep", "--older-than", "0s", "--format", "json")
    (waiting,) = cli(*sweep).data
    assert (waiting["outcome"], waiting["after"]) == ("waiting", "requires_action")
    agree(made["provider_payment_id"])
    ran = cli(*sweep)
    assert (ran.exit_code, ran.data[0]["outcome"]) == (0, "settled"), ran.stdout
    assert "requires_action -> succeeded" in ran.data[0]["changes"]
    assert cli("recover", "sweep").stdout.strip().endswith("Nothing is due.")


def test_a_hold_is_captured_in_part_or_called_off(cli: Cli) -> None:
    for words, state in (
        (("capture", "--amount", "20.00"), "succeeded"),
        (("cancel",), "cancelled"),
    ):
        made = cli(*CREATE, "--method", "paypal", "--no-capture").data
        agree(made["provider_payment_id"])
        held = cli("payments", "show", made["id"], "--refresh", "--format", "json").data
        assert held["state"] == "authorized"
        verb, *rest = words
        done = cli("payments", verb, made["id"], *rest, "--yes", "--format", "json")
        assert done.data["state"] == state, done.stderr


def test_an_order_nobody_agreed_to_is_fenced(cli: Cli) -> None:
    made = cli(*CREATE, "--method", "paypal").data
    gone = cli("payments", "cancel", made["id"], "--yes", "--format", "json")
    assert (gone.exit_code, gone.data["state"]) == (0, "cancelled")
    with world() as paypal:
        assert paypal.movements() == []


def test_a_declined_vaulted_method_is_exit_four(cli: Cli) -> None:
    ran = cli(*CREATE, "--method", "pm_card_chargeDeclined")
    assert (ran.exit_code, ran.data["state"]) == (4, "failed")


@pytest.mark.parametrize(("amount", "currency"), [("1.50", "JPY"), ("5.00", "KWD")])
def test_what_paypal_cannot_charge_is_refused_before_anything_is_written(
    cli: Cli, amount: str, currency: str
) -> None:
    words = ("--amount", amount, "--currency", currency, "--method", "paypal", "--yes")
    ran = cli("payments", "create", "--provider", "paypal", *words)
    assert ran.exit_code in (2, 4)
    assert cli("payments", "list", "--format", "json").data == []


def test_its_settlement_report_agrees_with_our_books(cli: Cli, tmp_path: Path) -> None:
    """Two payments and a refund: PayPal's own file, and nothing left to explain."""
    for number in range(2):
        made = cli(*CREATE, "--method", "paypal", "--order", f"s{number}").data
        agree(made["provider_payment_id"])
        paid = cli("payments", "show", made["id"], "--refresh", "--format", "json").data
    cli("payments", "refund", paid["id"], "--amount", "12.00", "--yes")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = today + timedelta(days=1)
    report = tmp_path / "STL.CSV"
    with world() as paypal:
        report.write_text(settlement_report(paypal, today, tomorrow), newline="")
    taken = cli("reconcile", "import", str(report), "--format", "json")
    assert (taken.exit_code, taken.data["format"]) == (0, "paypal.settlement")
    days = ("--from", f"{today:%Y-%m-%d}", "--to", f"{tomorrow:%Y-%m-%d}")
    run = cli("reconcile", "run", "--provider", "paypal", *days, "--format", "json")
    assert (run.exit_code, run.data["breaks"]) == (0, 0), run.stdout
    assert [b["residual"]["minor"] for b in run.data["balances"]] == [0]
    bridge = cli("reports", "bridge", "--provider", "paypal", "--format", "json")
    assert bridge.exit_code == 0
    assert bridge.data[0]["ledger"] == bridge.data[0]["provider_balance"]
