"""The report of open breaks: what each is, how old, who has it, and what would help."""

from collections.abc import Sequence
from datetime import date, datetime

from domain.break_life import Listed, age_class
from domain.open_breaks import OpenBreak, open_value
from reports.amounts import with_currency
from reports.builders.reconciling import meaning_of, open_blocks
from reports.builders.words import account_name, label, listed
from reports.document import Amount, Cell, Column, Document, Fact, Kind, Section, Table, Tone
from reports.verdict import count


def breaks_document(
    found: Sequence[Listed], at: datetime, mode: str, product_version: str
) -> Document:
    """All open breaks at an instant, oldest first."""
    breaks = [_open(one) for one in found]
    values = [with_currency(minor, code) for code, minor in open_value(breaks).items()]
    over = f": {listed(values)}" if values else ""
    on = at.date()
    return Document(
        name="breaks",
        title=f"Open breaks, {on}",
        slug=f"breaks-{on}-{mode}",
        tone=Tone.BAD if breaks else Tone.GOOD,
        headline=f"{count(len(breaks), 'open break')}{over}." if breaks else "No break is open.",
        facts=(
            Fact("As of", at, Kind.INSTANT),
            Fact("Open breaks", len(breaks), Kind.COUNT),
            Fact("Nobody has", sum(1 for item in breaks if not item.assignee), Kind.COUNT),
        ),
        sections=(
            Section("Overview", open_blocks(breaks, at)),
            Section("Every break", (_table(found, on),)),
            Section("What the kinds mean", (_meanings(breaks),)),
        ),
        main="breaks",
        footer=(f"Written by tscli {product_version}.",),
    )


def _open(one: Listed) -> OpenBreak:
    record = one.record
    return OpenBreak(
        break_id=record.break_id,
        provider=record.provider,
        account=record.account,
        kind=record.kind.value,
        reference=record.provider_reference or record.transaction_id,
        currency=record.currency,
        effect=tuple(sorted(record.effect.items())),
        occurred_at=record.occurred_at,
        assignee=record.assignee,
    )


def _table(found: Sequence[Listed], on: date) -> Table:
    ordered = sorted(found, key=lambda one: (one.record.occurred_at, one.record.break_id))
    return Table(
        key="breaks",
        title="Open breaks, oldest first",
        columns=(
            Column("break_id", "Break", Kind.CODE),
            Column("kind", "Kind"),
            Column("account", "Account"),
            Column("reference", "Reference", Kind.CODE),
            Column("effect", "Provider above ours", Kind.AMOUNT),
            Column("occurred_at", "Occurred (UTC)", Kind.INSTANT),
            Column("age_days", "Days", Kind.COUNT),
            Column("age", "Age"),
            Column("assignee", "Who has it"),
            Column("detail", "Detail", wide=True),
        ),
        rows=[row for one in ordered for row in _rows(one, on)],
    )


def _rows(one: Listed, on: date) -> list[tuple[Cell, ...]]:
    """A row for each currency that a break touches; one without money has one row."""
    record, days = one.record, one.record.age_days(on)
    amounts: list[Amount | None] = [Amount(minor, code) for code, minor in record.effect.items()]
    return [
        (
            record.break_id,
            label(record.kind.value),
            account_name(record.provider, record.account),
            record.provider_reference or record.transaction_id,
            amount,
            record.occurred_at,
            days,
            age_class(days),
            record.assignee,
            one.item.detail,
        )
        for amount in amounts or [None]
    ]


def _meanings(breaks: Sequence[OpenBreak]) -> Table:
    return Table(
        key="meanings",
        title="Kinds",
        columns=(
            Column("kind", "Kind"),
            Column("meaning", "Meaning", wide=True),
            Column("remedy", "What helps", Kind.CODE),
        ),
        rows=[(label(kind), *meaning_of(kind)) for kind in sorted({b.kind for b in breaks})],
    )
