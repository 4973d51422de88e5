"""Stretches of rows from the books: lists, or Arrow columns of lines of CSV."""

import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import csv

WORDS = frozenset({"kind", "status", "currency", "category", "file"})
"""Columns of few different values."""
_NUMBERS = frozenset({"amount_minor", "fee_minor", "net_minor", "occurred_at", "line"})
_WORD = pa.dictionary(pa.int32(), pa.string())


def columns_of_csv(text: bytes, names: Sequence[str]) -> dict[str, Any]:
    """Whole lines of CSV without a header, as the books hand them out, as Arrow arrays under these
    names: words with few values as dictionaries, numbers as int64, anything else as text."""
    table = csv.read_csv(
        io.BytesIO(text),
        csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=list(names)),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(column_types={name: _type_of(name) for name in names}),
    )
    return {name: table.column(name).combine_chunks() for name in names}


def words(values: Sequence[str] | pa.DictionaryArray) -> pa.DictionaryArray:
    """A column of few different words as a dictionary."""
    if isinstance(values, pa.DictionaryArray):
        return values
    return pa.array(values, pa.string()).dictionary_encode()


def texts(values: Sequence[str] | pa.StringArray) -> pa.StringArray:
    """A column of text."""
    return values if isinstance(values, pa.StringArray) else pa.array(values, pa.string())


def _type_of(name: str) -> Any:
    if name in WORDS:
        return _WORD
    return pa.int64() if name in _NUMBERS else pa.string()
