"""SWIFT MT940: statements of one or more pages, checked against their own balances and sums.

Amounts and days are read here, strictly: mt-940 cuts an amount of more than 15 characters short
and signs reversals of credits the other way round unless told. It reads what `:86:` says.
"""

import re
from collections.abc import Sequence
from datetime import date

from domain.bank import BankLine, BankStatement
from domain.errors import UnreadableExport
from reconcile.bank.drafting import Draft
from reconcile.bank.figures import Damage, currency, day, minor, short_day, whole
from reconcile.bank.mt940_details import Details, read_details, reference
from reconcile.bank.mt940_fields import Field, blocks
from reconcile.bank.texts import plain

_LINE = re.compile(
    r"(?P<valued>[0-9]{6})(?P<entry>[0-9]{4}|\s{4})?(?P<mark>R?[CD])(?P<funds>[A-Z])?[ \n]?"
    r"(?P<amount>[0-9][0-9.,]*)(?P<kind>[A-Z][A-Z0-9 ]{3})?(?P<rest>.*)",
    re.DOTALL,
)
_BALANCE = re.compile(r"(?P<mark>[CD])(?P<on>[0-9]{6})(?P<code>.{3})(?P<amount>.*)")
_SUM = re.compile(r"(?P<count>[0-9]{1,5})(?P<code>[A-Z]{3})(?P<amount>.*)")
_SIGNS = {"C": 1, "D": -1, "RC": -1, "RD": 1}
"""RC takes a credit back, RD a debit."""
_HALF_YEAR = 182


def read_mt940(text: str, file: str) -> list[BankStatement]:
    """The statements of a file; pages of one statement are put together.

    Raises:
        UnreadableExport: no `:20:` starts a statement, or one names no account.
        ConfigurationError: the extra `bank` is not installed.
    """
    pages = blocks(text)
    if not pages:
        raise UnreadableExport("no :20: starts a statement", file=file, line=1)
    read: list[_Page] = []
    for block in pages:
        read.append(_Page(block, file, read[-1] if read else None))
        read[-1].read()
    ends = list({id(page.draft): page for page in read}.values())
    for end in ends:
        end.check_whole()
    return [statement for end in ends for statement in end.draft.statements()]


