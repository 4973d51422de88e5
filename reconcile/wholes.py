"""Breaks that are about a whole: a file, a balance, a payout. One disagreement, no single line."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from domain.breaks import Break, Side, break_id
from domain.buckets import Bucket
from domain.clock import from_micros, iso
from domain.payout import MembersBy, PayoutProof
from domain.run import BalanceProof
from domain.settlement import InputFile, LineKind
from reconcile.codes import KIND_CODES, Bools, sums_by
from reconcile.frames import CURRENCY, codes_of, ints
from reconcile.horizon import beyond


@dataclass(slots=True)
class Inside:
    """The reported rows of a period: what they come to, and the files they came from."""

    activity: Counter[str] = field(default_factory=Counter)
    """Net of fees by currency, payouts left out."""
    payouts: Counter[str] = field(default_factory=Counter)
    files: set[int] = field(default_factory=set)
    """Positions among the files of the side."""

    @classmethod
    def of(cls, parts: Iterable[pd.DataFrame], period: tuple[int, int]) -> "Inside":
        """All of a side that comes in parts; the period in micros UTC."""
        found = cls()
        for frame in parts:
            found._add(frame, ~beyond(ints(frame["occurred_at"]), period))
        return found

    def _add(self, frame: pd.DataFrame, inside: Bools) -> None:
        kinds = codes_of(frame["kind"])
        paid = kinds == KIND_CODES[LineKind.PAYOUT.value]
        money = inside & (kinds != KIND_CODES[LineKind.MEMO.value])
        self.files.update(frame["file"][inside].unique().tolist())
        for sums, rows in ((self.activity, money & ~paid), (self.payouts, money & paid)):
            size = len(CURRENCY.categories)
            nets = sums_by(codes_of(frame["currency"])[rows], size, ints(frame["net_minor"])[rows])
            sums.update({CURRENCY.categories[code]: net for code, net in enumerate(nets) if net})


def prove_balances(
    opening: dict[str, int], inside: Inside, stated: dict[str, int]
) -> tuple[BalanceProof, ...]:
    """The balance of every currency over a period, from the reported rows of the period alone.

    `opening` and `stated` (closing balances, where the provider states them) are minor units by
    currency.
    """
    moved = {code for net in (inside.activity, inside.payouts) for code, m in net.items() if m}
    return tuple(
        BalanceProof(code, opening.get(code, 0), inside.activity[code], inside.payouts[code],
                     stated.get(code))
        for code in sorted(moved | opening.keys() | stated.keys())
    )  # fmt: skip


def balance_breaks(proofs: Iterable[BalanceProof], end_micros: int, scope: str) -> Iterator[Break]:
    """A break for every balance the provider states otherwise."""
    at = iso(from_micros(end_micros))
    for proof in proofs:
        if proof.residual_minor and proof.stated_minor is not None:
            yield _whole(
                Bucket.BALANCE_GAP, f"closing {at}", scope, proof.currency, proof.closing_minor,
                proof.stated_minor, at,
                "opening balance, activity and payouts against the balance stated",
            )  # fmt: skip


def payout_breaks(proofs: Iterable[PayoutProof], scope: str) -> Iterator[Break]:
    """A break for every payout that does not add up, or that nobody can take apart."""
    for proof in proofs:
        if proof.members_by is MembersBy.NONE:
            kind, net, note = Bucket.PAYOUT_UNEXPLAINED, None, proof.note
        elif proof.residual_minor:
            rows = sum(part.rows for part in proof.parts)
            kind, net = Bucket.PAYOUT_TOTAL, proof.net_minor
            note = f"{rows} lines, {proof.members_by.value}"
        else:
            continue
        yield _whole(
            kind, proof.payout_id, scope, proof.currency, net, proof.paid_minor,
            proof.occurred_at, note,
        )  # fmt: skip


def file_breaks(files: Sequence[InputFile], scope: str) -> Iterator[Break]:
    """A break for every figure a file states about itself that its rows do not come to.

    It goes by the file's format and period, so that the same report handed in again, its rows in
    another order, says the same.
    """
    for file in files:
        where = " ".join((scope, file.format, *(file.period or ())))
        for stated in file.stated:
            if stated.difference and stated.currency:
                yield _whole(
                    Bucket.CONTROL_TOTAL, stated.name, where, stated.currency, stated.found,
                    stated.stated, "", f"{file.name} states another figure", file.name,
                )  # fmt: skip
            elif stated.difference:
                note = f"{file.name} states {stated.stated}, and {stated.found} were found"
                yield _whole(
                    Bucket.CONTROL_TOTAL, stated.name, where, "", None, None, "", note, file.name
                )


def once(found: Iterable[Break]) -> tuple[Break, ...]:
    """Each break once, though several files say the same; the first of them speaks."""
    by_id: dict[str, Break] = {}
    for item in found:
        by_id.setdefault(item.break_id, item)
    return tuple(by_id.values())


def _whole(
    kind: Bucket,
    reference: str,
    scope: str,
    currency: str,
    expected: int | None,
    reported: int | None,
    at: str,
    detail: str,
    file: str = "",
) -> Break:
    return Break(
        break_id=break_id(_ANCHORS.get(kind, kind), currency, reference, 0, scope),
        kind=kind,
        line_kind=LineKind.PAYOUT.value if kind in _ANCHORS else "",
        provider_reference=reference,
        currency=currency,
        expected=None if expected is None else Side(expected, 0, currency, "computed", at),
        reported=None if reported is None else Side(reported, 0, currency, "stated", at),
        fields=("amount",),
        transaction_id="",
        payment_id="",
        file=file,
        line=0,
        detail=detail,
    )


_ANCHORS = {Bucket.PAYOUT_TOTAL: "payout", Bucket.PAYOUT_UNEXPLAINED: "payout"}
"""Both ways in which a payout may not be explained are one break with one life."""
