"""The journal for accounting: proven by the programs themselves, and summed up again here."""

import csv
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from beancount import loader
from beancount.core.data import Balance, Transaction
from beancount.core.realization import compute_balance, get, realize

from domain.money import parse_minor
from tests.conftest import Cli

HEAD = "transaction_id,payment_id,kind,provider_reference,amount,currency,fee,status,occurred_at\n"
HOSTILE = '=1+1 "quoted" \\ [red] ; | tag:x'
LINES = f"""tx1,pay_1,charge,ch_1,100.00,USD,3.20,succeeded,2026-03-02T10:00:00Z
tx2,pay_1,refund,re_1,-40.00,USD,0.00,succeeded,2026-03-03T10:00:00Z
tx3,pay_2,charge,ch_2,1200,JPY,43,succeeded,2026-03-03T11:00:00Z
tx4,pay_3,charge,ch_3,1.005,BHD,0.100,succeeded,2026-03-04T10:00:00Z
tx5,,payout,po_1,-56.80,USD,0.00,succeeded,2026-03-05T10:00:00Z
tx6,,fee,"{HOSTILE.replace('"', '""')}",-5.00,USD,0.00,succeeded,2026-03-06T10:00:00Z
tx7,pay_4,charge,ch_4,9.00,USD,0.00,failed,2026-03-06T10:00:00Z
"""


@pytest.fixture
def books(cli: Cli, tmp_path: Path) -> Cli:
    """A small ledger on Stripe and one line on PayPal."""
    stripe, paypal = tmp_path / "s.csv", tmp_path / "p.csv"
    stripe.write_text(HEAD + LINES)
    paypal.write_text(HEAD + "tx8,pay_8,charge,C8,7.00,EUR,0.35,succeeded,2026-03-04T10:00:00Z\n")
    assert cli("ledger", "import", str(stripe)).exit_code == 0
    assert cli("ledger", "import", str(paypal), "--provider", "paypal").exit_code == 0
    return cli


def trial(cli: Any) -> Counter[tuple[str, str]]:
    """(last part of the account, currency) -> minor units, by the trial balance."""
    names = {"provider_balance": "Balance", "customer_clearing": "Charges", "fees": "Fees",
             "refunds": "Refunds", "payouts_in_transit": "In-Transit"}  # fmt: skip
    found: Counter[tuple[str, str]] = Counter()
    for row in cli("ledger", "trial-balance", "--format", "json").data:
        found[names[row["ledger_account"]], row["currency"]] += row["balance"]["minor"]
    return found


def exported(cli: Any, folder: Path, form: str, *words: str) -> Path:
    """The file of an export."""
    out = folder / f"journal.{form}"
    done = cli("ledger", "export", "--format", form, "--output", str(out), *words)
    assert done.exit_code == 0, done.stderr
    return out


def test_beancount_proves_the_journal(books: Cli, tmp_path: Path) -> None:
    """No error, every entry there, balances asserted and those of our own trial balance."""
    entries, errors, _ = loader.load_file(str(exported(books, tmp_path, "beancount")))

    assert errors == []
    assert len([e for e in entries if isinstance(e, Transaction)]) == 7
    assert len([e for e in entries if isinstance(e, Balance)]) >= 8
    real = realize(entries)
    found: Counter[tuple[str, str]] = Counter()
    for account in {p.account for e in entries if isinstance(e, Transaction) for p in e.postings}:
        for position in compute_balance(get(real, account)):
            units = position.units
            minor = parse_minor(f"{units.number:f}", units.currency)
            found[account.rsplit(":", 1)[1], units.currency] += minor
    assert found == trial(books)


def test_a_span_begins_with_the_balances_before_it(books: Cli, tmp_path: Path) -> None:
    """The last day's balances are the same whether a journal begins at the beginning or later."""
    whole = exported(books, tmp_path, "beancount").read_text()
    part = exported(books, tmp_path, "beancount", "--from", "2026-03-04").read_text()

    def last(text: str) -> set[str]:
        return {line for line in text.splitlines() if " balance " in line and "Opening" not in line}

    assert last(part) == last(whole)
    assert '"Opening balances"' in part
    assert loader.load_string(part)[1] == []
    assert loader.load_string(
        exported(books, tmp_path, "beancount", "--to", "2026-03-03").read_text()
    )[1] == []  # fmt: skip