class _Page:
    """One block from `:20:` on; it continues the draft before it when it opens in between."""

    def __init__(self, page: Sequence[Field], file: str, before: "_Page | None") -> None:
        self.page = page
        account = self._first("25", "25P")
        if not account:
            raise UnreadableExport("a statement names no account", file=file, line=page[0].line)
        number = self._first("28C", "28").partition("/")[0]
        between = any(field.tag == "60M" for field in page)
        self.closed_by = ""
        self.draft: Draft
        self.continues = (
            between and before is not None and before.closed_by == "62M"
            and before.draft.account == account
        )  # fmt: skip
        if self.continues and before is not None:
            self.draft = before.draft
        else:
            self.draft = Draft(file, account, plain(f"{self._first('20')} {number}"))

    def _first(self, *tags: str) -> str:
        return next((f.lines[0].strip() for f in self.page if f.tag in tags), "")

    def check_whole(self) -> None:
        """Refuse a statement that lacks a balance or its last page; this is its last one here."""
        line, draft = self.page[-1].line, self.draft
        for side, name in ((draft.opening, ":60F:"), (draft.closing, ":62F:")):
            refused = any(reject.column[:3] == name[:3] for reject in draft.rejects)
            if not side and not refused:
                reason = "the statement has no such balance: the file is cut off or incomplete"
                draft.refuse(line, Damage(name, reason))
        if self.closed_by == "62M":
            draft.refuse(line, Damage(":62M:", "the pages after this one are missing"))

    def read(self) -> None:
        """Put the page's fields into the draft."""
        for at, field in enumerate(self.page):
            try:
                if field.tag == "61":
                    self._line(field, self._details(at))
                elif field.tag[:2] in ("60", "62"):
                    self._balance(field)
                elif field.tag in ("90C", "90D"):
                    self._sum(field)
            except Damage as damage:
                self.draft.refuse(field.line, damage)

    def _details(self, at: int) -> Details:
        """Those that follow directly; several are one text."""
        found, at = [], at + 1
        while at < len(self.page) and self.page[at].tag in ("86", "NS"):
            found += [self.page[at].text] if self.page[at].tag == "86" else []
            at += 1
        return read_details("\n".join(found))

    def _balance(self, field: Field) -> None:
        match = _BALANCE.fullmatch(field.lines[0].strip())
        if match is None:
            reason = "not a balance: mark, YYMMDD, currency and amount are expected"
            raise Damage(field.name, reason, field.text)
        code = self._own(currency(match["code"], field.name), field)
        held = _amount(match["amount"], code, field.name) * _SIGNS[match["mark"]]
        on = short_day(match["on"], field.name)
        if field.tag[:2] == "62":
            if self.closed_by:
                raise Damage(field.name, "a second closing balance", field.text)
            self.closed_by = field.tag
            self.draft.closing[code] = (held, on)
        else:
            self._open(field, code, held, on)

    def _open(self, field: Field, code: str, held: int, on: date) -> None:
        draft = self.draft
        if self.continues:
            name = f"opening balance of the page at line {field.line}"
            draft.state(name, code, held, draft.closing.get(code, (held, on))[0])
            return
        if code in draft.opening:
            raise Damage(field.name, "a second opening balance", field.text)
        draft.opening[code] = (held, on)
        if field.tag == "60M":
            raise Damage(field.name, "the pages before this one are missing", field.text)

    def _own(self, code: str, field: Field) -> str:
        """The statement's one currency."""
        if self.draft.currency not in ("", code):
            reason = f"{code} in a statement of {self.draft.currency}"
            raise Damage(field.name, reason, field.text)
        self.draft.currency = code
        return code

    def _sum(self, field: Field) -> None:
        match = _SUM.fullmatch(field.lines[0].strip())
        if match is None:
            raise Damage(field.name, "not a count, currency and amount", field.text)
        code = self._own(currency(match["code"], field.name), field)
        sign = 1 if field.tag == "90C" else -1
        chosen = [n.amount_minor * sign for n in self.draft.lines if n.amount_minor * sign > 0]
        stated = _amount(match["amount"], code, field.name)
        self.draft.state(f"{field.name} sum", code, stated, sum(chosen))
        self.draft.state(f"{field.name} count", "", whole(match["count"], field.name), len(chosen))

    def _line(self, field: Field, details: Details) -> None:
        match = _LINE.fullmatch(field.text)
        if match is None:
            reason = "not a statement line: date, mark and amount are expected"
            raise Damage(":61:", reason, field.text)
        code = self.draft.currency
        if not code:
            raise Damage(":61:", "no opening balance before it names a currency", field.text)
        valued = short_day(match["valued"], ":61:")
        amount = _amount(match["amount"], code, ":61:") * _SIGNS[match["mark"]]
        customer, bank, rest = _references(match["rest"])
        self.draft.lines.append(
            BankLine(
                self.draft.account, code, amount, _booked(valued, match["entry"] or ""), valued,
                bank, details.end_to_end or customer, details.counterparty, details.text or rest,
                reversal=match["mark"].startswith("R"), line=field.line,
            )
        )  # fmt: skip


def _references(rest: str) -> tuple[str, str, str]:
    """Customer's reference, the bank's, and what stands on the lines below."""
    first, _, below = rest.partition("\n")
    customer, _, bank = first.partition("//")
    return reference(customer), reference(bank), plain(below)


def _booked(valued: date, entry: str) -> date:
    """The entry day MMDD, in the year that puts it next to the value date."""
    if not entry.strip():
        return valued
    found = [
        day(":61:", entry, str(year), entry[:2], entry[2:])
        for year in (valued.year - 1, valued.year, valued.year + 1)
        if entry != "0229" or year % 4 == 0
    ]
    if not found:
        raise Damage(":61:", "no such day in the calendar", entry)
    nearest = min(found, key=lambda on: abs((on - valued).days))
    if abs((nearest - valued).days) > _HALF_YEAR:
        raise Damage(":61:", "entry and value date are half a year apart", entry)
    return nearest


def _amount(text: str, code: str, column: str) -> int:
    """An amount with its comma, which may stand last: `1200,`.

    Raises:
        Damage: it has none, or is no such number.
    """
    text = text.strip()
    if "," not in text:
        raise Damage(column, "the amount has no decimal comma", text)
    return minor(text.removesuffix(","), code, column, comma=True)
