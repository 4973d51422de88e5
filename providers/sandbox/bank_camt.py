"""Bank statements as ISO 20022 camt.053, version 8."""

from collections.abc import Iterator, Sequence
from datetime import date
from html import escape

from domain.bank import BankLine, BankStatement
from domain.money import format_minor

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def camt053(statements: Sequence[BankStatement]) -> str:
    """One message with a statement per currency."""
    made = max((one.closing_on for one in statements if one.closing_on), default=date.min)
    rows = ['<?xml version="1.0" encoding="UTF-8"?>', f'<Document xmlns="{NAMESPACE}">']
    rows.append("<BkToCstmrStmt>")
    stamp = f"{made}T22:00:00Z"
    rows.append(f"<GrpHdr><MsgId>SB{made:%Y%m%d}</MsgId><CreDtTm>{stamp}</CreDtTm></GrpHdr>")
    for one in statements:
        rows += _statement(one, stamp)
    rows += ["</BkToCstmrStmt>", "</Document>", ""]
    return "\n".join(rows)


def _statement(one: BankStatement, stamp: str) -> Iterator[str]:
    yield f"<Stmt><Id>{escape(one.statement_id)}</Id><CreDtTm>{stamp}</CreDtTm>"
    owner = f"<Id><Othr><Id>{escape(one.account)}</Id></Othr></Id>"
    yield f"<Acct>{owner}<Ccy>{one.currency}</Ccy></Acct>"
    yield _balance("OPBD", one.opening_minor, one.opening_on, one.currency)
    yield _balance("CLBD", one.closing_minor, one.closing_on, one.currency)
    yield _summary(one)
    for line in one.lines:
        yield from _entry(line)
    yield "</Stmt>"


def _summary(one: BankStatement) -> str:
    gross = sum(abs(line.amount_minor) for line in one.lines)
    totals = (
        f"<NbOfNtries>{len(one.lines)}</NbOfNtries><Sum>{format_minor(gross, one.currency)}</Sum>"
    )
    return f"<TxsSummry><TtlNtries>{totals}</TtlNtries></TxsSummry>"


def _balance(kind: str, minor: int | None, on: date | None, code: str) -> str:
    if minor is None:
        return ""
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(minor, code)}"
        f"<Dt><Dt>{on}</Dt></Dt></Bal>"
    )


def _amount(minor: int, code: str) -> str:
    word = "DBIT" if minor < 0 else "CRDT"
    text = format_minor(abs(minor), code)
    return f'<Amt Ccy="{code}">{text}</Amt><CdtDbtInd>{word}</CdtDbtInd>'


def _entry(line: BankLine) -> Iterator[str]:
    yield f"<Ntry>{_amount(line.amount_minor, line.currency)}"
    yield "<RvslInd>true</RvslInd>" if line.reversal else ""
    yield f"<Sts><Cd>{'BOOK' if line.status == 'booked' else 'PDNG'}</Cd></Sts>"
    yield f"<BookgDt><Dt>{line.booked_on}</Dt></BookgDt>"
    yield f"<ValDt><Dt>{line.valued_on or line.booked_on}</Dt></ValDt>"
    yield f"<AcctSvcrRef>{escape(line.reference)}</AcctSvcrRef>" if line.reference else ""
    role = "Dbtr" if (line.amount_minor >= 0) != line.reversal else "Cdtr"
    yield f"<NtryDtls><TxDtls><Refs><EndToEndId>{escape(line.end_to_end or 'NOTPROVIDED')}"
    yield f"</EndToEndId></Refs><RltdPties><{role}><Pty><Nm>{escape(line.counterparty)}</Nm></Pty>"
    yield f"</{role}></RltdPties><RmtInf><Ustrd>{escape(line.text)}</Ustrd></RmtInf>"
    yield "</TxDtls></NtryDtls></Ntry>"
