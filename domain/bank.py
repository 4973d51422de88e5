"""The bank's side: statements of the company's own accounts, line by line."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from domain.ids import content_id
from domain.settlement import Reject, StatedTotal


@dataclass(frozen=True, slots=True)
class BankLine:
    """One line of a statement."""

    account: str
    """IBAN or number, as the bank names it, without blanks."""
    currency: str
    amount_minor: int
    """Positive is money coming in."""
    booked_on: date
    valued_on: date | None = None
    reference: str = ""
    """The bank's own id of the line."""
    end_to_end: str = ""
    """The payer's reference or trace number that came with the money."""
    counterparty: str = ""
    text: str = ""
    line: int = 0
    """Physical line, or number of the entry."""
    pending: bool = False
    """Announced and not booked: not part of any balance."""


@dataclass(frozen=True, slots=True)
class BankStatement:
    """One statement of one account in one currency; balances in minor units, None for unstated."""

    account: str
    currency: str
    statement_id: str
    opening_minor: int | None
    opening_on: date | None
    closing_minor: int | None
    closing_on: date | None
    lines: tuple[BankLine, ...]
    rejects: tuple[Reject, ...] = ()
    stated: tuple[StatedTotal, ...] = ()
    """What the statement says about itself beside what its lines come to."""

    @property
    def checks(self) -> tuple[StatedTotal, ...]:
        """All of `stated`, and that opening and lines come to the closing balance."""
        if self.opening_minor is None or self.closing_minor is None:
            return self.stated
        moved = sum(line.amount_minor for line in self.lines if not line.pending)
        ends = StatedTotal(
            "closing balance", self.currency, self.closing_minor, self.opening_minor + moved
        )
        return (*self.stated, ends)


@dataclass(frozen=True, slots=True)
class CsvMapping:
    """How a bank's own CSV file is to be read; column names as in its header."""

    name: str
    booked_on: str
    amount: str = ""
    """Column of the signed amount; or `credit` and `debit`."""
    credit: str = ""
    debit: str = ""
    currency: str = ""
    """Column of the currency; or `currency_is`."""
    currency_is: str = ""
    account: str = ""
    """Column of the account; or `account_is`."""
    account_is: str = ""
    valued_on: str = ""
    reference: str = ""
    end_to_end: str = ""
    counterparty: str = ""
    text: str = ""
    balance: str = ""
    """Column of the balance after each line, checked from line to line."""
    date_format: str = "%Y-%m-%d"
    decimal: str = "."
    thousands: str = ""
    delimiter: str = ","
    encoding: str = "utf-8"
    skip_lines: int = 0
    """Lines before the header."""
    words: Mapping[str, str] = field(default_factory=dict)


def identities(lines: Iterable[BankLine]) -> Iterator[tuple[BankLine, str]]:
    """Every line with its identity: the bank's id of it, else its content, and its number among
    lines of one statement file that are alike.

    So a line that comes again in an overlapping file is known, and two equal purchases of one day
    stay two.
    """
    seen: dict[tuple[str, ...], int] = {}
    for line in lines:
        content = (
            line.account, line.currency, str(line.amount_minor), line.booked_on.isoformat(),
            line.reference or f"{line.end_to_end}\x1f{line.counterparty}\x1f{line.text}",
        )  # fmt: skip
        number = seen[content] = seen.get(content, -1) + 1
        yield line, content_id("bnk", *content, str(number))
