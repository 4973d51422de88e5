"""One row per payment with what was refunded of it, as the export of Stripe's payments page has it.

A row becomes a charge, and a refund where something was given back. Payments that failed or wait
for something only show money.
"""

from collections.abc import Iterator
from datetime import UTC

from domain.export_shape import PaymentsFormat
from domain.settlement import LineKind, Reject
from reconcile.codes import CURRENCIES
from reconcile.intake.amounts import amount
from reconcile.intake.header import check_present, check_unique
from reconcile.intake.instants import local_instant
from reconcile.intake.layout import BadCell, currency_code
from reconcile.intake.rows import Row
from reconcile.intake.shaped import Facts, Line, cell


class PaymentsView:
    """The shape of a payments export; its instants are UTC."""

    def __init__(self, form: PaymentsFormat, name: str, delimiter: str = ",") -> None:
        self.delimiter = delimiter
        self.facts = Facts()
        self._form, self._name = form, name
        self._header: tuple[str, ...] = ()

    def take(self, row: Row) -> Iterator[Line]:
        """The charge of a payment, and its refund where there is one."""
        form = self._form
        if not self._header:
            self._header = row.cells
            check_unique(row.cells, self._name)
            check_present(row.cells, sorted(form.signature), self._name, form.name)
            return
        if len(row.cells) != len(self._header):
            raise BadCell("", f"the row has {len(row.cells)} cells, the header has"
                              f" {len(self._header)}", row.cells[0])  # fmt: skip
        cells = dict(zip(self._header, row.cells, strict=True))
        converted = bool(cells.get(form.converted_currency))
        names = (
            (form.converted_currency, form.converted, form.converted_refunded)
            if converted
            else (form.currency, form.amount, form.refunded)
        )
        yield from self._lines(cells, *names)

    def finish(self, last_line: int) -> Iterator[Reject | Line]:
        """Nothing had to wait."""
        return iter(())

    def _lines(
        self, cells: dict[str, str], currency: str, paid: str, refunded: str
    ) -> Iterator[Line]:
        form = self._form
        code = cell(currency, cells[currency], lambda: currency_code(cells[currency]))

        def minor(name: str) -> int:
            text = cells.get(name, "")
            return int(cell(name, text, lambda: amount(text, CURRENCIES[code]))) if text else 0

        gross, back, fee = minor(paid), minor(refunded), minor(form.fee)
        if not cells[form.reference]:
            raise BadCell(form.reference, "the cell is empty", "")
        settled = cells[form.status].lower() in form.settled
        charge = {
            "reference": cells[form.reference],
            "source": cells[form.reference],
            "parent": cells[form.reference],
            "ours": next((cells[name] for name in form.ours if cells.get(name)), ""),
            "category": cells[form.status],
            "kind": (LineKind.CHARGE if settled else LineKind.MEMO).value,
            "currency": code,
            "amount_minor": gross,
            "fee_minor": fee,
            "net_minor": gross - fee,
            "occurred_at": self._instant(cells, form.occurred_at[0]),
        }
        yield charge
        if back and settled:
            yield charge | {
                "reference": f"{cells[form.reference]} refunded",
                "source": "",
                "kind": LineKind.REFUND.value,
                "amount_minor": -back,
                "fee_minor": 0,
                "net_minor": -back,
                "occurred_at": self._instant(cells, form.occurred_at[1], form.occurred_at[0]),
            }

    def _instant(self, cells: dict[str, str], *names: str) -> int:
        name = next((name for name in names if cells.get(name)), names[0])
        return int(cell(name, cells[name], lambda: local_instant(cells[name], UTC)))
