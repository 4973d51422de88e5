"""A catalogue of damaged files: refused by line, column and reason, and nothing else is lost."""

import io
import zipfile
from pathlib import Path

import pytest

from domain.errors import UnreadableExport
from domain.settlement import Reject
from tests.reconcile.tables import (
    EXPORT_HEADER,
    EXPORT_ROW,
    LEDGER_HEADER,
    LEDGER_ROW,
    export,
    ledger,
    read_export_bytes,
    text,
)


def nameless_zip() -> bytes:
    """An archive whose directory names its one member by nothing."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "x,y")
    data = bytearray(out.getvalue())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 28 : entry + 30] = b"\0\0"
    del data[entry + 46]
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = (end - entry).to_bytes(4, "little")
    return bytes(data)


GOOD_BEFORE = EXPORT_ROW.replace("txn_1", "txn_before")
GOOD_AFTER = EXPORT_ROW.replace("txn_1", "txn_after")
A, C, D, Q = "gross", "currency", "created_utc", ""

ROWS: dict[str, tuple[str, str, str]] = {
    # name: (damaged row, column, words of the reason)
    "decimal comma in quotes": (EXPORT_ROW.replace("100.00", '"100,00"'), A, "decimal comma"),
    "decimal comma bare": (EXPORT_ROW.replace("100.00", "100,00"), Q, "10 cells"),
    "exponent": (EXPORT_ROW.replace("100.00", "1e3"), A, "exponent"),
    "capital exponent": (EXPORT_ROW.replace("100.00", "1.0E+3"), A, "exponent"),
    "NaN": (EXPORT_ROW.replace("100.00", "NaN"), A, "not an amount"),
    "infinity": (EXPORT_ROW.replace("100.00", "inf"), A, "not an amount"),
    "thousands comma": (EXPORT_ROW.replace("100.00", '"1,100.00"'), A, "thousands"),
    "thousands apostrophe": (EXPORT_ROW.replace("100.00", "1'100.00"), A, "not an amount"),
    "thousands underscore": (EXPORT_ROW.replace("100.00", "1_100.00"), A, "not an amount"),
    "thousands blank": (EXPORT_ROW.replace("100.00", "1 100.00"), A, "blank"),
    "leading blank": (EXPORT_ROW.replace("100.00", " 100.00"), A, "blank"),
    "trailing blank": (EXPORT_ROW.replace("100.00", "100.00 "), A, "blank"),
    "tab in the amount": (EXPORT_ROW.replace("100.00", "100\t.00"), A, "blank"),
    "no-break space": (EXPORT_ROW.replace("100.00", "1\u00a0100.00"), A, "blank"),
    "full-width digits": (EXPORT_ROW.replace("100.00", "\uff11\uff10\uff10"), A, "ASCII"),
    "Arabic digits": (EXPORT_ROW.replace("100.00", "\u0661\u0660\u0660"), A, "ASCII"),
    "typographic minus": (EXPORT_ROW.replace("100.00", "\u2212100.00"), A, "ASCII"),
    "plus sign": (EXPORT_ROW.replace("100.00", "+100.00"), A, "not an amount"),
    "two minus signs": (EXPORT_ROW.replace("100.00", "--100.00"), A, "not an amount"),
    "minus behind": (EXPORT_ROW.replace("100.00", "100.00-"), A, "not an amount"),
    "brackets for minus": (EXPORT_ROW.replace("100.00", "(100.00)"), A, "not an amount"),
    "currency sign": (EXPORT_ROW.replace("100.00", "$100.00"), A, "not an amount"),
    "two points": (EXPORT_ROW.replace("100.00", "1.0.00"), A, "not an amount"),
    "nothing before the point": (EXPORT_ROW.replace("100.00", ".50"), A, "not an amount"),
    "nothing behind the point": (EXPORT_ROW.replace("100.00", "100."), A, "not an amount"),
    "hexadecimal": (EXPORT_ROW.replace("100.00", "0x64"), A, "not an amount"),
    "a point alone": (EXPORT_ROW.replace("100.00", "."), A, "not an amount"),
    "a minus alone": (EXPORT_ROW.replace("100.00", "-"), A, "not an amount"),
    "too many decimals": (EXPORT_ROW.replace("100.00", "100.005"), A, "USD has 2"),
    "too many decimals, all zero": (EXPORT_ROW.replace("100.00", "100.000"), A, "USD has 2"),
    "decimals in yen": (EXPORT_ROW.replace("usd", "jpy"), A, "JPY has 0"),
    "four decimals in dinars": (
        EXPORT_ROW.replace("usd", "bhd").replace("100.00", "1.0005"),
        A,
        "BHD has 3",
    ),
    "beyond all amounts": (EXPORT_ROW.replace("100.00", "9" * 18), A, "larger"),
    "beyond 64 bits": (EXPORT_ROW.replace("100.00", "9" * 30), A, "not an amount|larger"),
    "no amount": (EXPORT_ROW.replace("100.00", ""), A, "empty"),
    "no fee": (EXPORT_ROW.replace("3.20", ""), "fee", "empty"),
    "bad net": (EXPORT_ROW.replace("96.80", "n/a"), "net", "not an amount"),
    "no line id": (EXPORT_ROW.replace("txn_1", ""), "balance_transaction_id", "empty"),
    "no category": (EXPORT_ROW.replace(",charge,", ",,"), "reporting_category", "empty"),
    "no currency": (EXPORT_ROW.replace("usd", ""), C, "empty"),
    "unknown currency": (EXPORT_ROW.replace("usd", "usx"), C, "unknown currency"),
    "a currency's sign": (EXPORT_ROW.replace("usd", "$"), C, "unknown currency"),
    "a currency with a blank": (EXPORT_ROW.replace("usd", "usd "), C, "unknown currency"),
    "a currency with a long s": (EXPORT_ROW.replace("usd", "u\u017fd"), C, "unknown currency"),
    "no time": (EXPORT_ROW.replace("2026-03-01 10:00:00", ""), D, "empty"),
    "a date alone": (EXPORT_ROW.replace(" 10:00:00", ""), D, "timestamp"),
    "day before month": (EXPORT_ROW.replace("2026-03-01", "01-03-2026"), D, "timestamp"),
    "slashes": (EXPORT_ROW.replace("2026-03-01", "2026/03/01"), D, "timestamp"),
    "30 February": (EXPORT_ROW.replace("2026-03-01", "2026-02-30"), D, "day"),
    "month 13": (EXPORT_ROW.replace("2026-03-01", "2026-13-01"), D, "month"),
    "hour 24": (EXPORT_ROW.replace("10:00:00", "24:00:00"), D, "hour"),
    "a fraction of a second": (EXPORT_ROW.replace("10:00:00", "10:00:00.5"), D, "timestamp"),
    "unix seconds": (EXPORT_ROW.replace("2026-03-01 10:00:00", "1772359200"), D, "timestamp"),
    "one cell too few": (EXPORT_ROW.rsplit(",", 1)[0], Q, "8 cells, the header has 9"),
    "one cell too many": (EXPORT_ROW + ",x", Q, "10 cells, the header has 9"),
    "another delimiter in one row": (EXPORT_ROW.replace(",", ";"), Q, "1 cells"),
    "a quote inside a cell": (EXPORT_ROW.replace("ch_1", 'ch"1'), Q, "quote inside"),
    "text after a closing quote": (EXPORT_ROW.replace("ch_1", '"ch"1'), Q, "after a closing"),
    "a quote never closed": (
        EXPORT_ROW.replace("ch_1", '"ch_1'),
        Q,
        "never closed|after a closing",
    ),
    "a carriage return inside": (EXPORT_ROW.replace("ch_1", "ch\r1"), Q, "carriage return"),
    "blanks alone": ("   ", Q, "1 cells"),
}


@pytest.mark.parametrize(("row", "column", "reason"), ROWS.values(), ids=ROWS)
def test_a_damaged_row_costs_only_itself(
    tmp_path: Path, row: str, column: str, reason: str
) -> None:
    """One reject at the right line, the rows around it are kept, and the counts say so."""
    found = export(tmp_path, GOOD_BEFORE, row, GOOD_AFTER)

    (reject,) = found.rejects
    assert (reject.file, reject.line, reject.column) == ("e.csv", 3, column)
    assert any(words in reject.reason for words in reason.split("|")), reject.reason
    assert len(reject.text) <= 80
    assert found.frame["reference"].tolist() == ["txn_before", "txn_after"]
    assert found.frame["line"].tolist() == [2, 4]
    (file,) = found.files
    assert (file.rows, file.unreadable) == (3, 1)
    assert found.control == {"USD": (2, 20000, 640), "": (1, 0, 0)}


LEDGER_ROWS = {
    "unknown kind": (LEDGER_ROW.replace("charge", "sale"), "kind", "unknown kind"),
    "kind in capitals": (LEDGER_ROW.replace("charge", "CHARGE"), "kind", "unknown kind"),
    "unknown status": (LEDGER_ROW.replace("succeeded", "paid"), "status", "unknown status"),
    "no status": (LEDGER_ROW.replace("succeeded", ""), "status", "empty"),
    "no transaction id": (LEDGER_ROW.replace("tx1", ""), "transaction_id", "empty"),
    "no zone": (LEDGER_ROW.replace("00Z", "00"), "occurred_at", "zone"),
    "a zone's name": (LEDGER_ROW.replace("00Z", "00 Europe/Paris"), "occurred_at", "zone"),
    "an offset of 25 hours": (LEDGER_ROW.replace("00Z", "00+25:00"), "occurred_at", "offset|hour"),
    "an offset of 99 minutes": (LEDGER_ROW.replace("00Z", "00+00:99"), "occurred_at", "offset"),
    "a small z": (LEDGER_ROW.replace("00Z", "00z"), "occurred_at", "zone"),
    "decimal comma": (LEDGER_ROW.replace("100.00", '"100,00"'), "amount", "decimal comma"),
    "fee as a percentage": (LEDGER_ROW.replace("3.20", "3.2%"), "fee", "not an amount"),
    "unknown currency": (LEDGER_ROW.replace("USD", "XXX"), "currency", "unknown currency"),
    "one cell too few": (LEDGER_ROW.replace("pay_1,", ""), "", "8 cells"),
}


@pytest.mark.parametrize(("row", "column", "reason"), LEDGER_ROWS.values(), ids=LEDGER_ROWS)
def test_a_damaged_ledger_row_costs_only_itself(
    tmp_path: Path, row: str, column: str, reason: str
) -> None:
    """The ledger file is read as strictly as the provider's."""
    found = ledger(tmp_path, LEDGER_ROW, row, LEDGER_ROW.replace("tx1", "tx3"))

    (reject,) = found.rejects
    assert (reject.line, reject.column) == (3, column)
    assert any(words in reject.reason for words in reason.split("|")), reject.reason
    assert found.frame["transaction_id"].tolist() == ["tx1", "tx3"]


