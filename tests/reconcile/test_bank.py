"""Bank statements of every format: lines, balances that tie, and what is refused."""

from datetime import date
from pathlib import Path

import pytest

from domain.bank import BankLine, CsvMapping, identities
from domain.errors import InvalidRequest, UnreadableExport
from reconcile.bank.files import BankFile, read_bank
from tests.conftest import shared

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S1</Id>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">140.50</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-03</Dt></Dt></Bal>
<TxsSummry><TtlNtries><NbOfNtries>3</NbOfNtries></TtlNtries>
<TtlCdtNtries><Sum>45.00</Sum></TtlCdtNtries></TxsSummry>
<Ntry><Amt Ccy="EUR">45.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-03-03</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt>
<NtryDtls><TxDtls><Refs><AcctSvcrRef>B1</AcctSvcrRef><EndToEndId>E1</EndToEndId></Refs>
<Amt Ccy="EUR">40.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<RltdPties><Dbtr><Pty><Nm>STRIPE</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>PAYOUT 1</Ustrd></RmtInf></TxDtls>
<TxDtls><Refs><AcctSvcrRef>B2</AcctSvcrRef></Refs><Amt Ccy="EUR">5.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="EUR">4.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><DtTm>2026-03-03T10:00:00</DtTm></BookgDt></Ntry>
<Ntry><Amt Ccy="EUR">9.99</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts>
<BookgDt><Dt>2026-03-03</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt></Document>"""

MT940 = """:20:S1
:25:DE89370400440532013000
:28C:1/1
:60F:C260302EUR100,00
:61:2603030303C45,00NTRFE1//B1
:86:STRIPE PAYOUT 1
:61:2603030303D4,50NTRFNONREF
:86:COFFEE
:62F:C260303EUR140,50
-
"""

BAI2 = """01,BANK,US,260303,0700,1,,,2/
02,US,BANK,1,260303,0700,USD,2/
03,123456,USD,010,10000,,,015,14050,,/
16,142,4500,,B1,E1,STRIPE PAYOUT/
16,475,450,,B2,,CHECK/
49,29000,4/
98,29000,1,6/
99,29000,1,8/
"""

OFX = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STMTRS><CURDEF>USD
<BANKACCTFROM><BANKID>1<ACCTID>123456<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260302<DTEND>20260303
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260303<TRNAMT>45.00<FITID>B1<NAME>STRIPE<MEMO>PAYOUT 1
</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260303<TRNAMT>-4.50<FITID>B2<NAME>COFFEE</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>140.50<DTASOF>20260303</LEDGERBAL></STMTRS></STMTTRNRS>
</BANKMSGSRSV1></OFX>
"""

CSV = "Tag;Betrag;Text;Saldo\n03.03.2026;1.045,00;STRIPE PAYOUT;1.145,00\n03.03.2026;-4,50;COFFEE;1.140,50\n"  # noqa: E501
MAPPING = CsvMapping(
    "house", "Tag", amount="Betrag", text="Text", balance="Saldo", currency_is="EUR",
    account_is="DE1", date_format="%d.%m.%Y", decimal=",", thousands=".", delimiter=";",
)  # fmt: skip


def read(folder: Path, text: str | bytes, mapping: CsvMapping | None = None) -> BankFile:
    """What is read of one file."""
    path = folder / "statement"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_bank(path, mapping)


def moved(found: BankFile) -> list[tuple[int, str, bool]]:
    """Amount, the bank's id and whether it is pending, of every line."""
    return [(line.amount_minor, line.reference, line.pending) for line in found.lines]


