"""From the provider's own lists to a run that has nothing to say."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.tscli.test_paypal_payments import agree, world

CREATE = ("payments", "create", "--currency", "EUR", "--yes", "--format", "json")


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_fetched_lines_agree_with_our_books(cli: Cli, tmp_path: Path, provider: str) -> None:
    """Payments and a refund, listed by the provider, taken in, compared: nothing is left."""
    method = "pm_card_visa" if provider == "stripe" else "paypal"
    for number in range(3):
        words = ("--amount", f"{20 + number}.50", "--provider", provider, "--method", method)
        made = cli(*CREATE, *words).data
        if provider == "paypal":
            agree(made["provider_payment_id"])
            made = cli("payments", "show", made["id"], "--refresh", "--format", "json").data
    cli("payments", "refund", made["id"], "--amount", "2.50", "--yes")
    if provider == "paypal":
        with world() as paypal:
            paypal.set_report_lag(0)  # its search is hours behind otherwise
    today = datetime.now(UTC).date()
    days = ("--from", str(today), "--to", str(today + timedelta(days=1)), "--provider", provider)
    got = cli("reconcile", "fetch", *days, "--folder", str(tmp_path / "in"), "--format", "json")
    assert got.exit_code == 0, got.stderr
    taken = cli("reconcile", "import", got.data["file"], "--format", "json")
    assert (taken.exit_code, taken.data["format"], taken.data["added"]) == (
        0, f"{provider}.balance_lines", 4,
    )  # fmt: skip
    run = cli("reconcile", "run", *days, "--format", "json")
    assert (run.exit_code, run.data["breaks"]) == (0, 0), run.stdout
    bridge = cli("reports", "bridge", "--provider", provider, "--format", "json").data
    assert [one["tie_out"]["minor"] for one in bridge] == [0]
