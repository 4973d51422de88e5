"""Providers chosen by rule: the first that fits, another only before anything was recorded."""

from pathlib import Path

import pytest

from domain.money import Money
from domain.provider import Capabilities, ProviderAccount
from domain.routing import Asked, Candidate, Rule, consider
from tests.conftest import Cli
from tests.tscli.worlds import moved

RULES = """
[[routing]]
provider = "paypal"
currencies = ["EUR"]
regions = ["DE", "AT"]
amount_max = "100.00"

[[routing]]
provider = "stripe"
"""
CREATE = ("payments", "create", "--method", "pm_card_visa", "--yes", "--format", "json")
EUROS = ("--amount", "30.00", "--currency", "EUR", "--region", "de")


@pytest.fixture
def ruled(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line with rules."""
    file = home / "rules.toml"
    file.write_text(RULES)
    monkeypatch.setenv("TSCLI_CONFIG", str(file))
    return cli


ABLE = Capabilities(frozenset({"EUR"}), frozenset({"card"}), True, True, True)
ANY = Rule("p")


@pytest.mark.parametrize(
    ("rule", "asked", "down", "against"),
    [
        (ANY, Asked(Money(100, "EUR")), "", ""),
        (ANY, Asked(Money(100, "USD")), "", "does not charge USD"),
        (ANY, Asked(Money(100, "EUR"), pinned="q"), "", "belongs to q"),
        (ANY, Asked(Money(100, "EUR"), method_type="wallet"), "", "does not take wallet"),
        (ANY, Asked(Money(10**9, "EUR")), "", "more than it charges"),
        (ANY, Asked(Money(100, "EUR")), "it is paused", "it is paused"),
        (Rule("q"), Asked(Money(100, "EUR")), "", "not configured"),
        (Rule("p", frozenset({"USD"})), Asked(Money(100, "EUR")), "", "leaves out EUR"),
        (Rule("p", regions=frozenset({"DE"})), Asked(Money(1, "EUR"), "FR"), "", "region FR"),
        (Rule("p", regions=frozenset({"DE"})), Asked(Money(1, "EUR")), "", "not named"),
        (Rule("p", regions=frozenset({"DE"})), Asked(Money(1, "EUR"), "DE"), "", ""),
        (Rule("p", methods=frozenset({"x"})), Asked(Money(1, "EUR"), "", "card"), "", "card"),
        (Rule("p", minor_min=5), Asked(Money(4, "EUR")), "", "below"),
        (Rule("p", minor_max=5), Asked(Money(6, "EUR")), "", "above"),
        (Rule("p", minor_min=5, minor_max=5), Asked(Money(5, "EUR")), "", ""),
    ],
)
def test_every_reason_against(rule: Rule, asked: Asked, down: str, against: str) -> None:
    """Proves for each kind of rule that it holds back what it should, with its reason."""
    candidate = Candidate(ProviderAccount("p", "default", "test"), ABLE, down)
    (found,) = consider([rule], [candidate], asked)
    assert against in found.against
    assert bool(found.against) == bool(against)


def test_the_first_rule_that_fits_takes_it(ruled: Cli) -> None:
    """Proves that currency, region and amount choose, and that the choice can be seen before."""
    shown = ruled("providers", "choose", *EUROS, "--format", "json").data
    assert [(r["provider"], r["chosen"]) for r in shown] == [("paypal", True), ("stripe", False)]
    made = ruled(*CREATE, *EUROS)
    assert (made.exit_code, made.data["provider"]) == (0, "paypal"), made.stderr
    for words in (
        ("--amount", "100.01", "--currency", "EUR", "--region", "DE"),
        ("--amount", "30.00", "--currency", "EUR"),
        ("--amount", "30.00", "--currency", "USD", "--region", "DE"),
    ):
        assert ruled(*CREATE, *words).data["provider"] == "stripe"
    named = ruled(*CREATE, *EUROS, "--provider", "stripe")
    assert named.data["provider"] == "stripe", "a name is a name"


def test_another_provider_only_before_a_send(ruled: Cli) -> None:
    """Proves that a paused provider is passed over, that its payments stay its own, and that a key
    finds the first payment whatever the rules say later."""
    first = ruled(*CREATE, *EUROS, "--idempotency-key", "a").data
    assert first["provider"] == "paypal"
    ruled("providers", "pause", "paypal", "--reason", "down")
    other = ruled(*CREATE, *EUROS, "--idempotency-key", "b")
    assert (other.exit_code, other.data["provider"]) == (0, "stripe")
    again = ruled(*CREATE, *EUROS, "--idempotency-key", "a")
    assert (again.data["id"], again.data["replayed"]) == (first["id"], True)
    ruled("providers", "pause", "stripe", "--reason", "down, too")
    none = ruled(*CREATE, *EUROS)
    assert none.exit_code == 3
    assert "down, too" in none.stderr
    ruled("providers", "resume", "paypal")
    ruled("providers", "resume", "stripe")
    later = ruled(*CREATE, *EUROS, "--idempotency-key", "b")
    assert (later.data["id"], later.data["provider"]) == (other.data["id"], "stripe")
    assert moved() == [3_000]


def test_a_kept_method_pins_its_provider(ruled: Cli) -> None:
    """Proves that a method kept at one provider is never charged by another."""
    kept = ruled("methods", "add", "--token", "pm_card_visa", "--format", "json").data["id"]
    words = ("payments", "create", "--method", kept, "--yes", "--format", "json")
    assert ruled(*words, *EUROS).data["provider"] == "stripe"
    ruled("providers", "pause", "stripe", "--reason", "down")
    assert ruled(*words, *EUROS).exit_code == 3


def test_without_rules_stripe_takes_it_and_auto_what_can(cli: Cli) -> None:
    """Proves the default, and that nobody who cannot is chosen."""
    assert cli(*CREATE, *EUROS).data["provider"] == "stripe"
    words = ("--provider", "auto", "--amount", "5", "--currency", "USD")
    assert cli(*CREATE, *words).data["provider"] == "stripe"
    choose = ("providers", "choose", "--amount", "5", "--currency", "EUR")
    ran = cli(*choose, "--method", "paypal", "--format", "json")
    assert [r["provider"] for r in ran.data if r["chosen"]] == ["paypal"]
    assert cli("providers", "choose", "--amount", "5", "--currency", "ERN").exit_code == 1
    assert cli(*CREATE, "--provider", "auto", "--amount", "5", "--currency", "ERN").exit_code == 4


@pytest.mark.parametrize(
    "rules",
    [
        '[[routing]]\nprovider = "nobody"\n',
        '[[routing]]\nprovider = "stripe"\namount_max = "5.00"\n',
        '[[routing]]\nprovider = "stripe"\ncurrencies = ["USD"]\namount_max = "5.000"\n',
        '[[routing]]\nprovider = "stripe"\ncolour = "blue"\n',
    ],
)
def test_rules_that_make_no_sense(
    sqlite_cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch, rules: str
) -> None:
    """Proves that a bad rule is told before anything is done."""
    (home / "rules.toml").write_text(rules)
    monkeypatch.setenv("TSCLI_CONFIG", str(home / "rules.toml"))
    ran = sqlite_cli(*CREATE, *EUROS)
    assert ran.exit_code == 2
    assert "Traceback" not in ran.stderr
