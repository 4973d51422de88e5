"""The breaks as CSV bytes straight from their frame, for comparisons that are kept nowhere.

A report writes the same bytes from its own data; this way takes no value per break.
"""

import csv
import io

import pandas as pd

from domain.safe_text import inert_cell
from reconcile.breaks import BREAK_COLUMNS


def breaks_csv(breaks: pd.DataFrame) -> bytes:
    """The breaks (columns `BREAK_COLUMNS`) as UTF-8 CSV with a header and LF line ends."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(BREAK_COLUMNS)
    writer.writerows(zip(*(_cells(breaks, name) for name in BREAK_COLUMNS), strict=True))
    return out.getvalue().encode()


def _cells(breaks: pd.DataFrame, name: str) -> list[str]:
    return [inert_cell(None if value is pd.NA else value) for value in breaks[name].tolist()]
