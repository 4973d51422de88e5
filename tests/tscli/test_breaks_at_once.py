"""Breaks that change while somebody, or a run, decides about them: the newer state counts."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from db.database import Books, Database
from domain.approval import ApprovalState
from domain.break_life import BreakEvent, BreakFilter, BreakRecord, BreakState, Closing
from domain.buckets import Bucket
from domain.clock import SetClock
from domain.errors import ApprovalRequired, Busy, Conflict, StaleVersion
from domain.ids import Ids
from domain.ledger import Account
from domain.operator import Operator, Operators, Role
from providers.stripe.exports import FORMATS
from tests.tscli.shop import Shop
from tests.tscli.test_breaks import HEAD, LEDGER, LINES
from tests.tscli.waiting import Beside, until_waiting
from tscli.services import reconciliation
from tscli.services.approvals import find_approvals
from tscli.services.breaks import Changed, comment
from tscli.services.bridging import bridge
from tscli.services.closing import Reason, reopen, resolve
from tscli.services.context import Context, Limits
from tscli.services.evaluation import Evaluated, evaluate
from tscli.services.four_eyes import approve
from tscli.services.ledger import import_ledger, read_ledger, trial_balance
from tscli.services.periods import period_of
from tscli.services.reconciliation import RunOutcome, list_runs, reconcile_run

DAY = period_of(date(2026, 3, 2), date(2026, 3, 3), "UTC")
NEXT_DAY = period_of(date(2026, 3, 3), date(2026, 3, 4), "UTC")
NEW_LINE = "txn_9,2026-03-02 13:00:00,usd,-5.00,0.00,-5.00,fee,,Other fee,,,\n"
LEARNED = "tx3,,fee,txn_3,-15.00,USD,0.00,succeeded,2026-03-02T12:00:00Z\n"
"""What our ledger has of the monthly fee."""
PEOPLE = Operators({"tess": Operator("tess", Role.OPERATOR), "ada": Operator("ada", Role.APPROVER)})
SHORT, FEE = Bucket.AMOUNT_MISMATCH, Bucket.PERIOD_FEE


@pytest.fixture
def shop(database: Database, clock: SetClock, tmp_path: Path) -> Iterator[Shop]:
    """Books with three breaks: a fee, an amount, and a monthly fee nobody booked."""
    opened = Shop(database, clock)
    _learn(opened, tmp_path, LEDGER)
    _run(opened, tmp_path, LINES)
    yield opened
    opened.world.close()


def _learn(shop: Shop, folder: Path, text: str) -> None:
    """Take a ledger file in."""
    (folder / "ledger.csv").write_text(text)
    import_ledger(shop.context, shop.owner, read_ledger(folder / "ledger.csv"))


def _run(shop: Shop, folder: Path, lines: str = "") -> RunOutcome:
    """Reconcile the day, with a new file of these lines."""
    path = folder / "export.csv"
    path.write_text(HEAD + lines)
    return reconcile_run(shop.context, shop.owner, FORMATS, [path] if lines else [], DAY)


def _two_people(shop: Shop, name: str) -> Context:
    """One of two operators, who may close little alone."""
    actor, limits = replace(shop.actor, operator=name), Limits(write_off_above={"USD": 50})
    return replace(shop.context, actor=actor, operators=PEOPLE, limits=limits)


def _stands(shop: Shop, kind: Bucket) -> BreakRecord:
    """The one break that was of a kind when it was found."""
    with shop.database.read() as books:
        (found,) = books.breaks.find(BreakFilter(kind=kind), None)
        return found[0]


def _close(shop: Shop, name: str, reason: Reason = Reason.WRITE_OFF) -> list[Changed]:
    """Close one break alone."""
    return resolve(shop.context, BreakFilter(break_ids=(name,)), reason, "seen")


def _posted(shop: Shop, name: str) -> dict[str, int]:
    """What closing a break posted and still stands, by currency."""
    with shop.database.read() as books:
        return books.ledger.posted_for_breaks(shop.owner, DAY.end_at).get(name, {})


def _ask(shop: Shop, name: str) -> str:
    """The request to write a break off."""
    with pytest.raises(ApprovalRequired):
        resolve(_two_people(shop, "tess"), BreakFilter(break_ids=(name,)), Reason.WRITE_OFF, "x")
    return find_approvals(shop.context)[0].approval_id


def test_an_agreement_is_about_the_amount_that_was_asked_about(
    shop: Shop, database_url: str, clock: SetClock
) -> None:
    """Proves that a break which changes while somebody agrees to close it stays open: what was
    asked about is compared after everybody before has committed."""
    name = _stands(shop, SHORT).break_id
    asked = _ask(shop, name)
    theirs = Database(database_url, clock, Ids(clock))
    ada = replace(_two_people(shop, "ada"), database=theirs)
    with shop.database.transaction() as books:
        books.runs.lock()
        agreed = Beside(lambda: asyncio.run(approve(ada, asked)))
        until_waiting(database_url, 1)
        _changes(books, name)
    assert isinstance(agreed.end(), StaleVersion)
    assert (_stands(shop, SHORT).state, _posted(shop, name)) == (BreakState.OPEN, {})
    assert find_approvals(shop.context)[0].state is ApprovalState.STALE
    theirs.close()


def _changes(books: Books, name: str) -> None:
    """A run finds a break with another amount."""
    record = books.breaks.get(name)
    books.breaks.change(
        replace(record, effect={"USD": -9_900}),
        BreakEvent(record.last_seen_at, "", "changed", "", record.last_run_id),
    )


def test_a_break_that_was_closed_meanwhile_is_no_fault_of_who_asked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that somebody who closes a break right after it was found to need two people leaves a
    request that is over, and no failure."""
    name = _stands(shop, SHORT).break_id
    whole, others = Database.transaction, iter([lambda: _close(shop, name)])

    @contextmanager
    def followed(database: Database, **words: Any) -> Iterator[Books]:
        try:
            with whole(database, **words) as books:
                yield books
        finally:
            for other in others:
                other()

    monkeypatch.setattr(Database, "transaction", followed)
    asked = _ask(shop, name)
    assert _posted(shop, name) == {"USD": -100}
    with pytest.raises(StaleVersion):
        asyncio.run(approve(_two_people(shop, "ada"), asked))
    assert _posted(shop, name) == {"USD": -100}


