"""Working on breaks through the command line: each act, its postings, and the way back."""

import csv
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from domain.break_life import BreakFilter
from tests.conftest import Cli, Ran
from tscli.app import App
from tscli.services.closing import Reason, resolve
from tscli.settings import load_settings

HEAD = (
    "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,"
    "description,charge_id,automatic_payout_id,payment_metadata[payment_id]\n"
)
LEDGER = (
    "transaction_id,payment_id,kind,provider_reference,amount,currency,fee,status,occurred_at\n"
    "tx1,pay_1,charge,ch_1,100.00,USD,3.20,succeeded,2026-03-02T10:00:00Z\n"
    "tx2,pay_2,charge,ch_2,50.00,USD,1.75,succeeded,2026-03-02T11:00:00Z\n"
)
LINES = (
    "txn_1,2026-03-02 10:00:00,usd,100.00,3.30,96.70,charge,ch_1,Order 1,ch_1,,\n"
    "txn_2,2026-03-02 11:00:00,usd,49.00,1.75,47.25,charge,ch_2,Order 2,ch_2,,\n"
    "txn_3,2026-03-02 12:00:00,usd,-15.00,0.00,-15.00,fee,,Monthly fee,,,\n"
)
NAMES = {
    "amount_mismatch": "brk_g9qqjnd3e1kv0cwp33n45f2k41",
    "fee_mismatch": "brk_c6cydxe4g55h40rdne7het507j",
    "period_fee": "brk_pm1ccc95vss7f9a6z4d47wyt6g",
}
"""What these breaks are called, whatever files their lines came in."""
DAY = ("--from", "2026-03-02", "--to", "2026-03-03")


@pytest.fixture
def broken(cli: Cli, tmp_path: Path) -> Callable[..., Ran]:
    """Books with three breaks: a fee, an amount, and a monthly fee nobody booked."""
    ledger, export = tmp_path / "ledger.csv", tmp_path / "export.csv"
    ledger.write_text(LEDGER)
    export.write_text(HEAD + LINES)
    assert cli("ledger", "import", str(ledger)).exit_code == 0
    assert cli("reconcile", "run", *DAY, "--export", str(export)).exit_code == 1
    return cli


def listed(cli: Any, *words: str) -> dict[str, dict[str, Any]]:
    """Breaks by their kind."""
    found = cli("breaks", "list", *words, "--format", "json").data
    return {one["kind"]: one for one in found}


def balance(cli: Any, account: str) -> int:
    """One account of the trial balance, in cents."""
    rows = cli("ledger", "trial-balance", "--format", "json").data
    return sum(int(r["balance"]["minor"]) for r in rows if r["ledger_account"] == account)


def again(cli: Any) -> Any:
    """The next run of the same day."""
    return cli("reconcile", "run", *DAY, "--format", "json")


def test_a_fee_that_is_booked_is_found_agreeing(broken: Any) -> None:
    """`book` takes the provider's line under its own name; the next run has nothing to say."""
    one = listed(broken)["period_fee"]
    before = balance(broken, "fees")
    done = broken(
        "breaks", "resolve", one["break_id"], "--reason", "book", "--note", "March", "--format",
        "json",
    )  # fmt: skip
    assert done.data[0]["outcome"] == "resolved"
    assert balance(broken, "fees") - before == 1500
    assert again(broken).data["break_counts"] == {"amount_mismatch": 1, "fee_mismatch": 1}
    shown = broken("breaks", "show", one["break_id"], "--format", "json").data
    assert (shown["state"], shown["closing"]) == ("resolved", "booked")
    assert [event["action"] for event in shown["history"]] == ["opened", "resolved"]


def test_a_write_off_stays_closed_and_can_be_undone(broken: Any) -> None:
    """The difference is posted once; a run that finds it again leaves it closed; reopening
    reverses it."""
    one = listed(broken)["amount_mismatch"]
    words = ("breaks", "write-off", one["break_id"], "--note", "too small")
    assert broken(*words, "--dry-run").exit_code == 0
    assert balance(broken, "suspense") == 0
    assert broken(*words).exit_code == 0
    assert balance(broken, "suspense") == 100
    assert broken(*words).exit_code == 0, "once more changes nothing"
    assert balance(broken, "suspense") == 100
    again(broken)
    assert listed(broken)["amount_mismatch"]["closing"] == "written_off"
    assert broken("reports", "bridge", "--format", "json").data[0]["tie_out"]["minor"] == 0
    undone = broken("breaks", "reopen", one["break_id"], "--note", "they owe it after all")
    assert undone.exit_code == 0
    assert balance(broken, "suspense") == 0
    assert listed(broken)["amount_mismatch"]["state"] == "open"
    assert broken("audit", "verify").exit_code == 0
    assert broken("doctor").exit_code == 0


