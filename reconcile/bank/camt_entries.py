"""One CAMT entry as lines: a batch is split when its parts are said to come to its amount."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from domain.bank import BankLine, BankPart
from reconcile.bank.camt_xml import Element
from reconcile.bank.figures import Damage, currency, minor, whole
from reconcile.bank.texts import plain

_NO_REFERENCE = {"NOTPROVIDED", "NONREF", "NOTAVAILABLE"}
_DIRECTIONS = {"CRDT": 1, "DBIT": -1}


def signed(amount_minor: int, element: Element) -> int:
    """An amount with the direction the element states.

    Raises:
        Damage: it states none.
    """
    word = element.value("CdtDbtInd")
    if word not in _DIRECTIONS:
        raise Damage("CdtDbtInd", "neither CRDT nor DBIT", word)
    if amount_minor < 0:
        raise Damage("Amt", "a minus sign beside a credit or debit indicator", str(amount_minor))
    return amount_minor * _DIRECTIONS[word]


@dataclass(frozen=True, slots=True)
class Entry:
    """One <Ntry> and the line it is as a whole, still without the words of its details."""

    element: Element
    line: BankLine

    @property
    def details(self) -> list[Element]:
        """Its transactions."""
        return list(self.element.all("NtryDtls/TxDtls"))

    def stated(self) -> Iterator[tuple[str, int, int]]:
        """Name, stated and found of what its batches say about themselves.

        Raises:
            Damage: a figure there cannot be read.
        """
        for group in self.element.all("NtryDtls"):
            text, held = group.value("Btch/NbOfTxs"), len(list(group.all("TxDtls")))
            if text and held:
                yield "batch count", whole(text, "Btch/NbOfTxs"), held


def lines_of(entry: Entry) -> list[BankLine]:
    """The entry's lines: one, or one per part of a batch.

    Raises:
        Damage: see `Entry.stated`.
    """
    list(entry.stated())
    line, details = entry.line, entry.details
    extra = plain(entry.element.value("AddtlNtryInf"))
    if not details:
        return [replace(line, text=extra)]
    if len(details) == 1:
        part = _part(details[0], line)
        differs = (part.amount_minor, part.currency) not in (
            (None, line.currency), (line.amount_minor, line.currency)
        )  # fmt: skip
        return [_named(line, details[0], part, extra, (part,) if differs else ())]
    parts = [_part(detail, line) for detail in details]
    if _comes_to(parts, line):
        return [
            _named(replace(line, amount_minor=part.amount_minor or 0), detail, part, extra, ())
            for detail, part in zip(details, parts, strict=True)
        ]
    names = "; ".join(dict.fromkeys(p.counterparty for p in parts if p.counterparty))
    return [replace(line, counterparty=names, text=extra, parts=tuple(parts))]


def _comes_to(parts: list[BankPart], line: BankLine) -> bool:
    amounts = [part.amount_minor for part in parts if part.currency == line.currency]
    known = [amount for amount in amounts if amount is not None]
    return len(known) == len(parts) and sum(known) == line.amount_minor


def _named(
    line: BankLine, detail: Element, part: BankPart, extra: str, parts: tuple[BankPart, ...]
) -> BankLine:
    """The line with the words of one of its transactions."""
    own = detail.value("Refs/AcctSvcrRef")
    text = part.text if not extra or extra in part.text else f"{part.text} {extra}".strip()
    return replace(
        line, reference=_reference(own) or _reference(line.reference), end_to_end=part.end_to_end,
        counterparty=part.counterparty, text=text, parts=parts,
    )  # fmt: skip


def _part(detail: Element, line: BankLine) -> BankPart:
    """What one transaction says; its amount is None unless it can be read exactly."""
    code, amount = _part_amount(detail, line)
    end_to_end = (
        _reference(detail.value("Refs/EndToEndId"))
        or _reference(detail.value("Refs/TxId"))
        or _reference(detail.value("Refs/InstrId"))
    )
    return BankPart(amount, code, end_to_end, _counterparty(detail, line), _text(detail))


def _part_amount(detail: Element, line: BankLine) -> tuple[str, int | None]:
    found = detail.get("Amt", "AmtDtls/TxAmt/Amt")
    if found is None:
        return line.currency, None
    try:
        code = currency(found.attributes.get("Ccy", ""), "TxDtls/Amt/@Ccy")
        amount = minor(found.text.strip(), code, "TxDtls/Amt")
    except Damage:
        return line.currency, None
    word = detail.value("CdtDbtInd")
    direction = _DIRECTIONS.get(word) if word else (-1 if line.amount_minor < 0 else 1)
    return code, None if direction is None or amount < 0 else amount * direction


def _reference(text: str) -> str:
    return "" if text.upper() in _NO_REFERENCE else plain(text)


def _counterparty(detail: Element, line: BankLine) -> str:
    """The other side: who paid for a credit, who was paid for a debit, swapped in a reversal."""
    paid_in = (line.amount_minor >= 0) != line.reversal
    roles = ("Dbtr", "Cdtr") if paid_in else ("Cdtr", "Dbtr")
    paths = [f"RltdPties/{role}/{way}" for role in roles for way in ("Nm", "Pty/Nm")]
    return plain(detail.value(*paths))


def _text(detail: Element) -> str:
    words = [e.text for e in detail.all("RmtInf/Ustrd")]
    words += [e.text for e in detail.all("RmtInf/Strd/CdtrRefInf/Ref")]
    words += [e.text for e in detail.all("AddtlTxInf")]
    return plain(" ".join(dict.fromkeys(word.strip() for word in words if word.strip())))
