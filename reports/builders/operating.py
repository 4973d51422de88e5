"""How payments went and what the machines did: success, latency, reasons, keys, deliveries."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from domain.figures import DayFigures, Durations, EventCount, Failures
from reports.builders.words import account_name, label
from reports.document import Bars, Cell, Column, Kind, Share, Table, Trend
from reports.verdict import provider_name

_SUCCEEDED = frozenset({"succeeded", "refunded"})
_DECIDED = _SUCCEEDED | {"failed"}
_STATES = ("succeeded", "authorized", "requires_action", "processing", "failed", "cancelled")
_OF_STATE = {"refunded": "succeeded", "pending": "processing"}
"""States that a column of another one counts: a refunded payment had succeeded."""


def payment_table(figures: DayFigures) -> Table:
    """Payments created in the period, as they stand now, by account."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for p in figures.payments:
        counts[(p.provider, p.account)][_OF_STATE.get(p.state, p.state)] += p.count
    rows = [
        (account_name(*account), *_payment_cells(held)) for account, held in sorted(counts.items())
    ]
    everything = sum(counts.values(), Counter[str]())
    return Table(
        key="payments",
        title="Payments created",
        columns=(
            Column("account", "Account"),
            Column("payments", "Payments", Kind.COUNT),
            *(Column(state, label(state), Kind.COUNT) for state in _STATES),
            Column("success_rate", "Success rate", Kind.SHARE),
        ),
        rows=rows,
        totals=(("Total", *_payment_cells(everything)),) if len(rows) > 1 else (),
        note="The success rate counts payments that succeeded or failed; cancelled ones and those"
        " still under way are neither. States are those of today.",
        empty="No payment was created.",
    )


def _payment_cells(held: Counter[str]) -> tuple[Cell, ...]:
    decided = held["succeeded"] + held["failed"]
    counts = [held[state] for state in _STATES]
    return (held.total(), *counts, Share(held["succeeded"], decided))


def success_share(figures: DayFigures) -> Share:
    """Payments that succeeded, of those that succeeded or failed."""
    part = sum(p.count for p in figures.payments if p.state in _SUCCEEDED)
    return Share(part, sum(p.count for p in figures.payments if p.state in _DECIDED))


def success_trend(days: Sequence[DayFigures]) -> Trend:
    """The success rate of the payments created on each day; a day without any is a gap."""
    points = []
    for day in days:
        share = success_share(day)
        height = share.part * 10_000 // share.whole if share.whole else None
        points.append((day.on, height, f"{share.part} of {share.whole}"))
    return Trend("success", "Success rate of payments", tuple(points), top=10_000, kind=Kind.SHARE)


def latency_pictures(durations: Sequence[Durations]) -> tuple[Bars, ...]:
    """How long 95 % of operations took at most, side by side; none where nothing was measured."""
    sizes = [(f"{provider_name(d.provider)} {d.what}", d.percentile(95) or 0) for d in durations]
    bars = tuple((name, size, f"{size:,} ms") for name, size in sizes)
    return (Bars("latency_bars", "95 % of operations within", bars),) if bars else ()


def latency_table(durations: Sequence[Durations]) -> Table:
    """How long operations took from the first byte sent to a certain outcome."""
    return duration_table(
        "latency",
        "From sending to a certain outcome",
        "Operation",
        durations,
        "An operation that waits for a customer counts until its outcome.",
    )


def duration_table(
    key: str, title: str, heading: str, durations: Iterable[Durations], note: str = ""
) -> Table:
    """Median, 95th percentile and longest, by provider."""
    return Table(
        key=key,
        title=title,
        columns=(
            Column("provider", "Provider"),
            Column("what", heading),
            Column("measured", "Measured", Kind.COUNT),
            Column("median", "Median", Kind.MILLISECONDS),
            Column("p95", "95 % within", Kind.MILLISECONDS),
            Column("longest", "Longest", Kind.MILLISECONDS),
        ),
        rows=[
            (
                provider_name(d.provider),
                label(d.what),
                d.count,
                d.percentile(50),
                d.percentile(95),
                d.percentile(100),
            )
            for d in durations
        ],
        note=note,
        empty="Nothing was measured.",
    )


def failure_table(failures: Sequence[Failures]) -> Table:
    """Reasons of refused operations, most frequent first."""
    return Table(
        key="failures",
        title="Refused operations by reason",
        columns=(
            Column("provider", "Provider"),
            Column("operation", "Operation"),
            Column("reason", "Reason", Kind.CODE),
            Column("count", "Times", Kind.COUNT),
        ),
        rows=[
            (provider_name(f.provider), label(f.kind), f.code or "not stated", f.count)
            for f in sorted(failures, key=lambda f: (-f.count, f.provider, f.kind, f.code))
        ],
        empty="Nothing was refused.",
    )


def failure_bars(failures: Sequence[Failures]) -> Bars:
    """The same as a picture, by reason alone."""
    counts: Counter[str] = Counter()
    for f in failures:
        counts[f.code or "not stated"] += f.count
    ordered = sorted(counts.items(), key=lambda c: (-c[1], c[0]))
    return Bars("reasons", "Refusals by reason", tuple((r, n, f"{n:,}") for r, n in ordered))


def key_table(figures: DayFigures) -> Table:
    """Idempotency keys and what became of their operations."""
    return Table(
        key="keys",
        title="Idempotency keys",
        columns=(
            Column("operation", "Operation"),
            Column("keys", "Keys recorded", Kind.COUNT),
            Column("renewed", "Renewed attempts", Kind.COUNT),
        ),
        rows=[(label(k.kind), k.keys, k.resent) for k in figures.keys],
        note="A renewed attempt got fresh provider keys, because the old ones certainly moved"
        " nothing.",
        empty="No key was recorded.",
    )


def delivery_table(events: Sequence[EventCount]) -> Table:
    """Webhook events by provider: how they came and what became of them."""
    by_provider: dict[str, list[EventCount]] = defaultdict(list)
    for e in events:
        by_provider[e.provider].append(e)
    return Table(
        key="deliveries",
        title="Webhook events",
        columns=(
            Column("provider", "Provider"),
            Column("events", "Events", Kind.COUNT),
            Column("delivered", "Delivered, not listed", Kind.SHARE),
            Column("repeated", "Repeated deliveries", Kind.COUNT),
            Column("applied", "Done", Kind.SHARE),
            Column("waiting", "Waiting", Kind.COUNT),
            Column("dead", "Failed or dead", Kind.COUNT),
        ),
        rows=[(provider_name(name), *_event_cells(found)) for name, found in
              sorted(by_provider.items())],
        note="Events that only the provider's list showed were missed by the receiver, or the"
        " provider never delivered them.",
        empty="No event was received.",
    )  # fmt: skip


def _event_cells(found: Sequence[EventCount]) -> tuple[Cell, ...]:
    count = sum(e.count for e in found)

    def in_states(*states: str) -> int:
        return sum(e.count for e in found if e.state in states)

    return (
        count,
        Share(sum(e.count for e in found if e.source == "delivery"), count),
        sum(e.deliveries for e in found) - count,
        Share(in_states("applied", "unchanged", "ignored", "discarded"), count),
        in_states("received", "parked"),
        in_states("failed", "dead"),
    )
