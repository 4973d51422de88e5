"""Hand-written files of every format, read to the same lines, days, words and balances."""

import logging
from datetime import date
from pathlib import Path

import pytest

from domain.bank import BankPart
from domain.errors import ConfigurationError
from domain.settlement import ControlTotal, StatedBalance
from reconcile.bank import optional
from reconcile.bank.sniffing import sniff
from tests.reconcile.bank_texts import (
    BAI2,
    CAMT,
    GOOD,
    MT940,
    OFX,
    balance,
    camt,
    entry,
    part,
    read,
    wrong,
)

FORMATS = {
    "a.xml": "bank.camt053", "a.sta": "bank.mt940", "a.bai2": "bank.bai2", "a.ofx": "bank.ofx",
    "a.csv": "bank.csv",
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_every_format_tells_the_same(tmp_path: Path, name: str) -> None:
    """Amounts, days, references, balances and control totals, whatever the file."""
    found = read(tmp_path, GOOD[name], name)

    assert found.file.format == FORMATS[name]
    assert (found.sound, found.rejects, wrong(found)) == (True, (), [])
    assert [n.amount_minor for n in found.lines] == [25000, -1234, 8000]
    assert found.lines[0].reference == "B1"
    assert found.lines[0].counterparty == ("" if name == "a.bai2" else "STRIPE")
    assert found.lines[2].reference == "B3"
    days = [date(2026, 11, 2), date(2026, 11, 2), date(2026, 11, 4)]
    if name == "a.bai2":
        days[2] = days[0]
    assert [n.booked_on for n in found.lines] == days
    if name != "a.ofx":
        assert found.lines[0].valued_on == date(2026, 11, 3)
    assert found.file.totals == (ControlTotal("EUR", 3, 31766, 0),)
    assert (found.file.rows, found.file.unreadable) == (3, 0)
    (statement,) = found.statements
    assert statement.closing_minor == 131766
    assert statement.opening_minor == (None if name == "a.ofx" else 100000)
    assert found.file.owner == statement.account
    assert found.file.period == (
        "2026-11-02T00:00:00Z",
        f"{days[2]}T00:00:00Z",
    )
    assert found.file.balances[-1].amount_minor == 131766
    assert found.lines[0].line > 1
    assert sniff(GOOD[name].encode(), name) == (None if name == "a.csv" else FORMATS[name])


def test_words_of_each_format(tmp_path: Path) -> None:
    """Sender's reference and text where each format has them."""
    told = {n: read(tmp_path, GOOD[n], n).lines[0] for n in GOOD}
    assert {n: line.end_to_end for n, line in told.items()} == {
        "a.xml": "TRACE1", "a.sta": "TRACE1", "a.bai2": "TRACE1", "a.ofx": "", "a.csv": "",
    }  # fmt: skip
    assert told["a.sta"].text == told["a.csv"].text == "PAYOUT"
    assert told["a.bai2"].text == "STRIPE PAYOUT"
    assert told["a.ofx"].text == "PAYOUT & more"


def test_balances_have_instants(tmp_path: Path) -> None:
    """The opening is that of its day's start, the closing that of its day's end."""
    found = read(tmp_path, CAMT)
    assert found.file.balances == (
        StatedBalance("EUR", "2026-11-02T00:00:00Z", 100000, "opening"),
        StatedBalance("EUR", "2026-11-05T00:00:00Z", 131766, "closing"),
    )


@pytest.mark.parametrize("old", [True, False])
def test_a_batch_is_split_when_its_parts_come_to_it(tmp_path: Path, old: bool) -> None:
    """Two parts of 3483.00 are two lines; the shapes of version 2 and of later ones."""
    parts = part("2187.00", "E1", "ANN", old=old) + part("1296.00", "E2", "BOB", old=old)
    details = f"<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>{parts}</NtryDtls>"
    status = "BOOK" if old else "<Cd>BOOK</Cd>"
    text = camt(entry("3483.00", details=details, status=status))
    found = read(tmp_path, text if old else text.replace(".001.02", ".001.08"))

    told = [(n.amount_minor, n.end_to_end, n.counterparty) for n in found.lines]
    assert told == [(218700, "E1", "ANN"), (129600, "E2", "BOB")]
    assert found.file.rows == 2


def test_a_batch_that_does_not_come_to_its_amount_stays_one_line(tmp_path: Path) -> None:
    """The amount of the entry is what the bank booked; the parts are named."""
    parts = part("2187.00", "E1", "ANN") + part("1000.00", "E2", "BOB")
    found = read(tmp_path, camt(entry("3483.00", details=f"<NtryDtls>{parts}</NtryDtls>")))

    (line,) = found.lines
    assert (line.amount_minor, line.counterparty) == (348300, "ANN; BOB")
    assert line.parts == (
        BankPart(218700, "EUR", "E1", "ANN"),
        BankPart(100000, "EUR", "E2", "BOB"),
    )


def test_parts_in_another_currency_are_not_summed(tmp_path: Path) -> None:
    """Two parts in USD never make an entry in EUR, though the figures would add up."""
    parts = part("1.00", "E1", "ANN", code="USD") + part("2.00", "E2", "BOB", code="USD")
    (line,) = read(tmp_path, camt(entry("3.00", details=f"<NtryDtls>{parts}</NtryDtls>"))).lines
    assert (line.amount_minor, [p.currency for p in line.parts]) == (300, ["USD", "USD"])


def test_pending_lines_are_kept_and_move_no_balance(tmp_path: Path) -> None:
    """PDNG beside BOOK: three lines, the balance of the booked ones."""
    found = read(
        tmp_path,
        camt(
            balance("OPBD", "10.00", "2026-11-02"), balance("CLBD", "15.00", "2026-11-02"),
            entry("5.00"), entry("7.00", status="PDNG"), entry("9.00", status="<Cd>FUTR</Cd>"),
        ),
    )  # fmt: skip
    assert [n.status for n in found.lines] == ["booked", "pending", "pending"]
    assert found.sound
    assert found.file.totals == (ControlTotal("EUR", 1, 500, 0),)


def test_a_reversal_keeps_the_direction_its_entry_states(tmp_path: Path) -> None:
    """RvslInd says why; CdtDbtInd says which way."""
    back = entry("5.00", "DBIT", more="").replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")
    (line,) = read(tmp_path, camt(back)).lines
    assert (line.amount_minor, line.reversal) == (-500, True)


def test_several_statements_and_currencies(tmp_path: Path) -> None:
    """One statement per account and currency, each with its own balances; times are days."""
    late = "2026-11-02T23:59:59.9+01:00"
    second = (
        "<Stmt><Id>S2</Id><Acct><Id><Othr><Id>77</Id></Othr></Id></Acct>"
        + balance("PRCD", "1", "2026-11-01", code="JPY")
        + balance("CLBD", "501", "2026-11-02", code="JPY")
        + entry("500", code="JPY").replace("<Dt>2026-11-02</Dt>", f"<DtTm>{late}</DtTm>")
        + entry("1.005", code="BHD") + "</Stmt>"
    )  # fmt: skip
    found = read(tmp_path, camt(entry("5.00"), statement=second))
    told = [(s.account, s.currency, s.opening_minor, s.booked_minor) for s in found.statements]
    assert told == [
        ("DE02120300000000202051", "EUR", None, 500),
        ("77", "BHD", None, 1005),
        ("77", "JPY", 1, 500),
    ]
    assert found.file.owner == ""
    assert found.sound
    assert {n.booked_on for n in found.lines} == {date(2026, 11, 2)}


@pytest.mark.parametrize(
    ("container", "inner", "form"),
    [("BkToCstmrAcctRpt", "Rpt", "052"), ("BkToCstmrDbtCdtNtfctn", "Ntfctn", "054")],
)
def test_reports_and_notifications(tmp_path: Path, container: str, inner: str, form: str) -> None:
    """camt.052 and camt.054 by the same reader, without balances to tie."""
    text = camt(entry("5.00"), namespace=f"urn:iso:std:iso:20022:tech:xsd:camt.{form}.001.04")
    text = text.replace("BkToCstmrStmt", container).replace("Stmt>", f"{inner}>")
    found = read(tmp_path, text)
    assert (found.file.format, [n.amount_minor for n in found.lines]) == (f"bank.camt{form}", [500])


def test_prefixes_envelopes_and_utf16(tmp_path: Path) -> None:
    """A namespace prefix, a message envelope and two-byte text change nothing."""
    inner = CAMT.partition("\n")[2]
    wrapped = f"<Envlp><AppHdr><Fr>X</Fr></AppHdr>{inner}</Envlp>"
    assert len(read(tmp_path, wrapped).lines) == 3
    wide = CAMT.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")
    assert len(read(tmp_path, wide).lines) == 3
    prefixed = "<p:Document xmlns:p='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'>"
    body = (
        inner.partition(">")[2].replace("</", "</p:").replace("<", "<p:").replace("<p:/p:", "</p:")
    )
    assert len(read(tmp_path, prefixed + body).lines) == 3


def test_summaries_of_a_camt_are_checked(tmp_path: Path) -> None:
    """Counts and sums of TxsSummry, right and wrong."""
    totals = (
        "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries><Sum>{sum}</Sum>"
        "<TtlNetNtry><Amt>{net}</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry></TtlNtries>"
        "<TtlCdtNtries><NbOfNtries>2</NbOfNtries></TtlCdtNtries></TxsSummry>"
    )
    lines = entry("5.00"), entry("3.00", "DBIT")
    found = read(tmp_path, camt(totals.format(sum="8.00", net="2.00"), *lines))
    assert wrong(found) == ["TtlCdtNtries count"]
    for sums, name in (
        ({"sum": "8.01", "net": "2.00"}, "sum"),
        ({"sum": "8.00", "net": "3.00"}, "net"),
    ):
        torn = read(tmp_path, camt(totals.format(**sums), *lines))
        assert wrong(torn) == [f"TtlNtries {name}", "TtlCdtNtries count"]
    # Version 2 has the net amount and its direction as leaves.
    old = "<TxsSummry><TtlNtries><TtlNetNtryAmt>2.01</TtlNetNtryAmt><CdtDbtInd>DBIT</CdtDbtInd>"
    found = read(tmp_path, camt(f"{old}</TtlNtries></TxsSummry>", *lines))
    assert [(t.stated, t.found) for t in found.file.stated] == [(-201, 200)]


def test_free_text_is_joined_where_its_lines_were_full(tmp_path: Path) -> None:
    """A line of 65 characters goes on within a word; a shorter one ended with one."""
    words = "PAYOUT OF THE WEEK TRACE 0001"
    full = f"{words} {'X' * (65 - len(words) - 1)}"
    text = MT940.replace("/NAME/STRIPE/REMI/PAYOUT", f"{full}\n234 SHORT\nEND")
    assert read(tmp_path, text, "a.sta").lines[0].text == f"{full}234 SHORT END"


def test_indented_files_of_any_length_are_read(tmp_path: Path) -> None:
    """Blanks between elements are no text of the element around them."""
    many = "".join(entry("1.00") + " " * 200 for _ in range(600))
    assert len(read(tmp_path, camt(many)).lines) == 600


def test_reversals_and_codes_of_an_mt940(tmp_path: Path) -> None:
    """RC takes a credit back, RD a debit; a funds letter may stand between mark and amount."""
    text = MT940.replace("102C250,00", "102RC250,00").replace("261102D12,34", "261102RDR12,34")
    found = read(tmp_path, text, "a.sta")
    assert [(n.amount_minor, n.reversal) for n in found.lines] == [
        (-25000, True), (1234, True), (8000, False),
    ]  # fmt: skip


def test_a_structured_86_is_taken_apart(tmp_path: Path) -> None:
    """German sub-fields, broken anywhere, with their code words."""
    german = (
        ":86:166?00GUTSCHRIFT?20EREF+TRACE9?21SVWZ+PAYOUT NOV\nEMBER?30BANK?31DE1?32STRIPE PAY\n"
        "?33MENTS"
    )
    found = read(tmp_path, MT940.replace(":86:/NAME/STRIPE/REMI/PAYOUT", german), "a.sta")
    line = found.lines[0]
    assert (line.end_to_end, line.counterparty) == ("TRACE9", "STRIPE PAYMENTS")
    assert "PAYOUT NOVEMBER" in line.text


def test_pages_are_one_statement(tmp_path: Path) -> None:
    """60M continues 62M; a page that opens otherwise than the one before closed is said."""
    first, _, rest = MT940.partition(":61:261102D12,34")
    pages = f"{first}:62M:C261102EUR1250,00\n-}}\n" + (
        ":20:S1\n:25:DE02120300000000202051\n:28C:1/2\n:60M:C261102EUR1250,00\n:61:261102D12,34"
        + rest
    )
    found = read(tmp_path, pages, "a.sta")
    assert (len(found.statements), found.sound, len(found.lines)) == (1, True, 3)
    torn = read(tmp_path, pages.replace(":60M:C261102EUR1250", ":60M:C261102EUR1251"), "a.sta")
    assert wrong(torn) == ["opening balance of the page at line 13"]


def test_long_customer_references_and_new_year(tmp_path: Path) -> None:
    """ASNB writes an IBAN into :61:; an entry day belongs to the year next to the value date."""
    text = MT940.replace(
        "2611031102C250,00NTRFTRACE1//B1", "2701021231C250,00NTRFNL08ASNB9999999999//B1"
    )
    line = read(tmp_path, text, "a.sta").lines[0]
    assert (line.end_to_end, line.reference) == ("NL08ASNB9999999999", "B1")
    assert (line.booked_on, line.valued_on) == (date(2026, 12, 31), date(2027, 1, 2))


def test_latin_text_is_read(tmp_path: Path) -> None:
    """Old formats come in Latin-1; what is declared as 1252 in OFX is that."""
    told = MT940.replace("ACCOUNT FEE", "GEBÜHR").encode("latin-1")
    assert read(tmp_path, told, "a.sta").lines[1].text == "GEBÜHR"
    assert read(tmp_path, OFX.replace("PAYOUT", "„X“").encode("cp1252"), "a.ofx").lines[0].text == (
        "„X“ & more"
    )


def test_default_currencies_of_a_bai2(tmp_path: Path) -> None:
    """The account's, else the group's, else USD."""
    assert (
        read(tmp_path, BAI2.replace("202051,,", "202051,GBP,"), "b").file.totals[0].currency
        == "GBP"
    )
    assert read(tmp_path, BAI2.replace(",EUR,2/", ",,2/"), "b").file.totals[0].currency == "USD"


@pytest.mark.parametrize(
    "funds", ["V,261103,", "V,261103,1200,", "S,1,2,3,", "D,2,0,10,1,20,", "0,", "Z,", ","]
)
def test_funds_of_a_bai2_may_take_several_cells(tmp_path: Path, funds: str) -> None:
    """Whatever says when money is available, what stands behind it keeps its place."""
    whole = funds.replace("V,261103,", "V,261103,,") if funds.count(",") == 2 else funds
    text = BAI2.replace("16,698,1234,Z,,,ACC", f"16,698,1234,{whole}B2,C2,ACC")
    text = text.replace("400,1234,1,/", f"400,1234,1,{funds[:-1]}/")
    found = read(tmp_path, text, "a.bai2")
    line = found.lines[1]
    assert (line.reference, line.end_to_end, line.text) == ("B2", "C2", "ACCOUNT FEE")
    assert found.sound


def test_ofx_2_credit_cards_and_foreign_amounts(tmp_path: Path) -> None:
    """XML with its own closing tags; an amount in another currency is a statement of its own."""
    text = (
        '<?xml version="1.0"?><?OFX OFXHEADER="200"?><OFX><CREDITCARDMSGSRSV1><CCSTMTTRNRS>'
        "<CCSTMTRS><CURDEF>USD</CURDEF><CCACCTFROM><ACCTID>4111111111111111</ACCTID></CCACCTFROM>"
        "<BANKTRANLIST>"
        "<STMTTRN><TRNTYPE>DEBIT</TRNTYPE><DTPOSTED>20261102</DTPOSTED><TRNAMT>-7.00</TRNAMT>"
        "<FITID>F1</FITID><NAME>B&amp;B</NAME><CURRENCY><CURRATE>1.1</CURRATE><CURSYM>EUR</CURSYM>"
        "</CURRENCY></STMTTRN></BANKTRANLIST></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1></OFX>"
    )
    (line,) = read(tmp_path, text, "a.qfx").lines
    assert line.account == "************1111", "a card's number is its account, and is not kept"
    assert (line.currency, line.amount_minor, line.counterparty) == ("EUR", -700, "B&B")


def test_a_missing_package_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra, what needs it says what to install; everything else is read."""

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(optional.importlib, "import_module", missing)
    with pytest.raises(ConfigurationError, match="not installed") as refused:
        read(tmp_path, BAI2, "a.bai2")
    assert "[bank]" in refused.value.hint
    german = MT940.replace("/NAME/STRIPE/REMI/PAYOUT", "166?00GUTSCHRIFT?20PAYOUT")
    with pytest.raises(ConfigurationError, match="MT940 needs a package"):
        read(tmp_path, german, "a.sta")
    for name in ("a.xml", "a.ofx", "a.csv", "a.sta"):
        assert read(tmp_path, GOOD[name], name).sound


def test_nothing_of_a_payer_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Lines that cannot be read are rejects, not log lines."""
    with caplog.at_level(logging.DEBUG):
        read(tmp_path, MT940.replace("C250,00", "C250.00"), "a.sta")
        read(tmp_path, MT940.replace(":86:ACC", ":86:166?00X?20SECRETNAME?ZZ"), "a.sta")
    assert "SECRETNAME" not in caplog.text
