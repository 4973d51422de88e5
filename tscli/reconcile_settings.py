"""The `[reconcile]` table of the settings: how runs compare."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from domain.bank import CsvMapping
from domain.errors import ConfigurationError, InvalidRequest
from domain.matching import Matching, Tolerance
from domain.money import parse_minor
from domain.settlement import LEDGER_KINDS


class ToleranceSection(BaseModel):
    """One difference that is allowed; a pair within it is `within_tolerance`, never `matched`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: str
    """Code such as `USD`."""
    kind: str = ""
    """Kind of line, such as `refund`; every kind when empty."""
    amount: str = "0"
    """Major units."""
    fee: str = "0"
    """Major units."""


class ReconcileSection(BaseModel):
    """How runs compare."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    context_days: int = Field(default=31, ge=0, le=3660)
    """Rows this far outside a period may still be partners of rows inside."""
    cut_off_hours: int = Field(default=3, ge=0, le=24 * 31)
    """A line of ours this close before the end of a period may stand in the next file."""
    dates_apart_days: int = Field(default=7, ge=0, le=3660)
    """Further apart than this, a pair that agrees in its money is a break."""
    tolerances: tuple[ToleranceSection, ...] = ()
    """Differences that are allowed; none unless stated."""

    @property
    def matching(self) -> Matching:
        """The same as the comparison takes it.

        Raises:
            ConfigurationError: a currency, kind or amount that is none.
        """
        return Matching(
            context=timedelta(days=self.context_days),
            cut_off=timedelta(hours=self.cut_off_hours),
            dates_apart=timedelta(days=self.dates_apart_days),
            tolerances=tuple(_tolerance(section) for section in self.tolerances),
        )


class BankSection(BaseModel):
    """How a bank's own CSV file is to be read; see `domain.bank.CsvMapping`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    booked_on: str
    """Column of the day of booking."""
    amount: str = ""
    """Column of the signed amount; or `credit` and `debit`."""
    credit: str = ""
    debit: str = ""
    currency: str = ""
    """Column of the currency; or `currency_is`."""
    currency_is: str = ""
    account: str = ""
    """Column of the account; or `account_is`."""
    account_is: str = ""
    valued_on: str = ""
    reference: str = ""
    """Column of the bank's own id of the line."""
    end_to_end: str = ""
    """Column of the reference that came with the money."""
    counterparty: str = ""
    text: str = ""
    balance: str = ""
    """Column of the balance after each line, checked from line to line."""
    date_format: str = "%Y-%m-%d"
    decimal: str = Field(default=".", min_length=1, max_length=1)
    thousands: str = Field(default="", max_length=1)
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    skip_lines: int = Field(default=0, ge=0, le=1000)
    """Lines before the header."""

    def mapping(self, name: str) -> CsvMapping:
        """The same as the reader takes it.

        Raises:
            ConfigurationError: neither a column nor a value for amount, currency or account.
        """
        missing = [
            what
            for what, given in (
                ("amount, or credit and debit", self.amount or (self.credit and self.debit)),
                ("currency or currency_is", self.currency or self.currency_is),
                ("account or account_is", self.account or self.account_is),
            )
            if not given
        ]
        if missing:
            raise ConfigurationError(f"bank.{name}: {missing[0]} is missing.")
        return CsvMapping(name=name, **self.model_dump())


def _tolerance(section: ToleranceSection) -> Tolerance:
    currency = section.currency.upper()
    kinds = {kind.value: kind for kind in LEDGER_KINDS}
    if section.kind and section.kind not in kinds:
        raise ConfigurationError(
            f"reconcile.tolerances: {section.kind!r} is no kind of line.",
            hint=f"One of {', '.join(kinds)}.",
        )
    try:
        amount, fee = (parse_minor(text, currency) for text in (section.amount, section.fee))
    except InvalidRequest as error:
        raise ConfigurationError(f"reconcile.tolerances: {error.message}") from None
    if amount < 0 or fee < 0:
        raise ConfigurationError("reconcile.tolerances: a tolerance is not negative.")
    return Tolerance(currency, kinds.get(section.kind), amount, fee)
