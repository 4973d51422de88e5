"""The morning as one command: what it does, what it calls what is not there, and that it may be run
as often as anybody likes."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from db.database import Database
from domain.clock import SetClock
from tests.conftest import Cli
from tests.db.attacks import shell
from tests.db.test_exclusive import lose_locks
from tests.tscli.mornings import Firm, folder_source, lose_an_answer, open_firm
from tscli.services.day_plan import Found
from tscli.services.day_steps import WORK

MONDAY = date(2026, 3, 2)
TUESDAY = MONDAY + timedelta(days=1)
STRIPE = "stripe/sandbox/test"


@pytest.fixture
def firm(
    cli: Cli, database: Database, clock: SetClock, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Firm:
    """A firm on either database."""
    assert cli
    return open_firm(database, clock, home, monkeypatch)


def test_a_morning_from_the_providers_own_lists(firm: Firm, database_url: str) -> None:
    """Proves that one command has what was missed, settles, fetches, compares and reports, and that
    the same command again changes nothing."""
    firm.configure(report_formats=["html", "csv", "json"])
    firm.sell(MONDAY)
    lose_an_answer(firm, MONDAY)
    firm.dispute(MONDAY)
    firm.settle(MONDAY)
    firm.at(TUESDAY, 6)
    ran = firm.run()
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    assert set(firm.steps(ran).values()) == {"done"}
    facts = {one["step"]: one["facts"] for one in ran.data["days"][0]["steps"]}
    assert facts["webhooks"]["missing"] > 0
    assert (facts["reconcile"]["breaks"], facts["fetch"]["rows"]) == (
        0,
        facts["reconcile"]["matched"],
    )
    firm.shop.prove()
    names = firm.documents(MONDAY)
    assert len(names) == 3 * facts["reports"]["documents"] + 1
    with shell(database_url) as sql:
        before = sql.everything()
    again = firm.run()
    assert (again.exit_code, again.data["days"][0]["already_done"]) == (0, True)
    with shell(database_url) as sql:
        assert sql.everything() == before
    assert firm.documents(MONDAY) == names
    assert firm.check("--date", str(MONDAY)) == (0, "done")


def test_a_dry_run_writes_nothing(firm: Firm, database_url: str) -> None:
    """Proves that what a morning would find can be seen first."""
    firm.sell(MONDAY)
    firm.at(TUESDAY, 6)
    with shell(database_url) as sql:
        before = sql.everything()
    ran = firm.run("--dry-run")
    # Nothing was taken in, so our sales have no partner: it says so, and would be a finding.
    assert (ran.exit_code, ran.data["dry_run"]) == (1, True)
    assert firm.steps(ran)[f"fetch {STRIPE}"] == "done"
    with shell(database_url) as sql:
        after = sql.everything()
    looks = {"provider_accounts"}  # the guard counts requests: looking is allowed
    assert {k: v for k, v in after.items() if k not in looks} == {
        k: v for k, v in before.items() if k not in looks
    }
    assert not (firm.home / "days").exists()


def test_breaks_are_findings_and_the_manifest_notices_changes(firm: Firm) -> None:
    """Proves exit 1 for breaks, and that a changed, a missing and an added file are named."""
    firm.sources = [folder_source(firm)]
    firm.configure(report_formats=["csv", "json"])
    firm.sell(MONDAY)
    firm.put(MONDAY, firm.exported(MONDAY)[:-1])
    firm.at(TUESDAY, 6)
    ran = firm.run()
    assert (ran.exit_code, ran.data["days"][0]["outcome"]) == (1, "findings"), ran.stdout
    assert firm.check("--date", str(MONDAY)) == (0, "findings")
    folder = firm.home / "days" / str(MONDAY)
    assert firm.cli("reports", "verify", str(folder)).exit_code == 0
    (folder / f"daily-{MONDAY}-test.csv").write_text("everything is fine\n")
    (folder / f"daily-{MONDAY}-test.json").unlink()
    (folder / "extra.txt").write_text("x")
    seen = firm.cli("reports", "verify", str(folder), "--format", "json")
    assert seen.exit_code == 1
    assert [(one["file"], one["what"]) for one in seen.data["changes"]] == [
        (f"daily-{MONDAY}-test.csv", "changed"),
        (f"daily-{MONDAY}-test.json", "missing"),
        ("extra.txt", "added"),
    ]


def test_files_that_are_not_there_have_words_of_their_own(firm: Firm) -> None:
    """Proves awaited, late and missing by the clock alone; the day goes on when the file comes."""
    firm.sources = [folder_source(firm)]
    firm.configure()
    firm.sell(MONDAY)
    seen = []
    for hours in (5, 6, 36):
        firm.at(TUESDAY, 0)
        firm.clock.advance(timedelta(hours=hours))
        ran = firm.run("--date", str(MONDAY))
        assert ran.exit_code == 3
        steps = firm.steps(ran)
        seen.append(steps["fetch stripe"])
        assert steps[f"reconcile {STRIPE}"] == "waits"
        assert steps["reports"] == "done"
    assert seen == ["awaited", "late", "missing"]
    assert firm.check("--date", str(MONDAY)) == (1, "open")
    (firm.inbox / f"activity-{MONDAY}.csv.part").write_text("half")
    assert firm.run("--date", str(MONDAY)).exit_code == 3
    firm.put(MONDAY)
    done = firm.run("--date", str(MONDAY))
    assert (done.exit_code, set(firm.steps(done).values())) == (0, {"done"})


def test_files_that_are_not_whole_are_not_taken_in(firm: Firm) -> None:
    """Proves that half a file stays outside, is named, and gives way to the whole one."""
    firm.sources = [folder_source(firm, bytes_min=200, ends_with="\n")]
    firm.configure()
    firm.sell(MONDAY)
    lines = firm.exported(MONDAY)
    damages = {
        "has 90 bytes": ("partial", [lines[0][:90]]),
        "does not end with": ("partial", [*lines[:-1], lines[-1].rstrip("\n")]),
        "cannot be read": ("unreadable", ["what,is,this\n", *["1,2,3\n"] * 60]),
    }
    firm.at(TUESDAY, 6)
    for words, (reason, broken) in damages.items():
        firm.put(MONDAY, broken)
        ran = firm.run()
        assert (ran.exit_code, firm.steps(ran)["fetch stripe"]) == (3, reason), ran.stdout
        (said,) = [s["note"] for s in ran.data["days"][0]["steps"] if s["step"] == "fetch"]
        assert words in said
    firm.sources = [folder_source(firm)]
    firm.configure()
    firm.put(MONDAY, [*lines[:-1], lines[-1][:40]])
    cut = firm.run()
    assert "cut off in line 3" in cut.stdout, "half a row at the end, whatever was configured"
    firm.put(MONDAY)
    done = firm.run()
    assert (done.exit_code, set(firm.steps(done).values())) == (0, {"done"}), done.stdout


def test_an_outage_leaves_that_part_open_and_the_rest_done(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that one provider's silence keeps nobody else, and that the rest follows alone."""
    firm.configure(providers=["stripe", "paypal"])
    firm.sell(MONDAY)
    firm.at(TUESDAY, 6)
    monkeypatch.setenv("TSCLI_STRIPE__BASE_URL", "http://127.0.0.1:9")
    ran = firm.run()
    steps = firm.steps(ran)
    assert ran.exit_code == 3
    assert {name: word for name, word in steps.items() if word != "done"} == {
        f"webhooks {STRIPE}": "outage", f"fetch {STRIPE}": "outage", f"reconcile {STRIPE}": "waits",
    }  # fmt: skip
    assert firm.check("--date", str(MONDAY)) == (1, "open")
    monkeypatch.delenv("TSCLI_STRIPE__BASE_URL")
    firm.clock.advance(timedelta(hours=2))
    done = firm.run()
    assert done.exit_code == 0, done.stdout
    tried = {one["step"] + one["subject"]: one["attempts"] for one in done.data["days"][0]["steps"]}
    assert tried["fetchpaypal/sandbox/test"] == 1, "what is done is not done again"
    assert tried[f"fetch{STRIPE}"] == 2


