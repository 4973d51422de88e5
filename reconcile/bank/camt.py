"""ISO 20022 cash management: camt.053 (statement), camt.052 (report), camt.054 (notification).

The direction of an entry is its own CdtDbtInd, also for reversals: RvslInd only says why.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

from domain.bank import BOOKED, PENDING, BankLine, BankStatement
from domain.errors import UnreadableExport
from domain.iso4217 import EXPONENTS
from reconcile.bank.camt_entries import Entry, lines_of, signed
from reconcile.bank.camt_xml import Element, parse
from reconcile.bank.drafting import Draft
from reconcile.bank.figures import Damage, currency, iso_day, minor, whole

CONTAINERS = {
    "BkToCstmrStmt": ("bank.camt053", "Stmt"),
    "BkToCstmrAcctRpt": ("bank.camt052", "Rpt"),
    "BkToCstmrDbtCdtNtfctn": ("bank.camt054", "Ntfctn"),
}
"""Element of the message -> format and the element of one statement."""
NAMESPACE = re.compile(r"(urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.001\.[0-9]{2})?")
STATUSES = {"BOOK": BOOKED, "PDNG": PENDING, "FUTR": PENDING, "INFO": PENDING}
"""What the bank has booked moves the balance; what it announces does not."""
_ENVELOPES_MAX = 4
_OPENINGS, _CLOSINGS = ("OPBD", "PRCD"), ("CLBD",)


def read_camt(data: bytes, file: str) -> list[BankStatement]:
    """The statements of a file, one per account and currency.

    Raises:
        UnreadableExport: not well-formed, unsafe, or another message.
    """
    message = _message(parse(data, file), file)
    name = CONTAINERS[message.name][1]
    found = [_statement(element, file) for element in message.all(name)]
    if not found:
        raise UnreadableExport(f"the message has no <{name}>", file=file, line=message.line)
    return [statement for draft in found for statement in draft.statements()]


def _message(root: Element, file: str) -> Element:
    """The message inside whatever envelopes stand around it."""
    level: Sequence[Element] = [root]
    for _ in range(_ENVELOPES_MAX):
        for element in level:
            if element.name in CONTAINERS:
                if not NAMESPACE.fullmatch(element.namespace):
                    reason = f"<{element.name}> is of the namespace {element.namespace!r}"
                    raise UnreadableExport(reason, file=file, line=element.line)
                return element
        level = [child for element in level for child in element.children]
    raise UnreadableExport("the XML is no camt.052, camt.053 or camt.054", file=file, line=1)


def _statement(element: Element, file: str) -> Draft:
    account = element.value("Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/PrtryAcct/Id")
    if not account:
        reason = f"<{element.name}> names no account"
        raise UnreadableExport(reason, file=file, line=element.line)
    draft = Draft(file, account, element.value("Id"), _own_currency(element))
    # The previous closing balance stands in for an opening one that is not there.
    for balance in sorted(element.all("Bal"), key=lambda bal: _kind(bal) == "PRCD"):
        _guard(draft, balance, partial(_balance, draft, balance))
    entries = list(element.all("Ntry"))
    for entry in entries:
        _guard(draft, entry, partial(_entry, draft, entry))
    for summary in element.all("TxsSummry"):
        _guard(draft, summary, partial(_summary, draft, summary, entries))
    return draft


def _own_currency(element: Element) -> str:
    """The account's, else that of a first balance or entry; empty when that is no currency."""
    amount = element.get("Bal/Amt", "Ntry/Amt")
    code = element.value("Acct/Ccy") or (amount.attributes.get("Ccy", "") if amount else "")
    return code if code in EXPONENTS else ""


def _guard(draft: Draft, element: Element, read: Callable[[], None]) -> None:
    try:
        read()
    except Damage as damage:
        draft.refuse(element.line, damage)


def _kind(balance: Element) -> str:
    return balance.value("Tp/CdOrPrtry/Cd")


def _amount(element: Element) -> tuple[int, str]:
    amount = element.get("Amt")
    if amount is None:
        raise Damage("Amt", "the amount is missing")
    code = currency(amount.attributes.get("Ccy", ""), "Amt/@Ccy")
    return minor(amount.text.strip(), code, "Amt"), code


