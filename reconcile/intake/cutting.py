"""Where a block of a file may end: behind a record, never inside one.

Quotes that all stand where RFC 4180 allows one tell by their number alone. One stray quote turns
that number around, so a block that holds one is taken apart as its rows will be.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from reconcile.codes import Ints
from reconcile.intake.rows import whole_records

Bytes = npt.NDArray[np.uint8]

QUOTE, LF, CR = b'"\n\r'
_LINE_END_WINDOW: Final = 4096


def whole_part(codes: Bytes, quotes: Ints, delimiter: str) -> int:
    """How many bytes whole records take at the front of `codes`, which more bytes follow; `quotes`
    are the positions of its quote characters."""
    end = _by_number(codes, quotes)
    if end and plain_quotes(codes[:end], quotes[: np.searchsorted(quotes, end)], ord(delimiter)):
        return end
    # One character for each byte: no byte of a longer character looks like a quote or a line end.
    return whole_records(codes.tobytes().decode("latin-1"), delimiter)


def first_line(codes: Bytes) -> int:
    """How many bytes the first line takes, with its end; all of them where it has none."""
    at = codes.tobytes().find(b"\n")
    return at + 1 if at >= 0 else len(codes)


def plain_quotes(codes: Bytes, quotes: Ints, delimiter: int) -> bool:
    """Whether every quote opens a cell after a divider, closes it before one, or is doubled."""
    if not quotes.size:
        return True
    if quotes.size % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    before = codes[np.maximum(opening - 1, 0)]
    opened = (before == delimiter) | (before == LF) | (opening == 0)
    after = codes[np.minimum(closing + 1, len(codes) - 1)]
    closed = (after == delimiter) | (after == LF) | (after == CR) | (closing == len(codes) - 1)
    # A doubled quote closes and opens again at once.
    doubled = opening[1:] == closing[:-1] + 1
    opened[1:] |= doubled
    closed[:-1] |= doubled
    return bool(opened.all() and closed.all())


def _by_number(codes: Bytes, quotes: Ints) -> int:
    """Behind the last line end with an even number of quotes before it."""
    end = _line_end(codes, len(codes))
    while end >= 0:
        before = int(np.searchsorted(quotes, end))
        if before % 2 == 0:
            return end + 1
        end = _line_end(codes, int(quotes[before - 1]))
    return 0


def _line_end(codes: Bytes, stop: int) -> int:
    """Position of the last line end before `stop`, -1 for none."""
    while stop > 0:
        start = max(0, stop - _LINE_END_WINDOW)
        found = codes[start:stop].tobytes().rfind(b"\n")
        if found >= 0:
            return start + found
        stop = start
    return -1
