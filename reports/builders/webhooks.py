"""The report of webhooks: what was delivered, how late, what was not believed."""

from collections import defaultdict
from collections.abc import Sequence

from domain.figures import DayFigures, Durations
from domain.stored_event import StoredEvent
from reports.builders.operating import (
    delivery_table,
    duration_table,
)
from reports.builders.words import period_facts, span_slug
from reports.document import (
    Column,
    Document,
    Kind,
    Section,
    Table,
    Tone,
)
from reports.instants import period_text
from reports.verdict import count, provider_name


def webhooks_document(
    figures: DayFigures, dead: Sequence[StoredEvent], mode: str, product_version: str
) -> Document:
    """Deliveries of a period; `dead` are the events that wait for a person now."""
    received = sum(e.count for e in figures.events)
    refused = sum(r.count for r in figures.refused)
    found = f"{count(received, 'event')} received"
    if dead:
        found += f", {count(len(dead), 'event')} failed for good"
    if refused:
        found += f", {count(refused, 'attempt')} to deliver refused"
    return Document(
        name="webhooks",
        title=f"Webhooks, {period_text(figures.period).span}",
        slug=f"webhooks-{span_slug(figures)}-{mode}",
        tone=Tone.BAD if dead else Tone.GOOD if received else Tone.NEUTRAL,
        headline=f"{found}.",
        facts=period_facts(figures, mode),
        sections=(
            Section("Deliveries", (delivery_table(figures.events), _types(figures))),
            Section("Delay", (_delays(figures.delays),)),
            Section("Not believed", (_refused(figures),)),
            Section("Failed for good", (_dead(dead),)),
        ),
        main="types",
        footer=(f"Written by tscli {product_version}.",),
    )


def _types(figures: DayFigures) -> Table:
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for e in figures.events:
        held = counts[(e.provider, e.type)]
        held[0] += e.count
        held[1] += e.deliveries
    return Table(
        key="types",
        title="By type",
        columns=(
            Column("provider", "Provider"),
            Column("type", "Type", Kind.CODE),
            Column("events", "Events", Kind.COUNT),
            Column("deliveries", "Deliveries", Kind.COUNT),
        ),
        rows=[(provider_name(p), kind, *held) for (p, kind), held in sorted(counts.items())],
        empty="No event was received.",
    )


def _delays(delays: Sequence[Durations]) -> Table:
    return duration_table(
        "delays", "From happening to being received", "Came by", delays,
        "Events found by listing were late because no delivery brought them.",
    )  # fmt: skip


def _refused(figures: DayFigures) -> Table:
    return Table(
        key="refused",
        title="Refused deliveries by reason",
        columns=(
            Column("provider", "Provider"),
            Column("reason", "Reason", Kind.CODE),
            Column("count", "Times", Kind.COUNT),
        ),
        rows=[(provider_name(r.provider), r.reason, r.count) for r in figures.refused],
        note="Their bytes were not kept, only digests.",
        empty="Nothing was refused.",
    )


def _dead(dead: Sequence[StoredEvent]) -> Table:
    return Table(
        key="dead",
        title="Waiting for a person",
        columns=(
            Column("event_id", "Event", Kind.CODE),
            Column("provider", "Provider"),
            Column("type", "Type", Kind.CODE),
            Column("received_at", "Received (UTC)", Kind.INSTANT),
            Column("attempts", "Attempts", Kind.COUNT),
            Column("error", "Last error", wide=True),
        ),
        rows=[
            (e.event_id, provider_name(e.owner.provider), e.type, e.received_at, e.attempts,
             e.last_error)
            for e in dead
        ],
        note="`tscli webhooks retry ID` tries again, `tscli webhooks discard ID` gives up.",
        empty="Nothing failed for good.",
    )  # fmt: skip
