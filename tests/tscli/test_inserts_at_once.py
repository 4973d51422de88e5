"""Two who insert the same at once: the second waits for the first, and then finds what is there."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import pytest

from db.database import Books
from domain.errors import OutcomeUnknown, Rejected
from domain.review import ReviewKind
from domain.stored_event import EventFilter
from tests.db.attacks import shell
from tests.tscli.shop import Shop
from tests.tscli.test_webhooks_at_once import another, delivered, listed, side_by_side
from tscli.api.intake import Delivered, Intake
from tscli.services.customers import add_method, customer_for, provider_customer, remove_method
from tscli.services.deciding import Next, leave_unknown
from tscli.services.drive import too_old
from tscli.services.reviewing import ask_a_person

First, Second = TypeVar("First"), TypeVar("Second")
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND cardinality(pg_blocking_pids(pid)) > 0"
)


@pytest.fixture
def shop(open_world: Shop) -> Shop:
    return open_world


@pytest.fixture
def other(shop: Shop, database_url: str) -> Iterator[Shop]:
    """The same shop in another process."""
    with another(shop, database_url) as opened:
        yield opened


def meanwhile(
    shop: Shop, url: str, first: Callable[[Books], First], second: Callable[[], Second]
) -> tuple[First, Second]:
    """Do `second` while the transaction that did `first` is not committed yet."""
    with ThreadPoolExecutor(1) as pool:
        with shop.database.transaction() as books:
            done = first(books)
            begun = pool.submit(second)
            _until_it_waits(url)
        return done, begun.result(timeout=30)


def _until_it_waits(url: str) -> None:
    if url.startswith("sqlite"):
        time.sleep(0.05)  # a writer waits for the whole transaction of the other
        return
    until = time.monotonic() + 20
    with shell(url) as server:
        while not server.one(WAITING):
            assert time.monotonic() < until, "nobody came to wait"
            time.sleep(0.01)


def test_one_delivery_at_two_receivers(shop: Shop, other: Shop, database_url: str) -> None:
    """Proves that a delivery which another receiver is just storing is acknowledged, and is one
    event with one body, delivered twice."""
    shop.create("10.00")
    item = listed(shop)[0]
    event = delivered(shop, item)

    def receive() -> str:
        with Intake(other.context) as intake:
            sent = Delivered(shop.owner, item.event, item.body, event.proof)
            return intake.submit(sent).result(timeout=20).event_id

    stored, received = meanwhile(
        shop, database_url, lambda books: books.inbox.add(event, item.body), receive
    )
    assert received == stored.event_id
    with shop.database.read() as books:
        assert books.inbox.get(received).deliveries == 2
        assert books.inbox.body(stored) == item.body


def test_many_deliveries_at_two_receivers_in_any_order(shop: Shop, database_url: str) -> None:
    """Proves that batches of the same events, one from the front and one from the back, are stored
    once, and that nobody waits in a circle."""
    for _ in range(5):
        shop.create("10.00")
    items = listed(shop)
    turns = iter((items, items[::-1]))

    def work(start: threading.Barrier) -> None:
        mine = next(turns)
        with another(shop, database_url) as own:
            rows = [(delivered(own, item), item.body) for item in mine]
            start.wait(timeout=20)
            with own.database.transaction() as books:
                books.inbox.add_all(rows)

    assert side_by_side(work) == []
    with shop.database.read() as books:
        kept = books.inbox.find(EventFilter())
        bodies = [books.inbox.body(event) for event in kept]
    assert (len(kept), {event.deliveries for event in kept}) == (len(items), {2})
    assert all(bodies)


def test_two_ask_a_person_about_the_same(shop: Shop, other: Shop, database_url: str) -> None:
    """Proves that there is one review and one record of it, and that the second goes on."""
    pay = shop.create("10.00").payment

    def asked(books: Books) -> bool:
        return ask_a_person(books, shop.context, pay, ReviewKind.CONTRADICTED, "odd")

    def ask() -> bool:
        with other.database.transaction() as books:
            return ask_a_person(books, other.context, pay, ReviewKind.CONTRADICTED, "odd")

    assert meanwhile(shop, database_url, asked, ask) == (True, False)
    assert len(shop.reviews()) == 1
    with shop.database.read() as books:
        assert [r.action for r in books.audit.records()].count("review.opened") == 1


@pytest.mark.parametrize("kind", [ReviewKind.TOO_OLD, ReviewKind.REFUSED])
def test_one_doubt_found_by_two(
    shop: Shop, other: Shop, database_url: str, kind: ReviewKind
) -> None:
    """Proves that the same doubt, met by two sweeps, is written down by the one and found by the
    other."""
    made = shop.create("10.00")

    def asked(books: Books) -> bool:
        return ask_a_person(
            books, shop.context, made.payment, kind, "odd", operation=made.operation
        )

    def met() -> None:
        if kind is ReviewKind.TOO_OLD:
            found = Next(made.payment, made.operation, stuck="its key is too old")
            assert isinstance(too_old(other.context, found), OutcomeUnknown)
        else:
            refused = Rejected("the key met other words")
            leave_unknown(other.context, made.operation, refused, review=True)

    assert meanwhile(shop, database_url, asked, met) == (True, None)
    assert [review.kind for review in shop.reviews()] == [kind]


def test_two_payments_of_a_new_customer(shop: Shop, other: Shop, database_url: str) -> None:
    """Proves that both are made, for one customer, whom the provider knows once."""
    known, paid = meanwhile(
        shop, database_url,
        lambda books: customer_for(books, shop.context, "cust-7"),
        lambda: other.create("10.00", customer="cust-7"),
    )  # fmt: skip
    assert paid.payment.customer_id == known
    assert shop.create("10.00", customer="cust-7").payment.customer_id == known
    shop.prove()


def test_two_tell_the_provider_of_one_customer(shop: Shop, other: Shop, database_url: str) -> None:
    """Proves that the provider's first name for a customer stays, and the second goes on."""
    with shop.database.transaction() as books:
        known = customer_for(books, shop.context, "cust-7") or ""

    async def told() -> str:
        async with other.open_provider("stripe") as provider:
            return await provider_customer(other.context, provider, known)

    _, there = meanwhile(
        shop, database_url,
        lambda books: books.people.add_provider_customer(shop.owner, known, "cus_first"),
        lambda: asyncio.run(told()),
    )  # fmt: skip
    assert there == "cus_first"


def test_one_token_kept_twice(shop: Shop, other: Shop, database_url: str) -> None:
    """Proves that the second finds the method that the first kept."""
    kept = asyncio.run(add_method(shop.context, "stripe", "pm_card_visa", ""))
    asyncio.run(remove_method(shop.context, kept.method_id))
    first = replace(kept, method_id="pm_first", removed_at=None)
    _, found = meanwhile(
        shop, database_url,
        lambda books: books.people.add_method(first),
        lambda: asyncio.run(add_method(other.context, "stripe", kept.token, "")),
    )  # fmt: skip
    assert found.method_id == "pm_first"
