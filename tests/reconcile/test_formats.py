"""Every export format by a small file written by hand: what is read, and what the file states."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from domain.errors import UnreadableExport
from domain.settlement import ExportFormat
from providers.paypal.formats import FORMATS as PAYPAL
from providers.stripe.exports import FORMATS as STRIPE
from reconcile.frames import Reported
from reconcile.intake.export import Choice
from reconcile.intake.files import read_exports

ALL: tuple[ExportFormat, ...] = (*STRIPE, *PAYPAL)

CH = (
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type",'
    '"Transaction Event Code","Transaction Initiation Date","Transaction Completion Date",'
    '"Transaction  Debit or Credit","Gross Transaction Amount","Gross Transaction Currency",'
    '"Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID",'
    '"Payment Tracking ID","Store ID","Bank Reference ID"'
)
DAY = "2026/03/02 10:00:00 -0800"


def sb(name: str, code: str, flag: str, gross: int, currency: str = "USD", fee: str = ",,",
       reference: str = "", custom: str = "", bank: str = "") -> str:  # fmt: skip
    """One line of a settlement report."""
    return (
        f'"SB",{name},inv1,{reference},TXN,{code},{DAY},{DAY},{flag},{gross},{currency},{fee},'
        f"{custom},,,,{bank}"
    )


def settlement(*lines: str, footer: str = "", rows: int | None = None) -> str:
    """A whole settlement report."""
    count = len(lines) if rows is None else rows
    return "\r\n".join(
        [
            '"RH",2026/03/03 02:21:10 -0800,"A","ACCT1234567AB",009,',
            '"FH",01',
            '"SH",2026/03/02 00:00:00 -0800,2026/03/02 23:59:59 -0800,"ACCT1234567AB",""',
            CH,
            *lines,
            *([footer] if footer else []),
            f'"SC",{count}',
            *([footer.replace("SF", "RF")] if footer else []),
            f'"RC",{count}',
            f'"FF",{count}',
            "",
        ]
    )


SALE = sb("CAP1", "T0006", "CR", 10000, fee="DR,329,USD", custom="pay_1", reference="ORD1")
REFUND = sb("REF1", "T1107", "DR", 4000, fee="CR,0,USD", reference="CAP1")
SWEEP = sb("PO1", "T0401", "DR", 5671, bank="1047428557493")
FOOTER = '"SF","USD",10000,9671,0,329,"CR",0,"CR",0,"CR",0,"CR",0,"CR",0,"CR",0,3'


def read(folder: Path, text: str | bytes, name: str = "file.csv", **words: str) -> Reported:
    """What is read of one file."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_exports([path], ALL, choice=Choice(**words))


def rows(found: Reported, *names: str) -> list[tuple[object, ...]]:
    """Some columns of every line."""
    return list(zip(*(found.frame[name].tolist() for name in names), strict=True))


