"""Words that make no sense, or must not be kept, are refused before anything is written or sent."""

import json
from pathlib import Path

import pytest

from domain.ids import check_id
from tests.conftest import Cli
from tests.tscli.worlds import everything, moved, world_file

CARD = "4242424242424242"
CREATE = {
    "amount": "10.00",
    "currency": "USD",
    "provider": "stripe",
    "method": "pm_card_visa",
    "order": "o1",
}


def words(**changes: str) -> list[str]:
    """The words of a request to create a payment."""
    asked = CREATE | changes
    options = [part for name, word in asked.items() for part in (f"--{name}", word)]
    return ["payments", "create", *options, "--yes", "--format", "json"]


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("12.345", "USD"),
        ("0", "USD"),
        ("0.00", "USD"),
        ("-1", "USD"),
        ("-0", "USD"),
        ("1e3", "USD"),
        ("1000000000000000", "USD"),
        ("10000000000000.00", "USD"),
        ("1,000.00", "USD"),
        ("1.000,00", "EUR"),
        ("1_000", "USD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        (" 5", "USD"),
        ("5 ", "USD"),
        ("+5", "USD"),
        (".50", "USD"),
        ("5.", "USD"),
        ("\uff15", "USD"),
        ("0x10", "USD"),
        ("", "USD"),
        ("1.5", "JPY"),
        ("1.0000", "KWD"),
        ("5.00", "XXX"),
        ("5.00", "US"),
        ("5.00", "DOLLAR"),
        ("5.00", ""),
        ("5.00", "XAU"),
    ],
)
def test_amounts_that_are_none(sqlite_cli: Cli, amount: str, currency: str) -> None:
    """Proves that an amount is read strictly: nothing is rounded, guessed or filled in."""
    ran = sqlite_cli(*words(amount=amount, currency=currency))
    assert ran.exit_code == 2
    assert ran.stdout == ""
    assert sqlite_cli("payments", "list", "--format", "json").data == []


@pytest.mark.parametrize(
    ("amount", "currency"), [("1000000.00", "USD"), ("10.00", "KPW"), ("10.00", "SYP")]
)
def test_what_the_provider_cannot_do(sqlite_cli: Cli, amount: str, currency: str) -> None:
    """Proves that amounts and currencies beyond the provider are refused before a row exists."""
    ran = sqlite_cli(*words(amount=amount, currency=currency))
    assert ran.exit_code == 4
    assert sqlite_cli("payments", "list", "--format", "json").data == []


@pytest.mark.parametrize(
    "option", ["method", "order", "customer", "description", "idempotency-key"]
)
@pytest.mark.parametrize("number", [CARD, "4242-4242-4242-4242", f"no.{CARD}"])
def test_a_card_number_in_any_word(sqlite_cli: Cli, home: Path, option: str, number: str) -> None:
    """Proves that card numbers are refused, not repeated, and nowhere on the disk."""
    ran = sqlite_cli(*words(**{option: number}))
    assert ran.exit_code == 2
    assert "card number" in ran.stderr
    assert number not in ran.stdout + ran.stderr
    assert not _on_disk(home, number)


@pytest.mark.parametrize("verb", ["refund", "cancel"])
def test_a_card_number_as_a_reason(sqlite_cli: Cli, home: Path, verb: str) -> None:
    """Proves the same for the reason that would stand in the audit trail."""
    pay = sqlite_cli(*words()).data["id"]
    ran = sqlite_cli("payments", verb, pay, "--reason", f"card {CARD}", "--yes")
    assert ran.exit_code == 2
    assert not _on_disk(home, CARD)


@pytest.mark.parametrize(
    "asked",
    [
        ("payments", "show", CARD),
        ("payments", "refund", CARD, "--yes"),
        ("payments", "create", "--amount", CARD, "--currency", "USD", "--method", "x", "--yes"),
        ("payments", "create", "--amount", "1", "--currency", CARD, "--method", "x", "--yes"),
        ("methods", "show", CARD),
        ("methods", "add", "--token", CARD),
        ("methods", "add", "--token", "pm_card_visa", "--customer", CARD),
        ("methods", "list", "--customer", CARD),
        ("ledger", "show", CARD),
    ],
)
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_card_number_is_not_repeated(
    sqlite_cli: Cli, home: Path, asked: tuple[str, ...], form: str
) -> None:
    """Proves that no error tells a card number back, wherever it was written by mistake."""
    ran = sqlite_cli(*asked, "--format", form)
    assert ran.exit_code == 2
    assert CARD not in ran.stdout + ran.stderr
    assert not _on_disk(home, CARD)


