"""`tscli payments`: each verb from the words to the money in the world, on both databases."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli, Ran
from tests.tscli.worlds import moved, open_world

JSON = ("--yes", "--format", "json")


def create(cli: Cli, amount: str = "100.00", *more: str, **words: str) -> Ran:
    """Create a payment."""
    asked = {"currency": "USD", "method": "pm_card_visa", "provider": "stripe"} | words
    options = [part for name, word in asked.items() for part in (f"--{name}", word)]
    return cli("payments", "create", "--amount", amount, *options, *more, *JSON)


def value(ran: Ran, name: str) -> str:
    """An amount of a result."""
    return str(ran.data[name]["value"])


def test_create_takes_the_money(cli: Cli) -> None:
    """Proves the whole way of a payment: words, books, provider, ledger, result."""
    ran = create(cli, order="o1", description="Two chairs", customer="c1")
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["schema"] == "tscli/payments.create/1"
    assert ran.data["id"].startswith("pay_")
    assert ran.data["state"] == "succeeded"
    assert ran.data["amount"] == {"value": "100.00", "currency": "USD", "minor": 10_000}
    assert (value(ran, "captured"), value(ran, "refunded")) == ("100.00", "0.00")
    assert ran.data["operation"]["state"] == "done"
    assert ran.data["idempotency_key"]
    assert not ran.data["replayed"]
    assert moved() == [10_000]
    rows = cli("ledger", "trial-balance", "--format", "json").data
    assert {r["ledger_account"] if "ledger_account" in r else r["account"] for r in rows}
    assert cli("audit", "verify").exit_code == 0


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("100", "USD", 10_000), ("0.50", "eur", 50), ("1200", "JPY", 1_200), ("5.250", "KWD", 5_250)],
)
def test_amounts_in_their_currency(cli: Cli, amount: str, currency: str, minor: int) -> None:
    """Proves that currencies with none, two and three decimals arrive as they were meant."""
    ran = create(cli, amount, currency=currency)
    assert ran.exit_code == 0
    assert ran.data["captured"]["minor"] == minor
    assert moved() == [minor]


def test_authorise_then_capture_in_part(cli: Cli) -> None:
    """Proves that --no-capture moves nothing, and that a part can be captured once."""
    held = create(cli, "100.00", "--no-capture")
    assert (held.exit_code, held.data["state"], moved()) == (0, "authorized", [])
    pay = held.data["id"]
    over = cli("payments", "capture", pay, "--amount", "100.01", *JSON)
    assert over.exit_code == 2
    done = cli("payments", "capture", pay, "--amount", "60.00", *JSON)
    assert (done.exit_code, done.data["state"], value(done, "captured")) == (
        0,
        "succeeded",
        "60.00",
    )
    assert cli("payments", "capture", pay, "--amount", "40.00", *JSON).exit_code == 5
    assert moved() == [6_000]


def test_capture_in_full(cli: Cli) -> None:
    """Proves that without an amount all of it is captured."""
    pay = create(cli, "100.00", "--no-capture").data["id"]
    done = cli("payments", "capture", pay, *JSON)
    assert value(done, "captured") == "100.00"
    assert json.loads(done.stdout)["schema"] == "tscli/payments.capture/1"


def test_cancel_releases_what_was_held(cli: Cli) -> None:
    """Proves that a cancelled payment can take no money any more, here and in the world."""
    pay = create(cli, "100.00", "--no-capture", order="o1").data["id"]
    done = cli("payments", "cancel", pay, "--reason", "customer asked", *JSON)
    assert (done.exit_code, done.data["state"]) == (0, "cancelled")
    assert cli("payments", "capture", pay, *JSON).exit_code == 5
    with open_world() as world:
        assert [i.status for i in world.intents()] == ["cancelled"]
    assert create(cli, order="o1").exit_code == 0
    records = cli("audit", "list", "--subject", pay, "--format", "json").data
    assert "customer asked" in {r["reason"] for r in records}


def test_what_was_captured_cannot_be_cancelled(cli: Cli) -> None:
    """Proves that money taken is refunded, never cancelled."""
    pay = create(cli).data["id"]
    ran = cli("payments", "cancel", pay, *JSON)
    assert ran.exit_code == 5
    assert json.loads(ran.stderr.splitlines()[-1])["error"]["code"] == "invalid_transition"


def test_refund_in_parts(cli: Cli) -> None:
    """Proves that refunds add up to what was captured and not a cent further."""
    pay = create(cli).data["id"]
    first = cli("payments", "refund", pay, "--amount", "60.00", *JSON)
    assert (first.exit_code, value(first, "refunded")) == (0, "60.00")
    assert first.data["state"] == "succeeded"
    over = cli("payments", "refund", pay, "--amount", "40.01", *JSON)
    assert over.exit_code == 2
    assert "40.00" in over.stderr
    rest = cli("payments", "refund", pay, *JSON)
    assert (value(rest, "refunded"), rest.data["state"]) == ("100.00", "refunded")
    assert cli("payments", "refund", pay, *JSON).exit_code == 5
    assert moved("refund") == [-6_000, -4_000]
    rows = cli("ledger", "trial-balance", "--format", "json").data
    assert sum(r["balance"]["minor"] for r in rows) == 0


def test_a_refund_of_a_partial_capture_is_bounded_by_it(cli: Cli) -> None:
    """Proves that what counts is what was captured, not what was authorised."""
    pay = create(cli, "100.00", "--no-capture").data["id"]
    cli("payments", "capture", pay, "--amount", "30.00", *JSON)
    assert cli("payments", "refund", pay, "--amount", "30.01", *JSON).exit_code == 2
    assert cli("payments", "refund", pay, "--amount", "30.00", *JSON).data["state"] == "refunded"


@pytest.mark.parametrize(
    "method",
    [
        "pm_card_chargeDeclined",
        "pm_card_chargeDeclinedInsufficientFunds",
        "pm_card_chargeCustomerFail",
    ],
)
def test_a_declined_card_is_exit_4_and_fenced(cli: Cli, method: str) -> None:
    """Proves that a refusal is told, kept, and can never turn into a payment later."""
    ran = create(cli, method=method, order="o1")
    assert ran.exit_code == 4
    assert ran.data["state"] == "failed"
    assert ran.data["failure_code"]
    error = json.loads(ran.stderr.splitlines()[-1])
    assert (error["schema"], error["error"]["code"]) == ("tscli/error/1", "declined")
    with open_world() as world:
        assert [i.status for i in world.intents()] == ["cancelled"]
    assert moved() == []
    assert create(cli, order="o1").exit_code == 0


def test_a_card_that_wants_its_owner(cli: Cli) -> None:
    """Proves that a payment waiting for its customer shows the link and settles by a refresh."""
    ran = create(cli, method="pm_card_threeDSecureRequired")
    assert (ran.exit_code, ran.data["state"]) == (0, "requires_action")
    assert ran.data["next_action_url"].startswith("http")
    assert ran.data["next_check_at"]
    with open_world() as world:
        world.approve(world.intents()[0].id)
    shown = cli("payments", "show", ran.data["id"], "--refresh", "--format", "json")
    assert shown.data["state"] == "succeeded"
    assert shown.data["next_action_url"] == ""
    assert moved() == [10_000]


def test_an_order_is_paid_once(cli: Cli) -> None:
    """Proves that two requests for one order are one payment, whatever keys they carry."""
    first = create(cli, order="o1")
    again = create(cli, order="o1")
    assert again.exit_code == 5
    assert first.data["id"] in again.stderr
    other = create(cli, "100.00", "--idempotency-key", "fresh", order="o1")
    assert other.exit_code == 5
    assert moved() == [10_000]


def test_the_same_words_with_the_same_key(cli: Cli) -> None:
    """Proves that a repeated command returns the first payment and moves nothing again."""
    words: tuple[Any, ...] = ("100.00", "--idempotency-key", "k1")
    first, again = create(cli, *words, order="o1"), create(cli, *words, order="o1")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert again.data == first.data | {"replayed": True}
    assert moved() == [10_000]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "100.01"},
        {"currency": "EUR"},
        {"method": "pm_card_mastercard"},
        {"order": "o2"},
        {"customer": "c1"},
        {"description": "other"},
        {"capture": "no"},
    ],
    ids=str,
)
def test_other_words_with_the_same_key(cli: Cli, change: dict[str, str]) -> None:
    """Proves that a key stands for its words: any other word is a conflict, and no payment."""
    key = ("--idempotency-key", "k1")
    create(cli, "100.00", *key, order="o1")
    words = {"order": "o1"} | change
    amount = words.pop("amount", "100.00")
    more = ("--no-capture",) if words.pop("capture", "") else ()
    ran = create(cli, amount, *key, *more, **words)
    assert ran.exit_code == 5
    assert json.loads(ran.stderr.splitlines()[-1])["error"]["code"] == "idempotency_mismatch"
    assert moved() == [10_000]


def test_a_refund_repeated_with_its_key(cli: Cli) -> None:
    """Proves that a repeated refund is one refund, and another amount under its key none."""
    pay = create(cli).data["id"]
    words = ("payments", "refund", pay, "--idempotency-key", "r1")
    first = cli(*words, "--amount", "60.00", *JSON)
    again = cli(*words, "--amount", "60.00", *JSON)
    assert again.exit_code == 0
    assert again.data == first.data | {"replayed": True}
    assert cli(*words, "--amount", "10.00", *JSON).exit_code == 5
    assert cli(*words, *JSON).exit_code == 5
    assert moved("refund") == [-6_000]


def test_a_replayed_refusal_is_still_a_refusal(cli: Cli) -> None:
    """Proves that the exit code of a replay is that of the first answer."""
    words: tuple[Any, ...] = ("100.00", "--idempotency-key", "k1")
    method = "pm_card_chargeDeclined"
    assert create(cli, *words, method=method).exit_code == 4
    again = create(cli, *words, method=method)
    assert (again.exit_code, again.data["replayed"]) == (4, True)


def test_show_list_and_history(cli: Cli) -> None:
    """Proves that a payment can be looked at whole, found, and followed through time."""
    pay = create(cli, order="o1").data["id"]
    create(cli, "5.00", "--no-capture", order="o2")
    cli("payments", "refund", pay, "--amount", "1.00", *JSON)
    shown = cli("payments", "show", pay, "--format", "json").data
    assert [o["kind"] for o in shown["operations"]] == ["create", "refund"]
    assert {t["kind"] for t in shown["transactions"]} == {"charge", "refund"}
    listed = cli("payments", "list", "--format", "json").data
    assert [p["order_reference"] for p in listed] == ["o2", "o1"]
    found = [
        cli("payments", "list", *search, "--format", "json").data
        for search in (
            ("--search", "o1"),
            ("--search", pay),
            ("--search", shown["provider_payment_id"]),
            ("--search", shown["transactions"][0]["provider_reference"]),
            ("--state", "succeeded"),
        )
    ]
    assert all([p["id"] for p in rows] == [pay] for rows in found)
    assert cli("payments", "list", "--search", "nobody", "--format", "json").data == []
    facts = [r["what"] for r in cli("payments", "history", pay, "--format", "json").data]
    assert facts[:2] == ["payment.created", "operation.recorded"]
    assert "payment.captured" in facts
    assert facts.count("payment.refund.succeeded") == 1


def test_every_fact_names_who_and_what(cli: Cli) -> None:
    """Proves that each audit record carries operator, command and both states of the payment."""
    pay = create(cli).data["id"]
    records = cli("audit", "list", "--subject", pay, "--format", "json").data
    assert {r["operator"] for r in records} == {"tess"}
    assert {r["command"] for r in records} == {"payments create"}
    captured = next(r for r in records if r["what"] == "payment.captured")
    assert json.loads(captured["before"])["captured_minor"] == 0
    assert json.loads(captured["detail"])["captured_minor"] == 10_000
    assert captured["ledger_digest"]


def test_a_payment_of_another_account_is_left_alone(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that sandbox payments are never sent to a real account, nor the other way round."""
    pay = create(cli).data["id"]
    monkeypatch.setenv("TSCLI_STRIPE__API_KEY", "sk_live_" + "x" * 24)
    for verb in ("refund", "cancel", "capture"):
        ran = cli("payments", verb, pay, *JSON)
        assert ran.exit_code == 5
        assert "sandbox" in ran.stderr
    assert moved("refund") == []


