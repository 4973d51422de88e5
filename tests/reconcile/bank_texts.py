"""Small bank files of our own making, one per format, all about the same three lines.

Opening 1,000.00 EUR; a payout of 250.00, a fee of 12.34 and a deposit of 80.00: closing 1,317.66.
"""

from pathlib import Path

from domain.bank import BankFile
from reconcile.bank.csv_mapping import CsvMapping
from reconcile.bank.reading import read_bank

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"


def balance(kind: str, amount: str, on: str, word: str = "CRDT", code: str = "EUR") -> str:
    """One <Bal>."""
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{code}">{amount}</Amt><CdtDbtInd>{word}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>'
    )


def entry(
    amount: str, word: str = "CRDT", *, code: str = "EUR", status: str = "BOOK",
    on: str = "2026-11-02", more: str = "", details: str = "",
) -> str:  # fmt: skip
    """One <Ntry> on a line of its own."""
    return (
        f'\n<Ntry><Amt Ccy="{code}">{amount}</Amt><CdtDbtInd>{word}</CdtDbtInd>'
        f"<Sts>{status}</Sts><BookgDt><Dt>{on}</Dt></BookgDt>{more}{details}</Ntry>"
    )


def part(amount: str, end_to_end: str, name: str, *, code: str = "EUR", old: bool = True) -> str:
    """One <TxDtls>, as version 2 or as later ones have it."""
    amt = f'<Amt Ccy="{code}">{amount}</Amt>'
    amt = f"<AmtDtls><TxAmt>{amt}</TxAmt></AmtDtls>" if old else amt
    party = f"<Nm>{name}</Nm>" if old else f"<Pty><Nm>{name}</Nm></Pty>"
    return (
        f"<TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs>{amt}"
        f"<RltdPties><Dbtr>{party}</Dbtr></RltdPties></TxDtls>"
    )


def camt(*inside: str, statement: str = "", namespace: str = NAMESPACE) -> str:
    """A camt.053 with one statement."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{namespace}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M1</MsgId></GrpHdr>\n<Stmt><Id>S1</Id>"
        f"<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{''.join(inside)}\n</Stmt>{statement}</BkToCstmrStmt></Document>\n"
    )


CAMT = camt(
    balance("OPBD", "1000.00", "2026-11-02"),
    balance("CLBD", "1317.66", "2026-11-04"),
    entry(
        "250.00",
        more="<ValDt><Dt>2026-11-03</Dt></ValDt><AcctSvcrRef>B1</AcctSvcrRef>",
        details="<NtryDtls>" + part("250.00", "TRACE1", "STRIPE") + "</NtryDtls>",
    ),
    entry("12.34", "DBIT", more="<AddtlNtryInf>ACCOUNT FEE</AddtlNtryInf>"),
    entry("80.00", on="2026-11-04", more="<AcctSvcrRef>B3</AcctSvcrRef>"),
)

MT940 = """\
{1:F01BANKDEFFAXXX0000000000}{2:I940COMPDEFFXXXXN}{4:
:20:S1
:25:DE02120300000000202051
:28C:1/1
:60F:C261102EUR1000,00
:61:2611031102C250,00NTRFTRACE1//B1
:86:/NAME/STRIPE/REMI/PAYOUT
:61:261102D12,34NMSCNONREF
:86:ACCOUNT FEE
:61:2611041104C80,00NTRFNONREF//B3
:62F:C261104EUR1317,66
:90D:1EUR12,34
:90C:2EUR330,00
-}
"""

BAI2 = """\
01,BANK,COMPANY,261104,2200,1,,,2/
02,COMPANY,BANK,1,261102,2200,EUR,2/
03,202051,,010,100000,,,015,131766,,,100,33000,2,,400,1234,1,/
16,142,25000,V,261103,,B1,TRACE1,STRIPE/
88,PAYOUT
16,698,1234,Z,,,ACCOUNT FEE/
16,142,8000,0,B3,,/
49,300234,6/
98,300234,1,8/
99,300234,1,10/
"""

OFX = """\
OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE

<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1
<STMTRS><CURDEF>EUR
<BANKACCTFROM><BANKID>1<ACCTID>202051<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20261102<DTEND>20261104
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261102120000[-5:EST]<TRNAMT>250.00<FITID>B1<NAME>STRIPE
<MEMO>PAYOUT &amp; more
</STMTTRN>
<STMTTRN><TRNTYPE>FEE<DTPOSTED>20261102<TRNAMT>-12.34<FITID>B2<MEMO></STMTTRN>
<STMTTRN><TRNTYPE>DEP<DTPOSTED>20261104<TRNAMT>+80,00<FITID>B3</STMTTRN>
</BANKTRANLIST>
<LEDGERBAL><BALAMT>1317.66<DTASOF>20261104</LEDGERBAL>
</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""

CSV = """\
Account statement
Day;Value;Amount;Balance;Reference;Who;What
02.11.2026;03.11.2026;250,00;1.250,00;B1;STRIPE;PAYOUT
02.11.2026;;-12,34;1.237,66;;;"ACCOUNT; FEE"
04.11.2026;04.11.2026;80,00;1.317,66;B3;;
"""
TABLE: dict[str, object] = {
    "account": "202051",
    "currency": "EUR",
    "delimiter": ";",
    "decimal": ",",
    "thousands": ".",
    "date_format": "%d.%m.%Y",
    "skip_lines": 1,
    "columns": {
        "booked_on": "Day",
        "valued_on": "Value",
        "amount": "Amount",
        "balance": "Balance",
        "reference": "Reference",
        "counterparty": "Who",
        "text": "What",
    },
}
MAPPING = CsvMapping.parse("test", TABLE)

GOOD = {"a.xml": CAMT, "a.sta": MT940, "a.bai2": BAI2, "a.ofx": OFX, "a.csv": CSV}


def read(
    folder: Path, text: str | bytes, name: str = "a.xml", mapping: CsvMapping | None = MAPPING
) -> BankFile:
    """Write a file and read it."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_bank(path, mapping=mapping)


def swapped(text: str, old: str, new: str) -> str:
    """The text with the first `old` replaced; there must be one."""
    assert old in text
    return text.replace(old, new, 1)


def wrong(found: BankFile) -> list[str]:
    """Names of the figures that a file contradicts."""
    return [total.name for total in found.file.stated if total.difference]
