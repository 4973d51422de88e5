"""Closing breaks by hand: why, what it posts to the ledger, and who has to agree.

`book` takes the provider's line into our ledger under its own reference, so that the next run finds
them agreeing. `fee` and `write-off` post the difference and let the break stand closed. `accept`
and `match` post nothing. Everything that is posted is an entry that opening the break reverses.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from db.database import Books
from domain.approval import Approval
from domain.break_life import BreakFilter, BreakRecord, BreakState, Closing, Listed
from domain.buckets import Bucket
from domain.errors import ApprovalRequired, Conflict, InvalidRequest
from domain.ledger import Entry, postings
from domain.money import Money
from domain.operator import Permission
from domain.settlement import LEDGER_KINDS, LineKind, LineStatus
from domain.transaction import Transaction
from tscli.services.approvals import Action, Plan, request, required
from tscli.services.breaks import Changed, chosen, happened
from tscli.services.permission import require
from tscli.services.reversing import reverse_posted

if TYPE_CHECKING:
    from tscli.services.context import Context


class Reason(StrEnum):
    """Why a break is closed."""

    BOOK = "book"
    FEE = "fee"
    WRITE_OFF = "write-off"
    ACCEPT = "accept"
    MATCH = "match"


_CLOSINGS = {
    Reason.BOOK: Closing.BOOKED,
    Reason.FEE: Closing.WRITTEN_OFF,
    Reason.WRITE_OFF: Closing.WRITTEN_OFF,
    Reason.ACCEPT: Closing.ACCEPTED,
    Reason.MATCH: Closing.MATCHED,
}
_BOOKABLE = frozenset(
    {
        Bucket.MISSING_IN_LEDGER, Bucket.REFUND_WITHOUT_CHARGE, Bucket.UNKNOWN_DISPUTE,
        Bucket.UNEXPECTED_FEE, Bucket.PERIOD_FEE, Bucket.FX_DIFFERENCE, Bucket.UNKNOWN_KIND,
    }
)  # fmt: skip
"""Kinds in which the provider has moved money that we have not booked. What it reports twice, or
reports otherwise than before, is not among them."""
_ONE_PERSON = frozenset({Reason.BOOK})
"""What the provider itself reports may be booked by one person, however much it is."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What closing a break puts into the ledger."""

    transaction: Transaction
    entry: Entry | None


def resolve(
    context: "Context",
    wanted: BreakFilter,
    reason: Reason,
    note: str,
    *,
    ticket: str = "",
    dry_run: bool = False,
) -> list[Changed]:
    """Close every open break that fits.

    Raises:
        InvalidRequest: no words, or a reason that does not fit one of the breaks.
        ApprovalRequired: more than one person may close alone; the request is written down.
        Conflict: what is to be booked stands in our ledger already.
        NotFound, NotPermitted: see `breaks.change_all`.
    """
    require(context, Permission.RECONCILE)
    if not note.strip():
        raise InvalidRequest("Closing a break needs words.", hint="Add --note TEXT.")
    with context.database.transaction(dry_run=dry_run) as books:
        books.runs.lock()
        found = chosen(books, wanted)
        why = _too_much(context, found, reason)
        if not why:
            return [_close(books, context, listed, reason, note) for listed in found]
        if dry_run:
            raise ApprovalRequired(f"{why} A second person would be asked.")
        alone = context.operators.alone
        asked = None if alone else _ask(books, context, found, reason, note, ticket)
    raise required(context, asked, why)


def reopen(
    context: "Context", wanted: BreakFilter, note: str, *, dry_run: bool = False
) -> list[Changed]:
    """Open closed breaks again, and reverse what closing them posted.

    Raises:
        InvalidRequest: no words.
        NotFound, NotPermitted: see `breaks.change_all`.
    """
    require(context, Permission.RECONCILE)
    if not note.strip():
        raise InvalidRequest("Opening a break again needs words.", hint="Add --note TEXT.")
    with context.database.transaction(dry_run=dry_run) as books:
        books.runs.lock()
        return [_reopen(books, context, listed, note) for listed in chosen(books, wanted)]