def _meanwhile(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], Any]) -> None:
    """Have others do something each time a run has compared, before it is stored."""
    left = list(acts)

    def compared(*words: Any, **named: Any) -> Evaluated:
        found = evaluate(*words, **named)
        if left:
            left.pop(0)()
        return found

    monkeypatch.setattr(reconciliation, "evaluate", compared)


def _fees(shop: Shop) -> int:
    rows = trial_balance(shop.context)
    return sum(row.balance_minor for row in rows if row.ledger_account is Account.FEES)


def _ties(shop: Shop) -> list[int]:
    return [one.tie_out_minor for one in bridge(shop.context, shop.owner, DAY.end_at)]


def test_a_run_does_not_open_what_was_booked_while_it_compared(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a run whose breaks were closed meanwhile compares anew: the booking stands, once,
    and cannot be made again."""
    name, before = _stands(shop, FEE).break_id, _fees(shop)
    _meanwhile(monkeypatch, lambda: _close(shop, name, Reason.BOOK))
    done = _run(shop, tmp_path, NEW_LINE)
    assert dict(done.run.break_counts) == {SHORT: 1, Bucket.FEE_MISMATCH: 1, FEE: 1}
    with shop.database.read() as books:
        assert books.breaks.get(name).closing is Closing.BOOKED
        assert [event.action for event in books.breaks.events(name)] == ["opened", "resolved"]
    assert [one.outcome for one in _close(shop, name, Reason.BOOK)] == ["unchanged"]
    assert (_fees(shop) - before, _ties(shop)) == (1_500, [0])


def test_a_run_does_not_clear_what_was_written_off_while_it_compared(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a break keeps the closing under which something was posted."""
    name = _stands(shop, FEE).break_id
    _learn(shop, tmp_path, LEDGER.splitlines()[0] + "\n" + LEARNED)
    _meanwhile(monkeypatch, lambda: _close(shop, name))
    done = reconcile_run(shop.context, shop.owner, FORMATS, [], NEXT_DAY)
    assert done.run.cleared == 0
    assert _stands(shop, FEE).closing is Closing.WRITTEN_OFF
    assert _posted(shop, name) == {"USD": -1_500}


def test_only_open_breaks_are_cleared(shop: Shop) -> None:
    """Proves the same of the books themselves."""
    name = _stands(shop, FEE).break_id
    _close(shop, name)
    with shop.database.transaction() as books:
        books.breaks.clear(books.runs.get(None), {name: "agrees"})
    assert _stands(shop, FEE).closing is Closing.WRITTEN_OFF


def test_a_run_that_never_finds_the_breaks_at_rest_gives_up(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that it compares a few times, keeps nothing, and that words beside a break do not
    matter to it."""
    name = _stands(shop, FEE).break_id
    wanted = BreakFilter(break_ids=(name,))
    before = len(list_runs(shop.context, 10))
    acts = [lambda: _close(shop, name), lambda: reopen(shop.context, wanted, "no")] * 3
    _meanwhile(monkeypatch, *acts)
    with pytest.raises(Busy, match="while they were compared"):
        _run(shop, tmp_path, NEW_LINE)
    assert len(list_runs(shop.context, 10)) == before
    _meanwhile(monkeypatch, lambda: comment(shop.context, wanted, "asked them"))
    _run(shop, tmp_path, NEW_LINE)
    assert len(list_runs(shop.context, 10)) == before + 1


def test_what_the_ledger_has_learned_is_not_booked(shop: Shop, tmp_path: Path) -> None:
    """Proves that a break which a ledger file has settled is not posted a second time by hand, and
    that the next run clears it."""
    name = _stands(shop, FEE).break_id
    _learn(shop, tmp_path, LEDGER.splitlines()[0] + "\n" + LEARNED)
    before = _fees(shop)
    with pytest.raises(Conflict, match="holds fee txn_3 already, as tx3"):
        _close(shop, name, Reason.BOOK)
    assert (_fees(shop), _stands(shop, FEE).state) == (before, BreakState.OPEN)
    reconcile_run(shop.context, shop.owner, FORMATS, [], NEXT_DAY)
    assert _stands(shop, FEE).closing is Closing.CLEARED
    assert _ties(shop) == [0]
