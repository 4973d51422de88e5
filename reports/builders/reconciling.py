"""What was compared and what is open: runs, trends, breaks by kind, account and age."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

from domain.break_life import age_class
from domain.buckets import KINDS, Bucket
from domain.open_breaks import OpenBreak, open_value
from domain.run import Run
from domain.summary import OpenOn
from reports.amounts import with_currency
from reports.builders.words import AGE_ORDER, account_name, label, matched_share
from reports.document import Amount, Bars, Block, Cell, Column, Kind, Share, Table, Trend

_PICTURED = 3
"""Currencies that get a picture of their own; the table has all."""


def run_table(runs: Iterable[Run]) -> Table:
    """Runs with how much agreed."""
    return Table(
        key="runs",
        title="Runs",
        columns=(
            Column("account", "Account"),
            Column("from", "From (UTC)", Kind.INSTANT),
            Column("to", "To (UTC)", Kind.INSTANT),
            Column("agreed", "Rows that agree", Kind.SHARE),
            Column("breaks", "Breaks", Kind.COUNT),
            Column("cleared", "Cleared", Kind.COUNT),
            Column("unreadable", "Unreadable", Kind.COUNT),
            Column("run_id", "Run", Kind.CODE),
        ),
        rows=[
            (
                account_name(run.provider, run.account),
                run.period.start_at,
                run.period.end_at,
                matched_share(run),
                run.break_count,
                run.cleared,
                run.unreadable,
                run.run_id,
            )
            for run in runs
        ],
        note="Cleared are breaks of earlier runs whose lines agree now.",
        empty="Nothing was compared.",
    )


def match_trend(days: Sequence[date], runs: Iterable[Run]) -> Trend:
    """The share of rows that agree, by the day on which a run's period begins in its zone."""
    held: dict[date, Share] = {}
    for run in runs:
        on = _first_day(run)
        share, more = held.get(on, Share(0, 0)), matched_share(run)
        held[on] = Share(share.part + more.part, share.whole + more.whole)
    points = []
    for on in days:
        share = held.get(on, Share(0, 0))
        height = share.part * 10_000 // share.whole if share.whole else None
        points.append((on, height, f"{share.part} of {share.whole} rows"))
    return Trend("match_rate", "Rows that agree", tuple(points), top=10_000, kind=Kind.SHARE)


def _first_day(run: Run) -> date:
    from zoneinfo import ZoneInfo

    return run.period.start_at.astimezone(ZoneInfo(run.period.timezone)).date()


def open_trends(trend: Sequence[OpenOn]) -> tuple[Trend, ...]:
    """Open breaks at the end of each day: how many, and their value in the largest currencies."""
    sums: Counter[str] = Counter()
    for day in trend:
        sums.update(day.value)
    count = Trend(
        "open_breaks",
        "Open breaks, end of day",
        tuple((day.on, day.breaks, str(day.breaks)) for day in trend),
    )
    largest = sorted(code for code, _ in sums.most_common(_PICTURED))
    return (
        count,
        *(
            Trend(
                f"open_value_{code.lower()}",
                f"Open value {code}, end of day",
                tuple(
                    (day.on, day.value.get(code, 0), with_currency(day.value.get(code, 0), code))
                    for day in trend
                ),
                kind=Kind.AMOUNT,
                currency=code,
            )
            for code in largest
        ),
    )


def open_blocks(breaks: Sequence[OpenBreak], at: datetime) -> tuple[Block, ...]:
    """Open breaks by kind, by account and by age, with what they come to."""
    if not breaks:
        return (Table("by_kind", "Open breaks", (), (), empty="No break is open."),)
    kinds = [kind.value for kind in KINDS]
    by_kind = _grouped(breaks, lambda item: item.kind)
    by_account = _grouped(breaks, lambda item: account_name(item.provider, item.account))
    by_age = _grouped(breaks, lambda item: age_class(item.age_days(at)))
    return (
        _bars("kinds", "Open breaks by kind", by_kind, label),
        _grouped_table("by_kind", "By kind", "Kind", by_kind, kinds, label),
        _bars("accounts", "Open breaks by account", by_account, str),
        _age_bars(by_age),
        _grouped_table("by_age", "By age", "Days", by_age, AGE_ORDER, str),
    )


def _grouped(
    breaks: Iterable[OpenBreak], key: Callable[[OpenBreak], str]
) -> dict[str, list[OpenBreak]]:
    found: dict[str, list[OpenBreak]] = defaultdict(list)
    for item in breaks:
        found[key(item)].append(item)
    return found


def _bars(
    key: str, title: str, groups: Mapping[str, list[OpenBreak]], named: Callable[[str], str]
) -> Bars:
    sizes = sorted(
        ((len(held), name) for name, held in groups.items()), key=lambda s: (-s[0], s[1])
    )
    return Bars(key, title, tuple((named(name), size, f"{size:,}") for size, name in sizes))


def _age_bars(by_age: Mapping[str, list[OpenBreak]]) -> Bars:
    """Ages in their order, empty ones included: the picture's shape is what is read."""
    sizes = [(age, len(by_age.get(age, ()))) for age in AGE_ORDER]
    return Bars("ages", "Open breaks by age in days", tuple((a, n, f"{n:,}") for a, n in sizes))


def _grouped_table(
    key: str,
    title: str,
    heading: str,
    groups: Mapping[str, list[OpenBreak]],
    order: Sequence[str],
    named: Callable[[str], str],
) -> Table:
    """A row for each group and currency; a group whose breaks hold no money has one row."""
    rows: list[tuple[Cell, ...]] = []
    for name in sorted(groups, key=lambda n: order.index(n) if n in order else len(order)):
        values: dict[str, int | None] = {**open_value(groups[name])} or {"": None}
        rows += [
            (
                named(name),
                sum(1 for item in groups[name] if not code or code in dict(item.effect)),
                None if minor is None else Amount(minor, code),
            )
            for code, minor in values.items()
        ]
    everything = [item for held in groups.values() for item in held]
    return Table(
        key=key,
        title=title,
        columns=(
            Column(key.removeprefix("by_"), heading),
            Column("breaks", "Breaks", Kind.COUNT),
            Column("value", "Open value", Kind.AMOUNT),
        ),
        rows=rows,
        totals=tuple(
            ("Total", sum(1 for i in everything if code in dict(i.effect)), Amount(minor, code))
            for code, minor in open_value(everything).items()
        ),
    )


def meaning_of(kind: str) -> tuple[str, str]:
    """What a kind of break means, and the command that helps."""
    text = KINDS[Bucket(kind)]
    return text.meaning, text.remedy