def test_a_settlement_report_is_read_to_the_cent(tmp_path: Path) -> None:
    """Signs by flags, minor units, parents, our payment, the bank's reference; footers tie."""
    found = read(tmp_path, settlement(SALE, REFUND, SWEEP, footer=FOOTER))

    assert found.rejects == ()
    assert rows(found, "reference", "kind", "amount_minor", "fee_minor", "parent", "ours") == [
        ("CAP1", "charge", 10000, 329, "ORD1", "pay_1"),
        ("REF1", "refund", -4000, 0, "CAP1", ""),
        ("PO1", "payout", -5671, 0, "", ""),
    ]
    assert found.frame["bank_reference"].tolist() == ["", "", "1047428557493"]
    file = found.files[0]
    assert (file.format, file.owner) == ("paypal.settlement", "ACCT1234567AB")
    assert [stated.difference for stated in file.stated] == [0] * len(file.stated)
    assert len(file.stated) == 13
    assert [(b.name, b.amount_minor) for b in file.balances] == [("opening", 0), ("closing", 0)]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (sb("A", "T0006", "XX", 100), "Transaction Debit or Credit"),
        (sb("A", "T0006", "CR", -100), "Gross Transaction Amount"),
        (sb("A", "T0006", "CR", 100, "XYZ"), "Gross Transaction Currency"),
        (sb("A", "T0006", "CR", 150, "JPY"), "Gross Transaction Amount"),
        (sb("A", "T0006", "CR", 100, fee="DR,3,EUR"), "Fee Currency"),
        (sb("", "T0006", "CR", 100), "Transaction ID"),
        (sb("A", "", "CR", 100), "Transaction Event Code"),
        (sb("A", "T0006", "CR", 100).replace(DAY, "2026-13-45 10:00:00"),
         "Transaction Completion Date"),
        ('"SB",A,inv1', ""),
        ('"XX",1', ""),
    ],
)  # fmt: skip
def test_a_bad_row_of_a_report_is_refused_by_its_column(
    tmp_path: Path, line: str, column: str
) -> None:
    """One reject with line and column; the others are read."""
    found = read(tmp_path, settlement(SALE, line, rows=2))

    assert [(reject.line, reject.column) for reject in found.rejects] == [(6, column)]
    assert len(found.frame) == 1


def test_footers_that_do_not_add_up_are_named(tmp_path: Path) -> None:
    """The figure, what is stated and what was found; nothing is corrected."""
    wrong = FOOTER.replace("10000,9671", "10001,9671")
    file = read(tmp_path, settlement(SALE, REFUND, SWEEP, footer=wrong, rows=4)).files[0]

    differing = {s.name: (s.stated, s.found) for s in file.stated if s.difference}
    assert differing == {
        "section gross credits": (10001, 10000),
        "report gross credits": (10001, 10000),
        "section rows": (4, 3),
        "report rows": (4, 3),
        "file rows": (4, 3),
    }


def test_a_report_without_its_end_was_cut_off(tmp_path: Path) -> None:
    """A file that lost its footers is never taken for a whole one."""
    text = settlement(SALE, REFUND, footer=FOOTER)
    found = read(tmp_path, text[: text.index('"SF"')])

    assert ["footer" in reject.reason for reject in found.rejects] == [True]


def test_a_report_in_two_files_is_checked_together(tmp_path: Path) -> None:
    """The second part's footers count the rows of both, whatever their order."""
    whole = settlement(SALE, REFUND, SWEEP, footer=FOOTER).split("\r\n")
    head, sh = whole[:2], whole[2:4]
    first = "\r\n".join([*head, *sh, SALE, '"FF",1', ""])
    second = "\r\n".join(['"FH",02', *sh, REFUND, SWEEP, FOOTER, '"RC",3', '"FF",2', ""])
    one, two = tmp_path / "1.csv", tmp_path / "2.csv"
    one.write_text(first, newline="")
    two.write_text(second, newline="")
    for order in ([one, two], [two, one]):
        found = read_exports(order, ALL)
        assert found.rejects == ()
        assert [s for file in found.files for s in file.stated if s.difference] == []


def test_holds_and_unsettled_lines_only_show_money(tmp_path: Path) -> None:
    """A hold, and in the detail report everything that has not settled."""
    header = CH + ',"Transactional Status"'
    lines = [
        sb("A", "T0006", "CR", 100) + ",S",
        sb("B", "T0006", "CR", 100) + ",P",
        sb("C", "T1110", "DR", 100) + ",S",
    ]
    found = read(tmp_path, "\n".join([header, *lines, ""]))

    assert found.files[0].format == "paypal.transaction_detail"
    assert found.frame["kind"].tolist() == ["charge", "memo", "memo"]


def test_conversions_and_currencies_without_decimals(tmp_path: Path) -> None:
    """Both halves of an exchange, and yen written as hundredths."""
    lines = (
        sb("C1", "T0200", "DR", 12000, "JPY", reference="CAP1"),
        sb("C2", "T0200", "CR", 77, "USD", reference="CAP1"),
    )
    found = read(tmp_path, settlement(*lines))

    assert rows(found, "kind", "amount_minor", "currency") == [
        ("conversion", -120, "JPY"),
        ("conversion", 77, "USD"),
    ]


