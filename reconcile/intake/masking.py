"""What may be shown of a cell that was refused: short, printable, and without card numbers."""

import re

TEXT_MAX = 80
_DIGITS = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){11,18}(?![0-9])")


def shown(text: str) -> str:
    """The start of `text`, at most 80 characters, control characters and card numbers replaced."""
    masked = _DIGITS.sub(_mask, text[: 5 * TEXT_MAX])
    printable = "".join(char if char.isprintable() else "�" for char in masked)
    return printable if len(printable) <= TEXT_MAX else printable[: TEXT_MAX - 1] + "…"


def _mask(match: "re.Match[str]") -> str:
    digits = [int(char) for char in match[0] if char.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    if (sum(digits[-1::-2]) + sum(doubled)) % 10:
        return match[0]
    return "*" * (len(digits) - 4) + "".join(map(str, digits[-4:]))
