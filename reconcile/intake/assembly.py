"""Columns that were read become frames: the only part of the intake that knows pandas."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.settlement import ExportFormat, LineKind
from reconcile.codes import KIND_CODES, Array
from reconcile.frames import CURRENCY, KIND, STATUS
from reconcile.intake.reading import Read
from reconcile.intake.scan import WORD


def expected_of(read: Read) -> pd.DataFrame:
    """The expected frame of a ledger file."""
    found = read.columns
    return pd.DataFrame(
        {
            "transaction_id": _text(found["transaction_id"]),
            "payment_id": _text(found["payment_id"]),
            "kind": _category(found["kind"], KIND),
            "provider_reference": _text(found["provider_reference"]),
            "amount_minor": found["amount_minor"],
            "currency": _category(found["currency"], CURRENCY),
            "fee_minor": found["fee_minor"],
            "status": _category(found["status"], STATUS),
            "occurred_at": found["occurred_at"],
            "line": read.lines,
        },
        copy=False,
    )


def reported_of(reads: Sequence[Read], forms: Sequence[ExportFormat]) -> pd.DataFrame:
    """The reported frame of all export files together."""
    words = pa.chunked_array(
        [chunk for read in reads for chunk in read.columns["category"].chunks], WORD
    ).unify_dictionaries()
    names = words.chunk(0).dictionary.to_pylist() if words.num_chunks else []
    codes = [np.asarray(chunk.indices) for chunk in words.chunks]
    kinds = [
        part for read, form in zip(reads, forms, strict=True) for part in _kinds_of(read, form)
    ]

    def numbers(key: str, kind: str = "int64") -> Array:
        return _joined([read.columns[key] for read in reads], kind)

    def text(key: str) -> Any:
        chunks = [chunk for read in reads for chunk in _text_of(read, key).chunks]
        return _text(pa.chunked_array(chunks, pa.string()))

    file = [np.full(read.rows, place, np.int16) for place, read in enumerate(reads)]
    return pd.DataFrame(
        {
            "reference": text("reference"),
            "source": text("source"),
            "parent": text("parent"),
            "ours": text("ours"),
            "payout": text("payout"),
            "bank_reference": text("bank_reference"),
            "category": _category(_joined(codes, "int32"), pd.CategoricalDtype(names)),
            "kind": _category(_joined(kinds, "int8"), KIND),
            "amount_minor": numbers("amount_minor"),
            "currency": _category(numbers("currency", "int16"), CURRENCY),
            "fee_minor": numbers("fee_minor"),
            "net_minor": numbers("net_minor"),
            "occurred_at": numbers("occurred_at"),
            "file": _joined(file, "int16"),
            "line": _joined([read.lines for read in reads], "int64"),
        },
        copy=False,
    )


def _joined(parts: list[Array], kind: str) -> Array:
    """The parts as one array; a single part is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, kind), *parts])


def _text_of(read: Read, key: str) -> Any:
    """A text column of a file; empty in every row where the file has no such column."""
    if key in read.columns:
        return read.columns[key]
    return pa.chunked_array([pa.repeat(pa.scalar("", pa.string()), read.rows)])


def _kinds_of(read: Read, form: ExportFormat) -> list[Array]:
    """Kind codes of a file: as its shape found them, else by the words of its category."""
    if "kind" in read.columns:
        return [read.columns["kind"]]
    return [kind_codes(chunk, form) for chunk in read.columns["category"].chunks]


def kind_codes(category: Any, form: ExportFormat) -> Array:
    """Kind codes of a block's words in any letter case, -1 where the word is not known; all memos
    in a format whose lines only show what stands."""
    if form.stands:
        return np.full(len(category), KIND_CODES[LineKind.MEMO.value], np.int8)
    words = category.dictionary.to_pylist()
    known = [form.kinds.get(word.lower()) if word.isascii() else None for word in words]
    table = np.array([-1 if kind is None else KIND_CODES[kind.value] for kind in known], np.int8)
    return table[np.asarray(category.indices)] if len(words) else np.empty(0, np.int8)


def _text(array: Any) -> Any:
    return pd.arrays.ArrowExtensionArray(array)


def _category(codes: Array, dtype: pd.CategoricalDtype) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