def _ties(cli: Any) -> list[int]:
    """What the bridge leaves unexplained, by currency."""
    rows = cli("reports", "bridge", "--format", "json").data
    return [row["tie_out"]["minor"] for row in rows]


@pytest.fixture
def relapsed(cli: Cli, tmp_path: Path) -> Callable[..., Ran]:
    """A break over 47.25 that was written off, and of which 1.00 is left: our line has succeeded
    since."""
    ledger, export = tmp_path / "ledger.csv", tmp_path / "export.csv"
    ledger.write_text(LEDGER.replace("1.75,succeeded", "1.75,pending"))
    export.write_text(HEAD + LINES)
    cli("ledger", "import", str(ledger))
    cli("reconcile", "run", *DAY, "--export", str(export))
    one = listed(cli)["status_mismatch"]["break_id"]
    assert cli("breaks", "write-off", one, "--note", "they paid").exit_code == 0
    assert (balance(cli, "suspense"), _ties(cli)) == (-4725, [0])
    ledger.write_text(LEDGER)
    assert cli("ledger", "import", str(ledger)).exit_code == 0
    return cli


def test_what_a_run_opens_again_is_reversed(relapsed: Any) -> None:
    """A write-off goes with what it was about: the run that opens its break again reverses it, the
    bridge ties all the while, and what is left is written off and undone by itself."""
    again(relapsed)
    one = listed(relapsed)["amount_mismatch"]
    assert (one["state"], one["effect"][0]["minor"]) == ("open", -100)
    assert (balance(relapsed, "suspense"), _ties(relapsed)) == (0, [0])
    shown = relapsed("breaks", "show", one["break_id"], "--format", "json").data["history"]
    assert [event["action"] for event in shown] == ["opened", "resolved", "reopened"]
    assert shown[2]["transaction_id"] == shown[1]["transaction_id"]
    for words in (("write-off", "--note", "small"), ("reopen", "--note", "no")):
        assert relapsed("breaks", words[0], one["break_id"], *words[1:]).exit_code == 0
        assert balance(relapsed, "suspense") == (100 if words[0] == "write-off" else 0)
        assert _ties(relapsed) == [0]
    trail = relapsed("audit", "list", "--limit", "100", "--format", "json").data
    assert sum("ledger.reversed" in record.values() for record in trail) == 2
    assert relapsed("audit", "verify").exit_code == 0
    assert relapsed("doctor").exit_code == 0


def test_a_booking_outlives_what_else_is_reported(broken: Any, tmp_path: Path) -> None:
    """The line comes again with other money: that is found under the name of the break that was
    booked, and the booking, which agrees with the first line, stays."""
    one = listed(broken)["period_fee"]["break_id"]
    before = balance(broken, "fees")
    assert broken("breaks", "resolve", one, "--reason", "book", "--note", "March").exit_code == 0
    export = tmp_path / "changed.csv"
    export.write_text(HEAD + LINES.splitlines(keepends=True)[2].replace("-15.00", "-16.00"))
    assert broken("reconcile", "run", *DAY, "--export", str(export)).exit_code == 1
    assert listed(broken)["line_changed"]["break_id"] == one
    assert (balance(broken, "fees") - before, _ties(broken)) == (1500, [0])


