"""The two frames as plain arrays, the form in which rows are compared.

Text stays in Arrow and is looked at only where hashes agree.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from reconcile.frames import (
    KIND_CODES,
    SUCCEEDED,
    Array,
    Bools,
    Expected,
    Ints,
    Reported,
    codes_of,
    ints,
)

ADJUSTMENT = KIND_CODES["adjustment"]
STATUS, CURRENCY, AMOUNT, FEE, KIND = 1, 2, 4, 8, 16
FIELDS = {STATUS: "status", CURRENCY: "currency", AMOUNT: "amount", FEE: "fee", KIND: "kind"}
"""Bits of a difference, in the order in which a break is named."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The expected side."""

    reference: Any
    """Arrow chunked strings: the provider's line id or source id as our ledger holds it."""
    kind: Array
    currency: Array
    amount: Ints
    fee: Ints
    succeeded: Bools
    at: Ints

    @classmethod
    def of(cls, expected: Expected) -> "Ours":
        """The arrays of an expected frame."""
        frame = expected.frame
        return cls(
            chunked(frame["provider_reference"]),
            codes_of(frame["kind"]),
            codes_of(frame["currency"]),
            ints(frame["amount_minor"]),
            ints(frame["fee_minor"]),
            codes_of(frame["status"]) == SUCCEEDED,
            ints(frame["occurred_at"]),
        )

    def __len__(self) -> int:
        return len(self.amount)


@dataclass(frozen=True, slots=True)
class Theirs:
    """The reported side."""

    reference: Any
    source: Any
    kind: Array
    """-1 where the provider's word is unknown."""
    currency: Array
    amount: Ints
    fee: Ints
    at: Ints
    place: Ints
    """File and line as one number: the last resort where an order is needed."""

    @classmethod
    def of(cls, reported: Reported) -> "Theirs":
        """The arrays of a reported frame."""
        frame = reported.frame
        return cls(
            chunked(frame["reference"]),
            chunked(frame["source"]),
            codes_of(frame["kind"]),
            codes_of(frame["currency"]),
            ints(frame["amount_minor"]),
            ints(frame["fee_minor"]),
            ints(frame["occurred_at"]),
            (ints(frame["file"]) << 40) + ints(frame["line"]),
        )

    def __len__(self) -> int:
        return len(self.amount)


def chunked(column: Any) -> Any:
    """The Arrow chunked array behind a text column."""
    found = pa.array(column, type=pa.string())
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def differences(ours: Ours, theirs: Theirs, e: Ints, r: Ints) -> Array:
    """Bits of `FIELDS` in which the pairs (e[i], r[i]) differ; 0 is agreement.

    A reported `adjustment` is the provider's word for what it does not say more precisely, so it
    does not contradict our kind.
    """
    found = np.zeros(len(e), np.int8)
    kinds = theirs.kind[r]
    found |= np.where(ours.succeeded[e], 0, STATUS).astype(np.int8)
    found |= np.where(ours.currency[e] != theirs.currency[r], CURRENCY, 0).astype(np.int8)
    found |= np.where(ours.amount[e] != theirs.amount[r], AMOUNT, 0).astype(np.int8)
    found |= np.where(ours.fee[e] != theirs.fee[r], FEE, 0).astype(np.int8)
    other = (ours.kind[e] != kinds) & (kinds != ADJUSTMENT)
    found |= np.where(other, KIND, 0).astype(np.int8)
    return found
