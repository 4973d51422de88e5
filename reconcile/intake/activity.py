"""The download of PayPal's web page: dates and numbers as the user's country writes them.

Which way they are written is told by the whole file: one date or number that can be read one way
only decides for all. Where none decides, the file is refused, because 01/02 is two different days.
"""

import re
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.errors import UnreadableExport
from domain.export_shape import ActivityFormat
from domain.money import exponent
from domain.settlement import LineKind, Reject
from reconcile.codes import CURRENCIES
from reconcile.intake.amounts import amount
from reconcile.intake.instants import local_instant, zoned_instant
from reconcile.intake.layout import BadCell, currency_code
from reconcile.intake.masking import shown
from reconcile.intake.rows import Row, digest_of
from reconcile.intake.shaped import Facts, Line, cell

_DAY = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})")
_MONEY = re.compile(r"-?[0-9]{1,3}(?:([.,  \u202f'])[0-9]{3}(?:\1[0-9]{3})*)?(?:[.,][0-9]{1,3})?"
                    r"|-?[0-9]+(?:[.,][0-9]{1,3})?")  # fmt: skip


class Activity:
    """The shape of an activity download."""

    def __init__(
        self, form: ActivityFormat, name: str, delimiter: str = ",", dates: str = ""
    ) -> None:
        self.delimiter = delimiter
        self.facts = Facts()
        self._form, self._name, self._dates = form, name, dates
        self._header: tuple[str, ...] = ()
        self._rows: list[tuple[int, dict[str, str]]] = []

    def take(self, row: Row) -> Iterator[Line]:
        """Nothing yet: how to read a row is known at the end of the file."""
        if not self._header:
            self._header = english(self._form, row.cells)
            return
        if len(row.cells) != len(self._header):
            raise BadCell("", f"the row has {len(row.cells)} cells, the header has"
                              f" {len(self._header)}", row.cells[0])  # fmt: skip
        self._rows.append((row.line, dict(zip(self._header, row.cells, strict=True))))
        yield from ()

    def finish(self, last_line: int) -> Iterator[Reject | Line]:
        """Every line, read the way the whole file is written.

        Raises:
            UnreadableExport: no date tells whether day or month stands first.
        """
        form = self._form
        order = self._dates or _date_order([cells[form.date] for _, cells in self._rows])
        if not order:
            raise UnreadableExport(
                "no date tells whether the day or the month stands first", file=self._name,
                column=form.date, hint="Say it: --dates DMY or --dates MDY.",
            )  # fmt: skip
        texts = [cells[n] for _, cells in self._rows for n in (form.amount, form.fee, form.net)]
        point = _decimal_mark(texts)
        for line, cells in self._rows:
            try:
                yield self._line(cells, order, point) | {"line": line}
            except BadCell as bad:
                named = digest_of(cells.values())
                yield Reject(self._name, line, bad.column, bad.reason, shown(bad.text), named)

    def _line(self, cells: dict[str, str], order: str, point: str) -> Line:
        form = self._form
        for name in (form.reference, form.category):
            if not cells[name]:
                raise BadCell(name, "the cell is empty", "")
        code = cell(
            form.currency, cells[form.currency], lambda: currency_code(cells[form.currency])
        )
        money = {
            name: self._money(name, cells[name], CURRENCIES[code], point)
            for name in (form.amount, form.fee, form.net)
        }
        return {
            "reference": cells[form.reference],
            "source": cells.get(form.source, ""),
            "parent": cells.get(form.parent, ""),
            "ours": next((cells[name] for name in form.ours if cells.get(name)), ""),
            "category": cells[form.category],
            "kind": self._kind(cells),
            "currency": code,
            "amount_minor": money[form.amount],
            "fee_minor": -money[form.fee],
            "net_minor": money[form.net],
            "occurred_at": self._instant(cells, order),
        }

    @staticmethod
    def _money(name: str, text: str, currency: str, point: str) -> int:
        return int(cell(name, text, lambda: _minor(text, currency, point)))

    def _kind(self, cells: dict[str, str]) -> str | None:
        form = self._form
        unsettled = form.status and cells[form.status].lower() not in form.settled
        if unsettled or cells.get(form.impact, "").lower() == "memo":
            return LineKind.MEMO.value
        word = cells[form.category].lower()
        named = form.kinds.get(word)
        if named is not None:
            return named.value
        return next((kind for part, kind in form.patterns if part in word), None)

    def _instant(self, cells: dict[str, str], order: str) -> int:
        form = self._form
        day, time, zone = cells[form.date], cells[form.time], cells[form.zone]
        parts, clock = _DAY.fullmatch(day), _TIME.fullmatch(time)
        iso = _ISO.fullmatch(day)
        if clock is None or (parts is None and iso is None):
            bad = (form.time, time) if clock is None else (form.date, day)
            raise BadCell(bad[0], "not a date or time as PayPal writes it", bad[1])
        if parts is not None:
            first, second = (parts[1], parts[3]) if order == "MDY" else (parts[3], parts[1])
            date = f"{parts[4]}-{first:0>2}-{second:0>2}"
        else:
            date = day
        stamp = f"{date} {clock[1]:0>2}:{clock[2]}:{clock[3]}"
        offset = form.zones.get(zone.upper())
        if offset is not None:
            zoned = stamp.replace(" ", "T") + offset
            return int(cell(form.date, day, lambda: zoned_instant(zoned)))
        try:
            place = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise BadCell(form.zone, "an unknown time zone", zone) from None
        return int(cell(form.date, day, lambda: local_instant(stamp, place)))


def english(form: ActivityFormat, header: Sequence[str]) -> tuple[str, ...]:
    """The header in English, as far as one of the known languages knows it."""
    names = [name.strip() for name in header]
    best = max(form.titles, key=lambda titles: sum(name in titles for name in names))
    return tuple(best.get(name, name) for name in names)


def _date_order(dates: Sequence[str]) -> str:
    """DMY or MDY, empty when nothing tells and it matters."""
    found = [match for match in map(_DAY.fullmatch, dates) if match]
    if any(int(match[1]) > 12 or match[2] == "." for match in found):
        return "DMY"
    if any(int(match[3]) > 12 for match in found):
        return "MDY"
    same = all(match[1] == match[3] for match in found)
    return "DMY" if same else ""


def _decimal_mark(texts: Sequence[str]) -> str:
    """The mark before the decimals in this file: the last one where there are two, else the one
    that one or two digits follow."""
    for text in texts:
        if "," in text and "." in text:
            return "," if text.rfind(",") > text.rfind(".") else "."
    for text in texts:
        match = re.search(r"([.,])[0-9]{1,2}$", text)
        if match:
            return match[1]
    return "."


def _minor(text: str, currency: str, point: str) -> int:
    """Minor units of an amount with marks between thousands.

    Raises:
        ValueError: it is none, or has marks where none belong.
    """
    if _MONEY.fullmatch(text) is None:
        raise ValueError("not an amount as PayPal writes it")
    whole, mark, decimals = text.rpartition(point)
    if not mark:
        whole, decimals = text, ""
    if point in whole or (exponent(currency) == 0 and len(decimals) == 3):
        raise ValueError("marks between thousands and before decimals cannot be told apart")
    plain = re.sub(r"[.,  \u202f']", "", whole)
    return amount(f"{plain}.{decimals}" if decimals else plain, currency)
