"""Whole input files to the two sides of a comparison.

Both readers share everything but their columns: what is refused in an export is refused in a
ledger.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.errors import InvalidRequest
from domain.settlement import ExportFormat, InputFile
from reconcile.frames import (
    CURRENCY,
    KIND,
    KIND_CODES,
    STATUS,
    Array,
    Expected,
    Reported,
    control_from,
)
from reconcile.intake.descriptions import Descriptions
from reconcile.intake.header import check_present, check_unique, find_format
from reconcile.intake.layout import LEDGER_COLUMNS, Layout, export_layout, ledger_layout
from reconcile.intake.reading import Read, Reader, input_file, read_through, threads
from reconcile.intake.scan import WORD

LEDGER_FORMAT = "ledger"
"""Name under which a ledger file appears among a run's inputs."""


def read_ledger(path: Path, *, reader: Reader | None = None) -> Expected:
    """Read a ledger file: the columns of `LEDGER_COLUMNS`, in any order, others ignored.

    Raises:
        UnreadableExport: the file as a whole cannot be read; bad rows are rejects instead.
    """

    def layout(header: tuple[str, ...]) -> Layout:
        check_unique(header, path.name)
        check_present(header, [column.name for column in LEDGER_COLUMNS], path.name, "a ledger")
        return ledger_layout(header)

    with ThreadPoolExecutor(threads()) as pool:
        read = read_through(path, layout, reader or Reader(pool))
    file = input_file(read, LEDGER_FORMAT, None)
    control = control_from(file.totals, file.unreadable)
    return Expected(_expected(read), read.rejects, file, control)


def read_exports(
    paths: Sequence[Path],
    formats: Sequence[ExportFormat],
    zone: tzinfo = UTC,
    *,
    reader: Reader | None = None,
) -> Reported:
    """Read export files, each of one of `formats`; `zone` is that of timestamps that name none.

    Raises:
        UnreadableExport: a file as a whole cannot be read; bad rows are rejects instead.
        InvalidRequest: two files have the same content.
    """
    with ThreadPoolExecutor(threads()) as pool:
        found = [_read_export(path, formats, zone, reader or Reader(pool)) for path in paths]
    reads, forms, files = zip(*found, strict=True) if found else ((), (), ())
    _check_distinct(files)
    control = control_from(
        [total for file in files for total in file.totals], sum(file.unreadable for file in files)
    )
    return Reported(
        _reported(reads, forms),
        files,
        tuple(reject for read in reads for reject in read.rejects),
        control,
        Descriptions(reads, forms),
    )


def read_both(
    ledger: Path, exports: Sequence[Path], formats: Sequence[ExportFormat], zone: tzinfo = UTC
) -> tuple[Expected, Reported]:
    """Read a ledger file and export files at once.

    Raises:
        UnreadableExport, InvalidRequest: see `read_ledger` and `read_exports`.
    """
    with ThreadPoolExecutor(threads()) as pool, ThreadPoolExecutor(1) as side:
        reader = Reader(pool)
        expected = side.submit(read_ledger, ledger, reader=reader)
        reported = read_exports(exports, formats, zone, reader=reader)
        return expected.result(), reported


def iter_columns(expected: Expected, size: int = 10_000) -> Iterator[dict[str, list[Any]]]:
    """The ledger rows as columns of plain Python values, `size` rows at a time, for an import.

    Keys are the frame's columns: text and words as str, money and instants (micros UTC) as int.
    """
    for start in range(0, len(expected.frame), size):
        part = expected.frame.iloc[start : start + size]
        yield {str(name): part[name].tolist() for name in part.columns}


def _read_export(
    path: Path, formats: Sequence[ExportFormat], zone: tzinfo, reader: Reader
) -> tuple[Read, ExportFormat, InputFile]:
    chosen: list[ExportFormat] = []

    def layout(header: tuple[str, ...]) -> Layout:
        form, instant = find_format(header, formats, path.name)
        chosen.append(form)
        stated_utc = instant.endswith("_utc") or "(UTC)" in instant
        return export_layout(header, form, instant, UTC if stated_utc else zone)

    read = read_through(path, layout, reader)
    return read, chosen[0], input_file(read, chosen[0].name, read.columns["net_minor"])


def _check_distinct(files: Sequence[InputFile]) -> None:
    first: dict[str, str] = {}
    for file in files:
        if file.digest in first:
            raise InvalidRequest(
                f"{file.name} and {first[file.digest]} have the same content: "
                "every row would count twice.",
                hint="Name each export once.",
            )
        first[file.digest] = file.name


def _expected(read: Read) -> pd.DataFrame:
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


def _reported(reads: Sequence[Read], forms: Sequence[ExportFormat]) -> pd.DataFrame:
    words = pa.chunked_array(
        [chunk for read in reads for chunk in read.columns["category"].chunks], WORD
    ).unify_dictionaries()
    names = words.chunk(0).dictionary.to_pylist() if words.num_chunks else []
    codes = [np.asarray(chunk.indices) for chunk in words.chunks]
    kinds = [
        _kinds(chunk, form.kinds)
        for read, form in zip(reads, forms, strict=True)
        for chunk in read.columns["category"].chunks
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
    return pa.chunked_array([pa.array([""] * read.rows, pa.string())])


def _kinds(category: Any, kinds: Mapping[str, Any]) -> Array:
    """Kind codes of a block's words in any letter case, -1 where the word is not known."""
    words = category.dictionary.to_pylist()
    known = [kinds.get(word.lower()) if word.isascii() else None for word in words]
    table = np.array([-1 if kind is None else KIND_CODES[kind.value] for kind in known], np.int8)
    return table[np.asarray(category.indices)] if len(words) else np.empty(0, np.int8)


def _text(array: Any) -> Any:
    return pd.arrays.ArrowExtensionArray(array)


def _category(codes: Array, dtype: pd.CategoricalDtype) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
