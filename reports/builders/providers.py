"""The report that holds providers side by side."""

from collections import defaultdict
from collections.abc import Mapping

from domain.figures import DayFigures, Moved
from domain.provider import AccountSwitch, ProviderAccount
from reports.builders.operating import (
    failure_bars,
    failure_table,
    key_table,
    latency_pictures,
    latency_table,
    payment_table,
    success_share,
)
from reports.builders.words import account_name, period_facts, span_slug
from reports.document import (
    Amount,
    Bars,
    Cell,
    Column,
    Document,
    Kind,
    Section,
    Share,
    Table,
    Tone,
)
from reports.instants import period_text
from reports.verdict import count


def providers_document(
    figures: DayFigures,
    switches: Mapping[ProviderAccount, tuple[AccountSwitch, str]],
    mode: str,
    product_version: str,
) -> Document:
    """Providers side by side; `switches` holds how each account stands: switch and breaker."""
    share = success_share(figures)
    away = [owner for owner, (switch, breaker) in switches.items()
            if switch.status != "active" or breaker == "open"]  # fmt: skip
    stands = f"{share.part} of {count(share.whole, 'decided payment')} succeeded"
    if not share.whole:
        stands = "No payment was decided"
    closed = f"; not available: {', '.join(account_name(o.provider, o.account) for o in away)}"
    return Document(
        name="providers",
        title=f"Providers, {period_text(figures.period).span}",
        slug=f"providers-{span_slug(figures)}-{mode}",
        tone=Tone.BAD if away else Tone.GOOD if share.whole else Tone.NEUTRAL,
        headline=f"{stands}{closed if away else ''}.",
        facts=period_facts(figures, mode),
        sections=(
            Section("Side by side", (_accounts(switches), _success_bars(figures), _costs(figures))),
            Section(
                "Payments",
                (
                    payment_table(figures),
                    *latency_pictures(figures.durations),
                    latency_table(figures.durations),
                ),
            ),
            Section(
                "Refusals",
                (
                    *((failure_bars(figures.failures),) if figures.failures else ()),
                    failure_table(figures.failures),
                ),
            ),
            Section("Idempotency", (key_table(figures),)),
        ),
        main="costs",
        footer=(f"Written by tscli {product_version}.",),
    )


def _accounts(switches: Mapping[ProviderAccount, tuple[AccountSwitch, str]]) -> Table:
    return Table(
        key="accounts",
        title="How the accounts stand",
        columns=(
            Column("account", "Account"),
            Column("mode", "Mode"),
            Column("status", "Status"),
            Column("breaker", "Circuit"),
            Column("since", "Since (UTC)", Kind.INSTANT),
            Column("reason", "Why", wide=True),
        ),
        rows=[
            (account_name(owner.provider, owner.account), owner.mode, switch.status.value, breaker,
             switch.at, switch.reason)
            for owner, (switch, breaker) in sorted(switches.items(), key=lambda o: str(o[0]))
        ],
        empty="No account is configured.",
    )  # fmt: skip


def _success_bars(figures: DayFigures) -> Bars:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for p in figures.payments:
        if p.state in ("succeeded", "refunded", "failed"):
            held = counts[account_name(p.provider, p.account)]
            held[0] += p.count if p.state != "failed" else 0
            held[1] += p.count
    return Bars(
        "success",
        "Payments that succeeded, of those decided",
        tuple(
            (name, part * 10_000 // whole, f"{part:,} of {whole:,}")
            for name, (part, whole) in sorted(counts.items())
        ),
        top=10_000,
    )


def _costs(figures: DayFigures) -> Table:
    """What charges cost: fees beside the charges they were taken for, by account and currency."""
    charges: dict[tuple[str, str, str], list[Moved]] = defaultdict(list)
    for m in figures.moved:
        if m.kind == "charge":
            charges[(m.provider, m.account, m.currency)].append(m)
    rows: list[tuple[Cell, ...]] = []
    for (provider, account, code), found in sorted(charges.items()):
        gross, fees = sum(m.amount_minor for m in found), sum(m.fee_minor for m in found)
        rows.append(
            (account_name(provider, account), sum(m.count for m in found), Amount(gross, code),
             Amount(fees, code), Share(fees, gross))
        )  # fmt: skip
    return Table(
        key="costs",
        title="Charges and their fees",
        columns=(
            Column("account", "Account"),
            Column("charges", "Charges", Kind.COUNT),
            Column("gross", "Gross", Kind.AMOUNT),
            Column("fees", "Fees", Kind.AMOUNT),
            Column("rate", "Of gross", Kind.SHARE),
        ),
        rows=rows,
        empty="Nothing was charged.",
    )
