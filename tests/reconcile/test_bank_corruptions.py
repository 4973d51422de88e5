"""Damaged bank files: refused as a whole, row by row, or contradicted by their own figures.

Never a traceback of something else, never a number that nobody wrote.
"""

from pathlib import Path

import pytest

from domain.errors import UnreadableExport
from reconcile.bank import camt_xml, reading
from tests.reconcile.bank_texts import (
    BAI2,
    CAMT,
    CSV,
    GOOD,
    MT940,
    NAMESPACE,
    OFX,
    balance,
    camt,
    entry,
    part,
    read,
    swapped,
    wrong,
)

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}]>' + (
    CAMT.partition("\n")[2].replace("ACCOUNT FEE", "&l9;")
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + (
    CAMT.partition("\n")[2].replace("ACCOUNT FEE", "&x;")
)

EMPTY = CAMT.replace("Stmt>", "S>").replace("CstmrS>", "CstmrStmt>")

UNREADABLE: dict[str, tuple[str, str | bytes, str]] = {
    # name: (file, content, words of the reason)
    "empty": ("a.xml", "", "empty"),
    "blanks alone": ("a.sta", " \n\t \n", "empty"),
    "a NUL byte": ("a.sta", MT940.replace("FEE", "F\0E"), "NUL"),
    "a NUL byte in XML": ("a.xml", CAMT.replace("FEE", "F\0E"), "not well-formed"),
    "a control character": ("a.ofx", OFX.replace("PAYOUT", "PAY\x01OUT"), "control character"),
    "a zip archive": ("a.xml", b"PK\x03\x04" + b"\0" * 50, "zip"),
    "gzip": ("a.xml", b"\x1f\x8b\x08" + b"\0" * 50, "gzip"),
    "a PDF": ("a.pdf", b"%PDF-1.7 \n", "PDF"),
    "random bytes": ("a.bin", bytes(range(255, 0, -1)), "no bank statement we know"),
    "plain text": ("a.txt", "dear all, the bank is closed\n", "no bank statement we know"),
    "CSV without a mapping": ("a.csv", CSV, "no bank statement we know"),
    "an entity bomb": ("a.xml", BOMB, "document type"),
    "an outside entity": ("a.xml", OUTSIDE, "document type"),
    "a document type alone": ("a.xml", CAMT.replace("<Doc", "<!DOCTYPE d>\n<Doc"), "document type"),
    "XML cut off": ("a.xml", CAMT[: len(CAMT) // 2], "cut off"),
    "XML cut off before its end": ("a.xml", CAMT[: CAMT.rindex("</Document")], "cut off"),
    "XML not well-formed": ("a.xml", CAMT.replace("</Sts>", "</Stx>"), "not well-formed"),
    "XML that is not UTF-8": ("a.xml", CAMT.replace("FEE", "GEBÜHR").encode("latin-1"), "XML"),
    "an unknown encoding": ("a.xml", CAMT.replace("UTF-8", "EBCDIC-XYZ"), "encoding"),
    "another namespace": ("a.xml", CAMT.replace("camt.053.001.02", "pain.001.001.03"), "namespace"),
    "another message": ("a.xml", CAMT.replace("BkToCstmrStmt", "CstmrCdtTrfInitn"), "no camt"),
    "HTML instead": ("a.xml", "<html><body>Log in</body></html>", "no bank statement we know"),
    "no statement inside": ("a.xml", EMPTY, "no <Stmt>"),
    "no account in CAMT": ("a.xml", CAMT.replace("IBAN>", "IBEN>"), "no account"),
    "no account in MT940": ("a.sta", MT940.replace(":25:DE0212030", ":25:\n"), "no account"),
    "no account in OFX": ("a.ofx", OFX.replace("<ACCTID>", "<ACCTNO>"), "no account"),
    "no account in BAI2": ("a.bai2", BAI2.replace("03,202051", "03,"), "no number"),
    "an account record missing": ("a.bai2", BAI2.replace("03,", "88,"), "no account"),
    "BAI version 3": ("a.bai2", BAI2.replace(",,,2/\n02", ",,,3/\n02"), "version '3'"),
    "OFX cut off": ("a.ofx", OFX[: OFX.index("<FITID>B2")], "cut off"),
    "OFX without the end of a line": ("a.ofx", OFX.replace("</STMTTRN>", "", 1), "is open"),
    "OFX with a stray end": ("a.ofx", OFX.replace("</STMTRS>", "</LEDGERBAL></STMTRS>"), "is open"),
    "OFX with a document type": ("a.ofx", OFX.replace("<OFX>", "<!DOCTYPE x><OFX>"), "document"),
    "OFX with an open comment": ("a.ofx", OFX.replace("<MEMO>", "<!-- <MEMO>", 1), "cut off"),
    "OFX without a statement": ("a.ofx", "<OFX><STMTTRNRS></STMTTRNRS></OFX>", "no statement"),
    "OFX in no currency": ("a.ofx", OFX.replace("<CURDEF>EUR", "<CURDEF>EUX"), "unknown currency"),
    "OFX that is not what it declares": ("a.ofx", OFX.encode() + b"\x81", "cp1252"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_statement_is_refused(
    tmp_path: Path, name: str, content: str | bytes, reason: str
) -> None:
    """The error names the file and says why."""
    with pytest.raises(UnreadableExport, match=name) as refused:
        read(tmp_path, content, name, mapping=None)
    assert reason in refused.value.reason


X, S, B, Q, C = GOOD
CLOSED = "1317.66</Amt><CdtDbtInd>"
LAST = entry("80.00", on="2026-11-04", more="<AcctSvcrRef>B3</AcctSvcrRef>")
FEE = ":61:261102D12,34NMSCNONREF\n"
CSV_FEE = '02.11.2026;;-12,34;1.237,66;;;"ACCOUNT; FEE"\n'
STATED: dict[str, tuple[str, str, str, str]] = {
    # name: (file, old, new, the figure that is contradicted)
    "closing balance of CAMT": (X, "1317.66", "1317.67", "closing balance"),
    "opening balance of CAMT": (X, "1000.00", "1000.01", "closing balance"),
    "closing as a debit": (X, f"{CLOSED}CRDT", f"{CLOSED}DBIT", "closing balance"),
    "a line turned round": (X, "DBIT", "CRDT", "closing balance"),
    "a line missing": (X, LAST, "", "closing balance"),
    "a line twice": (S, FEE, FEE * 2, "closing balance"),
    "closing balance of MT940": (S, "EUR1317,66", "EUR1317,6", "closing balance"),
    "sum of debits": (S, ":90D:1EUR12,34", ":90D:1EUR12,35", ":90D: sum"),
    "count of credits": (S, ":90C:2", ":90C:3", ":90C: count"),
    "closing ledger of BAI2": (B, "015,131766", "015,131765", "closing balance"),
    "total credits": (B, "100,33000", "100,33001", "100 sum"),
    "count of debits": (B, "400,1234,1", "400,1234,2", "400 count"),
    "an amount of BAI2": (B, "16,142,25000", "16,142,25001", "closing balance"),
    "account total": (B, "49,300234", "49,300235", "49 total of the account"),
    "account records": (B, "49,300234,6", "49,300234,7", "49 records of the account"),
    "group total": (B, "98,300234", "98,1", "98 total of the group"),
    "group accounts": (B, "98,300234,1", "98,300234,2", "98 count of the group"),
    "file total": (B, "99,300234", "99,3", "99 total of the file"),
    "file records": (B, "1,10/", "1,11/", "99 records of the file"),
    "a record left out": (B, "88,PAYOUT\n", "", "49 records of the account"),
    "an id twice": (Q, "<FITID>B2", "<FITID>B1", "lines by FITID"),
    "running balance": (C, "1.237,66", "1.237,65", "lines whose balance follows"),
    "a row of CSV left out": (C, CSV_FEE, "", "lines whose balance follows"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "figure"), STATED.values(), ids=STATED)
def test_a_contradiction_is_a_figure(
    tmp_path: Path, name: str, old: str, new: str, figure: str
) -> None:
    """Nothing is refused; what the file states stands beside what was found."""
    found = read(tmp_path, swapped(GOOD[name], old, new), name)

    assert found.rejects == ()
    assert any(figure in name for name in wrong(found)), wrong(found)
    assert not found.sound


def test_a_statement_that_comes_twice_is_said(tmp_path: Path) -> None:
    """A copy is named; copies of an account without balances too; pages of others are not."""
    for name, text in ((S, MT940 + MT940), ("b.sta", MT940 + MT940.replace("2051", "2052"))):
        names = wrong(read(tmp_path, text, name))
        copies = [told for told in names if told.startswith("copies")]
        assert len(copies) == (1 if name == "a.sta" else 0)


def test_a_gap_between_statements_is_said(tmp_path: Path) -> None:
    """The next statement of an account opens with what the one before closed with, or not."""
    after = MT940.replace(":20:S1", ":20:S2").replace("EUR1317,66", "EUR1635,32")
    after = after.replace("EUR1000,00", "EUR1317,66")
    assert read(tmp_path, MT940 + after, "a.sta").sound
    later = after.replace("EUR1317,66", "EUR1400,00").replace("EUR1635,32", "EUR1717,66")
    names = wrong(read(tmp_path, MT940 + later, "a.sta"))
    assert [name for name in names if "after the statement before it" in name] == names


def test_a_batch_count_is_checked(tmp_path: Path) -> None:
    """A batch that says 3 and holds 2 contradicts itself."""
    parts = part("2.00", "E1", "ANN") + part("1.00", "E2", "BOB")
    details = f"<NtryDtls><Btch><NbOfTxs>3</NbOfTxs></Btch>{parts}</NtryDtls>"
    found = read(tmp_path, camt(entry("3.00", details=details)))
    assert wrong(found) == ["batch count of the entry at line 4"]


def test_balances_stated_twice_differently(tmp_path: Path) -> None:
    """Two closing balances of one day: both are kept, as a contradiction."""
    text = camt(balance("CLBD", "1.00", "2026-11-02"), balance("CLBD", "2.00", "2026-11-02"))
    assert wrong(read(tmp_path, text)) == ["CLBD stated twice"]


def test_caps_on_size_depth_and_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files beyond any statement are refused before they fill the memory."""
    deep = f'<Document xmlns="{NAMESPACE}"><BkToCstmrStmt>' + "<a>" * 100
    with pytest.raises(UnreadableExport, match="deep"):
        read(tmp_path, deep)
    with pytest.raises(UnreadableExport, match="characters inside"):
        read(tmp_path, CAMT.replace("ACCOUNT FEE", "x" * (camt_xml.TEXT_MAX + 1)))
    monkeypatch.setattr(camt_xml, "ELEMENTS_MAX", 10)
    with pytest.raises(UnreadableExport, match="more than 10 elements"):
        read(tmp_path, CAMT)
    monkeypatch.setattr(reading, "BYTES_MAX", 1 << 20)
    with pytest.raises(UnreadableExport, match="MiB"):
        read(tmp_path, b"x" * ((1 << 20) + 1))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The error is ours, and says what is wrong with the name."""
    with pytest.raises(UnreadableExport, match="cannot be opened"):
        reading.read_bank(tmp_path / "none.xml")
    with pytest.raises(UnreadableExport, match="cannot be opened"):
        reading.read_bank(tmp_path)
