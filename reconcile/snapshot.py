"""A ledger side as bytes, to compare the same rows again long after the ledger has moved on."""

import io
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa

from reconcile.frames import CURRENCY, EXPECTED_COLUMNS, KIND, STATUS, expected_frame

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


def frame_blocks(frame: pd.DataFrame) -> Iterator[bytes]:
    """An expected frame as a compressed Arrow stream, block by block."""
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, _SCHEMA, options=options) as writer:
        for start in range(0, len(frame), _STRETCH):
            part = frame.iloc[start : start + _STRETCH].astype(_WORDS)
            writer.write_batch(pa.RecordBatch.from_pandas(part, _SCHEMA, preserve_index=False))
            yield _taken_from(sink)
    yield _taken_from(sink)


def _taken_from(sink: io.BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data


def frame_of(data: bytes) -> pd.DataFrame:
    """The expected frame of such bytes."""
    table = pa.ipc.open_stream(data).read_all()
    return expected_frame({name: table.column(name) for name in table.column_names})
