"""The bridge between our ledger and a provider's balance, from everything up to an instant."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from db.database import Books
from domain.break_life import BreakRecord, BreakState, age_class, effect_of
from domain.breaks import Break
from domain.bridge import AtTheBank, Bridge, BridgeItem
from domain.buckets import Bucket
from domain.clock import to_micros
from domain.payout import MembersBy
from domain.provider import ProviderAccount
from domain.settlement import InputFile, LineKind
from reconcile.scratch import scratch_folder
from tscli.services.balances import opening_balances, stated_closing
from tscli.services.evaluation import rules_of
from tscli.services.statements import kept_files

if TYPE_CHECKING:
    from reconcile.comparison import Comparison
    from reconcile.gathering import Sides
    from tscli.services.context import Context

_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)


def bridge(context: "Context", owner: ProviderAccount, at: datetime) -> list[Bridge]:
    """The bridge of a provider account at an instant, by currency.

    Everything before the instant is compared anew, so that every item is proven by its rows.

    Raises:
        IntegrityError: the buckets do not sum to their inputs, which is our bug.
    """
    with (
        scratch_folder() as folder,
        context.database.read() as books,
    ):
        sides = _gathered(books, context, owner, at, folder)
        comparison = _compare(sides, context, owner, at)
        files = [kept.file for kept in kept_files(books, owner).values()]
        posted = books.ledger.posted_for_breaks(owner, at)
        ledger = books.ledger.provider_balances(owner, at)
        lines = books.statements.balances(owner, at)
        opening = _opening(books, owner, files, at, lines)
        bank = _at_the_bank(books, owner, sides, at)
        breaks = list(comparison.iter_breaks())
        records = books.breaks.known([item.break_id for item in breaks])
    stated = stated_closing(files, at)
    items = _items(breaks, records, posted, at)
    tolerated = _tolerated(comparison)
    currencies = sorted({*ledger, *lines, *opening, *items, *stated})
    return [
        Bridge(
            provider=owner.provider,
            account=owner.account,
            mode=owner.mode,
            currency=code,
            at=at,
            ledger_minor=ledger.get(code, 0),
            opening_minor=opening.get(code, 0),
            items=tuple(sorted(items.get(code, ()), key=lambda i: (i.occurred_at, i.break_id))),
            tolerated_minor=tolerated.get(code, 0),
            provider_minor=lines.get(code, 0) + opening.get(code, 0),
            stated_minor=stated.get(code),
            bank=bank.get(code),
        )
        for code in currencies
    ]


def _gathered(
    books: Books, context: "Context", owner: ProviderAccount, at: datetime, folder: Path
) -> "Sides":
    from reconcile.gathering import Held, gather
    from reconcile.stretches import columns_of_csv

    held = Held(
        ours=books.ledger.columns(owner, _BEGINNING, at, columns_of_csv, as_of=at),
        theirs=books.statements.columns(owner, None, at, columns_of_csv),
        files={name: kept.file for name, kept in kept_files(books, owner).items()},
    )
    rows = books.ledger.count(owner, _BEGINNING, at) + books.statements.count(owner, None, at)
    return gather(held, rows, context.matching.rows_in_memory, folder)


def _compare(
    sides: "Sides", context: "Context", owner: ProviderAccount, at: datetime
) -> "Comparison":
    from domain.run import Period

    rules = rules_of(owner, Period(_BEGINNING, at), context.matching, ())
    every_kind = frozenset(LineKind)
    return sides.compare(replace(rules, period=(0, to_micros(at)), covered=every_kind))


def _at_the_bank(
    books: Books, owner: ProviderAccount, sides: "Sides", at: datetime
) -> dict[str, AtTheBank]:
    """By currency what became of all payouts; nothing where no statement was taken in."""
    from reconcile.payouts import prove_payouts
    from tscli.services.bank import arrivals_of

    payouts = prove_payouts(sides.their_parts)
    seen = arrivals_of(books, owner, payouts, _BEGINNING, at)
    if not seen.found and not seen.breaks:
        return {}
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for payout in payouts:
        if payout.members_by is not MembersBy.RETURNED:
            sums[payout.currency]["paid"] += payout.paid_minor
    for payout in seen.in_transit:
        sums[payout.currency]["in transit"] += payout.paid_minor
    for arrival in seen.found:
        if arrival.by != "returned":
            sums[arrival.currency]["arrived"] += arrival.arrived_minor
            sums[arrival.currency]["off"] += arrival.arrived_minor - arrival.paid_minor
    for item in seen.breaks:
        if item.expected and item.kind in (Bucket.PAYOUT_NOT_IN_BANK, Bucket.AMBIGUOUS):
            sums[item.currency]["late"] += item.expected.amount_minor
    return {
        code: AtTheBank(*(sums[code][n] for n in ("paid", "in transit", "late", "off", "arrived")))
        for code in sums
    }


def _opening(
    books: Books,
    owner: ProviderAccount,
    files: list[InputFile],
    at: datetime,
    lines: Mapping[str, int],
) -> dict[str, int]:
    """What was there before the first line, as far as the provider states it."""
    anchored = opening_balances(books, owner, files, at)
    return {code: minor - lines.get(code, 0) for code, minor in anchored.items()}


def _items(
    breaks: list[Break],
    records: Mapping[str, BreakRecord],
    posted: Mapping[str, Mapping[str, int]],
    at: datetime,
) -> dict[str, list[BridgeItem]]:
    """Every break that leaves a difference, by currency, less what was posted for it."""
    found: dict[str, list[BridgeItem]] = defaultdict(list)
    for item in breaks:
        effect = effect_of(item)
        for code, minor in posted.get(item.break_id, {}).items():
            effect[code] = effect.get(code, 0) - minor
        record = records.get(item.break_id)
        for code, minor in effect.items():
            if minor:
                found[code].append(_item(item, record, minor, at))
    for name in sorted(posted.keys() - {item.break_id for item in breaks}):
        for code, minor in posted[name].items():
            found[code].append(BridgeItem(name, "posted", name, -minor, "", 0, "0-1", "posted"))
    return found


def _item(item: Break, record: BreakRecord | None, minor: int, at: datetime) -> BridgeItem:
    sides = [side.occurred_at for side in (item.expected, item.reported) if side]
    since = min(sides, default="")
    days = max(0, (at - datetime.fromisoformat(since)).days) if since else 0
    closed = record is not None and record.state is BreakState.RESOLVED
    return BridgeItem(
        break_id=item.break_id,
        kind=item.kind.value,
        reference=item.provider_reference or item.transaction_id,
        amount_minor=minor,
        occurred_at=since,
        age_days=days,
        age=age_class(days),
        state=record.closing.value if record is not None and closed else "open",
        assignee=record.assignee if record is not None else "",
    )


def _tolerated(comparison: "Comparison") -> dict[str, int]:
    """What allowed differences come to, net, by currency."""
    found: dict[str, int] = {}
    for total in comparison.totals:
        if total.bucket is Bucket.WITHIN_TOLERANCE:
            sign = 1 if total.side == "reported" else -1
            net = sign * (total.amount_minor - total.fee_minor)
            found[total.currency] = found.get(total.currency, 0) + net
    return found
