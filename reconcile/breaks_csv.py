"""The breaks as CSV bytes: the same breaks, the same bytes, nothing a spreadsheet would execute.

Numbers stay numbers, also negative ones; only text is made harmless.
"""

import csv
import io
from typing import Any

import pandas as pd

from reconcile.breaks import BREAK_COLUMNS

_NUMBERS = frozenset(
    {
        "expected_minor",
        "reported_minor",
        "difference_minor",
        "expected_fee_minor",
        "reported_fee_minor",
        "line",
    }
)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def breaks_csv(breaks: pd.DataFrame) -> bytes:
    """The breaks (columns `BREAK_COLUMNS`) as UTF-8 CSV with a header and LF line ends."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(BREAK_COLUMNS)
    writer.writerows(zip(*(_cells(breaks, name) for name in BREAK_COLUMNS), strict=True))
    return out.getvalue().encode()


def _cells(breaks: pd.DataFrame, name: str) -> list[Any]:
    values = breaks[name].tolist()
    if name in _NUMBERS:
        return ["" if value is pd.NA else int(value) for value in values]
    return [harmless(value) for value in values]


def harmless(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet would take it for a formula."""
    return "'" + text if text.startswith(_DANGEROUS) else text
