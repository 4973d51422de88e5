"""The bytes behind an Arrow string array, and reading them for all rows at once.

Positions are clipped, never out of bounds; what lies beyond a row's end is the caller's to mask.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.codes import Ints
from reconcile.intake.cutting import Bytes


@dataclass(frozen=True, slots=True)
class Strings:
    """A string array taken apart."""

    data: Bytes
    starts: Ints
    lengths: Ints

    @classmethod
    def of(cls, array: Any) -> "Strings":
        """Take apart a `pyarrow.StringArray` without nulls; nothing is copied."""
        _, offset_buffer, data_buffer = array.buffers()
        if len(array) == 0 or data_buffer is None or data_buffer.size == 0:
            zeros = np.zeros(len(array), np.int64)
            return cls(np.zeros(1, np.uint8), zeros, zeros)
        offsets = np.frombuffer(offset_buffer, np.int32)
        rows = slice(array.offset, array.offset + len(array) + 1)
        positions: Ints = offsets[rows].astype(np.int64)
        data = np.frombuffer(data_buffer, np.uint8)
        lengths: Ints = np.diff(positions)
        return cls(data, positions[:-1], lengths)

    def at(self, position: int) -> Bytes:
        """The byte at `position` of every row; arbitrary where the row is shorter."""
        return self.data.take(self.starts + position, mode="clip")

    def some(self, rows: Ints) -> "Strings":
        """Only these rows."""
        return Strings(self.data, self.starts[rows], self.lengths[rows])

    def last_eight(self) -> "npt.NDArray[np.uint64]":
        """The last eight bytes of every row as one word, the last byte highest.

        What stands before a shorter row is arbitrary and the caller's to remove.
        """
        first = int(self.starts[0]) if len(self.starts) else 0
        stop = int(self.starts[-1] + self.lengths[-1]) if len(self.starts) else 0
        padded = np.zeros(8 + stop - first, np.uint8)
        padded[8:] = self.data[first:stop]
        words = np.ndarray((len(padded) - 7,), "<u8", buffer=padded, strides=(1,))
        found: npt.NDArray[np.uint64] = words[self.starts + self.lengths - first]
        return found

    def window(self, rows: Ints, length: int) -> Bytes:
        """The rows (all `length` bytes long) as a matrix of bytes, one row each."""
        if len(rows) == len(self.starts) and len(rows):
            first = int(self.starts[0])
            end = int(self.starts[-1]) + length
            if end - first == length * len(rows):
                return self.data[first:end].reshape(len(rows), length)
        gathered: Bytes = self.data[self.starts[rows][:, None] + np.arange(length)]
        return gathered
