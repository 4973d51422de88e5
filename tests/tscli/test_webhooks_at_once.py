"""Events that meet: one applied by two at once, one that fails among many; each has its effect and
every try is counted."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from db.database import Database
from domain.ids import Ids
from domain.inbox import ATTEMPTS_LIMIT, LONGEST_WAIT
from domain.stored_event import Source, StoredEvent
from domain.webhook import EventState, ListedEvent, Proof, ProviderEvent
from providers.stripe.provider import StripeProvider
from tests.conftest import START
from tests.tscli.shop import Shop
from tscli.services.applying import apply_event
from tscli.services.inbox import arrived
from tscli.services.webhooks import apply_due, get_event, retry

SETTLED = (EventState.APPLIED, EventState.UNCHANGED)


@pytest.fixture
def shop(open_world: Shop) -> Shop:
    return open_world


@contextmanager
def another(shop: Shop, url: str) -> Iterator[Shop]:
    """The same shop with a connection of its own to books and world."""
    database = Database(url, shop.clock, Ids(shop.clock), keep_open=True)
    opened = Shop(database, shop.clock, world_path=shop.world_path)
    yield opened
    opened.world.close()
    database.close()


def side_by_side(work: Callable[[threading.Barrier], None]) -> list[Exception]:
    """Do the same twice at once; what went wrong."""
    start, wrong = threading.Barrier(2), list[Exception]()

    def one() -> None:
        try:
            work(start)
        except Exception as error:
            start.abort()
            wrong.append(error)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return wrong


def listed(shop: Shop) -> list[ListedEvent]:
    """Every event of the world."""

    async def every() -> list[ListedEvent]:
        async with shop.open_provider("stripe") as provider:
            return [e async for e in provider.events(START, START.replace(year=2030))]

    return asyncio.run(every())


def delivered(shop: Shop, item: ListedEvent) -> StoredEvent:
    """An event as it arrives by delivery."""
    proof, source = Proof.SIGNATURE, Source.DELIVERY
    return arrived(shop.context, shop.owner, item.event, item.body, proof, source)


def stored(shop: Shop) -> list[StoredEvent]:
    """Every event of the world in the inbox, received and not applied."""
    items = listed(shop)
    with shop.database.transaction() as books:
        return books.inbox.add_all([(delivered(shop, item), item.body) for item in items])


def test_one_event_applied_twice_at_once(shop: Shop, database_url: str) -> None:
    """Proves that both tries are kept, that the event is done, and that it can be applied again."""
    for _ in range(3):
        shop.create("10.00")
    events = stored(shop)

    def work(start: threading.Barrier) -> None:
        async def each() -> None:
            with another(shop, database_url) as mine:
                async with mine.open_provider("stripe") as provider:
                    for event in events:
                        start.wait(timeout=20)
                        await apply_event(mine.context, provider, event)

        asyncio.run(each())

    assert side_by_side(work) == []
    for event in events:
        found, attempts = get_event(shop.context, event.event_id)
        assert (found.state, found.attempts) == (EventState.UNCHANGED, 2)
        assert [a.number for a in attempts] == [1, 2]
    shop.prove()


def test_an_event_that_was_left_with_a_wrong_count_is_done(shop: Shop) -> None:
    """Proves that attempts are numbered by those that are kept, whatever the event's row says."""
    shop.create("10.00")
    event = stored(shop)[0]
    asyncio.run(apply_due(shop.context))
    with shop.database.transaction() as books:
        books.inbox.save(replace(event, next_attempt_at=shop.clock.now()))
    (done,) = asyncio.run(apply_due(shop.context))
    assert done.outcome is EventState.UNCHANGED
    assert [a.number for a in get_event(shop.context, event.event_id)[1]] == [1, 2]


def test_a_person_who_retries_starts_the_count_anew(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a dead event that is tried again and fails once more is not dead at once, and
    that all its attempts stay known."""
    shop.create("10.00")
    event = stored(shop)[0]

    def read_event(provider: StripeProvider, body: bytes) -> ProviderEvent:
        raise KeyError("a word that we did not know")

    monkeypatch.setattr(StripeProvider, "read_event", read_event)
    for _ in range(ATTEMPTS_LIMIT):
        asyncio.run(apply_due(shop.context))
        shop.clock.advance(LONGEST_WAIT)
    assert get_event(shop.context, event.event_id)[0].state is EventState.DEAD
    retry(shop.context, event.event_id)
    asyncio.run(apply_due(shop.context))
    found, attempts = get_event(shop.context, event.event_id)
    assert (found.state, found.attempts) == (EventState.FAILED, 1)
    assert [a.number for a in attempts] == list(range(1, ATTEMPTS_LIMIT + 2))


def test_one_event_that_fails_does_not_keep_the_others(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that bytes that are not what was received, and a fault of our own, cost that event an
    attempt, are told, and that every other event is applied."""
    shop.create("10.00")
    items = listed(shop)
    rows = [(delivered(shop, item), item.body) for item in items]
    with shop.database.transaction() as books:
        kept = books.inbox.add_all([(rows[0][0], b"{}"), *rows[1:]])
    real, odd = StripeProvider.read_event, items[1].body

    def read_event(provider: StripeProvider, body: bytes) -> ProviderEvent:
        if body == odd:
            raise KeyError("a word that we did not know")
        return real(provider, body)

    monkeypatch.setattr(StripeProvider, "read_event", read_event)
    done = {a.event.event_id: a for a in asyncio.run(apply_due(shop.context))}
    assert len(done) == len(kept) > 2
    bad, strange, *good = (done[event.event_id] for event in kept)
    assert [a.outcome for a in (bad, strange)] == [EventState.FAILED] * 2
    assert (bad.why.partition(":")[0], strange.why) == ("integrity_error", "bug: KeyError")
    assert {a.outcome for a in good} <= set(SETTLED)
    for failed in (bad, strange):
        found, attempts = get_event(shop.context, failed.event.event_id)
        assert (found.state, found.attempts, found.last_error) == ("failed", 1, failed.why)
        assert [a.error for a in attempts] == [failed.why]
    shop.clock.advance(timedelta(minutes=1))
    monkeypatch.undo()
    again = asyncio.run(apply_due(shop.context))
    assert [a.outcome for a in again].count(EventState.FAILED) == 1, "only the bytes stay wrong"
