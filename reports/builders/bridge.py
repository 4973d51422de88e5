"""The bridge as a statement: our balance, every open item by age, the provider's balance, the
bank's."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.break_life import age_class
from domain.bridge import Bridge, BridgeItem
from reports.builders.words import AGE_ORDER, account_name, label, mode_fact
from reports.document import Amount, Block, Cell, Column, Document, Fact, Kind, Section, Table, Tone

_STATEMENT = (Column("line", "Line", wide=True), Column("amount", "Amount", Kind.AMOUNT))


def bridge_document(
    bridges: Sequence[Bridge],
    owner: tuple[str, str, str],
    at: datetime,
    data: Sequence[Mapping[str, Any]],
    product_version: str,
) -> Document:
    """The bridge of one provider account (provider, account, mode) in every currency."""
    provider, account, mode = owner
    off = [one for one in bridges if one.tie_out_minor or one.gap_minor or one.bank_tie_out_minor]
    name = account_name(provider, account)
    return Document(
        name="bridge",
        title=f"Bridge from our ledger to {name}, {at.date()}",
        slug=f"bridge-{provider}-{account}-{mode}-{at.date()}",
        tone=Tone.BAD if off else Tone.GOOD if bridges else Tone.NEUTRAL,
        headline=_headline(bridges, off, name),
        facts=(Fact("As of", at, Kind.INSTANT), Fact("Account", name), mode_fact(mode)),
        sections=tuple(Section(one.currency, _blocks(one)) for one in bridges),
        machine=_machine(bridges),
        data=data,
        footer=(f"Written by tscli {product_version}.",),
    )


def _headline(bridges: Sequence[Bridge], off: Sequence[Bridge], name: str) -> str:
    if not bridges:
        return "Nothing to bridge: neither side holds anything."
    if not off:
        return f"Every difference between our ledger and {name} is named; the tie-out is zero."
    return f"Money nobody can name in {', '.join(one.currency for one in off)}."


def _blocks(bridge: Bridge) -> tuple[Block, ...]:
    code = bridge.currency.lower()
    blocks: list[Block] = [
        Table(f"statement_{code}", "Statement", _STATEMENT, _statement(bridge)),
        Table(
            f"items_{code}",
            "Open items, oldest first",
            (
                Column("break_id", "Break", Kind.CODE),
                Column("kind", "Kind"),
                Column("reference", "Reference", Kind.CODE),
                Column("amount", "Amount", Kind.AMOUNT),
                Column("age_days", "Days", Kind.COUNT),
                Column("state", "State"),
                Column("assignee", "Who has it"),
            ),
            [
                (i.break_id, label(i.kind), i.reference, Amount(i.amount_minor, bridge.currency),
                 i.age_days, label(i.state), i.assignee)
                for i in bridge.items
            ],
            totals=(
                ("Total", "", "", Amount(bridge.open_minor, bridge.currency), None, "", ""),
            ) if bridge.items else (),
            empty="No item is open.",
        ),
    ]  # fmt: skip
    if bridge.bank is not None:
        blocks.append(Table(f"bank_{code}", "On to the bank", _STATEMENT, _bank(bridge)))
    return tuple(blocks)


def _statement(bridge: Bridge) -> list[tuple[Cell, ...]]:
    def line(words: str, minor: int) -> tuple[Cell, ...]:
        return words, Amount(minor, bridge.currency)

    rows = [line("Balance in our ledger", bridge.ledger_minor)]
    if bridge.opening_minor:
        rows.append(line("Held before our books begin", bridge.opening_minor))
    rows += [line(f"Open items, {age} days", minor) for age, minor in _by_age(bridge.items)]
    if bridge.tolerated_minor:
        rows.append(line("Within tolerance", bridge.tolerated_minor))
    rows.append(line("Balance by the provider's lines", bridge.provider_minor))
    if bridge.stated_minor is not None:
        rows.append(line("Balance the provider states", bridge.stated_minor))
    rows.append(line("Tie-out: what nobody can name", bridge.tie_out_minor))
    return rows


def _by_age(items: Sequence[BridgeItem]) -> list[tuple[str, int]]:
    sums: dict[str, int] = {}
    for item in items:
        age = age_class(item.age_days)
        sums[age] = sums.get(age, 0) + item.amount_minor
    return [(age, sums[age]) for age in AGE_ORDER if age in sums]


def _bank(bridge: Bridge) -> list[tuple[Cell, ...]]:
    bank = bridge.bank
    assert bank is not None
    lines = (
        ("Paid out so far", bank.paid_minor),
        ("On its way to the bank", -bank.in_transit_minor),
        ("Late, or not to be told apart", -bank.late_minor),
        ("Arrived above or below what was paid", bank.off_minor),
        ("Arrived at the bank", bank.arrived_minor),
        ("Tie-out: what nobody can name", bank.tie_out_minor),
    )
    return [(words, Amount(minor, bridge.currency)) for words, minor in lines]


def _machine(bridges: Sequence[Bridge]) -> Table:
    """Every line and every open item of all currencies in one table."""
    rows: list[tuple[Cell, ...]] = []
    for bridge in bridges:
        lines = [*_statement(bridge), *(_bank(bridge) if bridge.bank else [])]
        rows += [(words, "", None, "", amount) for words, amount in lines]
        rows += [
            (i.kind, i.reference, i.age_days, i.state, Amount(i.amount_minor, bridge.currency))
            for i in bridge.items
        ]
    return Table(
        key="bridge",
        title="Bridge",
        columns=(
            Column("item", "Item"),
            Column("reference", "Reference", Kind.CODE),
            Column("age_days", "Days", Kind.COUNT),
            Column("state", "State"),
            Column("amount", "Amount", Kind.AMOUNT),
        ),
        rows=rows,
    )
