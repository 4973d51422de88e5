"""Damaged rows of bank files: each is a reject of its own, and the rows around it are kept."""

from pathlib import Path

import pytest

from tests.reconcile.bank_texts import GOOD, read, swapped

X, S, B, Q, C = GOOD
DAY = "<BookgDt><Dt>2026-11-04"
TRNAMT = "<TRNAMT>250.00"


REJECTS: dict[str, tuple[str, str, str, str, str]] = {
    # name: (file, old, new, column, words of the reason)
    "decimal comma in CAMT": (X, ">250.00<", ">250,00<", "Amt", "decimal comma"),
    "thousands in CAMT": (X, ">250.00<", ">1,250.00<", "Amt", "thousands"),
    "exponent in CAMT": (X, ">250.00<", ">2.5E2<", "Amt", "exponent"),
    "NaN in CAMT": (X, ">250.00<", ">NaN<", "Amt", "not an amount"),
    "too many decimals": (X, ">250.00<", ">250.001<", "Amt", "EUR has 2"),
    "a minus in CAMT": (X, ">250.00<", ">-250.00<", "Amt", "minus"),
    "an empty amount": (X, ">250.00<", "><", "Amt", "empty"),
    "Arabic digits": (X, ">250.00<", ">\u0662\u0665\u0660.00<", "Amt", "ASCII"),
    "16 digits in CAMT": (X, ">250.00<", ">12345678901234.56<", "Amt", "larger"),
    "40 digits in CAMT": (X, ">250.00<", f">{'9' * 40}.00<", "Amt", "larger"),
    "no amount": (X, '<Amt Ccy="EUR">250.00</Amt>', "", "Amt", "missing"),
    "unknown currency": (X, 'Ccy="EUR">250', 'Ccy="EUX">250', "Amt/@Ccy", "unknown currency"),
    "small currency": (X, 'Ccy="EUR">250', 'Ccy="eur">250', "Amt/@Ccy", "unknown currency"),
    "no currency": (X, ' Ccy="EUR">250', ">250", "Amt/@Ccy", "empty"),
    "no direction": (X, "<CdtDbtInd>DBIT", "<CdtDbtInd>DEBT", "CdtDbtInd", "neither"),
    "unknown status": (X, "<Sts>BOOK", "<Sts>MAYBE", "Sts", "unknown status"),
    "30 February": (X, DAY, "<BookgDt><Dt>2026-02-30", "BookgDt", "day"),
    "day before month": (X, DAY, "<BookgDt><Dt>04.11.2026", "BookgDt", "date"),
    "no date at all": (X, f"{DAY}</Dt></BookgDt>", "", "BookgDt", "no date"),
    "bad value date": (X, "<ValDt><Dt>2026", "<ValDt><Dt>26", "ValDt", "date"),
    "a bad closing balance": (X, ">1317.66<", ">1317,66<", "Amt", "decimal comma"),
    "decimal point in MT940": (S, "C250,00N", "C250.00N", ":61:", "no decimal comma"),
    "two commas in MT940": (S, "C250,00N", "C2,50,00N", ":61:", "not an amount"),
    "thousands in MT940": (S, "C250,00N", "C1.250,00N", ":61:", "thousands"),
    "no comma in MT940": (S, "C250,00N", "C250N", ":61:", "no decimal comma"),
    "16 digits in MT940": (S, "C250,00N", "C1234567890123456,00N", ":61:", "larger"),
    "no mark in MT940": (S, "1102C250", "1102X250", ":61:", "not a statement line"),
    "month 13 in MT940": (S, ":61:2611031102", ":61:2613031102", ":61:", "calendar"),
    "entry month 13": (S, ":61:2611031102", ":61:2611031302", ":61:", "calendar"),
    "another currency at the end": (S, "C261104EUR", "C261104USD", ":62F:", "in a statement of"),
    "unknown currency in MT940": (S, "C261104EUR", "C261104EUX", ":62F:", "unknown currency"),
    "no closing balance": (S, ":62F:C261104EUR1317,66\n", "", ":62F:", "cut off"),
    "no opening balance": (S, ":60F:C261102EUR1000,00\n", "", ":61:", "no opening balance"),
    "a page is missing after": (S, ":62F:", ":62M:", ":62M:", "after this one"),
    "a page is missing before": (S, ":60F:", ":60M:", ":60M:", "before this one"),
    "two closing balances": (S, ":90D:", ":62F:C261104EUR1,00\n:90D:", ":62F:", "second"),
    "a bad sum": (S, ":90D:1EUR12,34", ":90D:EUR12,34", ":90D:", "count"),
    "a fraction in BAI2": (B, "16,142,25000", "16,142,250.00", "amount", "whole number"),
    "an underscore in BAI2": (B, "16,142,25000", "16,142,25_000", "amount", "whole number"),
    "a sign in BAI2": (B, "16,142,25000", "16,142,-25000", "amount", "sign"),
    "no amount in BAI2": (B, "16,142,25000", "16,142,", "amount", "empty"),
    "16 digits in BAI2": (B, "16,142,25000", "16,142,1234567890123456", "amount", "larger"),
    "an unknown type code": (B, "16,142,2", "16,931,2", "type code", "neither a credit"),
    "a sum as a transaction": (B, "16,142,2", "16,100,2", "type code", "a sum"),
    "an unknown funds type": (B, ",V,261103", ",Q,261103", "funds type", "unknown funds"),
    "negative distributions": (B, ",V,261103", ",D,-99999999", "funds type", "ends before"),
    "a bad value date in BAI2": (B, ",V,261103", ",V,261303", "value date", "calendar"),
    "a deletion": (B, "COMPANY,BANK,1,", "COMPANY,BANK,2,", "16", "no update"),
    "a bad date of the group": (B, "BANK,1,261102", "BANK,1,261302", "16", "calendar"),
    "unknown currency in BAI2": (B, ",2200,EUR", ",2200,EUX", "16", "unknown currency"),
    "no record": (B, "16,698", "xx,698", "", "no BAI2 record"),
    "no account trailer": (B, "49,300234,6/\n", "", "49", "no trailer"),
    "no file trailer": (B, "99,300234,1,10/\n", "", "99", "no trailer"),
    "a second trailer": (B, "98,", "49,1,1/\n98,", "49", "nothing that is open"),
    "null in OFX": (Q, TRNAMT, "<TRNAMT>null", "TRNAMT", "not an amount"),
    "a blank in OFX": (Q, TRNAMT, "<TRNAMT>1 250.00", "TRNAMT", "blank"),
    "thousands in OFX": (Q, TRNAMT, "<TRNAMT>1,250.00", "TRNAMT", "separator"),
    "European thousands in OFX": (Q, TRNAMT, "<TRNAMT>1.250,00", "TRNAMT", "separator"),
    "a comma that may be either": (Q, TRNAMT, "<TRNAMT>1,250", "TRNAMT", "EUR has 2"),
    "no amount in OFX": (Q, TRNAMT, "", "TRNAMT", "empty"),
    "two amounts in OFX": (Q, TRNAMT, "<TRNAMT>1.00<TRNAMT>2.00", "TRNAMT", "twice"),
    "no id in OFX": (Q, "<FITID>B1", "", "FITID", "no id"),
    "a date of zeros": (Q, "<DTPOSTED>20261104", "<DTPOSTED>00000000", "DTPOSTED", "calendar"),
    "a short date": (Q, "<DTPOSTED>20261104", "<DTPOSTED>261104", "DTPOSTED", "date"),
    "a correction": (Q, "<FITID>B3", "<FITID>B3<CORRECTACTION>X", "CORRECTACTION", "corrects"),
    "a bad balance in OFX": (Q, "<BALAMT>1317.66", "<BALAMT>n/a", "BALAMT", "not an amount"),
    "decimal point in CSV": (C, ";250,00;", ";250.00;", "Amount", "out of place"),
    "a group of two": (C, ";1.250,00;", ";12.50,00;", "Balance", "out of place"),
    "a short row": (C, ";B3;;", ";B3", "", "5 cells, the header has 7"),
    "a stray quote": (C, '"ACCOUNT; FEE"', '"ACC"OUNT; FEE', "", "damaged"),
    "another date format": (C, "04.11.2026;04", "2026-11-04;04", "Day", "%d.%m.%Y"),
    "31 November": (C, "04.11.2026;04", "31.11.2026;04", "Day", "calendar"),
    "an empty amount in CSV": (C, ";80,00;", ";;", "Amount", "empty"),
    "brackets for minus": (C, ";-12,34;", ";(12,34);", "Amount", "not an amount"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "column", "reason"), REJECTS.values(), ids=REJECTS)