def _balance(draft: Draft, element: Element) -> None:
    """Opening is OPBD, else the previous closing; closing is CLBD. Others are not of the books."""
    kind = _kind(element)
    if kind not in (*_OPENINGS, *_CLOSINGS):
        return
    amount, code = _amount(element)
    held = signed(amount, element)
    text = element.value("Dt/Dt", "Dt/DtTm", "Dt")
    on = iso_day(text, "Bal/Dt") if text else None
    side = draft.closing if kind in _CLOSINGS else draft.opening
    earlier = side.get(code)
    if earlier is None or _outer(kind, on, earlier[1], side is draft.closing):
        side[code] = (held, on)
    elif earlier != (held, on) and kind != "PRCD":
        draft.state(f"{kind} stated twice", code, held, earlier[0])


def _outer(kind: str, on: date | None, known: date | None, closing: bool) -> bool:
    """Whether a further balance of a statement of several pages stands further out."""
    if on is None or known is None or on == known or kind == "PRCD":
        return False
    return on > known if closing else on < known


def _entry(draft: Draft, element: Element) -> None:
    amount, code = _amount(element)
    word = element.value("Sts/Cd", "Sts")
    if word not in STATUSES:
        raise Damage("Sts", f"unknown status {word!r}" if word else "the status is empty", word)
    line = BankLine(
        draft.account, code, signed(amount, element), _day(element, "BookgDt") or _undated(element),
        _day(element, "ValDt"), element.value("AcctSvcrRef"), status=STATUSES[word],
        reversal=_flag(element.value("RvslInd")), line=element.line,
    )  # fmt: skip
    entry = Entry(element, line)
    draft.lines.extend(lines_of(entry))
    for name, stated, found in entry.stated():
        draft.state(f"{name} of the entry at line {line.line}", "", stated, found)


def _day(element: Element, name: str) -> date | None:
    text = element.value(f"{name}/Dt", f"{name}/DtTm")
    return iso_day(text, name) if text else None


def _undated(element: Element) -> date:
    """Pending entries may have no booking day yet: their value date stands in."""
    valued = _day(element, "ValDt")
    if valued is None:
        raise Damage("BookgDt", "the entry has no date")
    return valued


def _flag(text: str) -> bool:
    if text not in ("", "true", "false", "0", "1"):
        raise Damage("RvslInd", "neither true nor false", text)
    return text in ("true", "1")


def _summary(draft: Draft, element: Element, entries: Sequence[Element]) -> None:
    """Counts and sums the statement states; entries that cannot be read count, and sum to 0."""
    for name, word in (("TtlNtries", ""), ("TtlCdtNtries", "CRDT"), ("TtlDbtNtries", "DBIT")):
        total = element.get(name)
        chosen = [e for e in entries if word in ("", e.value("CdtDbtInd"))]
        if total is None:
            continue
        if total.value("NbOfNtries"):
            stated = whole(total.value("NbOfNtries"), f"{name}/NbOfNtries")
            draft.state(f"{name} count", "", stated, len(chosen))
        code = _only_currency(draft, entries)
        if total.value("Sum") and code:
            stated = minor(total.value("Sum"), code, f"{name}/Sum")
            draft.state(f"{name} sum", code, stated, _sum(chosen, net=False))
        net = total.value("TtlNetNtry/Amt", "TtlNetNtryAmt")
        if net and code:
            way = total.get("TtlNetNtry") or total
            stated = signed(minor(net, code, f"{name}/TtlNetNtry"), way)
            draft.state(f"{name} net", code, stated, _sum(chosen, net=True))


def _only_currency(draft: Draft, entries: Sequence[Element]) -> str:
    """That of the sums, which name none: empty where entries have several."""
    codes = {a.attributes.get("Ccy", "") for e in entries for a in e.all("Amt")}
    code = codes.pop() if len(codes) == 1 else "" if codes else draft.currency
    return code if code in EXPONENTS else ""


def _sum(entries: Sequence[Element], *, net: bool) -> int:
    total = 0
    for entry in entries:
        try:
            amount = _amount(entry)[0]
            total += signed(amount, entry) if net else amount
        except Damage:
            continue
    return total
