"""A statement while it is being read: balances per currency, lines, rejects, stated figures."""

from dataclasses import dataclass, field
from datetime import date

from domain.bank import BOOKED, BankLine, BankStatement
from domain.settlement import Reject, StatedTotal
from reconcile.bank.figures import Damage

CLOSING = "closing balance"


@dataclass
class Draft:
    """Collects what a reader finds; `statements` closes it, one per currency."""

    file: str
    account: str
    statement_id: str
    currency: str = ""
    """The account's own, empty until the file names one."""
    opening: dict[str, tuple[int, date | None]] = field(default_factory=dict)
    """Currency -> minor units and day."""
    closing: dict[str, tuple[int, date | None]] = field(default_factory=dict)
    lines: list[BankLine] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    stated: list[StatedTotal] = field(default_factory=list)

    def refuse(self, line: int, damage: Damage) -> None:
        """Count a row that cannot be read."""
        self.rejects.append(damage.reject(self.file, line))

    def state(self, name: str, currency: str, stated: int, found: int) -> None:
        """Keep a figure the file states about itself."""
        self.stated.append(StatedTotal(name, currency, stated, found))

    def statements(self) -> list[BankStatement]:
        """What was read, one statement per currency; rejects stay with the account's own."""
        moved = {line.currency for line in self.lines}
        codes = sorted({*self.opening, *self.closing, *moved})
        codes = codes or [self.currency]
        own = self.currency if self.currency in codes else codes[0]
        return [self._statement(code, code == own, codes) for code in codes]

    def _statement(self, code: str, own: bool, known: list[str]) -> BankStatement:
        lines = tuple(line for line in self.lines if line.currency == code)
        opening, opening_on = self.opening.get(code, (None, None))
        closing, closing_on = self.closing.get(code, (None, None))
        stated = [t for t in self.stated if t.currency == code or (own and t.currency not in known)]
        if opening is not None and closing is not None:
            booked = sum(line.amount_minor for line in lines if line.status == BOOKED)
            stated.insert(0, StatedTotal(CLOSING, code, closing, opening + booked))
        return BankStatement(
            self.account, code, self.statement_id, opening, opening_on, closing, closing_on,
            lines, tuple(self.rejects) if own else (), tuple(stated),
        )  # fmt: skip
