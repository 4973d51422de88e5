"""Files in any order and however often: what was found does not depend on which came first, and
what is open stays what it is."""

import gzip
import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cli, Ran
from tests.db.attacks import shell

SALE = "bt_1,2026-03-02 10:00:00,eur,10.00,0.50,9.50,charge,ch_1"
REFUND = "bt_2,2026-03-02 11:00:00,eur,-10.00,0.00,-10.00,refund,re_1"
HEADER = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id"
LEDGER = "transaction_id,payment_id,kind,provider_reference,amount,currency,fee,status,occurred_at"
OURS = "txn_1,pay_1,charge,ch_1,10.00,EUR,0.50,succeeded,2026-03-02T10:00:00Z"
ACTIVITY = (
    '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net",'
    '"Transaction ID"'
)


def file(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def ledger(cli: Cli, folder: Path, *rows: str, provider: str = "stripe") -> None:
    given = file(folder / "ledger.csv", LEDGER, *rows)
    assert cli("ledger", "import", str(given), "--provider", provider).exit_code == 0


def take(cli: Cli, path: Path, *words: str) -> Any:
    done = cli("reconcile", "import", str(path), *words, "--format", "json")
    assert done.exit_code in (0, 3), done.stderr
    return done.data


def run(cli: Cli, start: str = "2026-03-02", end: str = "2026-03-09", *words: str) -> Ran:
    done = cli("reconcile", "run", "--from", start, "--to", end, *words, "--format", "json")
    assert done.exit_code in (0, 1, 3), done.stderr
    return done


def open_kinds(cli: Cli) -> list[str]:
    listed = cli("breaks", "list", "--state", "open", "--format", "json").data
    return sorted(one["kind"] for one in listed)


@pytest.mark.parametrize("turned", [False, True])
def test_what_a_line_belongs_to_may_be_said_later(
    cli: Cli, tmp_path: Path, *, turned: bool
) -> None:
    """Proves that a refund is found by its charge whether the file that names it comes first or
    last, and that the run gives the same bytes again."""
    ledger(
        cli, tmp_path, OURS, "txn_2,pay_1,refund,,-10.00,EUR,0.00,succeeded,2026-03-02T11:00:00Z"
    )
    files = [
        file(tmp_path / "poor.csv", HEADER, SALE, REFUND),
        file(tmp_path / "rich.csv", f"{HEADER},charge_id", f"{SALE},ch_1", f"{REFUND},ch_1"),
    ]
    for path in reversed(files) if turned else files:
        take(cli, path)
    found = run(cli)
    assert found.data["breaks"] == 0
    again = cli("reconcile", "rerun", found.data["run_id"], "--format", "json")
    assert (again.exit_code, again.data["same"]) == (0, True)


@pytest.mark.parametrize("turned", [False, True])
def test_a_changed_line_is_completed_as_well(
    cli: Cli, tmp_path: Path, database_url: str, *, turned: bool
) -> None:
    """Proves that a later file's word reaches either version of a line, whichever came first."""
    other = SALE.replace("10.00,0.50,9.50", "90.00,0.50,89.50")
    files = [file(tmp_path / f"{n}.csv", HEADER, row) for n, row in enumerate((other, SALE))]
    for path in reversed(files) if turned else files:
        take(cli, path)
    take(cli, file(tmp_path / "paid.csv", f"{HEADER},automatic_payout_id", f"{SALE},po_1"))
    with shell(database_url) as books:
        query = (
            "SELECT l.amount_minor, f.value FROM line_facts f"
            " JOIN lines l ON l.identity = f.identity AND l.provider = f.provider"
        )
        assert [tuple(row) for row in books.run(query)] == [(1_000, "po_1")]


@pytest.mark.parametrize("turned", [False, True])
def test_what_only_stands_hides_no_line(cli: Cli, tmp_path: Path, *, turned: bool) -> None:
    """Proves that a line of an ending balance is not taken for the line that moved the money."""
    ledger(cli, tmp_path, OURS)
    more = "trace_id,trace_id_status,available_on_utc"
    files = [
        file(tmp_path / "standing.csv", f"{HEADER},{more}", f"{SALE},,,2026-03-04 00:00:00"),
        file(tmp_path / "moved.csv", HEADER, SALE),
    ]
    for path in reversed(files) if turned else files:
        assert take(cli, path)["added"] == 1
    assert run(cli).data["breaks"] == 0


def test_a_changed_line_is_kept_once_in_any_order(cli: Cli, tmp_path: Path) -> None:
    """Proves that two versions of one line are two lines however often and in whatever order files
    bring them."""
    other = SALE.replace("10.00,0.50,9.50", "90.00,0.50,89.50")
    orders = [*itertools.permutations((SALE, other)), (SALE,), (other,), (SALE, other, REFUND)]
    added = [
        take(cli, file(tmp_path / f"{n}.csv", HEADER, *rows))["added"]
        for n, rows in enumerate(orders)
    ]
    assert added == [2, 0, 0, 0, 1]


def test_an_unreadable_row_is_one_however_many_files_hold_it(cli: Cli, tmp_path: Path) -> None:
    """Proves that a copy, packed or longer, adds nothing, and that a row alike in another place
    does."""
    bad = "bt_3,2026-03-02 12:00:00,eur,abc,0.00,1.00,charge,ch_3"
    plain = file(tmp_path / "a.csv", HEADER, SALE, bad)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    file(tmp_path / "c.csv", HEADER, SALE, bad, REFUND)
    for name in ("a.csv", "b.csv.gz", "c.csv"):
        take(cli, tmp_path / name)
    assert run(cli).data["unreadable"] == 1
    take(cli, file(tmp_path / "d.csv", HEADER, SALE, bad.replace("ch_3", "ch_4")))
    assert run(cli).data["unreadable"] == 2
    for name in ("one", "two"):  # one cell too many, and the same first line
        row = SALE.replace("bt_1", "bt_4").replace("ch_1", f'"ch\n{name}",x')
        take(cli, file(tmp_path / f"{name}.csv", HEADER, SALE, row))
    assert run(cli).data["unreadable"] == 4
    assert open_kinds(cli).count("unreadable") == 4


PAYOUT = "bt_7,2026-03-03 10:00:00,eur,-100.00,0.00,-100.00,payout,po_1"
PAYOUTS = {
    "two lines of one payout": [(PAYOUT, PAYOUT.replace("bt_7", "bt_8"))],
    "one line twice": [(PAYOUT, PAYOUT)],
    "a line that was changed": [(PAYOUT,), (PAYOUT.replace("100.00", "101.00"),)],
}


@pytest.mark.parametrize("files", PAYOUTS.values(), ids=PAYOUTS)
def test_a_payout_is_one_however_its_line_comes(
    cli: Cli, tmp_path: Path, files: list[tuple[str, ...]]
) -> None:
    """Proves that the run is made, the payout is one, and that its line came again is shown."""
    given = [file(tmp_path / f"{n}.csv", HEADER, *rows) for n, rows in enumerate(files)]
    words = [word for path in given for word in ("--export", str(path))]
    found = run(cli, "2026-03-02", "2026-03-05", *words)
    assert [one["payout_id"] for one in found.data["payouts"]] == ["po_1"]
    assert len(open_kinds(cli)) == 1 + sum(map(len, files))


def test_an_open_break_stays_what_it_is(cli: Cli, tmp_path: Path) -> None:
    """Proves that months later, when nothing was said of it since, a line booked twice is still
    that and no missing one."""
    again = OURS.replace("txn_1", "txn_2").replace("03-02T", "03-06T")
    ledger(cli, tmp_path, OURS, again)
    run(cli, "2026-03-01", "2026-03-10", "--export", str(file(tmp_path / "a.csv", HEADER, SALE)))
    assert open_kinds(cli) == ["duplicate_in_ledger"]
    late = SALE.replace("bt_1", "bt_9").replace("ch_1", "ch_9").replace("03-02", "05-02")
    run(cli, "2026-05-01", "2026-05-10", "--export", str(file(tmp_path / "b.csv", HEADER, late)))
    assert open_kinds(cli) == ["duplicate_in_ledger", "missing_in_ledger"]


def test_a_run_is_repeated_with_the_words_of_the_import(cli: Cli, tmp_path: Path) -> None:
    """Proves that what a person said of a file, its format and its dates, is kept with it."""
    ledger(cli, tmp_path, OURS)
    more = "trace_id,trace_id_status,available_on_utc"
    standing = file(tmp_path / "s.csv", f"{HEADER},{more}", f"{SALE},,,2026-03-04 00:00:00")
    take(cli, standing, "--as", "stripe.balance_change_from_activity.itemized")
    ledger(cli, tmp_path, OURS.replace("ch_1", "PP1").replace("txn_1", "txn_p"), provider="paypal")
    row = '"03/02/2026","10:00:00","UTC","x","Express Checkout Payment","Completed","EUR","10.00",'
    row += '"-0.50","9.50","PP1"'
    take(cli, file(tmp_path / "p.csv", ACTIVITY, row), "--dates", "MDY")
    for provider in ("stripe", "paypal"):
        found = run(cli, "2026-03-02", "2026-03-09", "--provider", provider)
        assert found.data["breaks"] == 0
        again = cli("reconcile", "rerun", found.data["run_id"], "--format", "json")
        assert (again.exit_code, again.data["same"]) == (0, True)


def test_lines_of_one_dispute_are_booked_one_by_one(cli: Cli, tmp_path: Path) -> None:
    """Proves that two movements under one id, of equal money even, are two, and that booking the
    one does not stand in the way of the other."""
    ledger(cli, tmp_path, OURS)
    rows = [
        f"bt_{n},2026-03-02 12:0{n}:00,eur,{minor},0.00,{minor},dispute,dp_1"
        for n, minor in ((4, "-5.00"), (5, "-6.00"), (6, "-5.00"))
    ]
    found = run(cli, "2026-03-02", "2026-03-09", "--export",
                str(file(tmp_path / "a.csv", HEADER, SALE, *rows)))  # fmt: skip
    assert found.data["breaks"] == 3
    booked = cli("breaks", "resolve", "--kind", "unknown_dispute", "--reason", "book",
                 "--note", "seen")  # fmt: skip
    assert booked.exit_code == 0, booked.stderr
    assert run(cli).data["breaks"] == 0


def test_a_booking_is_not_made_again_under_its_own_break(
    cli: Cli, tmp_path: Path, database_url: str
) -> None:
    """Proves that a break that stands open while its booking stands is not booked once more."""
    ledger(cli, tmp_path, OURS)
    row = "bt_4,2026-03-02 12:00:00,eur,-5.00,0.00,-5.00,dispute,dp_1"
    given = file(tmp_path / "a.csv", HEADER, SALE, row)
    run(cli, "2026-03-02", "2026-03-09", "--export", str(given))
    words = ("breaks", "resolve", "--kind", "unknown_dispute", "--reason", "book", "--note", "seen")
    assert cli(*words).exit_code == 0
    with shell(database_url) as books:
        books.run("UPDATE breaks SET state = 'open', closing = ''")
    again = cli(*words)
    assert (again.exit_code, "holds dispute dp_1 already" in again.stderr) == (5, True)
