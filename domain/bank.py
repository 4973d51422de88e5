"""The bank's side: lines and statements of the company's own account, whatever file they came in.

A line is what the bank says it booked. Nothing here converts, merges or guesses; a statement that
contradicts itself says so in `stated`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from domain.settlement import InputFile, Reject, StatedTotal

BOOKED, PENDING = "booked", "pending"


@dataclass(frozen=True, slots=True)
class BankPart:
    """One payment inside a line that stands for several, or the one behind it."""

    amount_minor: int | None
    """Signed like the line, None when the file does not say or says it in another way."""
    currency: str
    end_to_end: str = ""
    counterparty: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class BankLine:
    """One line of an account."""

    account: str
    currency: str
    amount_minor: int
    """Minor units; positive is a credit, money that came in."""
    booked_on: date
    """The bank's own calendar day."""
    valued_on: date | None = None
    reference: str = ""
    """The bank's own id of the line, empty when it gives none."""
    end_to_end: str = ""
    """The sender's reference: end-to-end id, customer reference or trace number."""
    counterparty: str = ""
    text: str = ""
    status: str = BOOKED
    """`booked`, or `pending`: announced, and part of no balance."""
    reversal: bool = False
    """The bank takes an earlier line back; the amount has the direction of this line."""
    line: int = 0
    """Physical line of the file, the first is 1."""
    parts: tuple[BankPart, ...] = ()
    """What the line stands for, where the file tells more than the line itself."""

    @property
    def pending(self) -> bool:
        """Announced and not booked: part of no balance."""
        return self.status == PENDING


@dataclass(frozen=True, slots=True)
class BankStatement:
    """What one statement says about one account in one currency."""

    account: str
    currency: str
    statement_id: str
    opening_minor: int | None
    opening_on: date | None
    closing_minor: int | None
    closing_on: date | None
    lines: tuple[BankLine, ...] = ()
    rejects: tuple[Reject, ...] = ()
    stated: tuple[StatedTotal, ...] = ()
    """What the statement says about itself, beside what its lines came to."""

    @property
    def booked_minor(self) -> int:
        """Sum of the booked lines."""
        return sum(line.amount_minor for line in self.lines if line.status == BOOKED)

    @property
    def sound(self) -> bool:
        """Whether every row was read and nothing the statement states is contradicted."""
        return not self.rejects and not any(total.difference for total in self.stated)


@dataclass(frozen=True, slots=True)
class BankFile:
    """One file of statements."""

    file: InputFile
    statements: tuple[BankStatement, ...]

    @property
    def lines(self) -> tuple[BankLine, ...]:
        """The lines of all statements, statement after statement."""
        return tuple(line for statement in self.statements for line in statement.lines)

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """The rows that could not be read, statement after statement."""
        return tuple(reject for statement in self.statements for reject in statement.rejects)

    @property
    def sound(self) -> bool:
        """Whether every row was read and nothing the file states is contradicted."""
        return not self.file.unreadable and not any(t.difference for t in self.file.stated)


Content = tuple[str | int, ...]


def content(line: BankLine) -> Content:
    """What makes a line the same line in another file: its reference, else all it says.

    The bank's reference stands for text and counterparty, which layouts cut differently; amount
    and day stay, because some banks use one reference for several lines.
    """
    where = (line.account, line.currency, line.booked_on.isoformat(), line.amount_minor)
    if line.reference:
        return (*where, "reference", line.reference)
    valued = line.valued_on.isoformat() if line.valued_on else ""
    words = (" ".join(text.split()) for text in (line.end_to_end, line.counterparty, line.text))
    return (*where, "words", valued, *words)


def identity(line: BankLine, occurrence: int = 0) -> str:
    """A stable id: the same line of an overlapping or repeated statement has the same one.

    `occurrence` counts equal lines of one account and day from 0, so that two equal purchases of
    a day stay two; see `identities`.
    """
    told = json.dumps([*content(line), occurrence], ensure_ascii=True)
    return f"bln_{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def identities(statements: Sequence[BankStatement]) -> tuple[str, ...]:
    """The ids of all lines of `statements`, in their order.

    Equal lines are counted within a statement, and across statements that continue one another
    (one opens with what the other closed with): those hold different lines. Statements that
    overlap hold the same lines, so each is counted from the start.
    """
    last: dict[tuple[str, str], tuple[BankStatement, Counter[Content]]] = {}
    found: list[str] = []
    for statement in statements:
        key = (statement.account, statement.currency)
        before, counted = last.get(key, (None, Counter[Content]()))
        if before is None or not _continues(before, statement):
            counted = Counter()
        found.extend(_numbered(statement.lines, counted))
        last[key] = (statement, counted)
    return tuple(found)


def _numbered(lines: Iterable[BankLine], counted: Counter[Content]) -> Iterable[str]:
    for line in lines:
        told = content(line)
        yield identity(line, counted[told])
        counted[told] += 1


def _continues(before: BankStatement, after: BankStatement) -> bool:
    linked = before.closing_minor is not None and before.closing_minor == after.opening_minor
    return linked and _told(before) != _told(after)


def _told(statement: BankStatement) -> tuple[object, ...]:
    """What a copy shares; banks give several statements one id, so the lines count too."""
    return (statement.statement_id, *map(content, statement.lines))