def _close(books: Books, context: "Context", listed: Listed, reason: Reason, note: str) -> Changed:
    record = listed.record
    if record.state is BreakState.RESOLVED:
        return Changed(record.break_id, "unchanged", f"it is {record.closing}")
    # Nothing stands under an open break, but in books whose runs did not reverse it yet.
    left = books.breaks.posted(record.break_id)
    reverse_posted(books, context, record.break_id, left, f"closed anew: {note}")
    posted = _post(books, context, listed, reason)
    transaction_id = ""
    if posted is not None:
        transaction_id = posted.transaction.transaction_id
        books.ledger.add_transactions([posted.transaction])
        books.record(
            context.actor,
            "ledger.posted",
            transaction_id,
            after={"break_id": record.break_id, "reason": reason.value, "note": note},
            entries=[posted.entry] if posted.entry else [],
        )
    closed = replace(record, state=BreakState.RESOLVED, closing=_CLOSINGS[reason])
    happened(books, context, closed, "resolved", f"{reason.value}: {note}", transaction_id)
    return Changed(record.break_id, "resolved", transaction_id)


def _post(books: Books, context: "Context", listed: Listed, reason: Reason) -> Posted | None:
    if reason is Reason.BOOK:
        return _booked(books, context, listed)
    if reason in (Reason.FEE, Reason.WRITE_OFF):
        return _difference(context, listed, reason)
    return None


def _booked(books: Books, context: "Context", listed: Listed) -> Posted:
    """The provider's line as a line of ours, unless our ledger has learned of it meanwhile."""
    item = listed.item
    if item.kind not in _BOOKABLE or item.reported is None or not item.provider_reference:
        raise InvalidRequest(
            f"{item.break_id} is {item.kind}: there is no line of the provider to be booked.",
            hint="Use --reason write-off or accept.",
        )
    kinds = {kind.value: kind for kind in LEDGER_KINDS}
    side = item.reported
    made = _posting(
        context, listed.record, kinds.get(item.line_kind, LineKind.ADJUSTMENT),
        item.provider_reference, side.amount_minor, side.fee_minor, side.currency,
        side.occurred_at,
    )  # fmt: skip
    held = books.ledger.same_movement(made.transaction)
    if held := sorted(set(held) - books.breaks.posted_for_others(item.break_id, held)):
        line = made.transaction
        raise Conflict(
            f"{item.break_id} cannot be booked: our ledger holds {line.kind}"
            f" {line.provider_reference} already, as {held[0]}.",
            hint="Run `tscli reconcile run` for its day again: it compares them.",
        )
    return made


def _difference(context: "Context", listed: Listed, reason: Reason) -> Posted | None:
    """The difference as an adjustment under the break's own name, which no file can hold."""
    effect = listed.record.effect
    if listed.item.is_whole:
        raise InvalidRequest(
            f"{listed.record.break_id} is no difference between our ledger and the provider:"
            " there is nothing to post.",
            hint="Settle it where it arose, or use --reason accept.",
        )
    if len(effect) > 1:
        raise InvalidRequest(
            f"{listed.record.break_id} is about several currencies.",
            hint="Correct it at its source, or use --reason accept.",
        )
    if not effect:
        return None
    ((currency, minor),) = effect.items()
    kind = LineKind.FEE if reason is Reason.FEE else LineKind.ADJUSTMENT
    name = listed.record.break_id
    return _posting(context, listed.record, kind, name, minor, 0, currency, "")


