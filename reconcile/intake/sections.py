"""Reports in sections: every row says by its first cell what it is, footers say what stands above.

The rows of one report may lie in several files; then only all of them together can be checked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from domain.clock import from_micros, iso
from domain.export_shape import SectionedFormat
from domain.money import exponent
from domain.settlement import LineKind, Reject, StatedBalance, StatedTotal
from reconcile.codes import CURRENCIES
from reconcile.intake.instants import zoned_instant
from reconcile.intake.layout import BadCell, currency_code
from reconcile.intake.rows import Row
from reconcile.intake.shaped import Facts, Line, cell

_DATE = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) ([+-][0-9]{4})")
_DIGITS = re.compile(r"[0-9]{1,18}")
_TOTALS = ("gross credits", "gross debits", "fee credits", "fee debits")
_FLAGS = {"CR": 1, "DR": -1}
_BEGIN, _END = 11, 13
"""Where the total balances stand in a footer, its first cell counted as 0: flag, then amount."""


@dataclass(slots=True)
class _Section:
    """What the rows of one section came to, by currency."""

    sums: dict[str, list[int]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def add(self, currency: str, gross: int, fee: int) -> None:
        """Count one row; the fee is positive when it is a cost."""
        sums = self.sums.setdefault(currency, [0, 0, 0, 0])
        for place, minor in enumerate((max(gross, 0), max(-gross, 0), max(-fee, 0), max(fee, 0))):
            sums[place] += minor
        self.rows[currency] = self.rows.get(currency, 0) + 1

    def of(self, currency: str) -> list[int]:
        """Credits, debits, fee credits and fee debits of a currency."""
        return self.sums.get(currency, [0, 0, 0, 0])

    def join(self, other: "_Section") -> None:
        """Count what another section counted."""
        for currency, sums in other.sums.items():
            mine = self.sums.setdefault(currency, [0, 0, 0, 0])
            self.sums[currency] = [a + b for a, b in zip(mine, sums, strict=True)]
        for currency, rows in other.rows.items():
            self.rows[currency] = self.rows.get(currency, 0) + rows


class Sections:
    """The shape of PayPal's settlement and transaction reports."""

    def __init__(self, form: SectionedFormat, name: str, delimiter: str = ",") -> None:
        self.delimiter = delimiter
        self.facts = Facts()
        self._form, self._name = form, name
        self._header: tuple[str, ...] = ()
        self._period: tuple[str, str] = ("", "")
        self._section, self._report = _Section(), _Section()
        self._lines_in_file = 0
        self._last_line = 0
        self._began = self._ended = False

    def take(self, row: Row) -> Iterator[Line]:
        """The line of an SB row; other rows are remembered."""
        code = row.cells[0].strip()
        match code:
            case "RH":
                self._began = True
                self.facts.owner = self._cell(row, 3)
            case "FH":
                pass
            case "SH":
                self._period = (self._instant(row, 1), self._instant(row, 2))
                self.facts.owner = self._cell(row, 3) or self.facts.owner
                self._section = _Section()
            case "CH":
                self._header = tuple(" ".join(name.split()) for name in row.cells[1:])
                self._check_header()
            case "SB":
                yield self._line(row)
            case "SF" | "RF":
                self._footer(row, self._section if code == "SF" else self._report, code)
            case "SC" | "RC" | "FF":
                self._ended |= code != "SC"
                self._count(row, code)
            case _:
                raise BadCell("", "a row of no known sort", code)

    def finish(self, last_line: int) -> Iterator[Reject | Line]:
        """Nothing had to wait; a file without column names has no lines."""
        self._last_line = last_line
        if not self._header:
            yield Reject(self._name, 1, "CH", "the file has no row with column names", "")

    def cut_off(self) -> Reject | None:
        """What is wrong with a report that began and has no footer."""
        if not self._header or not self._began or self._ended:
            return None
        reason = "the report has no footer: the file was cut off, or a part is missing"
        return Reject(self._name, self._last_line, "FF", reason, "")

    @property
    def part_of(self) -> tuple[str, tuple[str, str]]:
        """Names the report this file is a part of: account and period."""
        return self.facts.owner, self._period

    @staticmethod
    def join(parts: "list[Sections]") -> None:
        """Check the footers of a report against the rows of all its files."""
        if len(parts) < 2:
            return
        whole = _Section()
        for part in parts:
            whole.join(part._report)
        ended = any(part._ended for part in parts)
        for part in parts:
            part._ended |= ended
            part.facts.stated = [
                _against(stated, part._report, whole) for stated in part.facts.stated
            ]

    def _line(self, row: Row) -> Line:
        cells = self._cells(row)
        form = self._form
        currency = cells[form.currency]
        code = cell(form.currency, currency, lambda: currency_code(currency))
        money = CURRENCIES[code]
        gross = self._signed(cells, form.amount_flag, form.amount, money)
        charged = cells.get(form.fee, "")
        fee = -self._signed(cells, form.fee_flag, form.fee, money) if charged else 0
        if charged and cells.get(form.fee_currency, money).upper() != money:
            raise BadCell(form.fee_currency, "the fee is in another currency", charged)
        at = next(cells[name] for name in form.occurred_at if name in cells)
        if not cells[form.reference]:
            raise BadCell(form.reference, "the cell is empty", "")
        occurred_at = cell(form.occurred_at[0], at, lambda: zoned_instant(_iso(at)))
        self._section.add(money, gross, fee)
        self._report.add(money, gross, fee)
        self._lines_in_file += 1
        return {
            "reference": cells[form.reference],
            "source": cells[form.source],
            "parent": cells.get(form.parent, ""),
            "ours": next((cells[name] for name in form.ours if cells.get(name)), ""),
            "bank_reference": cells.get(form.bank_reference, ""),
            "category": self._category(cells),
            "kind": self._kind(cells),
            "currency": code,
            "amount_minor": gross,
            "fee_minor": fee,
            "net_minor": gross - fee,
            "occurred_at": occurred_at,
        }

    def _category(self, cells: dict[str, str]) -> str:
        code = cells[self._form.category]
        if not code:
            raise BadCell(self._form.category, "the cell is empty", "")
        return code

    def _kind(self, cells: dict[str, str]) -> str | None:
        form = self._form
        code = cells[form.category]
        status = cells.get(form.status, "") if form.status else ""
        if not form.moves or code in form.shown_only or (status and status not in form.settled):
            return LineKind.MEMO.value
        kind = form.kinds.get(code.lower())
        return kind.value if kind else None

    def _signed(self, cells: dict[str, str], flag: str, name: str, currency: str) -> int:
        """Minor units of an amount whose sign stands in another cell."""
        sign = _FLAGS.get(cells[flag]) if flag else 1
        if sign is None:
            raise BadCell(flag, "neither CR nor DR", cells[flag])
        return sign * self._minor(name, cells[name], currency)

    def _minor(self, name: str, text: str, currency: str) -> int:
        if _DIGITS.fullmatch(text) is None:
            raise BadCell(name, "not a whole number without sign and point", text)
        minor = int(text)
        if self._form.hundredths and exponent(currency) == 0:
            if minor % 100:
                raise BadCell(name, f"{currency} has no hundredths", text)
            return minor // 100
        return minor

    def _cells(self, row: Row) -> dict[str, str]:
        if not self._header:
            raise BadCell("CH", "a line before the row with column names", row.cells[0])
        given = row.cells[1:]
        extra = given[len(self._header) :]
        if any(extra):
            raise BadCell("", f"the row has {len(given)} cells, the header has"
                              f" {len(self._header)}", extra[-1])  # fmt: skip
        if len(given) < len(self._header):
            reason = f"the row is cut off after {len(given)} of {len(self._header)} cells"
            raise BadCell("", reason, given[-1] if given else "")
        return dict(zip(self._header, given, strict=False))

    def _check_header(self) -> None:
        form = self._form
        wanted = (form.reference, form.amount, form.amount_flag, form.fee, form.fee_flag,
                  form.currency, form.category)  # fmt: skip
        missing = [n for n in (*wanted, form.occurred_at[0]) if n and n not in self._header]
        if missing or len(set(self._header)) < len(self._header):
            what = f"no column {missing[0]!r}" if missing else "a column twice"
            self._header = ()
            raise BadCell("CH", f"the header has {what}", "")

    def _footer(self, row: Row, found: _Section, code: str) -> None:
        if len([text for text in row.cells[1:] if text]) == 1:
            self._count(row, code)
            return
        named = self._cell(row, 1)
        currency = CURRENCIES[cell("currency", named, lambda: currency_code(named))]
        sums = found.of(currency)
        stated = [self._minor(code, self._cell(row, place), currency) for place in range(2, 6)]
        where = "section" if code == "SF" else "report"
        for name, said, seen in zip(_TOTALS, stated, sums, strict=True):
            self.facts.stated.append(StatedTotal(f"{where} {name}", currency, said, seen))
        begin, end = (self._balance(row, place, currency, code) for place in (_BEGIN, _END))
        computed = begin + _net(sums)
        self.facts.stated.append(StatedTotal(f"{where} closing balance", currency, end, computed))
        if code == "SF" or not any(b.currency == currency for b in self.facts.balances):
            for name, at, minor in zip(("opening", "closing"), self._period, (begin, end),
                                       strict=True):  # fmt: skip
                if at:
                    self.facts.balances.append(StatedBalance(currency, at, minor, name))

    def _balance(self, row: Row, place: int, currency: str, code: str) -> int:
        flag = self._cell(row, place - 1)
        if flag not in _FLAGS:
            raise BadCell(code, "neither CR nor DR", flag)
        return _FLAGS[flag] * self._minor(code, self._cell(row, place), currency)

    def _count(self, row: Row, code: str) -> None:
        text = self._cell(row, 1)
        if _DIGITS.fullmatch(text) is None:
            raise BadCell(code, "not a count", text)
        name = {"SF": "section rows", "SC": "section rows", "FF": "file rows"}
        found = self._lines_in_file if code == "FF" else sum(
            (self._section if code in ("SF", "SC") else self._report).rows.values()
        )  # fmt: skip
        self.facts.stated.append(StatedTotal(name.get(code, "report rows"), "", int(text), found))

    def _instant(self, row: Row, place: int) -> str:
        text = self._cell(row, place)
        micros = cell("SH", text, lambda: zoned_instant(_iso(text)))
        return iso(from_micros(micros))

    @staticmethod
    def _cell(row: Row, place: int) -> str:
        return row.cells[place].strip() if place < len(row.cells) else ""


def _against(stated: StatedTotal, own: _Section, whole: _Section) -> StatedTotal:
    """A stated figure beside what all parts of the report came to, not only its own."""
    if stated.name == "file rows":
        return stated
    if not stated.currency:
        return replace(stated, found=sum(whole.rows.values()))
    sums, kind = whole.of(stated.currency), stated.name.partition(" ")[2]
    if kind in _TOTALS:
        return replace(stated, found=sums[_TOTALS.index(kind)])
    more = _net(sums) - _net(own.of(stated.currency))
    return replace(stated, found=stated.found + more)


def _net(sums: list[int]) -> int:
    """What the balance gains from credits, debits and fees."""
    return sums[0] - sums[1] + sums[2] - sums[3]


def _iso(text: str) -> str:
    """PayPal's way of writing an instant as ISO 8601; anything else as it is."""
    match = _DATE.fullmatch(text)
    return f"{match[1]}-{match[2]}-{match[3]}T{match[4]}{match[5]}" if match else text