def test_a_damaged_row_is_a_reject(
    tmp_path: Path, name: str, old: str, new: str, column: str, reason: str
) -> None:
    """It is named by line, column and reason, counted, and the file is not sound."""
    found = read(tmp_path, swapped(GOOD[name], old, new), name)

    told = [(reject.column, reject.reason) for reject in found.rejects]
    assert any(col == column and reason in why for col, why in told), told
    assert not found.sound
    assert found.file.unreadable == len(found.rejects)
    assert found.file.rows == len(found.lines) + len(found.rejects)
    assert all(r.file == name and r.line > 0 and len(r.text) <= 80 for r in found.rejects)


def test_the_rows_around_a_damaged_one_are_kept(tmp_path: Path) -> None:
    """One bad line of each format costs itself, and the closing balance tells by how much."""
    bad = {"a.xml": (">250.00<", ">x<"), "a.sta": ("C250,00N", "C250.00N"),
           "a.bai2": ("16,142,25000", "16,142,2x"), "a.csv": (";250,00;", ";x;")}  # fmt: skip
    for name, (old, new) in bad.items():
        found = read(tmp_path, swapped(GOOD[name], old, new), name)
        assert [n.amount_minor for n in found.lines] == [-1234, 8000], name
        if name != "a.csv":
            closing = next(t for t in found.file.stated if t.name == "closing balance")
            assert closing.difference == 25000
