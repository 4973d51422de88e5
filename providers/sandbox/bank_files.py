"""The sandbox bank's statements as files, in the five formats banks hand out."""

from collections.abc import Callable, Sequence

from domain.bank import BankStatement
from domain.errors import InvalidRequest
from providers.sandbox.bank_camt import camt053
from providers.sandbox.bank_plain import csv_text, ofx
from providers.sandbox.bank_swift import bai2, mt940

FORMATS: dict[str, Callable[[Sequence[BankStatement]], str]] = {
    "camt053": camt053,
    "mt940": mt940,
    "bai2": bai2,
    "ofx": ofx,
    "csv": csv_text,
}
"""Name of the format -> its writer."""


def write_statements(statements: Sequence[BankStatement], form: str) -> str:
    """The statements as one file of that format.

    Raises:
        InvalidRequest: no such format.
    """
    if form not in FORMATS:
        raise InvalidRequest(
            f"{form!r} is no format of bank statements.",
            hint=f"Choose one of {', '.join(FORMATS)}.",
        )
    return FORMATS[form](statements)