def test_the_hledger_journal_balances(books: Cli, tmp_path: Path) -> None:
    """Every transaction sums to zero, and every assertion is what the legs before it come to."""
    text = exported(books, tmp_path, "hledger").read_text()
    sums: Counter[tuple[str, str]] = Counter()
    asserted = 0
    for block in text.split("\n\n"):
        rows = re.findall(r"^  (\S+)  (-?[0-9.]+) ([A-Z]{3})(?: = (-?[0-9.]+) [A-Z]{3})?$", block,
                          re.MULTILINE)  # fmt: skip
        zero: Counter[str] = Counter()
        for account, amount, currency, stated in rows:
            minor = parse_minor(amount, currency)
            zero[currency] += minor
            sums[account, currency] += minor
            if stated:
                asserted += 1
                assert sums[account, currency] == parse_minor(stated, currency)
        assert not any(zero.values())
    assert asserted == len(sums)


def test_the_csv_sums_up_and_is_inert(books: Cli, tmp_path: Path) -> None:
    """One row per leg; a spreadsheet runs nothing; negative amounts stay numbers."""
    rows = list(csv.DictReader(exported(books, tmp_path, "csv").read_text().splitlines()))

    found: Counter[tuple[str, str]] = Counter()
    for row in rows:
        found[row["account"].rsplit(":", 1)[1], row["currency"]] += parse_minor(
            row["amount"], row["currency"]
        )
    assert found == trial(books)
    assert not any(row["provider_reference"].startswith("=") for row in rows)
    assert any(row["amount"].startswith("-") for row in rows)


def test_the_workbook_has_types_filters_and_totals(books: Cli, tmp_path: Path) -> None:
    """Numbers are numbers, days are days, text is text; totals are zero per currency."""
    out = exported(books, tmp_path, "xlsx")
    first = out.read_bytes()
    with zipfile.ZipFile(out) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    space = {"m": sheet.tag.partition("}")[0].removeprefix("{")}
    rows = sheet.findall("m:sheetData/m:row", space)
    cells = rows[1].findall("m:c", space)
    assert [cell.get("t") for cell in cells[:2]] == [None, "inlineStr"]
    assert cells[7].get("t") is None
    assert sheet.find("m:autoFilter", space) is not None
    assert sheet.find("m:sheetViews/m:sheetView/m:pane", space) is not None
    assert sheet.findall(".//m:f", space) == []
    totals = [row.findall("m:c", space)[1].findtext("m:v", "", space) for row in rows[-4:]]
    assert set(totals) == {"0", "0.00", "0.000"}
    assert exported(books, tmp_path, "xlsx").read_bytes() == first


@pytest.mark.parametrize("form", ["csv", "beancount", "hledger", "xlsx"])
def test_an_empty_ledger_is_a_journal_too(cli: Cli, tmp_path: Path, form: str) -> None:
    """Nothing in it, and no error."""
    out = exported(cli, tmp_path, form)
    assert out.stat().st_size > 0
    if form == "beancount":
        assert loader.load_file(str(out))[1] == []


def test_words_that_make_no_sense_write_nothing(books: Cli, tmp_path: Path) -> None:
    """Unknown format, a span that ends before it begins, a folder: exit 2, no file."""
    out = tmp_path / "out"
    for words in (
        ("--format", "sap"),
        ("--format", "csv", "--from", "2026-03-05", "--to", "2026-03-01"),
        ("--format", "csv", "--from", "yesterday"),
    ):
        assert books("ledger", "export", "--output", str(out), *words).exit_code == 2
    assert books("ledger", "export", "--output", str(tmp_path)).exit_code == 2
    assert not out.exists()
    assert [file for file in tmp_path.iterdir() if file.name.startswith(".")] == []
