"""Providers at the command line: their state is shown, a pause stops everything, resuming frees
it."""

from tests.conftest import Cli

CREATE = (
    "payments", "create", "--amount", "5.00", "--currency", "USD", "--method", "pm_card_visa",
    "--idempotency-key", "k", "--yes", "--format", "json",
)  # fmt: skip


def test_a_pause_stops_payments_and_resuming_finishes_them(cli: Cli) -> None:
    assert cli("providers", "pause", "stripe").exit_code == 2, "a pause needs a reason"
    paused = cli("providers", "pause", "stripe", "--reason", "they are down", "--format", "json")
    assert paused.data["status"] == "inactive"
    assert paused.data["by"] == "tess"
    refused = cli(*CREATE)
    assert refused.exit_code == 3
    assert "they are down" in refused.stderr
    assert cli("payments", "list", "--format", "json").data == [], "nothing was begun"
    shown = cli("providers", "show", "stripe", "--format", "json").data
    assert (shown["status"], shown["status_reason"]) == ("inactive", "they are down")
    assert cli("providers", "check", "stripe").exit_code == 3
    assert cli("providers", "resume", "stripe").exit_code == 0
    again = cli(*CREATE)
    assert (again.exit_code, again.data["state"]) == (0, "succeeded")
    whats = [r["what"] for r in cli("audit", "list", "--format", "json").data]
    assert "provider.paused" in whats
    assert "provider.resumed" in whats


def test_a_dry_run_pauses_nothing(cli: Cli) -> None:
    cli("providers", "pause", "stripe", "--reason", "x", "--dry-run")
    assert cli("providers", "list", "--format", "json").data[0]["status"] == "active"


def test_check_asks_the_provider(cli: Cli) -> None:
    ran = cli("providers", "check", "stripe", "--format", "json")
    assert (ran.exit_code, ran.data["answer"]) == (0, "ok")
    assert cli("providers", "check", "nobody").exit_code == 2
