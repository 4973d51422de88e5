"""The report of payouts: what every one consists of, and whether it adds up."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from domain.payout import PayoutProof
from domain.run import Period
from reports.builders.words import account_name, label, mode_fact
from reports.document import Amount, Cell, Column, Document, Fact, Kind, Section, Table, Tone
from reports.instants import period_text
from reports.verdict import count


def payouts_document(
    proofs: Sequence[PayoutProof],
    owner: tuple[str, str, str],
    period: Period,
    data: Sequence[Mapping[str, Any]],
    product_version: str,
) -> Document:
    """The payouts of one provider account (provider, account, mode) in a period, oldest first."""
    provider, account, mode = owner
    name, text = account_name(provider, account), period_text(period)
    off = [proof for proof in proofs if proof.residual_minor]
    unknown = [proof for proof in proofs if proof.residual_minor is None]
    return Document(
        name="payouts",
        title=f"Payouts of {name}, {text.span}",
        slug=f"payouts-{provider}-{account}-{mode}-{text.span.replace(' to ', '-')}",
        tone=Tone.BAD if off or unknown else Tone.GOOD if proofs else Tone.NEUTRAL,
        headline=_headline(len(proofs), len(off), len(unknown)),
        facts=(
            Fact("Period", text.span),
            Fact("Cut-off", f"{text.cut_off} {text.zone}"),
            Fact("Account", name),
            mode_fact(mode),
        ),
        warnings=tuple(f"{proof.payout_id}: {proof.note}" for proof in proofs if proof.note),
        sections=(
            Section("Payouts", (_table(proofs),)),
            Section("What they consist of", (_parts(proofs),)),
        ),
        main="payouts",
        data=data,
        footer=(f"Written by tscli {product_version}.",),
    )


def _headline(all_of_them: int, off: int, unknown: int) -> str:
    if not all_of_them:
        return "No payout left in this period."
    parts = [f"{count(off, 'payout')} not the sum of its lines"] if off else []
    if unknown:
        parts.append(f"{count(unknown, 'payout')} whose lines nobody can name")
    if parts:
        return f"{'; '.join(parts)}, of {all_of_them}."
    return f"{count(all_of_them, 'payout')}, and every one is the sum of its lines."


def _table(proofs: Sequence[PayoutProof]) -> Table:
    currencies = sorted({proof.currency for proof in proofs})
    rows: list[tuple[Cell, ...]] = []
    for proof in proofs:
        code, residual = proof.currency, proof.residual_minor
        rows.append(
            (
                proof.payout_id,
                datetime.fromisoformat(proof.occurred_at).astimezone(UTC),
                Amount(proof.paid_minor, code),
                Amount(proof.net_minor, code),
                None if residual is None else Amount(residual, code),
                proof.members_by.value,
                proof.bank_reference,
            )
        )
    return Table(
        key="payouts",
        title="Oldest first",
        columns=(
            Column("payout_id", "Payout", Kind.CODE),
            Column("left_at", "Left (UTC)", Kind.INSTANT),
            Column("paid", "Paid", Kind.AMOUNT),
            Column("lines", "Its lines", Kind.AMOUNT),
            Column("residual", "Residual", Kind.AMOUNT),
            Column("lines_by", "Lines by"),
            Column("bank_reference", "Bank reference", Kind.CODE),
        ),
        rows=rows,
        totals=tuple(_total(proofs, code) for code in currencies),
        empty="No payout left in this period.",
    )


def _total(proofs: Sequence[PayoutProof], code: str) -> tuple[Cell, ...]:
    mine = [proof for proof in proofs if proof.currency == code]
    sums = (
        sum(proof.paid_minor for proof in mine),
        sum(proof.net_minor for proof in mine),
        sum(proof.residual_minor or 0 for proof in mine),
    )
    return ("Total", None, *(Amount(minor, code) for minor in sums), "", "")


def _parts(proofs: Sequence[PayoutProof]) -> Table:
    return Table(
        key="parts",
        title="Lines by kind",
        columns=(
            Column("payout_id", "Payout", Kind.CODE),
            Column("kind", "Kind"),
            Column("rows", "Lines", Kind.COUNT),
            Column("amount", "Amount", Kind.AMOUNT),
            Column("fee", "Fees", Kind.AMOUNT),
        ),
        rows=[
            (
                proof.payout_id,
                label(part.kind),
                part.rows,
                Amount(part.amount_minor, proof.currency),
                Amount(-part.fee_minor, proof.currency),
            )
            for proof in proofs
            for part in proof.parts
        ],
        empty="No line is known.",
    )
