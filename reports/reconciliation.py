"""The reconciliation report as one frozen object: all a document shows, and nothing to decide.

Built by a pure function from a run and its breaks. Times are the run's own, never the clock's, so
the same run gives the same report on any day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.breaks import Break
from domain.buckets import KINDS, Bucket
from domain.errors import IntegrityError
from domain.run import Run
from reports.bucket_totals import CurrencySheet, currency_sheets
from reports.open_value import OpenValue, open_parts, open_values
from reports.verdict import Verdict, headline


@dataclass(frozen=True, slots=True)
class KindGroup:
    """All breaks of one kind, largest open value first within each currency."""

    kind: Bucket
    breaks: tuple[Break, ...]
    open_value: tuple[OpenValue, ...]

    @property
    def meaning(self) -> str:
        """What the kind means to a person."""
        return KINDS[self.kind].meaning

    @property
    def remedy(self) -> str:
        """The command that helps, with the words to be replaced in capitals."""
        return KINDS[self.kind].remedy


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """One run, told: verdict, sums per currency, breaks by kind, inputs and rules."""

    run: Run
    product_version: str
    verdict: Verdict
    headline: str
    """One sentence; may hold the provider's word, so renderers treat it as foreign text."""
    open_value: tuple[OpenValue, ...]
    """Over all breaks, by currency."""
    sheets: tuple[CurrencySheet, ...]
    """By currency, without the rows nobody could read."""
    unreadable: CurrencySheet | None
    """The rows nobody could read, which have no currency; None when there are none."""
    kinds: tuple[KindGroup, ...]
    """In the order of `domain.breaks.KINDS`, kinds without breaks left out."""
    passes: tuple[tuple[str, int], ...]
    """Pairs found by each pass of the matching, in the order the passes ran."""

    @property
    def breaks(self) -> tuple[Break, ...]:
        """Every break, kind by kind: the order of every document."""
        return tuple(item for group in self.kinds for item in group.breaks)

    @property
    def ties(self) -> bool:
        """Whether the buckets sum to the input files, in every currency and in rows."""
        return all(sheet.ties for sheet in (*self.sheets, self.unreadable) if sheet)


def reconciliation_report(
    run: Run, breaks: Iterable[Break], passes: Mapping[str, int], product_version: str
) -> ReconciliationReport:
    """Tell one run.

    `breaks` are all breaks of the run, in any order; `passes` maps the name of each matching pass
    to the pairs it found, in the order the passes ran.

    Raises:
        IntegrityError: the breaks are not those the run counted, or a total has no side or bucket.
    """
    kinds = _groups(breaks)
    counted = {kind: number for kind, number in run.break_counts if number}
    given = {group.kind: len(group.breaks) for group in kinds}
    if counted != given:
        raise IntegrityError(f"The run counted the breaks {counted}, the report was given {given}.")

    sheets = currency_sheets(run)
    readable = tuple(sheet for sheet in sheets if sheet.currency)
    unreadable = next((sheet for sheet in sheets if not sheet.currency), None)
    others = sum(number for kind, number in given.items() if kind is not Bucket.UNREADABLE)
    rejected = max(run.unreadable, given.get(Bucket.UNREADABLE, 0))
    value = open_values(item for group in kinds for item in group.breaks)
    verdict = _verdict(sheets, others, rejected)
    return ReconciliationReport(
        run=run,
        product_version=product_version,
        verdict=verdict,
        headline=headline(verdict, run.provider, others, rejected, value),
        open_value=value,
        sheets=readable,
        unreadable=unreadable,
        kinds=kinds,
        passes=tuple(passes.items()),
    )


def _groups(breaks: Iterable[Break]) -> tuple[KindGroup, ...]:
    by_kind: dict[Bucket, list[Break]] = {}
    for item in breaks:
        by_kind.setdefault(item.kind, []).append(item)
    unknown = sorted(by_kind.keys() - KINDS.keys())
    if unknown:
        raise IntegrityError(f"{', '.join(unknown)} is no kind of break.")
    return tuple(
        KindGroup(kind, tuple(sorted(by_kind[kind], key=_rank)), open_values(by_kind[kind]))
        for kind in KINDS
        if kind in by_kind
    )


def _rank(item: Break) -> tuple[str, int, str, int, str, str, str]:
    """Currency, then the largest first; the rest makes the order total."""
    largest = sum(amount + fee for _, amount, fee in open_parts(item))
    place = (item.file, item.line, item.provider_reference, item.transaction_id, item.break_id)
    return (item.currency, -largest, *place)


def _verdict(sheets: tuple[CurrencySheet, ...], breaks: int, unreadable: int) -> Verdict:
    if not all(sheet.ties for sheet in sheets):
        return Verdict.UNTIED
    if unreadable:
        return Verdict.UNREADABLE
    if breaks:
        return Verdict.BREAKS
    compared = [sheet.compared for sheet in sheets]
    if not any(pair.expected.rows or pair.reported.rows for pair in compared):
        return Verdict.EMPTY
    return Verdict.AGREE