def _on_disk(home: Path, text: str) -> bool:
    files = [f for f in home.rglob("*") if f.is_file()]
    return any(text.encode() in f.read_bytes() for f in files)


@pytest.mark.parametrize("option", ["order", "customer", "description", "method"])
@pytest.mark.parametrize(
    "text", ["a\x1b[31mb", "a\u202eb", "a\nb", "a\x00b", "a\u200bb", "a\udcffb", "x" * 501]
)
def test_texts_that_cannot_be_kept(sqlite_cli: Cli, option: str, text: str) -> None:
    """Proves that control, invisible and broken characters and endless texts are refused."""
    ran = sqlite_cli(*words(**{option: text}))
    assert ran.exit_code == 2
    assert "\x1b" not in ran.stderr
    assert sqlite_cli("payments", "list", "--format", "json").data == []


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\udcffb", "x" * 501])
def test_reasons_that_cannot_be_kept(sqlite_cli: Cli, text: str) -> None:
    """Proves the same for the reason of a refund."""
    pay = sqlite_cli(*words()).data["id"]
    ran = sqlite_cli("payments", "refund", pay, "--reason", text, "--yes")
    assert ran.exit_code == 2
    assert moved("refund") == []


HOSTILE = [
    "[red]x[/red]",
    "[/foo]",
    "[link=http://evil.test/x]y[/link]",
    ":smile:",
    "=1+1",
    "{x}%s",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_is_shown_as_it_is(sqlite_cli: Cli, text: str) -> None:
    """Proves that a description is text on a terminal, never markup, a link or a formula."""
    ran = sqlite_cli(*words(description=text))
    assert ran.exit_code == 0
    pay = ran.data["id"]
    assert text in sqlite_cli("payments", "show", pay).stdout
    assert sqlite_cli("payments", "show", pay, "--format", "json").data["description"] == text
    row = sqlite_cli("payments", "list", "--format", "csv").stdout.splitlines()[1]
    assert ",=1" not in row


@pytest.mark.parametrize("verb", ["show", "capture", "cancel", "refund", "history"])
@pytest.mark.parametrize("name", ["pay_unknown", "x", "", "op_" + "0" * 36, "pay_" + "0" * 36])
def test_payments_that_are_not_there(sqlite_cli: Cli, verb: str, name: str) -> None:
    """Proves that an id that is none, or of nothing, is exit 2 with one sentence."""
    yes = ("--yes",) if verb in ("capture", "cancel", "refund") else ()
    ran = sqlite_cli("payments", verb, name, *yes)
    assert ran.exit_code == 2
    assert ran.stdout == ""
    assert check_id("pay_" + "0" * 36, "pay")


def test_errors_as_json_go_to_stderr(sqlite_cli: Cli) -> None:
    """Proves that a machine finds the error's code, message and hint, and no result."""
    ran = sqlite_cli(*words(amount="12.345"))
    error = json.loads(ran.stderr.splitlines()[-1])
    assert error["schema"] == "tscli/error/1"
    assert error["error"]["code"] == "invalid_request"
    assert set(error["error"]) == {"code", "message", "hint"}
    assert ran.stdout == ""


@pytest.mark.parametrize("provider", ["adyen", "nobody", ""])
def test_a_provider_that_is_not_there(sqlite_cli: Cli, provider: str) -> None:
    """Proves that an unknown provider is a configuration error that names the known ones."""
    ran = sqlite_cli(*words(provider=provider))
    assert ran.exit_code == 2
    assert "stripe" in ran.stderr


def test_refused_words_leave_the_world_alone(sqlite_cli: Cli) -> None:
    """Proves that a refused request changes no byte of the world behind the provider."""
    sqlite_cli(*words())
    before = everything(world_file())
    for changes in ({"amount": "1e3"}, {"order": CARD}, {"description": "\x07"}):
        assert sqlite_cli(*words(**changes)).exit_code == 2
    assert everything(world_file()) == before
