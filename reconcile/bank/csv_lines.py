"""A bank's CSV file by a declared mapping; a balance column is checked from line to line."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from domain.bank import BOOKED, PENDING, BankLine, BankStatement
from domain.errors import UnreadableExport
from reconcile.bank.csv_mapping import CsvMapping
from reconcile.bank.drafting import Draft
from reconcile.bank.figures import Damage, currency, day, minor
from reconcile.bank.texts import plain


@dataclass(frozen=True, slots=True)
class _Held:
    """A booked line and the balance the file states behind it."""

    line: BankLine
    balance_minor: int


def read_csv(text: str, file: str, mapping: CsvMapping) -> list[BankStatement]:
    """The statements of a file, one per currency.

    Raises:
        UnreadableExport: no header, or columns the mapping names are missing.
    """
    rows = _rows(text, mapping)
    header = next(rows, None)
    first = mapping.skip_lines + 1
    if header is None or isinstance(header[1], str):
        raise UnreadableExport("no header where one is expected", file=file, line=first)
    names = [cell.strip() for cell in header[1]]
    for name in mapping.columns.values():
        if names.count(name) != 1:
            found = "is missing" if name not in names else "stands twice"
            reason = f"the column {found} that the mapping {mapping.name} names"
            raise UnreadableExport(reason, file=file, line=header[0], column=name)
    draft = Draft(file, mapping.account, "", mapping.currency)
    held: list[_Held] = []
    places = {key: names.index(name) for key, name in mapping.columns.items()}
    for line, cells in rows:
        try:
            _take(draft, held, _Row(mapping, places, _cells(cells, len(names)), line))
        except Damage as damage:
            draft.refuse(line, damage)
    for code in sorted({one.line.currency for one in held}):
        _check_running(draft, code, [one for one in held if one.line.currency == code])
    return draft.statements()


def _rows(text: str, mapping: CsvMapping) -> Iterator[tuple[int, list[str] | str]]:
    """First physical line and cells of each row, or what is wrong with it; blank ones left out."""
    lines = io.StringIO(text, newline="")
    for _ in range(mapping.skip_lines):
        lines.readline()
    reader = csv.reader(lines, delimiter=mapping.delimiter, strict=True)
    before = mapping.skip_lines
    while True:
        found: list[str] | str
        try:
            found = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            found = f"the row is damaged: {error}"
        line, before = before + 1, mapping.skip_lines + reader.line_num
        if found:
            yield line, found


def _cells(cells: list[str] | str, width: int) -> list[str]:
    if isinstance(cells, str):
        raise Damage("", cells)
    if len(cells) != width:
        reason = f"the row has {len(cells)} cells, the header has {width}"
        raise Damage("", reason, ",".join(cells))
    return cells


@dataclass(frozen=True, slots=True)
class _Row:
    mapping: CsvMapping
    places: dict[str, int]
    cells: list[str]
    line: int

    def get(self, key: str) -> str:
        """The cell of that meaning, empty when there is no such column."""
        return self.cells[self.places[key]].strip() if key in self.places else ""

    def amount(self, key: str, code: str) -> int:
        """An amount as the mapping says they are written."""
        name, text, mapping = self.mapping.columns[key], self.get(key), self.mapping
        plus = text.removeprefix("+")
        if mapping.thousands:
            plus = _ungrouped(plus, mapping, name)
        return minor(plus, code, name, comma=mapping.decimal == ",")

    def day(self, key: str) -> date:
        """A date of the mapping's format."""
        name, text = self.mapping.columns[key], self.get(key)
        pattern, order = self.mapping.date_pattern
        match = pattern.fullmatch(text)
        if match is None:
            raise Damage(name, f"not a date: {self.mapping.date_format} is expected", text)
        told = dict(zip(order, match.groups(), strict=True))
        year = told.get("%Y") or f"20{told.get('%y')}"
        return day(name, text, year, told["%m"], told["%d"])


def _ungrouped(text: str, mapping: CsvMapping, name: str) -> str:
    """Without thousands separators, which must stand where they belong."""
    mark, point = re.escape(mapping.thousands), re.escape(mapping.decimal)
    if mapping.thousands not in text:
        return text
    if not re.fullmatch(f"-?[0-9]{{1,3}}({mark}[0-9]{{3}})+({point}[0-9]+)?", text):
        raise Damage(name, "a thousands separator out of place", text)
    return text.replace(mapping.thousands, "")


def _take(draft: Draft, held: list[_Held], row: _Row) -> None:
    mapping = row.mapping
    code = currency(mapping.currency or row.get("currency"), "currency")
    status = PENDING if row.get("status") in mapping.pending_words else BOOKED
    line = BankLine(
        draft.account, code, _signed(row, code), row.day("booked_on"),
        row.day("valued_on") if row.get("valued_on") else None, plain(row.get("reference")),
        plain(row.get("end_to_end")), plain(row.get("counterparty")), plain(row.get("text")),
        status, line=row.line,
    )  # fmt: skip
    if "balance" in row.places and status == BOOKED:
        held.append(_Held(line, row.amount("balance", code)))
    draft.lines.append(line)


def _signed(row: _Row, code: str) -> int:
    """The amount: signed, or with a word for its direction, or in one of two columns."""
    if "debit" in row.places:
        found = [(key, sign) for key, sign in (("debit", -1), ("credit", 1)) if row.get(key)]
        if len(found) != 1:
            reason = "both debit and credit are given" if found else "neither debit nor credit"
            raise Damage("debit", reason)
        key, sign = found[0]
        amount = row.amount(key, code)
        # Some banks write what went out with a minus although the column says it already.
        if amount < 0 and key == "credit":
            raise Damage(row.mapping.columns[key], "a negative credit", row.get(key))
        return abs(amount) * sign
    amount = row.amount("amount", code)
    if "sign" not in row.places:
        return amount
    word = row.get("sign")
    if amount < 0:
        raise Damage(row.mapping.columns["amount"], "a minus beside a word for the direction")
    if word in row.mapping.debit_words:
        return -amount
    if word in row.mapping.credit_words:
        return amount
    raise Damage(row.mapping.columns["sign"], f"unknown word for the direction {word!r}", word)


def _check_running(draft: Draft, code: str, held: Sequence[_Held]) -> None:
    """Opening and closing from the balance column, and how many lines follow from their neighbour.

    Files run from old to new or from new to old; the order that fits more lines is theirs.
    """
    backward = list(reversed(held))
    newest_first = held[0].line.booked_on > held[-1].line.booked_on
    same_day = held[0].line.booked_on == held[-1].line.booked_on
    if newest_first or (same_day and _following(backward) > _following(held)):
        held = backward
    first, last = held[0], held[-1]
    draft.opening[code] = (first.balance_minor - first.line.amount_minor, first.line.booked_on)
    draft.closing[code] = (last.balance_minor, last.line.booked_on)
    draft.state("lines whose balance follows", "", len(held) - 1, _following(held))


def _following(held: Sequence[_Held]) -> int:
    return sum(
        after.balance_minor == before.balance_minor + after.line.amount_minor
        for before, after in pairwise(held)
    )