FILES: dict[str, tuple[bytes, int, str, str]] = {
    # name: (bytes, line, column, words of the reason)
    "empty": (b"", 1, "", "empty"),
    "a byte order mark alone": (b"\xef\xbb\xbf", 1, "", "empty"),
    "line ends alone": (b"\n\n", 1, "", "empty"),
    "a blank first line": (b"\n" + text(EXPORT_HEADER, [EXPORT_ROW]), 1, "", "first line is empty"),
    "another file": (b"name,email\nA,a@b.c\n", 1, "name", "none of the known formats"),
    "semicolons": (text(EXPORT_HEADER, [EXPORT_ROW]).replace(b",", b";"), 1, "", "';'"),
    "tabs": (text(EXPORT_HEADER, [EXPORT_ROW]).replace(b",", b"\t"), 1, "", "a tab"),
    "bars": (text(EXPORT_HEADER, [EXPORT_ROW]).replace(b",", b"|"), 1, "", "'|'"),
    "a missing column": (text(EXPORT_HEADER.replace("fee,", ""), []), 1, "fee", "no such column"),
    "no time column": (
        text(EXPORT_HEADER.replace("created_utc", "when"), []),
        1,
        "created_utc",
        "no such column",
    ),
    "a column twice": (text(EXPORT_HEADER + ",fee", []), 1, "fee", "2 times"),
    "no header": (text(EXPORT_ROW, [EXPORT_ROW]), 1, "txn_1", "none of the known formats"),
    "an open quote in the header": (text('"' + EXPORT_HEADER, []), 1, "", "header is damaged"),
    "UTF-16 cut in the middle of a character": (
        text(EXPORT_HEADER, []).decode().encode("utf-16")[:-1],
        0,
        "",
        "not UTF-16",
    ),
    "a zip archive whose member has no name": (nameless_zip(), 0, "", "holds 0 files"),
    "a damaged zip archive": (b"PK\x03\x04rest", 0, "", "damaged or cut off"),
    "damaged gzip": (b"\x1f\x8brest", 0, "", "damaged or cut off"),
    "PDF": (b"%PDF-1.7\nrest", 1, "", "PDF"),
    "Latin-1 in a row": (
        text(EXPORT_HEADER, [EXPORT_ROW])
        + EXPORT_ROW.replace("Order", "Caf\xe9").encode("latin-1"),
        3,
        "",
        "not UTF-8",
    ),
    "Latin-1 in the header": (b"Caf\xe9," + EXPORT_HEADER.encode() + b"\n", 1, "", "not UTF-8"),
    "a NUL byte": (text(EXPORT_HEADER, [EXPORT_ROW, "\0"]), 3, "", "NUL"),
    "line ends of old Macs": (
        text(EXPORT_HEADER, [EXPORT_ROW]).replace(b"\n", b"\r"),
        1,
        "",
        "carriage return",
    ),
}