@pytest.mark.parametrize("word", ["reopen", "write-off"])
def test_books_in_which_it_was_not_reversed_are_put_right(
    relapsed: Any, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """An open break under which a posting stands, as older versions left it: opening it reverses
    that, closing it leaves nothing but what it posts."""
    monkeypatch.setattr("tscli.services.reconciliation.reverse_posted", lambda *_: None)
    again(relapsed)
    one = listed(relapsed)["amount_mismatch"]["break_id"]
    assert (balance(relapsed, "suspense"), _ties(relapsed)) == (-4725, [0])
    assert relapsed("breaks", word, one, "--note", "put right").exit_code == 0
    assert (balance(relapsed, "suspense"), _ties(relapsed)) == (
        100 if word == "write-off" else 0,
        [0],
    )
    assert relapsed("doctor").exit_code == 0


def test_breaks_are_handed_out_and_put_off_by_filter(broken: Any) -> None:
    """By kind or currency, dry first; everything stands in the break's history."""
    assert (
        broken("breaks", "assign", "--currency", "USD", "--to", "mia", "--dry-run").exit_code == 0
    )
    assert {b["assignee"] for b in listed(broken).values()} == {""}
    assert broken("breaks", "assign", "--kind", "fee_mismatch", "--to", "mia").exit_code == 0
    assert {b["assignee"] for b in listed(broken, "--assignee", "mia").values()} == {"mia"}
    broken("breaks", "snooze", "--kind", "fee_mismatch", "--until", "2099-01-01")
    broken("breaks", "comment", "--kind", "fee_mismatch", "--text", "asked Stripe")
    one = listed(broken)["fee_mismatch"]
    assert one["snoozed_until"] == "2099-01-01T00:00:00Z"
    shown = broken("breaks", "show", one["break_id"], "--format", "json").data
    assert [event["action"] for event in shown["history"]] == [
        "opened", "assigned", "snoozed", "commented",
    ]  # fmt: skip


def test_nothing_is_changed_without_saying_what(broken: Any) -> None:
    """No filter, no words, an unknown break, a reason that does not fit: nothing is written."""
    one = listed(broken)["amount_mismatch"]["break_id"]
    before = broken("audit", "list", "--limit", "1000", "--format", "json").data
    for words in (
        ("assign", "--to", "mia"),
        ("resolve", one, "--reason", "book", "--note", "x"),
        ("resolve", one, "--reason", "because", "--note", "x"),
        ("resolve", one, "--reason", "accept", "--note", " "),
        ("resolve", one, "--reason", "match", "--note", "alone"),
        ("snooze", one, "--until", "2020-01-01"),
        ("comment", one, "--text", ""),
        ("show", "brk_00000000000000000000000000"),
    ):
        assert broken("breaks", *words).exit_code == 2, words
    assert broken("audit", "list", "--limit", "1000", "--format", "json").data == before


def test_breaks_are_exported_for_work_elsewhere(broken: Any, tmp_path: Path) -> None:
    """One row each with age and remedy."""
    out = tmp_path / "open.csv"
    assert broken("breaks", "export", "--output", str(out)).exit_code == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert sorted(row["kind"] for row in rows) == ["amount_mismatch", "fee_mismatch", "period_fee"]
    assert all(row["remedy"].startswith("tscli ") for row in rows)


def test_much_money_needs_a_second_person(broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit the request is written down; another person's word closes the break."""
    one = listed(broken)["amount_mismatch"]["break_id"]
    monkeypatch.setenv("TSCLI_APPROVALS__WRITE_OFF_ABOVE", json.dumps({"USD": "0.50"}))
    people = {"tess": {"role": "operator"}, "ada": {"role": "approver"}}
    monkeypatch.setenv("TSCLI_OPERATORS", json.dumps(people))
    monkeypatch.setenv("TSCLI_OPERATOR", "tess")
    refused = broken("breaks", "write-off", one, "--note", "agreed by phone")
    assert refused.exit_code == 4
    asked = broken("approvals", "list", "--format", "json").data[0]
    assert broken("approvals", "approve", asked["id"], "--yes").exit_code == 4, (
        "nobody agrees alone"
    )
    monkeypatch.setenv("TSCLI_OPERATOR", "ada")
    assert broken("approvals", "approve", asked["id"], "--yes").exit_code == 0
    assert listed(broken)["amount_mismatch"]["closing"] == "written_off"
    assert balance(broken, "suspense") == 100


def test_write_offs_at_once_post_once(broken: Any) -> None:
    """Four commands close one break at the same time: one posting, and three that find it done."""
    one = listed(broken)["amount_mismatch"]["break_id"]

    def close(_: int) -> str:
        app = App(load_settings(), "tests")
        try:
            wanted = BreakFilter(break_ids=(one,))
            return resolve(app.context(), wanted, Reason.WRITE_OFF, "too small")[0].outcome
        finally:
            app.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(close, range(4))) == ["resolved", *["unchanged"] * 3]
    assert balance(broken, "suspense") == 100


def test_what_is_reported_twice_is_never_booked(cli: Cli, tmp_path: Path) -> None:
    """A repeated line, and figures of a file, are no money that moved: exit 2, nothing posted."""
    ledger, export = tmp_path / "ledger.csv", tmp_path / "export.csv"
    ledger.write_text(LEDGER)
    export.write_text(HEAD + LINES + LINES.splitlines(keepends=True)[0])
    cli("ledger", "import", str(ledger))
    cli("reconcile", "run", *DAY, "--export", str(export))
    one = listed(cli)["duplicate_at_provider"]["break_id"]
    before = cli("ledger", "trial-balance", "--format", "json").data
    refused = cli("breaks", "resolve", one, "--reason", "book", "--note", "x")
    assert (refused.exit_code, "duplicate_at_provider" in refused.stderr) == (2, True)
    assert cli("ledger", "trial-balance", "--format", "json").data == before


def test_a_row_explains_itself(broken: Any) -> None:
    """Pass, fields compared, and who else was looked at."""
    one = listed(broken)["amount_mismatch"]
    made = broken("reconcile", "explain", one["break_id"], "--format", "json").data["certificates"]
    assert [c["side"] for c in made] == ["expected", "reported"]
    assert made[0]["decided_by"] == "source"
    assert "amount: 50.00 expected, 49.00 reported: differ" in made[0]["compared"]
    fee = broken("reconcile", "explain", "txn_3", "--format", "json").data["certificates"][0]
    assert (fee["bucket"], fee["decided_by"]) == ("period_fee", "no pass found a partner")
    assert broken("reconcile", "explain", "ch_unheard").exit_code == 2


def test_runs_differ_and_are_done_again(broken: Any, tmp_path: Path) -> None:
    """What is new and what has gone, and the same bytes from the same inputs."""
    first = broken("reconcile", "show", "--format", "json").data[0]["run_id"]
    fee = listed(broken)["period_fee"]["break_id"]
    broken("breaks", "resolve", fee, "--reason", "book", "--note", "March")
    second = again(broken).data["run_id"]
    rows = broken("reconcile", "diff", first, second, "--format", "json").data
    assert [(row["change"], row["kind"]) for row in rows] == [("cleared", "period_fee")]
    assert "book: March" in rows[0]["why"]
    for run in (first, second):
        done = broken("reconcile", "rerun", run, "--format", "json")
        assert (done.exit_code, done.data["differences"]) == (0, [])


def test_a_run_done_again_counts_each_line_where_it_came_first(cli: Cli, tmp_path: Path) -> None:
    """Files that share lines, one of them with other money; files taken in later mean nothing."""
    lines = LINES.splitlines(keepends=True)
    (tmp_path / "ledger.csv").write_text(LEDGER)
    cli("ledger", "import", str(tmp_path / "ledger.csv"))

    def take_in(name: str, *rows: str) -> None:
        (tmp_path / name).write_text(HEAD + "".join(rows))
        assert cli("reconcile", "import", str(tmp_path / name)).exit_code == 0

    other = lines[1].replace("49.00,1.75,47.25", "48.00,1.75,46.25")
    take_in("1.csv", lines[0], lines[1])
    take_in("2.csv", lines[1], lines[2], lines[0])
    take_in("3.csv", other, lines[2])
    run = again(cli).data["run_id"]
    take_in("4.csv", lines[2].replace("-15.00", "-16.00"), lines[0])
    done = cli("reconcile", "rerun", run, "--format", "json")
    assert (done.exit_code, done.data["differences"]) == (0, [])


@pytest.mark.parametrize("turned", [False, True])
def test_order_parts_and_repetition_of_files_mean_nothing(
    cli: Cli, tmp_path: Path, turned: bool
) -> None:
    """One file, its rows turned round in two files, the same files again: one result."""
    ledger, whole = tmp_path / "ledger.csv", tmp_path / "export.csv"
    ledger.write_text(LEDGER)
    lines = LINES.splitlines(keepends=True)
    whole.write_text(HEAD + LINES)
    cli("ledger", "import", str(ledger))
    if turned:
        for name, part in (("b.csv", lines[:0:-1]), ("a.csv", lines[:1])):
            (tmp_path / name).write_text(HEAD + "".join(part))
            assert cli("reconcile", "import", str(tmp_path / name)).exit_code == 0
        again_part = cli("reconcile", "import", str(tmp_path / "a.csv"), "--format", "json").data
        assert (again_part["added"], again_part["already_done"]) == (0, True)
    over = cli("reconcile", "import", str(whole), "--format", "json").data
    assert (over["added"], over["known"]) == ((0, 3) if turned else (3, 0))
    run = again(cli)
    assert run.exit_code == 1
    shown = listed(cli)
    assert {kind: one["break_id"] for kind, one in shown.items()} == NAMES
    assert [(b["bucket"], b["side"], b["rows"]) for b in run.data["buckets"]] == [
        ("amount_mismatch", "expected", 1), ("fee_mismatch", "expected", 1),
        ("amount_mismatch", "reported", 1), ("fee_mismatch", "reported", 1),
        ("period_fee", "reported", 1),
    ]  # fmt: skip


def test_a_preview_keeps_nothing(cli: Cli, tmp_path: Path) -> None:
    """Format, rows, totals and period as promised, and no database at all."""
    export = tmp_path / "export.csv"
    export.write_text(HEAD + LINES)
    seen = cli("reconcile", "import", "--preview", str(export), "--format", "json")
    assert seen.exit_code == 0
    data = seen.data
    assert (data["format"], data["rows"], data["unreadable"]) == (
        "stripe.payout_reconciliation.itemized", 3, 0,
    )  # fmt: skip
    assert data["totals"][0]["amount"] == {"value": "134.00", "currency": "USD", "minor": 13400}
    assert data["period"] == {"from": "2026-03-02T10:00:00Z", "to": "2026-03-02T12:00:00Z"}
    assert "file_id" not in data
    assert cli("reconcile", "import", "--preview", str(tmp_path / "no.csv")).exit_code == 3