EN = '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID","Reference Txn ID"'  # noqa: E501
DE = '"Datum","Uhrzeit","Zeitzone","Name","Typ","Status","Währung","Brutto","Gebühr","Netto","Transaktionscode","Zugehöriger Transaktionscode"'  # noqa: E501
DOWNLOADS = {
    "day first": (EN, '"29/12/2025","07:45:51","PST","X","Website Payment","Completed","USD",'
                      '"1,653.75","-73.07","1,580.68","T1",""'),
    "month first": (EN, '"12/29/2025","07:45:51","PST","X","Website Payment","Completed","USD",'
                        '"1,653.75","-73.07","1,580.68","T1",""'),
    "German": (DE, '"29.12.2025","16:45:51","CET","X","Website-Zahlung","Abgeschlossen","USD",'
                   '"1.653,75","-73,07","1.580,68","T1",""'),
    "a zone by its name": (EN, '"2025-12-29","16:45:51","Europe/Berlin","X","General Payment",'
                               '"Completed","USD","1653.75","-73.07","1580.68","T1",""'),
}  # fmt: skip


@pytest.mark.parametrize(("header", "line"), DOWNLOADS.values(), ids=DOWNLOADS)
def test_a_download_is_read_whatever_its_country(tmp_path: Path, header: str, line: str) -> None:
    """One payment, four ways to write it, one result."""
    found = read(tmp_path, f"﻿{header}\r\n{line}\r\n")

    assert found.rejects == ()
    assert rows(found, "kind", "amount_minor", "fee_minor", "net_minor", "occurred_at") == [
        ("charge", 165375, 7307, 158068, 1_767_023_151_000_000)
    ]


def test_days_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    """01/02 is two different days: somebody has to say which."""
    line = DOWNLOADS["day first"][1].replace("29/12", "01/02")
    with pytest.raises(UnreadableExport, match="day or the month") as caught:
        read(tmp_path, f"{EN}\n{line}\n")
    assert "--dates" in caught.value.hint
    found = read(tmp_path, f"{EN}\n{line}\n", dates="MDY")
    assert found.files[0].period == ("2025-01-02T15:45:51Z", "2025-01-02T15:45:51Z")


@pytest.mark.parametrize("amount", ["abc", "1.234,56", "1,23,4.00", "1e3", "NaN", "٣.00", "--1"])
def test_amounts_that_are_none_are_rejects(tmp_path: Path, amount: str) -> None:
    """Beside amounts that tell how the file is written, none of these is read as something."""
    good = DOWNLOADS["day first"][1]
    bad = good.replace("1,653.75", amount).replace('"T1"', '"T2"')
    found = read(tmp_path, f"{EN}\n{good}\n{bad}\n")

    assert [(reject.line, reject.column) for reject in found.rejects] == [(3, "Gross")]
    assert len(found.frame) == 1


def test_the_payments_page_gives_charges_and_refunds(tmp_path: Path) -> None:
    """Settlement currency where one is stated; failed payments only show money."""
    header = (
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Converted Amount,"
        "Converted Amount Refunded,Converted Currency,Fee,Status,Refunded date (UTC),"
        "payment_id (metadata)"
    )
    lines = (
        "ch_1,2026-03-02 02:38:54,15.00,0.00,usd,534.80,0.00,thb,35.40,Paid,,pay_1",
        "ch_2,2026-03-02 03:00:00,40.00,15.00,usd,,,,1.46,Refunded,2026-03-03 04:00:00,pay_2",
        "ch_3,2026-03-02 04:00:00,40.00,0.00,usd,,,,0.00,Failed,,pay_3",
    )
    found = read(tmp_path, "\n".join([header, *lines, ""]))

    assert rows(found, "kind", "amount_minor", "currency", "source", "parent", "ours") == [
        ("charge", 53480, "THB", "ch_1", "ch_1", "pay_1"),
        ("charge", 4000, "USD", "ch_2", "ch_2", "pay_2"),
        ("refund", -1500, "USD", "", "ch_2", "pay_2"),
        ("memo", 4000, "USD", "ch_3", "ch_3", "pay_3"),
    ]


