"""Known faults planted into an export, and the answer key that a reconciliation must find.

Never two faults on one line or one source object, so each planted fault is exactly one break. Lines
the ledger cannot know are extra rows; the others change a row that was true.
"""

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from domain.buckets import Bucket
from domain.errors import InvalidRequest
from domain.money import format_minor, parse_minor
from domain.settlement import LineKind
from providers.sandbox.exports import Layout

UNHEARD_OF = "sandbox_novelty"
"""A category no reconciliation has a word for."""

OTHER_CURRENCY = {"usd": "eur", "eur": "usd", "gbp": "usd", "jpy": "krw", "bhd": "kwd"}
"""What a currency is mistaken for; always one with as many decimals."""

KNOWN = {
    "charge": LineKind.CHARGE,
    "payment": LineKind.CHARGE,
    "refund": LineKind.REFUND,
    "payment_refund": LineKind.REFUND,
}
"""Categories and types whose lines every ledger holds."""


@dataclass(frozen=True)
class Answer:
    """One planted fault and what must be found; amounts in minor units of `currency`."""

    fault: str
    bucket: str
    line_kind: str
    provider_reference: str
    currency: str
    expected_minor: int | None
    reported_minor: int | None
    note: str


Row = dict[str, str]
FAULTS = (
    Bucket.MISSING_IN_LEDGER, Bucket.MISSING_AT_PROVIDER, Bucket.AMOUNT_MISMATCH,
    Bucket.FEE_MISMATCH, Bucket.CURRENCY_MISMATCH, Bucket.DUPLICATE_AT_PROVIDER,
    Bucket.UNKNOWN_KIND, Bucket.UNREADABLE,
)  # fmt: skip
"""Faults an export can carry, in the order they are planted."""