@pytest.mark.parametrize(("data", "line", "column", "reason"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_export_is_refused(
    tmp_path: Path, data: bytes, line: int, column: str, reason: str
) -> None:
    """The error names file, line, column and what is wrong."""
    with pytest.raises(UnreadableExport) as caught:
        read_export_bytes(tmp_path, data)

    assert (caught.value.file, caught.value.line, caught.value.column) == ("e.csv", line, column)
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (LEDGER_HEADER.replace(",status", ""), "status"),
        (LEDGER_HEADER + ",kind", "kind"),
        (LEDGER_HEADER.replace(",", ";"), ""),
    ],
)
def test_a_ledger_header_is_checked_too(tmp_path: Path, header: str, column: str) -> None:
    """Missing, repeated and wrongly divided columns."""
    with pytest.raises(UnreadableExport) as caught:
        ledger(tmp_path, header=header)

    assert (caught.value.line, caught.value.column) == (1, column)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Opening fails as any other unreadable file does."""
    from providers.stripe.exports import FORMATS
    from reconcile.intake.files import read_exports

    with pytest.raises(UnreadableExport, match="cannot be read"):
        read_exports([tmp_path / "none.csv"], FORMATS)
    with pytest.raises(UnreadableExport, match="cannot be read"):
        read_exports([tmp_path], FORMATS)


@pytest.mark.parametrize("length", range(1, len(EXPORT_ROW) - 8))
def test_a_last_row_cut_anywhere_is_never_taken_for_whole(tmp_path: Path, length: int) -> None:
    """As long as a cell is missing, the cut is seen; what stands before it is kept."""
    cut = text(EXPORT_HEADER, [GOOD_BEFORE]) + EXPORT_ROW[:length].encode()
    found = read_export_bytes(tmp_path, cut)

    (reject,) = found.rejects
    assert reject.line == 3
    assert "cut off" in reject.reason
    assert found.frame["reference"].tolist() == ["txn_before"]


def test_a_last_row_cut_inside_quotes(tmp_path: Path) -> None:
    """An open quote at the end of the file is a cut, not a cell."""
    cut = text(EXPORT_HEADER, [GOOD_BEFORE]) + EXPORT_ROW.replace("Order", '"Order').encode()
    found = read_export_bytes(tmp_path, cut)

    assert [(reject.line, reject.reason) for reject in found.rejects] == [(3, "the row is cut off")]


def test_a_complete_last_row_without_a_line_end(tmp_path: Path) -> None:
    """Many programs leave the last line end out."""
    found = read_export_bytes(tmp_path, text(EXPORT_HEADER, [EXPORT_ROW]).rstrip(b"\n"))

    assert found.rejects == ()
    assert len(found.frame) == 1


def test_a_stray_quote_does_not_swallow_the_rest(tmp_path: Path) -> None:
    """Rows behind an unclosed quote are read again from the next line."""
    stray = EXPORT_ROW.replace("ch_1", '"ch_1')
    later = [EXPORT_ROW.replace("txn_1", f"txn_{n}") for n in range(10, 15)]
    found = export(tmp_path, stray, *later, later[0].replace("Order 1", '"Order, 1"'))

    assert [reject.line for reject in found.rejects] == [2]
    assert found.frame["line"].tolist() == [3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("4242424242424242", "************4242"),
        ("4111 1111 1111 1111", "************1111"),
        ("3782-822463-10005", "***********0005"),
    ],
)
def test_card_numbers_are_masked(tmp_path: Path, number: str, shown: str) -> None:
    """A refused cell or row never shows a card number."""
    in_cell = export(tmp_path, EXPORT_ROW.replace("100.00", number))
    in_row = export(tmp_path, number + "," + EXPORT_ROW)

    texts: list[Reject] = [*in_cell.rejects, *in_row.rejects]
    assert all(shown in reject.text and number not in reject.text for reject in texts)
    assert len(texts) == 2


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    """An escape sequence in a cell is shown as a replacement character."""
    (reject,) = export(tmp_path, EXPORT_ROW.replace("100.00", "\x1b[31m1")).rejects

    assert reject.text == "\ufffd[31m1"
