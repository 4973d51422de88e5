"""The one way to make foreign text inert, on a terminal, in a document and in a spreadsheet.

What it shows must be what is there: a character a reader cannot see, or that moves its neighbours,
is written as a visible escape. The set is fixed here, not asked of the Python that runs, so that
every version writes the same bytes.
"""

import re

_CONTROLS = r"\x00-\x1f\x7f-\x9f"
_SEPARATORS = r"\u2028\u2029"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = (
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Zero-width characters, fillers, variation selectors and tags: Unicode's default ignorables."""
_NO_CHARACTER = r"\ud800-\udfff\ufffe\uffff"
"""Lone surrogates cannot be encoded, the other two are no characters."""

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters of a formula, the full-width forms included."""

_UNSAFE = re.compile(f"[{_CONTROLS}{_SEPARATORS}{_BIDI}{_INVISIBLE}{_NO_CHARACTER}]")


def safe_text(text: str) -> str:
    r"""The text with every control, bidi and invisible character written as an escape.

    Line feeds and tabs are escaped too: what is shown here are single cells. Markup is not
    touched, that is each format's own escaping.

    >>> safe_text("a\x1b[31m\u202eb")
    'a\\x1b[31m\\u202eb'
    """
    return _UNSAFE.sub(_escape, text)


def inert_cell(cell: str | int | None) -> str:
    """A spreadsheet's cell as it is written: numbers as they are, text that no program executes.

    >>> inert_cell(-5), inert_cell("-5"), inert_cell("=1+1"), inert_cell(None)
    ('-5', "'-5", "'=1+1", '')
    """
    if cell is None:
        return ""
    if isinstance(cell, int):
        return str(cell)
    shown = safe_text(cell)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
