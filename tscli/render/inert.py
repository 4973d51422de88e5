"""Making foreign text harmless on a terminal: no control sequence, no hidden direction, no
markup."""

import unicodedata

_HIDDEN = frozenset("\u200b\u200c\u200d\u2060\ufeff\u2028\u2029")


def inert(text: str) -> str:
    r"""The text with every control, format and invisible character written as an escape.

    >>> inert("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    return "".join(_escaped(c) if _unsafe(c) else c for c in text)


def _unsafe(char: str) -> bool:
    if char in _HIDDEN:
        return True
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co")


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
