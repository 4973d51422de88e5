"""Blocks that were read become frames: the only part of the intake that knows pandas."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.settlement import ExportFormat
from reconcile.codes import Array
from reconcile.frames import CURRENCY, KIND, STATUS
from reconcile.intake.batches import kinds_of, text_of
from reconcile.intake.columns import Values
from reconcile.intake.scan import WORD

Part = tuple[int, ExportFormat, Values]
"""A block of an export: the place of its file, its format, its rows."""


def expected_of(blocks: Sequence[Values]) -> pd.DataFrame:
    """The expected frame of a ledger file."""

    def numbers(key: str, kind: str = "int64") -> Array:
        return _joined((block.columns[key] for block in blocks), kind)

    def text(key: str) -> Any:
        return _text(block.columns[key] for block in blocks)

    return pd.DataFrame(
        {
            "transaction_id": text("transaction_id"),
            "payment_id": text("payment_id"),
            "kind": _category(numbers("kind", "int16"), KIND),
            "provider_reference": text("provider_reference"),
            "amount_minor": numbers("amount_minor"),
            "currency": _category(numbers("currency", "int16"), CURRENCY),
            "fee_minor": numbers("fee_minor"),
            "status": _category(numbers("status", "int16"), STATUS),
            "occurred_at": numbers("occurred_at"),
            "line": _joined((block.lines for block in blocks), "int64"),
        },
        copy=False,
    )


def reported_of(parts: Sequence[Part]) -> pd.DataFrame:
    """The reported frame of all export files together."""
    blocks = [values for _, _, values in parts]
    words = pa.chunked_array(
        [block.columns["category"] for block in blocks], WORD
    ).unify_dictionaries()
    names = words.chunk(0).dictionary.to_pylist() if words.num_chunks else []
    codes = (np.asarray(chunk.indices) for chunk in words.chunks)
    kinds = (kinds_of(values, form) for _, form, values in parts)
    files = (np.full(len(values.lines), place, np.int16) for place, _, values in parts)

    def numbers(key: str, kind: str = "int64") -> Array:
        return _joined((block.columns[key] for block in blocks), kind)

    def text(key: str) -> Any:
        return _text(text_of(block, key) for block in blocks)

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
            "file": _joined(files, "int16"),
            "line": _joined((block.lines for block in blocks), "int64"),
        },
        copy=False,
    )


def _joined(parts: Iterable[Array], kind: str) -> Array:
    return np.concatenate([np.empty(0, kind), *parts])


def _text(chunks: Iterable[Any]) -> Any:
    return pd.arrays.ArrowExtensionArray(pa.chunked_array(list(chunks), pa.string()))


def _category(codes: Array, dtype: pd.CategoricalDtype) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
