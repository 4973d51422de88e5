"""Payouts found at the bank: by reference, by amount within the days a bank takes, or merged.

A line is used once. Where several payouts or several lines would do equally well, all of them are
left, unless they are equally many: then every one has arrived, whichever is which.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from domain.arrival import ARRIVES_WITHIN, Arrival, Deposit
from domain.breaks import Break, Side, break_id
from domain.buckets import Bucket
from domain.payout import MembersBy, PayoutProof
from domain.settlement import LineKind
from reconcile.sums import SEARCH_MAX, solutions

_EARLY = timedelta(days=1)
_NAMES = ("STRIPE", "PAYPAL")
"""What banks print for a provider's money, by the provider's own name."""


@dataclass(slots=True)
class Arrivals:
    """What was found."""

    found: list[Arrival] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    in_transit: list[PayoutProof] = field(default_factory=list)
    """Not there yet, and not late."""


def find_arrivals(
    payouts: Sequence[PayoutProof],
    deposits: Sequence[Deposit],
    provider: str,
    scope: str,
    judged_from: date = date.min,
) -> Arrivals:
    """Match a provider's payouts with bank lines; the statements reach as far as the last line.

    Payouts from before `judged_from` take part, and are nobody's break when they find no line.
    """
    matching = _Matching(
        list(payouts), list(deposits), provider.upper(), Arrivals(), scope, judged_from
    )
    matching.by_reference()
    matching.returned()
    matching.by_amount()
    matching.merged()
    matching.left_over()
    return matching.result


@dataclass(slots=True)
class _Matching:
    payouts: list[PayoutProof]
    deposits: list[Deposit]
    provider: str
    result: Arrivals
    scope: str
    judged_from: date

    def by_reference(self) -> None:
        """The bank's reference for the payout, or the payout's own id, in the line."""
        for payout in list(self.payouts):
            names = [n for n in (payout.bank_reference, payout.payout_id) if len(n) >= 6]
            named = [d for d in self.deposits if any(_names(d, name) for name in names)]
            alike = [d for d in named if d.currency == payout.currency]
            if payout.members_by is MembersBy.RETURNED or not alike:
                continue
            deposit = min(alike, key=lambda d: (d.amount_minor != payout.paid_minor, d.booked_on,
                                                d.identity))  # fmt: skip
            self._take([payout], deposit, "reference")
            if deposit.amount_minor != payout.paid_minor:
                self.result.breaks.append(_amount_break(payout, deposit, self.scope))

    def returned(self) -> None:
        """A payout that came back: the bank shows nothing, or the money in and out again."""
        for payout in [p for p in self.payouts if p.members_by is MembersBy.RETURNED]:
            self.payouts.remove(payout)
            near = [d for d in self.deposits if self._fits(payout, d, sign=0)]
            came = next((d for d in near if d.amount_minor == payout.paid_minor), None)
            went = next((d for d in near if d.amount_minor == -payout.paid_minor), None)
            if came is not None and went is not None:
                for deposit in (came, went):
                    self.deposits.remove(deposit)
                    self.result.found.append(_arrival(payout, deposit, "returned",
                                                      deposit.amount_minor))  # fmt: skip

    def by_amount(self) -> None:
        """The same amount within the days a bank takes, where it is the only one, or as many."""
        payouts: dict[tuple[str, int], list[PayoutProof]] = defaultdict(list)
        for payout in self.payouts:
            payouts[payout.currency, payout.paid_minor].append(payout)
        for (currency, minor), group in sorted(payouts.items()):
            lines = [
                d
                for d in self.deposits
                if (d.currency, d.amount_minor) == (currency, minor)
                and any(self._fits(payout, d) for payout in group)
            ]
            for part, near in self._clusters(group, lines):
                if len(part) == len(near):
                    by = "amount" if len(part) == 1 else "equal set"
                    for payout, deposit in zip(part, near, strict=True):
                        self._take([payout], deposit, by)
                elif near:
                    self._ambiguous(part, near)

    def _clusters(
        self, payouts: Sequence[PayoutProof], lines: Sequence[Deposit]
    ) -> Iterator[tuple[list[PayoutProof], list[Deposit]]]:
        """Payouts of one amount with all lines that could be any of them, apart in time."""
        rest = sorted(payouts, key=lambda p: (p.occurred_at, p.payout_id))
        while rest:
            part: list[PayoutProof] = [rest.pop(0)]
            near: list[Deposit] = []
            grown = True
            while grown:
                near = [d for d in lines if any(self._fits(p, d) for p in part)]
                more = [p for p in rest if any(self._fits(p, d) for d in near)]
                part, rest = part + more, [p for p in rest if p not in more]
                grown = bool(more)
            yield part, sorted(near, key=lambda d: (d.booked_on, d.identity))

    def merged(self) -> None:
        """Several payouts in one line that names the provider: the one set that comes to it."""
        for deposit in sorted(self._own(), key=lambda d: (d.booked_on, d.identity)):
            near = [p for p in self.payouts if self._fits(p, deposit)]
            if not 2 <= len(near) <= SEARCH_MAX:
                continue
            sets = solutions([p.paid_minor for p in near], deposit.amount_minor)
            if len(sets) == 1 and len(sets[0]) > 1:
                self._take([near[place] for place in sets[0]], deposit, "merged")

    def left_over(self) -> None:
        """Payouts that are late, and lines of the provider that no payout explains."""
        last = max((d.booked_on for d in self.deposits), default="")
        last = max([last, *(a.booked_on for a in self.result.found)])
        for payout in (p for p in self.payouts if _day(p) >= self.judged_from):
            due = _day(payout) + ARRIVES_WITHIN
            if last and due <= date.fromisoformat(last):
                self.result.breaks.append(_missing(payout, self.scope))
            else:
                self.result.in_transit.append(payout)
        self.result.breaks += [_unexplained(deposit, self.scope) for deposit in self._own()]

    def _own(self) -> list[Deposit]:
        return [d for d in self.deposits if self.provider in d.words.upper()]

    def _fits(self, payout: PayoutProof, deposit: Deposit, sign: int = 1) -> bool:
        """Whether a line may be a payout: currency, direction, days, and no other's name."""
        on, left = date.fromisoformat(deposit.booked_on), _day(payout)
        others = [n for n in _NAMES if n != self.provider and n in deposit.words.upper()]
        same_way = not sign or (deposit.amount_minor > 0) == (payout.paid_minor > 0)
        in_time = left - _EARLY <= on <= left + ARRIVES_WITHIN
        return deposit.currency == payout.currency and same_way and in_time and not others

    def _take(self, payouts: Sequence[PayoutProof], deposit: Deposit, by: str) -> None:
        self.deposits.remove(deposit)
        for payout in payouts:
            self.payouts.remove(payout)
            arrived = payout.paid_minor if len(payouts) > 1 else deposit.amount_minor
            self.result.found.append(_arrival(payout, deposit, by, arrived))

    def _ambiguous(self, payouts: Sequence[PayoutProof], deposits: Sequence[Deposit]) -> None:
        self.payouts = [p for p in self.payouts if p not in payouts]
        self.deposits = [d for d in self.deposits if d not in deposits]
        first = payouts[0]
        paid = sum(p.paid_minor for p in payouts)
        arrived = sum(d.amount_minor for d in deposits)
        detail = (
            f"{len(payouts)} payouts ({', '.join(p.payout_id for p in payouts)}) of one amount,"
            f" {len(deposits)} lines that could be any of them"
        )
        self.result.breaks.append(
            _break(
                Bucket.AMBIGUOUS,
                first.payout_id,
                self.scope,
                first.currency,
                paid,
                arrived,
                first.occurred_at,
                detail,
            )
        )


