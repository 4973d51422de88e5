"""What a `:86:` field says: German sub-fields (?20), code words between slashes, or plain text."""

import logging
import re
from dataclasses import dataclass
from typing import Any

from reconcile.bank.optional import package
from reconcile.bank.texts import plain

_STRUCTURED = re.compile(r"[0-9]{3}\?[0-9]{2}")
_CODE = re.compile(
    r"/(TRTP|TRCD|IBAN|BIC|NAME|REMI|EREF|MARF|CSID|ORDP|BENM|ISDT|CNTP|PURP|ULTD|ULTC)/"
)
_SKIPPED = ("NONREF", "NOTPROVIDED")
_DETAILS_MAX = 20_000
_WIDTH = 65
"""A full line of free text was broken where it was full, others where a word ended."""


@dataclass(frozen=True, slots=True)
class Details:
    """The words beside a line's amount; empty where the bank wrote none."""

    text: str = ""
    end_to_end: str = ""
    counterparty: str = ""


def reference(text: str) -> str:
    """A reference, empty for the words that say there is none."""
    return "" if text.strip().upper() in _SKIPPED else plain(text)


def read_details(text: str) -> Details:
    """The details in `text`, which may have line ends anywhere.

    Raises:
        ConfigurationError: the package that knows the sub-fields is not installed.
    """
    lines = text[:_DETAILS_MAX].split("\n")
    joined = "".join(lines).strip()
    if _STRUCTURED.match(joined):
        return _german(joined)
    if _CODE.search(joined):
        return _slashed(joined)
    return Details(plain("".join(line if len(line) >= _WIDTH else f"{line} " for line in lines)))


def _german(text: str) -> Details:
    """Sub-fields as German and Polish banks write them; mt-940 knows them and their code words."""
    mt940, processors = package("mt940", "MT940"), package("mt940.processors", "MT940")
    # It writes what it cannot read to the log, and that may be a payer's name.
    logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)
    collection = mt940.models.Transactions(options=mt940.Options.all())
    told = {"transaction_details": text}
    found: dict[str, Any] = processors.transaction_details_post_processor(
        collection, mt940.tags.TransactionDetails(), told, dict(told)
    )
    words = [found.get(key) for key in ("purpose", "additional_purpose")]
    return Details(
        plain(" ".join(w for w in words if w)) or plain(found.get("posting_text") or ""),
        reference(found.get("end_to_end_reference") or ""),
        plain(found.get("applicant_name") or ""),
    )


def _slashed(text: str) -> Details:
    """Code words between slashes: /EREF/.../NAME/.../REMI/..., as many other banks write them."""
    pieces = _CODE.split(text)
    found: dict[str, str] = {}
    for code, value in zip(pieces[1::2], pieces[2::2], strict=True):
        found.setdefault(code, value.strip("/ "))
    words = found.get("REMI", "").removeprefix("USTD//") or plain(pieces[0])
    return Details(plain(words), reference(found.get("EREF", "")), plain(found.get("NAME", "")))
