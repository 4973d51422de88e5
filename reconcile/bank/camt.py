"""ISO 20022 statements: camt.052, camt.053 and camt.054, versions 02 to 08.

Elements are found by their local names. Only what is needed is read, by a parser that refuses
document type definitions and entities; see the message definitions of ISO 20022 for the elements.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from domain.bank import BankLine, BankStatement
from domain.errors import UnreadableExport
from domain.settlement import Reject, StatedTotal
from reconcile.bank.amounts import Unreadable, day, minor
from reconcile.bank.optional import needed
from reconcile.intake.masking import shown

_KINDS = ("BkToCstmrStmt", "BkToCstmrAcctRpt", "BkToCstmrDbtCdtNtfctn")
_STATEMENTS = ("Stmt", "Rpt", "Ntfctn")
_OPENING, _CLOSING = ("OPBD", "PRCD"), ("CLBD",)


def read_camt(data: bytes, file: str) -> Iterator[BankStatement]:
    """The statements of a file.

    Raises:
        UnreadableExport: it is no such document, or not safe to read.
    """
    root = _parse(data, file)
    body = next((node for node in root if _name(node) in _KINDS), None)
    if body is None:
        raise UnreadableExport("the document is no bank statement of ISO 20022", file=file)
    number = 0
    for node in body:
        if _name(node) in _STATEMENTS:
            statement, number = _statement(node, file, number)
            yield statement


def _parse(data: bytes, file: str) -> Any:
    common, tree = needed("defusedxml.common"), needed("defusedxml.ElementTree")

    try:
        return tree.fromstring(data, forbid_dtd=True)
    except common.DefusedXmlException:
        reason = "the document defines entities or a type of its own, which is not safe to read"
        raise UnreadableExport(reason, file=file) from None
    except (tree.ParseError, ValueError, LookupError) as error:
        line = getattr(error, "position", (1, 0))[0]
        raise UnreadableExport("the XML is damaged or cut off", file=file, line=line) from None


def _statement(node: Any, file: str, number: int) -> tuple[BankStatement, int]:
    account = _text(node, "Acct/Id/IBAN") or _text(node, "Acct/Id/Othr/Id")
    lines: list[BankLine] = []
    rejects: list[Reject] = []
    for entry in _all(node, "Ntry"):
        number += 1
        try:
            lines += _entry(entry, account, number)
        except Unreadable as bad:
            rejects.append(Reject(file, number, bad.column, bad.reason, shown(bad.text)))
    currency = _text(node, "Acct/Ccy") or (lines[0].currency if lines else "")
    opening, closing = _balance(node, _OPENING, currency), _balance(node, _CLOSING, currency)
    made = BankStatement(
        account, currency or (opening[2] if opening else ""), _text(node, "Id"),
        opening[0] if opening else None, opening[1] if opening else None,
        closing[0] if closing else None, closing[1] if closing else None,
        tuple(lines), tuple(rejects), tuple(_summary(node, lines)),
    )  # fmt: skip
    return made, number


def _entry(entry: Any, account: str, number: int) -> list[BankLine]:
    """The line of an entry, or those of its parts where they come to it."""
    whole = _line(entry, entry, account, number)
    parts = [
        _line(entry, part, account, number)
        for details in _all(entry, "NtryDtls")
        for part in _all(details, "TxDtls")
        if _amount_of(part) is not None
    ]
    if len(parts) > 1 and sum(part.amount_minor for part in parts) == whole.amount_minor:
        return parts
    detail = next(iter(_walk(entry, "NtryDtls/TxDtls")), None)
    if detail is None:
        return [whole]
    return [_line(entry, detail, account, number, amount_from=entry)]


def _line(
    entry: Any, part: Any, account: str, number: int, amount_from: Any | None = None
) -> BankLine:
    holder = part if amount_from is None else amount_from
    found = _amount_of(holder)
    if found is None:
        raise Unreadable("Amt", "the entry has no amount", "")
    text, currency = found
    value = minor(text, currency, "Amt")
    status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
    booked = _text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm")
    valued = _text(entry, "ValDt/Dt") or _text(entry, "ValDt/DtTm")
    debit = _sign(entry, part)
    return BankLine(
        account=account,
        currency=currency,
        amount_minor=-value if debit else value,
        booked_on=day((booked or valued)[:10], "%Y-%m-%d", "BookgDt"),
        valued_on=day(valued[:10], "%Y-%m-%d", "ValDt") if valued else None,
        reference=_text(part, "Refs/AcctSvcrRef") or _text(entry, "AcctSvcrRef"),
        end_to_end=_end_to_end(part),
        counterparty=_counterparty(part, debit=debit),
        text=_remittance(entry, part),
        line=number,
        pending=status not in ("BOOK", ""),
    )


def _sign(entry: Any, part: Any) -> bool:
    word = _text(part, "CdtDbtInd") or _text(entry, "CdtDbtInd")
    if word not in ("CRDT", "DBIT"):
        raise Unreadable("CdtDbtInd", "neither CRDT nor DBIT", word)
    return word == "DBIT"


def _amount_of(node: Any) -> tuple[str, str] | None:
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        found = next(iter(_walk(node, path)), None)
        if found is not None:
            return (found.text or "").strip(), found.get("Ccy", "")
    return None


def _end_to_end(part: Any) -> str:
    name = _text(part, "Refs/EndToEndId")
    return "" if name == "NOTPROVIDED" else name


def _counterparty(part: Any, *, debit: bool) -> str:
    side = "Cdtr" if debit else "Dbtr"
    return _text(part, f"RltdPties/{side}/Nm") or _text(part, f"RltdPties/{side}/Pty/Nm")


def _remittance(entry: Any, part: Any) -> str:
    texts = [node.text for node in _walk(part, "RmtInf/Ustrd")]
    texts += [node.text for node in _walk(part, "RmtInf/Strd/CdtrRefInf/Ref")]
    texts += [_text(part, "AddtlTxInf"), _text(entry, "AddtlNtryInf")]
    return " ".join(" ".join(text.split()) for text in texts if text)


def _balance(
    node: Any, kinds: tuple[str, ...], currency: str
) -> tuple[int, date | None, str] | None:
    for kind in kinds:
        for balance in _all(node, "Bal"):
            if _text(balance, "Tp/CdOrPrtry/Cd") != kind:
                continue
            found = _amount_of(balance)
            if found is None or (currency and found[1] != currency):
                continue
            try:
                value = minor(found[0], found[1], "Bal")
                text = _text(balance, "Dt/Dt") or _text(balance, "Dt/DtTm")
                on = day(text[:10], "%Y-%m-%d", "Bal") if text else None
            except Unreadable:
                return None
            return (-value if _text(balance, "CdtDbtInd") == "DBIT" else value), on, found[1]
    return None


def _summary(node: Any, lines: list[BankLine]) -> Iterator[StatedTotal]:
    """What the statement says of its entries: their number, and the sums of both directions."""
    stated = _text(node, "TxsSummry/TtlNtries/NbOfNtries")
    if stated.isdigit():
        yield StatedTotal("entries", "", int(stated), len({line.line for line in lines}))
    currency = lines[0].currency if lines else ""
    for path, name, sign in (("TtlCdtNtries", "credits", 1), ("TtlDbtNtries", "debits", -1)):
        text = _text(node, f"TxsSummry/{path}/Sum")
        if text and currency:
            try:
                value = minor(text, currency, path)
            except Unreadable:
                continue
            moved = sum(sign * ln.amount_minor for ln in lines if sign * ln.amount_minor > 0)
            yield StatedTotal(name, currency, value, moved)


def _name(node: Any) -> str:
    return str(node.tag).rpartition("}")[2]


def _all(node: Any, name: str) -> list[Any]:
    return [child for child in node if _name(child) == name]


def _walk(node: Any, path: str) -> list[Any]:
    found = [node]
    for name in path.split("/"):
        found = [child for parent in found for child in _all(parent, name)]
    return found


def _text(node: Any, path: str) -> str:
    found = _walk(node, path)
    return (found[0].text or "").strip() if found else ""
