"""CSV by a mapping: what the settings may say, and what each word of them does."""

from datetime import date
from pathlib import Path

import pytest

from domain.errors import ConfigurationError, UnreadableExport
from reconcile.bank.csv_mapping import CsvMapping
from tests.reconcile.bank_texts import CSV, TABLE, read, wrong

PLAIN: dict[str, object] = {
    "account": "1",
    "currency": "USD",
    "columns": {"booked_on": "date", "amount": "amount"},
}


def mapping(**changes: object) -> CsvMapping:
    return CsvMapping.parse("test", {**PLAIN, **changes})


def test_the_defaults_are_plain_csv(tmp_path: Path) -> None:
    found = read(tmp_path, "date,amount,more\n2026-11-02,-1.50,x\n", "a.csv", mapping())
    assert [(n.amount_minor, n.booked_on) for n in found.lines] == [(-150, date(2026, 11, 2))]
    assert (found.file.owner, found.file.format, found.sound) == ("1", "bank.csv", True)


def test_debit_and_credit_columns(tmp_path: Path) -> None:
    """One of the two, never both, never none; a minus in the debit column says nothing new."""
    how = mapping(columns={"booked_on": "date", "debit": "out", "credit": "in"})
    rows = ["2026-11-02,5.00,", "2026-11-02,,7.00", "2026-11-02,-1.00,", "2026-11-02,1.00,2.00",
            "2026-11-02,,", "2026-11-02,,-3.00"]  # fmt: skip
    found = read(tmp_path, "date,out,in\n" + "\n".join(rows), "a.csv", how)
    assert [n.amount_minor for n in found.lines] == [-500, 700, -100]
    assert [r.reason for r in found.rejects] == [
        "both debit and credit are given", "neither debit nor credit", "a negative credit",
    ]  # fmt: skip


def test_an_amount_with_a_word_for_its_direction(tmp_path: Path) -> None:
    how = mapping(
        columns={"booked_on": "date", "amount": "amount", "sign": "dc"},
        debit_words=["Af"],
        credit_words=["Bij"],
    )
    text = "date,amount,dc\n2026-11-02,5.00,Af\n2026-11-02,7.00,Bij\n2026-11-02,7.00,D\n"
    found = read(tmp_path, text + "2026-11-02,-7.00,Af\n", "a.csv", how)
    assert [n.amount_minor for n in found.lines] == [-500, 700]
    assert "unknown word" in found.rejects[0].reason
    assert "a minus beside" in found.rejects[1].reason


def test_currency_and_status_columns(tmp_path: Path) -> None:
    columns = {"booked_on": "date", "amount": "amount", "currency": "ccy", "status": "state"}
    how = mapping(currency="", columns=columns, pending_words=["open"])
    text = "date,amount,ccy,state\n2026-11-02,5,JPY,done\n2026-11-02,7.00,EUR,open\n"
    found = read(tmp_path, text + "2026-11-02,7.00,,\n2026-11-02,7.00,euro,\n", "a.csv", how)
    assert [(n.amount_minor, n.currency, n.status) for n in found.lines] == [
        (700, "EUR", "pending"), (5, "JPY", "booked"),
    ]  # fmt: skip
    assert [r.column for r in found.rejects] == ["currency", "currency"]


def test_a_running_balance_may_run_backwards(tmp_path: Path) -> None:
    """Newest first is as good; opening and closing come out the same."""
    head, *rows = CSV.splitlines()[1:]
    text = "\n".join([CSV.splitlines()[0], head, *reversed(rows)]) + "\n"
    found = read(tmp_path, text, "a.csv")
    (one,) = found.statements
    assert (one.opening_minor, one.closing_minor, found.sound) == (100000, 131766, True)
    assert [n.line for n in found.lines] == [3, 4, 5]


def test_of_one_day_the_order_that_fits_is_taken(tmp_path: Path) -> None:
    how = mapping(columns={"booked_on": "date", "amount": "amount", "balance": "balance"})
    text = "date,amount,balance\n2026-11-02,3.00,6.00\n2026-11-02,2.00,3.00\n2026-11-02,1.00,1.00\n"
    found = read(tmp_path, text, "a.csv", how)
    assert (found.statements[0].opening_minor, wrong(found)) == (0, [])


