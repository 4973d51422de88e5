"""Words as small numbers, and arrays of them: what reading needs before any frame exists.

Nothing here imports pandas, so that files are being read while it still loads.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from domain.iso4217 import EXPONENTS
from domain.settlement import LineKind, LineStatus

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

KINDS = tuple(kind.value for kind in LineKind)
STATUSES = tuple(status.value for status in LineStatus)
CURRENCIES = tuple(sorted(EXPONENTS))

KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
STATUS_CODES = {status: code for code, status in enumerate(STATUSES)}
CURRENCY_CODES = {currency: code for code, currency in enumerate(CURRENCIES)}
SUCCEEDED = STATUS_CODES[LineStatus.SUCCEEDED.value]
ENDED = [STATUS_CODES[status.value] for status in (LineStatus.FAILED, LineStatus.CANCELLED)]


def sums_by(codes: Array, size: int, values: Ints) -> list[int]:
    """Sums of `values` by code (0..size-1), exact however large."""
    low = np.zeros(size, np.int64)
    peak = max(int(values.max(initial=0)), -int(values.min(initial=0)))
    if peak * len(values) < 1 << 62:
        np.add.at(low, codes, values)
        return low.tolist()
    # High and low halves apart, so that 64 bits cannot overflow.
    high = np.zeros(size, np.int64)
    np.add.at(high, codes, values >> 32)
    np.add.at(low, codes, values & 0xFFFFFFFF)
    return [(h << 32) + part for h, part in zip(high.tolist(), low.tolist(), strict=True)]
