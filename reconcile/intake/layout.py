"""What the columns of one input file are, and how one cell of each is read, strictly.

This is the whole truth about a cell: the column-at-a-time reading in `columns` may only be faster.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from enum import Enum

from domain.settlement import LEDGER_KINDS, ExportFormat
from reconcile.codes import CURRENCIES, CURRENCY_CODES, KIND_CODES, STATUS_CODES
from reconcile.intake.amounts import amount
from reconcile.intake.instants import local_instant, zoned_instant


class Role(Enum):
    """How a column is read."""

    TEXT = "text"
    """An id, kept as it is."""
    WORD = "word"
    """One of few words, kept as a code; `Column.code` gives it."""
    OPEN_WORD = "open_word"
    """Any word, kept as it is, few different ones."""
    AMOUNT = "amount"
    INSTANT = "instant"


@dataclass(frozen=True, slots=True)
class Column:
    """One column that is read."""

    key: str
    """Its name in the frame."""
    name: str
    """Its name in the header."""
    role: Role
    required: bool = True
    code: Callable[[str], int] | None = None
    """For words: the code of a word, or ValueError with the reason."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How one file is read: header, columns, and the zone of its timestamps."""

    header: tuple[str, ...]
    columns: tuple[Column, ...]
    zone: tzinfo | None
    """Zone of the instants; None when every cell must name its own."""

    def instant(self, text: str) -> int:
        """Micros UTC of one timestamp of this file.

        Raises:
            ValueError: the reason it is none.
        """
        return zoned_instant(text) if self.zone is None else local_instant(text, self.zone)


class BadCell(Exception):
    """One cell that cannot be read; caught where rejects are made, never seen outside."""

    def __init__(self, column: str, reason: str, text: str) -> None:
        super().__init__(reason)
        self.column, self.reason, self.text = column, reason, text


def read_cells(cells: Mapping[str, str], layout: Layout) -> dict[str, int | str]:
    """The values of one row by column key: text as it is, codes, minor units and micros as int.

    Raises:
        BadCell: the first cell, in the order of `layout.columns`, that cannot be read.
    """
    values: dict[str, int | str] = {}
    for column in layout.columns:
        text = cells[column.key]
        try:
            values[column.key] = _value(column, text, values, layout)
        except ValueError as error:
            raise BadCell(column.name, str(error), text) from None
    return values


def _value(column: Column, text: str, before: Mapping[str, int | str], layout: Layout) -> int | str:
    if not text and column.required:
        raise ValueError("the cell is empty")
    if column.role is Role.AMOUNT:
        return amount(text, str(CURRENCIES[int(before["currency"])]))
    if column.role is Role.INSTANT:
        return layout.instant(text)
    if column.code is not None:
        return column.code(text)
    return text


def currency_code(text: str) -> int:
    """Code of a currency in any letter case.

    Raises:
        ValueError: not a currency we know.
    """
    # Only ASCII is folded: the long s and the Kelvin sign would become letters of other codes.
    code = CURRENCY_CODES.get(text.upper()) if text.isascii() else None
    if code is None:
        raise ValueError("unknown currency")
    return code


def kind_code(text: str) -> int:
    """Code of a ledger kind.

    Raises:
        ValueError: not one of `LEDGER_KINDS`.
    """
    return _known(
        {kind.value: KIND_CODES[kind.value] for kind in LEDGER_KINDS}, text, "unknown kind"
    )


def status_code(text: str) -> int:
    """Code of a ledger status.

    Raises:
        ValueError: not a `LineStatus`.
    """
    return _known(STATUS_CODES, text, "unknown status")


def _known(codes: Mapping[str, int], text: str, reason: str) -> int:
    if text not in codes:
        raise ValueError(f"{reason}: one of {', '.join(codes)} is expected")
    return codes[text]


def ledger_layout(header: tuple[str, ...]) -> Layout:
    """The layout of a ledger file with this header."""
    return Layout(header, LEDGER_COLUMNS, None)


def export_layout(
    header: tuple[str, ...],
    form: ExportFormat,
    instant: str,
    zone: tzinfo,
    *,
    described: bool = False,
) -> Layout:
    """The layout of a provider's export; `instant` is the header its instants stand under, and
    `described` asks for the provider's own words of each line."""
    ours = next((name for name in form.ours if name in header), "")
    optional = {
        "source": form.source,
        "parent": form.parent,
        "ours": ours,
        "payout": form.payout,
        "bank_reference": form.bank_reference,
        "description": form.description if described else "",
    }
    return Layout(
        header,
        (
            Column("reference", form.reference, Role.TEXT),
            *(
                Column(key, name, Role.TEXT, required=False)
                for key, name in optional.items()
                if name and name in header
            ),
            Column("category", form.category, Role.OPEN_WORD),
            Column("currency", form.currency, Role.WORD, code=currency_code),
            Column("amount_minor", form.amount, Role.AMOUNT),
            Column("fee_minor", form.fee, Role.AMOUNT),
            Column("net_minor", form.net, Role.AMOUNT),
            Column("occurred_at", instant, Role.INSTANT),
        ),
        zone,
    )


LEDGER_COLUMNS = (
    Column("transaction_id", "transaction_id", Role.TEXT),
    Column("payment_id", "payment_id", Role.TEXT, required=False),
    Column("kind", "kind", Role.WORD, code=kind_code),
    # A line that never reached the provider has no reference yet.
    Column("provider_reference", "provider_reference", Role.TEXT, required=False),
    Column("currency", "currency", Role.WORD, code=currency_code),
    Column("amount_minor", "amount", Role.AMOUNT),
    Column("fee_minor", "fee", Role.AMOUNT),
    Column("status", "status", Role.WORD, code=status_code),
    Column("occurred_at", "occurred_at", Role.INSTANT),
)
"""The columns of a ledger file; the header may have others and any order."""