def test_camt_splits_batches_and_keeps_pending_apart(tmp_path: Path) -> None:
    """Parts that come to their entry are lines; what is announced is in no balance."""
    found = read(tmp_path, CAMT)

    assert moved(found) == [(4000, "B1", False), (500, "B2", False), (-450, "", False),
                            (999, "", True)]  # fmt: skip
    first = next(found.lines)
    assert (first.account, first.end_to_end, first.counterparty, first.text) == (
        "DE89370400440532013000", "E1", "STRIPE", "PAYOUT 1",
    )  # fmt: skip
    assert found.file.format == "bank.camt053"
    assert {s.name: s.difference for s in found.file.stated} == {
        "entries": 0, "credits": -999, "closing balance": 0,
    }  # fmt: skip


FILES = {
    "mt940": (MT940, [(4500, "B1", False), (-450, "", False)], "bank.mt940"),
    "bai2": (BAI2, [(4500, "B1", False), (-450, "B2", False)], "bank.bai2"),
    "ofx": (OFX, [(4500, "B1", False), (-450, "B2", False)], "bank.ofx"),
}


@pytest.mark.parametrize(("text", "lines", "form"), FILES.values(), ids=FILES)
def test_each_format_is_read_and_ties(
    tmp_path: Path, text: str, lines: list[tuple[int, str, bool]], form: str
) -> None:
    """Signs, references and days; every figure the file states is the one its lines come to."""
    found = read(tmp_path, text)

    assert (found.file.format, found.file.unreadable) == (form, 0)
    assert moved(found) == lines
    assert {line.booked_on for line in found.lines} == {date(2026, 3, 3)}
    assert [s for s in found.file.stated if s.difference] == []
    assert found.file.totals[0].amount_minor == 4050


def test_a_csv_is_read_as_its_mapping_says(tmp_path: Path) -> None:
    """Day, decimal comma, marks between thousands, and balances that lead to one another."""
    found = read(tmp_path, CSV, MAPPING)

    assert [line.amount_minor for line in found.lines] == [104500, -450]
    assert [(s.name, s.difference) for s in found.file.stated] == [("running balance", 0)]
    newest_first = CSV.splitlines()
    turned = "\n".join([newest_first[0], newest_first[2], newest_first[1], ""])
    again = read(tmp_path, turned, MAPPING)
    assert [(s.name, s.difference) for s in again.file.stated] == [("running balance", 0)]


def test_two_equal_purchases_of_one_day_stay_two(tmp_path: Path) -> None:
    """Within a file they are counted, in a second file they are known."""
    line = BankLine("DE1", "EUR", -450, date(2026, 3, 3), text="COFFEE")
    first = [name for _, name in identities([line, line])]
    again = [name for _, name in identities([line, line, line])]

    assert len(set(first)) == 2
    assert again[:2] == first


WRONG = {
    "a closing balance": (CAMT.replace("140.50", "141.50"), "closing balance"),
    "a count of entries": (CAMT.replace(">3<", ">4<"), "entries"),
    "an MT940 balance": (MT940.replace("EUR140,50", "EUR140,51"), "closing balance"),
    "a BAI2 control total": (BAI2.replace("49,29000", "49,29001"), "account control total"),
    "a BAI2 group total": (BAI2.replace("98,29000", "98,29001"), "group control total"),
    "a BAI2 balance": (BAI2.replace("015,14050", "015,14051"), "closing balance"),
}


@pytest.mark.parametrize(("text", "name"), WRONG.values(), ids=WRONG)
def test_what_a_statement_says_wrongly_is_named(tmp_path: Path, text: str, name: str) -> None:
    """Lines are read as they are; the figure and what was found stand beside each other."""
    assert name in {s.name for s in read(tmp_path, text).file.stated if s.difference}


