"""How one bank's CSV file is read: which column is what, as its owner wrote it down in settings."""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from domain.errors import ConfigurationError

COLUMNS = (
    "booked_on", "valued_on", "amount", "debit", "credit", "sign", "currency", "reference",
    "end_to_end", "counterparty", "text", "balance", "status",
)  # fmt: skip
"""What a column may be; the file's own header names stand behind them."""
_DIRECTIVES = {"%Y": "([0-9]{4})", "%y": "([0-9]{2})", "%m": "([0-9]{1,2})", "%d": "([0-9]{1,2})"}


@dataclass(frozen=True, slots=True)
class CsvMapping:
    """One layout; `parse` makes it from settings."""

    name: str
    account: str
    columns: Mapping[str, str]
    """One of `COLUMNS` -> name in the file's header."""
    currency: str = ""
    """Of every line, where no column says it."""
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ""
    """Separator of thousands, none unless declared."""
    date_format: str = "%Y-%m-%d"
    skip_lines: int = 0
    """Physical lines before the header."""
    debit_words: tuple[str, ...] = ("D", "DR", "DBIT", "debit")
    """What the sign column says for money that went out."""
    credit_words: tuple[str, ...] = ("C", "CR", "CRDT", "credit")
    pending_words: tuple[str, ...] = ("pending",)
    """What the status column says for lines that are not booked yet."""

    @classmethod
    def parse(cls, name: str, table: Mapping[str, object]) -> "CsvMapping":
        """The mapping in the table `[bank.NAME]` of the settings.

        Raises:
            ConfigurationError: unknown or missing keys, wrong types, contradictions.
        """
        known = {field.name for field in fields(cls)} - {"name"}
        _only(table, known, f"[bank.{name}]")
        values = {key: _typed(key, value, name) for key, value in table.items()}
        columns = values.get("columns")
        if not isinstance(columns, Mapping):
            raise ConfigurationError(f"[bank.{name}] has no table of columns.")
        _only(columns, set(COLUMNS), f"[bank.{name}.columns]")
        if not values.get("account"):
            raise ConfigurationError(f"[bank.{name}] names no account.")
        mapping = cls(name=name, **values)  # type: ignore[arg-type]
        mapping._check()
        return mapping

    @property
    def date_pattern(self) -> tuple[re.Pattern[str], tuple[str, ...]]:
        """What a date looks like, and which of its numbers is which."""
        pieces = re.split("(%.)", self.date_format)
        pattern = "".join(_DIRECTIVES.get(piece) or re.escape(piece) for piece in pieces)
        return re.compile(pattern), tuple(piece for piece in pieces if piece in _DIRECTIVES)

    def _check(self) -> None:
        where = f"[bank.{self.name}]"
        faults = [
            ("booked_on" not in self.columns, "has no column booked_on"),
            (not _one_amount(self.columns), "needs a column amount, or both debit and credit"),
            ("sign" in self.columns and "amount" not in self.columns, "has a sign and no amount"),
            (
                bool(self.currency) == ("currency" in self.columns),
                "needs a currency, or a column of that name, and not both",
            ),
            (len(self.delimiter) != 1 or self.delimiter in '"\r\n', "has no usable delimiter"),
            (self.decimal not in (".", ","), "has a decimal other than . and ,"),
            (
                len(self.thousands) > 1 or self.thousands in (*"0123456789-", self.decimal),
                "has an unusable thousands separator",
            ),
            (self.skip_lines < 0, "skips fewer than no lines"),
            (not _knows(self.encoding), f"has an unknown encoding {self.encoding!r}"),
            (
                sorted(d[1].lower() for d in self.date_pattern[1]) != ["d", "m", "y"]
                or "%" in re.sub("%[Yymd]", "", self.date_format),
                "has a date_format without exactly one each of %Y or %y, %m and %d",
            ),
            (
                len(set(self.columns.values())) != len(self.columns),
                "uses one column of the file twice",
            ),
        ]
        for wrong, words in faults:
            if wrong:
                raise ConfigurationError(f"{where} {words}.")


def _one_amount(columns: Mapping[str, str]) -> bool:
    split = [name in columns for name in ("debit", "credit")]
    return not any(split) if "amount" in columns else all(split)


def _knows(encoding: str) -> bool:
    try:
        return bool(codecs.lookup(encoding)._is_text_encoding)
    except (LookupError, ValueError):
        return False


def _only(table: Mapping[str, object], known: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigurationError(
                f"{where} has an unknown key {key!r}.",
                hint=f"Known are: {', '.join(sorted(known))}.",
            )


def _typed(key: str, value: object, name: str) -> object:
    if key == "skip_lines":
        fits = type(value) is int
    elif key == "columns":
        fits = isinstance(value, Mapping) and all(type(v) is str and v for v in value.values())
    elif key.endswith("_words"):
        fits = isinstance(value, list | tuple) and all(type(word) is str for word in value)
        value = tuple(value) if fits else value  # type: ignore[arg-type]
    else:
        fits = type(value) is str
    if not fits:
        raise ConfigurationError(f"[bank.{name}] has a {key} of the wrong type.")
    return value