def test_encodings_quotes_and_line_ends(tmp_path: Path) -> None:
    """Windows text, a cell over two lines, and lines counted as editors count them."""
    how = mapping(encoding="cp1252", columns={"booked_on": "d", "amount": "a", "text": "t"})
    text = 'd,a,t\r\n2026-11-02,1.00,"caf\u00e9 \u20ac\r\nsecond"\r\n2026-11-03,2.00,x\r\n'
    found = read(tmp_path, text.encode("cp1252"), "a.csv", how)
    assert [(n.text, n.line) for n in found.lines] == [("caf\u00e9 \u20ac second", 2), ("x", 4)]
    with pytest.raises(UnreadableExport, match="ascii text"):
        read(tmp_path, "d,a\n\u00e9,1\n", "a.csv", mapping(encoding="ascii"))


def test_columns_that_are_missing_or_twice(tmp_path: Path) -> None:
    for header in ("date,total", "date,amount,amount", ""):
        with pytest.raises(UnreadableExport, match=r"amount|header|empty"):
            read(tmp_path, f"{header}\n2026-11-02,1.00\n" if header else "\n\n", "a.csv", mapping())
    with pytest.raises(UnreadableExport, match="no header"):
        read(tmp_path, "date,amount\n", "a.csv", mapping(skip_lines=9))


def test_a_file_of_another_format_needs_no_mapping(tmp_path: Path) -> None:
    """A mapping given for a file that says itself what it is, is not used."""
    text = "<OFX><STMTRS><CURDEF>USD<BANKACCTFROM><ACCTID>7</BANKACCTFROM></STMTRS></OFX>"
    assert read(tmp_path, text, "a.csv", mapping()).file.owner == "7"


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "an unknown key": ({"delimeter": ";"}, "unknown key 'delimeter'"),
    "an unknown column": ({"columns": {"date": "d"}}, "unknown key 'date'"),
    "no columns": ({"columns": {}}, "no column booked_on"),
    "columns that are none": ({"columns": ["a"]}, "columns of the wrong type"),
    "a column that is no text": ({"columns": {"booked_on": 3}}, "columns of the wrong type"),
    "no amount": ({"columns": {"booked_on": "d"}}, "needs a column amount"),
    "a debit alone": ({"columns": {"booked_on": "d", "debit": "x"}}, "needs a column amount"),
    "amount and debit": (
        {"columns": {"booked_on": "d", "amount": "a", "debit": "x", "credit": "y"}},
        "needs a column amount",
    ),
    "a column twice": ({"columns": {"booked_on": "d", "amount": "d"}}, "twice"),
    "no account": ({"account": ""}, "names no account"),
    "an account that is a number": ({"account": 7}, "wrong type"),
    "no currency": ({"currency": ""}, "needs a currency"),
    "two currencies": (
        {"columns": {"booked_on": "d", "amount": "a", "currency": "c"}},
        "needs a currency",
    ),
    "a long delimiter": ({"delimiter": ";;"}, "no usable delimiter"),
    "a quote as delimiter": ({"delimiter": '"'}, "no usable delimiter"),
    "a colon for decimals": ({"decimal": ":"}, "decimal other than"),
    "one sign for two things": ({"decimal": ",", "thousands": ","}, "thousands"),
    "a date without a year": ({"date_format": "%d.%m."}, "date_format"),
    "a date with the day twice": ({"date_format": "%d.%d.%Y"}, "date_format"),
    "a month's name": ({"date_format": "%d %b %Y"}, "date_format"),
    "an unknown encoding": ({"encoding": "latin-99"}, "unknown encoding"),
    "an encoding of no text": ({"encoding": "base64"}, "unknown encoding"),
    "lines before the first": ({"skip_lines": -1}, "fewer than no lines"),
    "lines that are true": ({"skip_lines": True}, "wrong type"),
    "words that are one word": ({"debit_words": "D"}, "wrong type"),
}


@pytest.mark.parametrize(("changes", "reason"), REFUSED.values(), ids=REFUSED)
def test_settings_that_make_no_sense(changes: dict[str, object], reason: str) -> None:
    """The table is named, and what is wrong with it."""
    with pytest.raises(ConfigurationError, match=r"\[bank\.test") as refused:
        mapping(**changes)
    assert reason in str(refused.value)


def test_a_mapping_is_what_the_table_says() -> None:
    found = CsvMapping.parse("x", TABLE)
    assert (found.name, found.decimal, found.skip_lines) == ("x", ",", 1)
    assert found.columns["amount"] == "Amount"
