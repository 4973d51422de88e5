"""A ledger side as bytes, to compare the same rows again long after the ledger has moved on."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from reconcile.frames import CURRENCY, EXPECTED_COLUMNS, KIND, STATUS

_STRETCH = 50_000
"""Rows that are written together."""

_WORDS = {
    name: "string[pyarrow]"
    for name, dtype in EXPECTED_COLUMNS.items()
    if dtype in (KIND, CURRENCY, STATUS)
}
_SCHEMA = pa.schema(
    (name, pa.int64() if str(dtype) == "int64" else pa.string())
    for name, dtype in EXPECTED_COLUMNS.items()
)


def frame_blocks(parts: Iterable[pd.DataFrame]) -> Iterator[bytes]:
    """Expected frames as one compressed Arrow stream, block by block."""
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, _SCHEMA, options=options) as writer:
        for frame in parts:
            for start in range(0, len(frame), _STRETCH):
                part = frame.iloc[start : start + _STRETCH].astype(_WORDS)
                table = pa.Table.from_pandas(part, _SCHEMA, preserve_index=False)
                writer.write_table(table.combine_chunks())
                yield _taken_from(sink)
    yield _taken_from(sink)


def _taken_from(sink: io.BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data


def stretches_of(place: Path) -> Iterator[dict[str, Any]]:
    """Such bytes, in a file, as the columns of expected frames, stretch by stretch."""
    with pa.OSFile(str(place)) as source, pa.ipc.open_stream(source) as stream:
        for batch in stream:
            yield {name: batch.column(name) for name in batch.schema.names}
