"""Settings: where they come from, that secrets stay masked, and that nonsense is refused by
name."""

from pathlib import Path

import pytest

from tests.conftest import Cli


def test_environment_beats_the_file_and_secrets_are_masked(
    sqlite_cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "home" / "config" / "tscli"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(
        '[stripe]\naccount = "shop"\nreturn_url = "https://a.example.com"\n'
    )
    monkeypatch.setenv("TSCLI_STRIPE__ACCOUNT", "other")
    monkeypatch.setenv("TSCLI_STRIPE__API_KEY", "sk_test_canary0123456789")
    ran = sqlite_cli("config", "show", "--format", "json")
    shown = {row["setting"]: row["value"] for row in ran.data}
    assert shown["stripe.account"] == "other"
    assert shown["stripe.return_url"] == "https://a.example.com"
    assert shown["stripe.api_key"] == "********"
    assert "canary" not in ran.stdout + ran.stderr


def test_a_secret_can_come_from_a_folder(
    sqlite_cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "secrets"
    folder.mkdir()
    (folder / "tscli_operator").write_text("from-file")
    monkeypatch.delenv("TSCLI_OPERATOR")
    monkeypatch.setenv("TSCLI_SECRETS_DIR", str(folder))
    shown = {
        r["setting"]: r["value"] for r in sqlite_cli("config", "show", "--format", "json").data
    }
    assert shown["operator"] == "from-file"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TSCLI_STRIPE__DEADLINE_SECONDS", "never", "stripe.deadline_seconds"),
        ("TSCLI_STRIPE__TYPO", "x", "stripe.typo: there is no such setting"),
        ("TSCLI_STRIPE__API_KEY", "changeme", "placeholder"),
        ("TSCLI_DATABASE_URL", "mysql://host/name", "not supported"),
        ("TSCLI_DATABASE_URL", "nonsense", "cannot be read"),
        ("TSCLI_STRIPE__BASE_URL", "http://evil.example.com", "not an address"),
        ("TSCLI_STRIPE__BASE_URL", "https://api.stripe.com@evil.example.com", "not an address"),
        ("TSCLI_STRIPE__API_KEY", "pk_test_publishable", "starts with none"),
        ("TSCLI_STRIPE__WEBHOOK_SECRETS", "", "signing secret"),
        ("TSCLI_STRIPE__WEBHOOK_SECRETS", "whsec_", "signing secret"),
        ("TSCLI_STRIPE__WEBHOOK_SECRETS", "whsec_...", "signing secret"),
        ("TSCLI_STRIPE__WEBHOOK_SECRETS", "whsec_a1b2c3,,whsec_d4e5f6", "Part 2"),
        ("TSCLI_STRIPE__WEBHOOK_SECRETS", "sk_test_notasecret", "signing secret"),
        ("TSCLI_PAYPAL__WEBHOOK_ID", "", "empty or a placeholder"),
        ("TSCLI_PAYPAL__WEBHOOK_ID", "WEBHOOK_ID", "empty or a placeholder"),
        ("TSCLI_PAYPAL__WEBHOOK_VERIFY", "never", "paypal.webhook_verify"),
    ],
)
def test_settings_that_make_no_sense_are_named_and_exit_two(
    sqlite_cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    words = ("--amount", "1.00", "--currency", "USD", "--method", "pm_card_visa", "--yes")
    ran = sqlite_cli("payments", "create", *words)
    assert ran.exit_code == 2, ran.stderr
    assert says in ran.stderr


def test_a_broken_settings_file_is_named(sqlite_cli: Cli, home: Path) -> None:
    folder = home / "home" / "config" / "tscli"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[stripe\n")
    ran = sqlite_cli("config", "show")
    assert ran.exit_code == 2
    assert "config.toml" in ran.stderr


def test_without_keys_the_sandbox_says_so_on_stderr(sqlite_cli: Cli) -> None:
    words = ("--amount", "1.00", "--currency", "USD", "--method", "pm_card_visa", "--yes")
    ran = sqlite_cli("payments", "create", *words, "--format", "json")
    assert "Sandbox mode" in ran.stderr
    assert ran.data["account"] == "sandbox"
    assert ran.data["mode"] == "test"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a.db"])
def test_books_that_would_be_forgotten_are_refused(
    sqlite_cli: Cli, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Books in memory, or in whatever folder a command runs in, would charge twice."""
    monkeypatch.setenv("TSCLI_DATABASE_URL", url)
    assert sqlite_cli("payments", "list").exit_code == 2


def test_a_settings_file_that_is_not_there_is_refused(
    sqlite_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSCLI_CONFIG", "/nowhere/config.toml")
    assert sqlite_cli("config", "show").exit_code == 2


@pytest.mark.parametrize("words", [("--idempotency-key", ""), ("--order", ""), ("--order", " ")])
def test_empty_keys_and_orders_are_refused(sqlite_cli: Cli, words: tuple[str, str]) -> None:
    """A script with an unset variable must not charge under a fresh key each time."""
    rest = ("--amount", "1.00", "--currency", "USD", "--method", "pm_card_visa", "--yes")
    assert sqlite_cli("payments", "create", *rest, *words).exit_code == 2
    assert sqlite_cli("payments", "list", "--format", "json").data == []