def test_one_run_at_a_time(firm: Firm, database: Database) -> None:
    """Proves exit 5 while another one holds the lock, and that the lock ends with its holder."""
    firm.at(TUESDAY, 6)
    with database.exclusive("day run (test)"):
        ran = firm.run()
        assert (ran.exit_code, "already_running" in ran.stderr) == (5, True)
        assert firm.cli("day", "run", "--dry-run").exit_code == 0
    assert firm.run().exit_code == 0


@pytest.mark.parametrize("step", ["recover", "reconcile"])
def test_a_run_that_lost_its_lock_goes_no_further(
    firm: Firm,
    database: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    """Proves exit 5 from the step in which the lock was lost, of which nothing is kept, and that
    the next run goes on there."""
    firm.sell(MONDAY)
    firm.at(TUESDAY, 6)
    real = WORK[step]

    async def losing(*words: Any, **more: Any) -> Found:
        found = await real(*words, **more)
        lose_locks(database, database_url, "day run (test)")
        return found

    monkeypatch.setitem(WORK, step, losing)
    ran = firm.run()
    assert (ran.exit_code, "was lost" in ran.stderr) == (5, True), ran.stderr
    monkeypatch.setitem(WORK, step, real)
    again = firm.run()
    assert again.exit_code == 0, again.stderr
    tried = {one["step"]: one["attempts"] for one in again.data["days"][0]["steps"]}
    assert (tried["webhooks"], tried[step]) == (1, 2)


def test_dates_are_caught_up_in_order_and_weekends_are_covered(firm: Firm) -> None:
    """Proves that Monday's run covers the weekend, and what was missed is done oldest first."""
    firm.configure(business_days=["mon", "tue", "wed", "thu", "fri"], holidays=["2026-03-05"])
    for n in range(9):
        firm.sell(MONDAY + timedelta(days=n), count=1)
    firm.at(TUESDAY, 6)
    assert firm.run().exit_code == 0
    friday, monday = MONDAY + timedelta(days=4), MONDAY + timedelta(days=7)
    firm.at(monday + timedelta(days=1), 4)
    early = firm.run("--catch-up")
    assert [one["date"] for one in early.data["days"]] == ["2026-03-03", "2026-03-04", "2026-03-06"]
    firm.at(monday + timedelta(days=1), 6)
    assert firm.check() == (0, "done"), "Friday's is the newest that is due before nine"
    ran = firm.run("--catch-up")
    assert (ran.exit_code, [one["date"] for one in ran.data["days"]]) == (0, [str(monday)])
    names = firm.documents(monday)
    covered = [f"daily-{friday + timedelta(days=n)}-test.json" for n in (1, 2, 3)]
    assert [name for name in covered if name in names] == covered
    refused = firm.run("--date", "2026-03-07")
    assert (refused.exit_code, "--date 2026-03-09" in refused.stderr) == (2, True)
    assert firm.run("--date", "2026-03-20").exit_code == 2


def test_a_missing_run_is_noticed(firm: Firm) -> None:
    """Proves that the check goes by the hour at which a run has to be done."""
    firm.at(TUESDAY, 8)
    assert firm.run().exit_code == 0
    wednesday = TUESDAY + timedelta(days=1)
    firm.at(wednesday, 8, 59)
    assert firm.check() == (0, "done")
    firm.at(wednesday, 9)
    assert firm.check() == (1, "missing")
    said = firm.cli("runs", "check")
    assert (said.exit_code, said.stdout.count("\n")) == (1, 1)
    assert said.stdout.startswith("test 2026-03-03: its run is missing")
    listed = firm.cli("runs", "list", "--format", "json").data
    assert [one["kind"] for one in listed] == ["day", "reconciliation"]
    shown = firm.cli("runs", "show", listed[0]["name"], "--format", "json").data
    assert len(shown["steps"]) == 5
    again = firm.cli("runs", "show", listed[1]["name"], "--format", "json").data
    assert again["run_id"] == listed[1]["name"]


def test_a_step_that_fails_keeps_nobody_and_says_what_to_change(firm: Firm) -> None:
    """Proves that a setting that makes no sense is exit 2, and that the rest is done."""
    bank = {"provider": "bank", "name": "house", "folder": str(firm.inbox), "bank": "nobody"}
    firm.sources = [bank | {"patterns": ["bank-{date}.csv"]}]
    firm.configure()
    firm.sell(MONDAY)
    (firm.inbox / f"bank-{MONDAY}.csv").write_text("a,b\n")
    firm.at(TUESDAY, 6)
    ran = firm.run()
    assert (ran.exit_code, ran.data["days"][0]["outcome"]) == (2, "failed")
    steps = firm.steps(ran)
    assert steps.pop("fetch bank/house") == "configuration_error"
    assert set(steps.values()) == {"done"}
    assert firm.check("--date", str(MONDAY)) == (1, "failed")


def test_payouts_are_found_in_the_banks_file(firm: Firm) -> None:
    """Proves that a statement in a folder is taken in and matched with the payouts of the day."""
    bank = {"provider": "bank", "name": "house", "folder": str(firm.inbox)}
    firm.sources = [bank | {"patterns": ["bank-{yyyymmdd}*.xml"], "expected_by": "05:30:00"}]
    firm.configure(business_days=["mon"])
    days = [TUESDAY + timedelta(days=n) for n in range(7)]
    for on in days:
        firm.sell(on, count=1)
        firm.settle(on)
    words = ("--from", str(days[0]), "--to", str(days[-1] + timedelta(days=1)))
    firm.at(days[-1] + timedelta(days=1), 6)
    waiting = firm.run()
    assert firm.steps(waiting)["fetch bank/house"] == "late"
    assert firm.steps(waiting)[f"reconcile {STRIPE}"] == "done", "the bank keeps nobody waiting"
    place = firm.inbox / f"bank-{days[-1]:%Y%m%d}-1.xml"
    assert firm.cli("sandbox", "bank-statement", *words, "--output", str(place)).exit_code == 0
    whole = place.read_text()
    place.write_text(whole.replace("<Sum>", "<Sum>9"))
    denied = firm.run()
    assert firm.steps(denied)["fetch bank/house"] == "partial", "it denies its own rows"
    place.write_text(whole)
    ran = firm.run()
    steps = {one["step"] + one["subject"]: one for one in ran.data["days"][0]["steps"]}
    assert steps["fetchbank/house"]["facts"]["rows"] > 0
    assert steps[f"reconcile{STRIPE}"]["facts"]["arrived"] > 0
    assert ran.exit_code == 1, "payouts are the provider's lines, which nobody has booked yet"


def test_a_step_is_done_again_when_asked(firm: Firm) -> None:
    """Proves that reports can be had again, and that what follows from a step is done with it."""
    firm.sell(MONDAY)
    firm.at(TUESDAY, 6)
    assert firm.run().exit_code == 0
    before = firm.documents(MONDAY)
    for path in (firm.home / "days" / str(MONDAY)).iterdir():
        path.unlink()
    assert firm.run("--redo", "reports").exit_code == 0
    after = firm.documents(MONDAY)
    assert {n: c for n, c in after.items() if n != "manifest.json"} == {
        n: c for n, c in before.items() if n != "manifest.json"
    }
    ran = firm.run("--date", str(MONDAY), "--redo", "fetch")
    tried = {one["step"]: one["attempts"] for one in ran.data["days"][0]["steps"]}
    assert tried == {"webhooks": 1, "recover": 1, "fetch": 2, "reconcile": 2, "reports": 3}
    assert firm.run("--redo", "everything").exit_code == 2


def test_what_never_comes_is_accepted_by_a_person(firm: Firm) -> None:
    """Proves that a file can be done without, with a reason that is kept, and only what is open."""
    firm.sources = [folder_source(firm)]
    firm.configure()
    firm.sell(MONDAY)
    firm.at(TUESDAY, 6)
    assert firm.run().exit_code == 3
    accept = ("day", "accept", str(MONDAY), "--format", "json")
    assert firm.cli(*accept).exit_code == 2, "no reason"
    reason = ("--reason", "they closed their account")
    assert firm.cli(*accept, *reason, "--dry-run").exit_code == 0
    assert firm.check("--date", str(MONDAY)) == (1, "open")
    (told,) = firm.cli(*accept, *reason).data
    assert told["note"] == "accepted by tess: they closed their account; it was late"
    ran = firm.run()
    assert (ran.exit_code, set(firm.steps(ran).values())) == (1, {"done"}), "sales without partner"
    assert firm.cli(*accept, *reason).exit_code == 5
    said = firm.cli("audit", "list", "--subject", f"{MONDAY} test", "--format", "json").data
    acts = ["day.accepted", "day.completed", "day.completed"]
    assert sorted(one["what"] for one in said) == acts, "of one instant, so in any order"
