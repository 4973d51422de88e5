"""Blocks that were read as Arrow batches, in which they wait on disk.

Words with few values stand as the codes of their frame, any other word and every id as text.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from domain.settlement import ExportFormat, LineKind
from reconcile.codes import KIND_CODES, Array
from reconcile.intake.columns import Values, indices
from reconcile.intake.shaped import TEXTS

_NUMBERS = ("currency", "amount_minor", "fee_minor", "net_minor", "occurred_at")


def ledger_batch(values: Values) -> pa.RecordBatch:
    """A block of a ledger file."""
    columns = {name: pa.array(column) for name, column in values.columns.items()}
    return pa.RecordBatch.from_pydict(columns | {"line": pa.array(values.lines)})


def export_batch(values: Values, form: ExportFormat, *more: str) -> pa.RecordBatch:
    """A block of an export, with `more` columns of text; the same columns for every format."""
    columns: dict[str, Any] = {name: text_of(values, name) for name in (*TEXTS, *more)}
    columns["category"] = values.columns["category"].dictionary_decode()
    columns["kind"] = pa.array(kinds_of(values, form))
    columns |= {name: pa.array(values.columns[name]) for name in _NUMBERS}
    return pa.RecordBatch.from_pydict(columns | {"line": pa.array(values.lines)})


def text_of(values: Values, key: str) -> Any:
    """A text column of a block; empty in every row where the file has no such column."""
    found = values.columns.get(key)
    return pa.repeat(pa.scalar("", pa.string()), len(values.lines)) if found is None else found


def kinds_of(values: Values, form: ExportFormat) -> Array:
    """Kind codes of a block: as the file's shape found them, else by the words of its category in
    any letter case, -1 where a word is not known; all memos in a format whose lines only show what
    stands."""
    found: Array | None = values.columns.get("kind")
    if found is not None:
        return found
    if form.stands:
        return np.full(len(values.lines), KIND_CODES[LineKind.MEMO.value], np.int8)
    category = values.columns["category"]
    words = category.dictionary.to_pylist()
    known = [form.kinds.get(word.lower()) if word.isascii() else None for word in words]
    table = np.array([-1 if kind is None else KIND_CODES[kind.value] for kind in known], np.int8)
    return table[indices(category.indices)] if len(words) else np.empty(0, np.int8)