def test_payouts_and_the_ending_balance(tmp_path: Path) -> None:
    """Payouts are lines; what the ending balance consists of is a balance, not activity."""
    payouts = (
        "payout_id,effective_at_utc,currency,gross,fee,net,reporting_category,"
        "balance_transaction_id,description\n"
        "po_1,2026-03-02 00:00:00,usd,-90.00,0.00,-90.00,payout,txn_1,STRIPE PAYOUT\n"
    )
    found = read(tmp_path, payouts)
    assert rows(found, "reference", "source", "kind", "amount_minor") == [
        ("txn_1", "po_1", "payout", -9000)
    ]
    standing = (
        "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,"
        "reporting_category,source_id,trace_id,trace_id_status\n"
        "txn_2,2026-03-02 10:00:00,2026-03-04 00:00:00,usd,10.00,0.59,9.41,charge,ch_2,,\n"
    )
    found = read(tmp_path, standing)
    assert found.frame["kind"].tolist() == ["memo"]
    assert [(b.name, b.currency, b.amount_minor) for b in found.files[0].balances] == [
        ("standing", "USD", 941)
    ]


def test_cases_show_what_is_disputed(tmp_path: Path) -> None:
    """A case report moves nothing."""
    text = (
        '"CH","Case type","Case ID","Original transaction ID","Case filing date","Case status",'
        '"Disputed amount","Disputed currency"\n'
        f'"SB","chargeback","PP-D-1","CAP1",{DAY},"open",4000,"USD"\n'
    )
    found = read(tmp_path, text)

    assert rows(found, "reference", "parent", "kind", "amount_minor", "category") == [
        ("PP-D-1", "CAP1", "memo", 4000, "chargeback")
    ]


def zipped(**members: bytes) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


PLAIN = settlement(SALE, REFUND, SWEEP, footer=FOOTER)
WRAPPED = {
    "gzip": gzip.compress(PLAIN.encode()),
    "zip": zipped(report=PLAIN.encode()),
    "UTF-16 little": b"\xff\xfe" + PLAIN.encode("utf-16-le"),
    "UTF-16 big": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "a byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
}


@pytest.mark.parametrize("data", WRAPPED.values(), ids=WRAPPED)
def test_a_wrapped_file_is_read_like_a_plain_one(tmp_path: Path, data: bytes) -> None:
    """The same lines; the file is named by its own bytes."""
    plain, wrapped = read(tmp_path, PLAIN, "p"), read(tmp_path, data, "w")

    assert wrapped.frame.equals(plain.frame)
    assert wrapped.files[0].size == len(data)
    assert wrapped.files[0].digest != plain.files[0].digest


REFUSED = {
    "two files": (zipped(a=b"1", b=b"2"), "2 files"),
    "a path outside": (zipped(**{"..__..__etc": b"1"}), "outside itself"),
    "a workbook": (zipped(**{"xl__workbook.xml": b"1", "a": b"2"}), "Excel workbook"),
    "an archive inside": (gzip.compress(gzip.compress(b"1")), "inside an archive"),
    "a bomb": (gzip.compress(b"0" * (64 << 20)), "no export"),
    "cut off": (gzip.compress(PLAIN.encode())[:-9], "damaged or cut off"),
    "half a character": (b"\xff\xfe" + PLAIN.encode("utf-16-le")[:-1], "not UTF-16"),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED)
def test_wrappings_that_are_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    """Each with its reason, before anything is read from it."""
    with pytest.raises(UnreadableExport, match=reason):
        read(tmp_path, data)