class Planter:
    """Plants faults into the rows of one export; `rows` is the changed copy, `answers` the key."""

    def __init__(self, rows: Sequence[Mapping[str, str]], layout: Layout, *, seed: int) -> None:
        self.rows: list[Row] = [dict(row) for row in rows]
        self.answers: list[Answer] = []
        self._layout = layout
        self._dice = random.Random(seed)  # noqa: S311 - repeatable sample data, no secret
        self._used: set[str] = set()
        self._extra = 0

    def plant(self, faults: Mapping[Bucket, int]) -> None:
        """Plant so many of each fault.

        Raises:
            InvalidRequest: a fault no export can carry, or not enough lines for it.
        """
        if odd := set(faults) - set(FAULTS):
            raise InvalidRequest(f"An export cannot carry {', '.join(sorted(odd))}.")
        for fault in FAULTS:
            for _ in range(faults.get(fault, 0)):
                getattr(self, f"_{fault.value}")()

    def add(self, answer: Answer) -> None:
        """Add a fault the caller planted on the other side; its line is not touched again.

        Raises:
            InvalidRequest: the line or its source object carries a fault already.
        """
        row = next(
            (r for r in self.rows if r[self._layout.reference] == answer.provider_reference), None
        )
        source = self._source(row) if row else answer.provider_reference
        if source in self._used:
            raise InvalidRequest(f"{answer.provider_reference} carries a fault already.")
        self._used.add(source)
        self.answers.append(answer)

    def choose(self, *, with_fee: bool = False) -> Row:
        """A true charge or refund line that carries no fault yet, by the seed; it counts as used.

        Raises:
            InvalidRequest: there is none left.
        """
        fitting = [row for row in self.rows if self._free(row) and (self._fee(row) or not with_fee)]
        if not fitting:
            raise InvalidRequest("There are not enough lines to plant so many faults.")
        row = self._dice.choice(fitting)
        self._used.add(self._source(row))
        return row

    def _missing_in_ledger(self) -> None:
        row = self._stranger(Bucket.MISSING_IN_LEDGER)
        self._note(Bucket.MISSING_IN_LEDGER, row, None, self._gross(row), "extra charge")

    def _missing_at_provider(self) -> None:
        row = self.choose()
        self.rows.remove(row)
        self._note(Bucket.MISSING_AT_PROVIDER, row, self._gross(row), None, "line left out")

    def _amount_mismatch(self) -> None:
        row = self.choose()
        true, step = self._gross(row), self._dice.randrange(1, 50) * 10
        self._write(row, true + step if true > 0 else true - step, self._fee(row))
        self._note(Bucket.AMOUNT_MISMATCH, row, true, self._gross(row), "gross changed")

    def _fee_mismatch(self) -> None:
        row = self.choose(with_fee=True)
        gross, step = self._gross(row), self._dice.randrange(1, 9) * 10
        self._write(row, gross, self._fee(row) + step)
        self._note(Bucket.FEE_MISMATCH, row, gross, gross, f"fee raised by {step}")

    def _currency_mismatch(self) -> None:
        known = {
            r[self._layout.reference] for r in self.rows if self._currency(r) in OTHER_CURRENCY
        }
        fitting = [r for r in self.rows if self._free(r) and r[self._layout.reference] in known]
        if not fitting:
            raise InvalidRequest("There is no line whose currency could be mistaken.")
        row = self._dice.choice(fitting)
        self._used.add(self._source(row))
        true, gross = self._currency(row), self._gross(row)
        note = f"{true} reported as {OTHER_CURRENCY[true]}"
        self._note(Bucket.CURRENCY_MISMATCH, row, gross, gross, note)
        row[self._layout.currency] = OTHER_CURRENCY[true]

    def _duplicate_at_provider(self) -> None:
        row = self.choose()
        self.rows.insert(self._dice.randrange(len(self.rows) + 1), dict(row))
        gross = self._gross(row)
        self._note(Bucket.DUPLICATE_AT_PROVIDER, row, gross, gross, "line repeated")

    def _unknown_kind(self) -> None:
        row = self._stranger(Bucket.UNKNOWN_KIND)
        row[self._layout.category] = UNHEARD_OF
        self._note(Bucket.UNKNOWN_KIND, row, None, self._gross(row), "extra line of no known kind")

    def _unreadable(self) -> None:
        row = self._stranger(Bucket.UNREADABLE)
        gross = self._gross(row)
        text = row[self._layout.gross]
        row[self._layout.gross] = text.replace(".", ",") if "." in text else text + ",00"
        self._note(Bucket.UNREADABLE, row, None, gross, "extra line with a decimal comma")

    def _stranger(self, fault: Bucket) -> Row:
        """A copy of a charge line under ids nobody knows, put somewhere among the rows."""
        charges = [row for row in self.rows if self._fee(row) and self._free(row)]
        if not charges:
            raise InvalidRequest("There is no charge line to copy.")
        like = self._dice.choice(charges)
        self._extra += 1
        marks = f"{self._extra:04d}{self._dice.randrange(16**12):012x}"
        row = {name: self._disguised(value, marks) for name, value in like.items()}
        row[self._layout.reference] = f"txn_3Planted{marks}"
        self._used.add(self._source(row))
        self.rows.insert(self._dice.randrange(len(self.rows) + 1), row)
        return row

    def _disguised(self, value: str, marks: str) -> str:
        prefix = value.partition("_")[0]
        return (
            f"{prefix}_3Planted{marks}" if prefix in ("ch", "py", "pi") and "_" in value else value
        )

    def _note(
        self, fault: Bucket, row: Row, expected: int | None, reported: int | None, note: str
    ) -> None:
        category = row[self._layout.category]
        self.answers.append(
            Answer(
                fault.value, fault.value, KNOWN.get(category, category),
                row[self._layout.reference], self._currency(row).upper(), expected, reported, note,
            )
        )  # fmt: skip

    def _free(self, row: Row) -> bool:
        """A line of a known kind, of an object that carries no fault and has no other line."""
        source = self._source(row)
        alone = sum(self._source(other) == source for other in self.rows) == 1
        return row[self._layout.category] in KNOWN and source not in self._used and alone

    def _source(self, row: Row) -> str:
        return row.get(self._layout.source) or row[self._layout.reference]

    def _currency(self, row: Row) -> str:
        return row[self._layout.currency].lower()

    def _gross(self, row: Row) -> int:
        return parse_minor(row[self._layout.gross], self._currency(row).upper())

    def _fee(self, row: Row) -> int:
        return parse_minor(row[self._layout.fee], self._currency(row).upper())

    def _write(self, row: Row, gross: int, fee: int) -> None:
        currency = self._currency(row).upper()
        row[self._layout.gross] = format_minor(gross, currency)
        row[self._layout.fee] = format_minor(fee, currency)
        if self._layout.net in row:
            row[self._layout.net] = format_minor(gross - fee, currency)


def write_answers(answers: Iterable[Answer]) -> str:
    """The answer key as CSV text (LF line ends), in the order planted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [field.name for field in fields(Answer)]
    writer.writerow(names)
    for answer in answers:
        values = [getattr(answer, name) for name in names]
        writer.writerow(["" if value is None else value for value in values])
    return out.getvalue()
