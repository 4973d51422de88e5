"""The `[reconcile]` table of the settings: how runs compare."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

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
    rows_in_memory: int = Field(default=2_500_000, ge=0)
    """Rows of both sides together that are compared in memory; more go through files on disk."""
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
            rows_in_memory=self.rows_in_memory,
        )


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
