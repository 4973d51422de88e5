"""Workbooks as both writers open them: text stays text, memory stays small, bytes stay the same."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from domain.errors import ConfigurationError
from domain.safe_text import safe_text

_CREATED = datetime(2000, 1, 1, tzinfo=UTC)
"""A fixed date inside the file: the same contents give the same bytes."""
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "remove_timezone": True,
}


@contextmanager
def workbook(target: str | io.BytesIO, title: str) -> Iterator[Any]:
    """An empty workbook that is written to its place at the end; rows are written in order.

    Raises:
        ConfigurationError: the package for it is not installed.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise ConfigurationError(
            "Workbooks need a package that is not installed.",
            hint='Install it: pip install "tradesense-payments[reports]".',
        ) from None
    options = _OPTIONS | {"in_memory": isinstance(target, io.BytesIO)}
    with xlsxwriter.Workbook(target, options) as book:
        book.set_properties({"title": safe_text(title), "created": _CREATED})
        yield book


def number_form(digits: int) -> str:
    """The format of numbers with so many decimals, in groups.

    >>> number_form(0), number_form(3)
    ('#,##0', '#,##0.000')
    """
    return "#,##0" + ("." + "0" * digits if digits else "")