def test_csv_and_table(cli: Cli) -> None:
    """Proves that lists come as CSV with dotted names, and as a table for people."""
    pay = create(cli, order="o1").data["id"]
    lines = cli("payments", "list", "--format", "csv").stdout.splitlines()
    assert lines[0].split(",")[:4] == ["id", "state", "amount.value", "amount.currency"]
    assert lines[1].startswith(f"{pay},succeeded,100.00,USD")
    table = cli("payments", "list").stdout
    assert pay in table
    assert not re.search("\x1b", table)


def test_imported_history_moves_no_payment(cli: Cli, home: Path) -> None:
    """Proves that a row taken in from an old ledger that names one of our payments changes neither
    what it has nor what can still be refunded of it."""
    pay = create(cli).data["id"]
    rows = home / "old.csv"
    rows.write_text(
        "transaction_id,payment_id,kind,provider_reference,amount,currency,fee,status,occurred_at\n"
        f"txn_old,{pay},refund,re_old,-60.00,USD,0.00,succeeded,2026-03-02T08:00:00Z\n"
    )
    assert cli("ledger", "import", str(rows)).exit_code == 0
    shown = cli("payments", "show", pay, "--format", "json")
    assert (value(shown, "captured"), value(shown, "refunded")) == ("100.00", "0.00")
    assert cli("payments", "refund", pay, "--amount", "100.00", "--yes").exit_code == 0
    assert cli("doctor").exit_code == 0
