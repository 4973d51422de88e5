"""A ledger side as bytes, to compare the same rows again long after the ledger has moved on."""

import pandas as pd
import pyarrow as pa

from reconcile.frames import expected_frame


def frame_bytes(frame: pd.DataFrame) -> bytes:
    """An expected frame as an Arrow stream."""
    plain = frame.astype(
        dict.fromkeys(("kind", "currency", "status"), "string[pyarrow]")
    ).reset_index(drop=True)
    table = pa.Table.from_pandas(plain, preserve_index=False).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def frame_of(data: bytes) -> pd.DataFrame:
    """The expected frame of such bytes."""
    table = pa.ipc.open_stream(data).read_all()
    return expected_frame({name: table.column(name).to_pylist() for name in table.column_names})