def _posting(
    context: "Context",
    record: BreakRecord,
    kind: LineKind,
    reference: str,
    amount_minor: int,
    fee_minor: int,
    currency: str,
    at: str,
) -> Posted:
    occurred_at = datetime.fromisoformat(at) if at else context.clock.now()
    line = Transaction(
        transaction_id=context.ids.new("txn"),
        payment_id=record.payment_id or None,
        provider=record.provider,
        account=record.account,
        mode=record.mode,
        kind=kind,
        provider_reference=reference,
        amount_minor=amount_minor,
        currency=currency,
        fee_minor=fee_minor,
        status=LineStatus.SUCCEEDED,
        occurred_at=occurred_at,
        origin="import",
    )
    moved = postings(kind, amount_minor, fee_minor, currency)
    entry = Entry(
        entry_id=context.ids.new("ent"),
        transaction_id=line.transaction_id,
        provider=line.provider,
        account=line.account,
        mode=line.mode,
        kind=kind,
        occurred_at=occurred_at,
        postings=moved,
    )
    return Posted(line, entry if moved else None)


def _reopen(books: Books, context: "Context", listed: Listed, note: str) -> Changed:
    record = listed.record
    posted = books.breaks.posted(record.break_id)
    if record.closing is Closing.BOOKED:
        events = reversed(books.breaks.events(record.break_id))
        posted.append(next(e.transaction_id for e in events if e.action == "resolved"))
    if record.state is BreakState.OPEN and not posted:
        return Changed(record.break_id, "unchanged", "it is open")
    reverse_posted(books, context, record.break_id, posted, note)
    opened = replace(record, state=BreakState.OPEN, closing=Closing.NONE)
    reversed_lines = " ".join(posted)
    happened(books, context, opened, "reopened", note, reversed_lines)
    return Changed(record.break_id, "reopened", reversed_lines)


def _too_much(context: "Context", found: Sequence[Listed], reason: Reason) -> str:
    """Why one person may not close these breaks alone, empty where one may; all breaks of one
    command count together.

    Raises:
        InvalidRequest: the breaks said to be one another's partners do not cancel out.
    """
    effects: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for listed in found:
        if listed.record.state is BreakState.OPEN:
            effects.update(dict(listed.record.effect))
            sizes.update({code: abs(minor) for code, minor in listed.record.effect.items()})
    if reason is Reason.MATCH and (len(found) < 2 or any(effects.values())):
        left = ", ".join(str(Money(minor, code)) for code, minor in effects.items() if minor)
        raise InvalidRequest(
            f"These breaks are not one another's missing side: {left or 'there is one only'}.",
            hint="Name all sides; write off what is left first.",
        )
    if reason in _ONE_PERSON:
        return ""
    for currency, limit in sorted(context.limits.write_off_above.items()):
        if sizes[currency] > limit:
            return f"Closing more than {Money(limit, currency)} by hand needs two people."
    return ""


def _ask(
    books: Books,
    context: "Context",
    found: Sequence[Listed],
    reason: Reason,
    note: str,
    ticket: str,
) -> Approval:
    """Write the request down, in the transaction that found it necessary."""
    names = sorted(
        listed.record.break_id for listed in found if listed.record.state is BreakState.OPEN
    )
    plan = {"break_ids": " ".join(names), "reason": reason.value, "note": note}
    return request(
        books, context, "close_breaks", names[0], plan, _version(books, plan),
        key=context.ids.new("op"), reason=note, ticket=ticket,
    )  # fmt: skip


def _version(books: Books, plan: Plan) -> int:
    books.runs.lock()
    records = books.breaks.known(str(plan["break_ids"]).split())
    return sum(record.version for record in records.values())


def _apply(books: Books, context: "Context", asked: Approval, plan: Plan) -> str:
    wanted = BreakFilter(break_ids=tuple(str(plan["break_ids"]).split()))
    for listed in chosen(books, wanted):
        _close(books, context, listed, Reason(str(plan["reason"])), str(plan["note"]))
    return ""


ACTION: Mapping[str, Action] = {"close_breaks": Action(_version, _apply)}
"""Closing breaks above the limit, for the table of what needs two people."""