REJECTED = {
    "too many decimals": CAMT.replace('"EUR">4.50', '"EUR">4.505'),
    "a decimal comma": CAMT.replace('"EUR">4.50', '"EUR">4,50'),
    "an exponent": CAMT.replace('"EUR">4.50', '"EUR">1e3'),
    "not a number": CAMT.replace('"EUR">4.50', '"EUR">NaN'),
    "an unknown currency": CAMT.replace('"EUR">4.50', '"XXY">4.50'),
    "no currency": CAMT.replace('<Amt Ccy="EUR">4.50', "<Amt>4.50"),
    "an unknown direction": CAMT.replace("DBIT", "DEBT"),
    "no day": CAMT.replace("<BookgDt><DtTm>2026-03-03T10:00:00</DtTm></BookgDt>", ""),
    "a day there is not": CAMT.replace("2026-03-03T10", "2026-02-30T10"),
    "sixteen digits": CAMT.replace('"EUR">4.50', '"EUR">1234567890123456'),
    "a BAI2 code of no direction": BAI2.replace("16,475", "16,890"),
    "a BAI2 amount with a point": BAI2.replace("16,475,450", "16,475,4.50"),
    "an old currency": MT940.replace("EUR", "DEM"),
}


@pytest.mark.parametrize("text", REJECTED.values(), ids=REJECTED)
def test_an_entry_that_cannot_be_read_is_a_reject(tmp_path: Path, text: str) -> None:
    """It counts, it is named, and it is in no total."""
    found = read(tmp_path, text)

    assert found.file.unreadable >= 1
    assert found.file.rows == len(list(found.lines)) + found.file.unreadable


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">&b;</Document>'  # noqa: E501
REFUSED = {
    "entities": BOMB,
    "a document type": CAMT.replace("<Document", "<!DOCTYPE Document><Document", 1),
    "an external entity": BOMB.replace('"aaaa"', 'SYSTEM "file:///etc/passwd"'),
    "XML that was cut off": CAMT[:900],
    "another document": CAMT.replace("BkToCstmrStmt", "CstmrCdtTrfInitn"),
    "an MT940 line nobody can take apart": MT940.replace("2603030303C45,00", "26C45"),
    "a BAI2 file without its end": BAI2[: BAI2.index("49,")],
    "an OFX entry that would be lost": OFX.replace("<TRNAMT>-4.50", ""),
    "OFX with a document type": OFX.replace("<OFX>", "<!DOCTYPE x><OFX>"),
    "an empty file": "  \n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_no_statement_is_refused(tmp_path: Path, text: str) -> None:
    """Whole or not at all, with a reason."""
    with pytest.raises((UnreadableExport, InvalidRequest)):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (("1.045,00", "10.45,00"), "Betrag"),
        (("1.045,00", "1,045.00"), "Betrag"),
        (("-4,50", "-4,505"), "Betrag"),
        (("-4,50", ""), "Betrag"),
        (("03.03.2026;1", "2026-03-03;1"), "Tag"),
    ],
)
def test_a_csv_cell_is_never_guessed(tmp_path: Path, change: tuple[str, str], column: str) -> None:
    """What does not fit the mapping is a reject by its column."""
    found = read(tmp_path, CSV.replace(*change), MAPPING)

    assert [reject.column for reject in found.rejects] == [column]


SAMPLES = {
    "bai2_citi_example.bai2": (1, 0, {"closing balance": (10000, 10001)}),
    "bsp_camt053_duplicate_same_day.xml": (2, 0, {}),
    "mt940_cmxl_mt940.sta": (16, 11, {}),
    "mt940_jejik_ing.sta": (7, 0, {"closing balance": (347, -4559)}),
    "oca_test-camt053.xml": (4, 0, {"closing balance": (1512112, 1555528)}),
    "ofxtools_stmtrs.ofx": (2, 0, {}),
}


@pytest.mark.parametrize(("name", "facts"), SAMPLES.items(), ids=SAMPLES)
def test_real_statements_are_read_and_their_gaps_named(
    name: str, facts: tuple[int, int, dict[str, tuple[int, int]]]
) -> None:
    """Shortened by their authors, some do not add up: the difference is named, not hidden."""
    rows, unreadable, differing = facts
    found = read_bank(shared("samples", "bank", name))

    assert (found.file.rows, found.file.unreadable) == (rows, unreadable)
    assert {s.name: (s.stated, s.found) for s in found.file.stated if s.difference} == differing