def _names(deposit: Deposit, name: str) -> bool:
    texts = (deposit.reference, deposit.end_to_end)
    return name in texts or name in deposit.words.split() or f"/{name}" in deposit.words


def _day(payout: PayoutProof) -> date:
    return datetime.fromisoformat(payout.occurred_at).date()


def _arrival(payout: PayoutProof, deposit: Deposit, by: str, arrived: int) -> Arrival:
    return Arrival(payout.payout_id, deposit.identity, by, deposit.booked_on, payout.paid_minor,
                   arrived, payout.currency)  # fmt: skip


def _amount_break(payout: PayoutProof, deposit: Deposit, scope: str) -> Break:
    return _break(Bucket.BANK_AMOUNT, payout.payout_id, scope, payout.currency, payout.paid_minor,
                  deposit.amount_minor, payout.occurred_at,
                  f"line of {deposit.booked_on} on account {deposit.account}")  # fmt: skip


def _missing(payout: PayoutProof, scope: str) -> Break:
    due = _day(payout) + ARRIVES_WITHIN
    return _break(Bucket.PAYOUT_NOT_IN_BANK, payout.payout_id, scope, payout.currency,
                  payout.paid_minor, None, payout.occurred_at, f"expected by {due}")  # fmt: skip


def _unexplained(deposit: Deposit, scope: str) -> Break:
    return _break(Bucket.BANK_WITHOUT_PAYOUT, deposit.identity, scope, deposit.currency, None,
                  deposit.amount_minor, f"{deposit.booked_on}T00:00:00Z",
                  f"account {deposit.account}: {deposit.words}"[:200])  # fmt: skip


def _break(
    kind: Bucket, reference: str, scope: str, currency: str, expected: int | None,
    reported: int | None, at: str, detail: str,
) -> Break:  # fmt: skip
    return Break(
        break_id=break_id("bank", currency, reference, 0, scope),
        kind=kind,
        line_kind=LineKind.PAYOUT.value,
        provider_reference=reference,
        currency=currency,
        expected=None if expected is None else Side(expected, 0, currency, "paid", at),
        reported=None if reported is None else Side(reported, 0, currency, "arrived", at),
        fields=("bank",),
        transaction_id="",
        payment_id="",
        file="",
        line=0,
        detail=detail,
    )
