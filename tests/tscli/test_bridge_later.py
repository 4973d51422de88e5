"""The bridge of an earlier day, asked for later: what was undone since had succeeded then."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from db.database import Database
from domain.break_life import BreakFilter
from domain.bridge import Bridge
from domain.clock import SetClock
from tests.tscli.shop import open_shop
from tests.tscli.test_month import FIRST, Month
from tscli.services.breaks import list_breaks
from tscli.services.bridging import bridge
from tscli.services.closing import Reason, reopen, resolve

BEGIN = datetime.combine(FIRST, datetime.min.time(), UTC)


@pytest.fixture
def month(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Month:
    """A month that has not begun."""
    clock.at = BEGIN
    return Month(open_shop(database, clock, monkeypatch), tmp_path, random.Random(7))


def _sold(month: Month, **words: str) -> str:
    month.shop.clock.at = BEGIN + timedelta(hours=8)
    payment = month.shop.create("100.00", order_reference="o1", key="k1", **words).payment
    month.shop.clock.advance(timedelta(hours=1))
    return payment.payment_id


def _lived(month: Month, days: int) -> Iterator[list[Bridge]]:
    """So many days: the provider is asked in the evening, the run is made the next morning."""
    for day in range(days):
        month.shop.clock.at = BEGIN + timedelta(days=day, hours=22)
        month.shop.world.tick()
        month.shop.settle()
        yield month.reconcile(day)


def _facts(bridges: list[Bridge]) -> list[tuple[str, int, int]]:
    """Our balance and what is unexplained; the provider's may have got a late line since."""
    return [(b.currency, b.ledger_minor, b.tie_out_minor) for b in bridges]


def _asked_later(month: Month, days: int) -> list[list[Bridge]]:
    shop = month.shop
    return [
        bridge(shop.context, shop.owner, BEGIN + timedelta(days=day + 1)) for day in range(days)
    ]


def test_a_refund_that_failed_later(month: Month) -> None:
    """Each day's bridge ties to zero and says the same ever after; nothing of it is a break."""
    shop = month.shop
    payment_id = _sold(month, method="pm_card_refundFail")
    shop.refund(payment_id, key="r1")
    lived = [_facts(bridges) for bridges in _lived(month, 4)]

    assert [day[0][2] for day in lived] == [0, 0, 0, 0]
    assert len({day[0][1] for day in lived}) == 2, "the refund came back"
    assert [_facts(bridges) for bridges in _asked_later(month, 4)] == lived
    shop.prove()
    known = list_breaks(shop.context, BreakFilter(), None)
    assert [listed.item.line_kind for listed in known if listed.item.line_kind == "refund"] == []


def test_what_closed_a_break_and_was_reversed(month: Month) -> None:
    """Between closing and reopening the bridge stands on what was posted."""
    shop = month.shop
    _sold(month)
    shop.world.fee("USD", 1_500, "Monthly fee")
    days = list(_lived(month, 1))  # books the fee
    fee = [
        listed.record.break_id
        for listed in list_breaks(shop.context, BreakFilter(), None)
        if listed.item.line_kind == "fee"
    ]
    days += _lived(month, 2)
    booked = [_facts(bridges) for bridges in days]
    shop.clock.at = BEGIN + timedelta(days=3, hours=12)
    reopen(shop.context, BreakFilter(break_ids=tuple(fee)), "it was another month's")

    assert [day[0][2] for day in booked] == [0, 0, 0]
    assert [_facts(bridges) for bridges in _asked_later(month, 3)] == booked
    again = bridge(shop.context, shop.owner, BEGIN + timedelta(days=4))[0]
    assert again.tie_out_minor == 0
    assert [item.amount_minor for item in again.items] == [-1_500]
    resolve(shop.context, BreakFilter(break_ids=tuple(fee)), Reason.WRITE_OFF, "given up")
    assert _facts(bridge(shop.context, shop.owner, BEGIN + timedelta(days=4)))[0][2] == 0
