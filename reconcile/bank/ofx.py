"""OFX and QFX: bank and credit-card statements; the bank's id of a line is its FITID.

OFX states a closing balance and no opening one. Days are the bank's own: the zone behind an
instant moves no line to another day.
"""

import re
from datetime import date

from domain.bank import BOOKED, PENDING, BankLine, BankStatement
from domain.errors import UnreadableExport
from reconcile.bank.drafting import Draft
from reconcile.bank.figures import Damage, currency, day, minor
from reconcile.bank.ofx_nodes import Node, nodes
from reconcile.bank.texts import plain
from reconcile.intake.masking import shown

_DATE = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2,6}(\.[0-9]{1,3})?)?(\[[+-]?[0-9.]+(:\w*)?\])?"
)
_HEADER = re.compile(r"^(ENCODING|CHARSET):\s*([\w-]+)\s*$", re.MULTILINE)
_XML = re.compile(r"<\?xml[^>]*encoding=[\"']([\w-]+)[\"']")
_CHARSETS = {"1252": "cp1252", "8859-1": "latin-1", "ISO-8859-1": "latin-1"}


def declared_encoding(head: bytes) -> str | None:
    """The encoding an OFX header declares; None when it is UTF-8 or declares none."""
    text = head[:1024].decode("latin-1")
    found = dict(_HEADER.findall(text.replace("\r", "")))
    xml = _XML.search(text)
    if xml:
        return _CHARSETS.get(xml[1].upper())
    if found.get("ENCODING", "").upper() in ("USASCII", ""):
        return _CHARSETS.get(found.get("CHARSET", "").upper())
    return None


def read_ofx(text: str, file: str) -> list[BankStatement]:
    """The statements of a file, one per account and currency.

    Raises:
        UnreadableExport: not in order, or without a statement.
    """
    root = nodes(text, file)
    found = [_statement(node, file) for node in root.all("STMTRS", "CCSTMTRS")]
    if not found:
        raise UnreadableExport("the file has no statement (STMTRS)", file=file, line=root.line)
    return [statement for draft in found for statement in draft.statements()]


def _statement(node: Node, file: str) -> Draft:
    owner = node.child("BANKACCTFROM", "CCACCTFROM")
    account = owner.leaves.get("ACCTID", "") if owner else ""
    if not account:
        raise UnreadableExport("a statement names no account", file=file, line=node.line)
    if owner and owner.name == "CCACCTFROM":
        account = shown(account)
    code = node.leaves.get("CURDEF", "")
    try:
        currency(code, "CURDEF")
    except Damage as damage:
        raise UnreadableExport(damage.reason, file=file, line=node.line, column="CURDEF") from None
    listed = node.child("BANKTRANLIST")
    period = [listed.leaves.get(name, "")[:8] for name in ("DTSTART", "DTEND")] if listed else []
    draft = Draft(file, account, "-".join(period), code)
    for entry in node.all("STMTTRN", "STMTTRNP"):
        try:
            draft.lines.append(_line(entry, draft))
        except Damage as damage:
            draft.refuse(entry.line, damage)
    _close(node, draft)
    return draft


def _close(node: Node, draft: Draft) -> None:
    """The ledger balance, and whether every line has an id of its own."""
    held = node.child("LEDGERBAL")
    try:
        if held is not None:
            amount = _amount(held.leaves.get("BALAMT", ""), draft.currency, "BALAMT")
            draft.closing[draft.currency] = (amount, _day(held.leaves.get("DTASOF", ""), "DTASOF"))
    except Damage as damage:
        draft.refuse(held.line if held else node.line, damage)
    ids = [line.reference for line in draft.lines if line.reference]
    draft.state("lines by FITID", "", len(ids), len(set(ids)))


def _line(node: Node, draft: Draft) -> BankLine:
    for name in sorted(node.repeated & {"TRNAMT", "DTPOSTED", "FITID", "TRNTYPE"}):
        raise Damage(name, f"{name} stands twice in one line")
    leaves, pending = node.leaves, node.name == "STMTTRNP"
    if "CORRECTACTION" in leaves:
        reason = "it corrects an earlier line, which is not done here"
        raise Damage("CORRECTACTION", reason, leaves["CORRECTACTION"])
    other = node.child("CURRENCY")
    code = currency(other.leaves.get("CURSYM", ""), "CURSYM") if other else draft.currency
    if not pending and "FITID" not in leaves:
        raise Damage("FITID", "the line has no id")
    dated = "DTTRAN" if pending else "DTPOSTED"
    payee = node.child("PAYEE")
    name = leaves.get("NAME", "") or (payee.leaves.get("NAME", "") if payee else "")
    available = leaves.get("DTAVAIL", "")
    return BankLine(
        draft.account, code, _amount(leaves.get("TRNAMT", ""), code, "TRNAMT"),
        _day(leaves.get(dated, ""), dated), _day(available, "DTAVAIL") if available else None,
        plain(leaves.get("FITID", "")), plain(leaves.get("REFNUM") or leaves.get("CHECKNUM", "")),
        plain(name), plain(leaves.get("MEMO", "")), PENDING if pending else BOOKED, line=node.line,
    )  # fmt: skip


def _amount(text: str, code: str, column: str) -> int:
    """OFX has no thousands separators, and a point or a comma before the decimals."""
    return minor(text.removeprefix("+"), code, column, comma="," in text)


def _day(text: str, column: str) -> date:
    match = _DATE.fullmatch(text)
    if match is None:
        raise Damage(column, "not a date: YYYYMMDD is expected", text)
    return day(column, text, match[1], match[2], match[3])
