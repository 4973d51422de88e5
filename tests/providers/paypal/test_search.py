"""Transaction search through the adapter: windows, pages, halving, and what lines come to."""

from datetime import timedelta

import pytest

from domain.errors import Rejected
from domain.payment import Stage
from domain.settlement import LineKind
from tests.providers.paypal.market import START, Market

DAY = timedelta(days=1)


def sell(market: Market, count: int, apart: timedelta = timedelta(minutes=1)) -> None:
    """So many sales, one after the other; then the index catches up."""
    for number in range(count):
        market.paid(1_000 + number, pay=f"pay_{number}")
        market.clock.advance(apart)
    market.clock.advance(timedelta(hours=3))


def test_lines_tell_the_balance(market: Market) -> None:
    """Proves: sales, refunds, chargebacks, their fee and withdrawals sum to PayPal's balance."""
    order = market.paid().provider_payment_id
    market.paid(5_000, pay="pay_2")
    market.run(market.adapter.refund(order, 2_500, "USD", "op_1", "k"))
    disputed = market.world.charges()[-1].id
    market.world.dispute(disputed)
    market.world.make_payouts()
    market.clock.advance(timedelta(hours=4))
    lines = market.listed(market.adapter.balance_lines(START, START + DAY))
    kinds = [line.kind for line in lines]
    assert kinds == [
        LineKind.CHARGE, LineKind.CHARGE, LineKind.REFUND, LineKind.DISPUTE, LineKind.FEE,
        LineKind.PAYOUT,
    ]  # fmt: skip
    assert len({line.reference for line in lines}) == len(lines)
    assert lines[3].source == disputed
    total = sum(line.amount_minor - line.fee_minor for line in lines)
    assert total == sum(line.net_minor for line in market.world.balance_lines())
    shown = market.send("GET", "/v1/reporting/balances")["balances"]
    assert {b["currency"]: b["total_balance"]["value"] for b in shown} == {
        "USD": f"{total // 100}.{total % 100:02d}"
    }


def test_lines_come_three_hours_late(market: Market) -> None:
    """Proves: what happened just now is not told yet, and asking too early is told as such."""
    market.paid()
    with pytest.raises(Rejected) as early:
        market.listed(market.adapter.balance_lines(START, START + DAY))
    assert "later" in early.value.hint
    market.clock.advance(timedelta(hours=3))
    assert len(market.listed(market.adapter.balance_lines(START, START + DAY))) == 1


def test_periods_are_half_open(market: Market) -> None:
    """Proves: each line is in exactly one of two periods that meet, whatever fraction they meet
    at."""
    sell(market, 3)
    for meet in (timedelta(minutes=1), timedelta(seconds=59, milliseconds=1)):
        early = market.listed(market.adapter.balance_lines(START, START + meet))
        late = market.listed(market.adapter.balance_lines(START + meet, START + DAY))
        assert (len(early), len(late)) == (1, 2)
    assert market.listed(market.adapter.balance_lines(START, START)) == []


def test_long_periods_are_asked_in_windows(market: Market) -> None:
    """Proves: months are told in full, in order, although PayPal answers 31 days at once."""
    sell(market, 4, timedelta(days=30))
    lines = market.listed(market.adapter.balance_lines(START, START + timedelta(days=130)))
    assert [line.amount_minor for line in lines] == [1_000, 1_001, 1_002, 1_003]
    asked = [path for _, path, _ in market.transport.log if "reporting" in path]
    assert len(asked) == 4 + 1  # once more for the old token; the fifth window is too young


def test_windows_that_hold_too_much_are_halved(market: Market) -> None:
    """Proves: a full window is split until each part is answered, nothing lost or doubled."""
    sell(market, 9)
    market.world.set_report_maximum(2)
    lines = market.listed(market.adapter.balance_lines(START, START + DAY))
    assert [line.amount_minor for line in lines] == [1_000 + n for n in range(9)]


def test_a_second_that_holds_too_much_is_told(market: Market) -> None:
    """Proves: what cannot be split any further is an error, never a part told as the whole."""
    sell(market, 3, timedelta(0))
    market.world.set_report_maximum(2)
    with pytest.raises(Rejected) as full:
        market.listed(market.adapter.balance_lines(START, START + DAY))
    assert full.value.reason == "RESULTSET_TOO_LARGE"


def test_pages_are_all_read(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: more lines than a page holds are told in full."""
    monkeypatch.setattr("providers.paypal.search.PAGE", 2)
    sell(market, 5)
    lines = market.listed(market.adapter.balance_lines(START, START + DAY))
    assert len({line.reference for line in lines}) == 5


def test_payments_of_a_period(market: Market) -> None:
    """Proves: captured and held payments are listed once each, by their orders, oldest first."""
    first = market.paid(pay="pay_1").provider_payment_id
    market.run(market.adapter.refund(first, 100, "USD", "op_1", "k"))
    market.clock.advance(timedelta(minutes=1))
    held = market.paid(pay="pay_2", capture=False).provider_payment_id
    market.clock.advance(timedelta(minutes=1))
    both = market.paid(pay="pay_3", capture=False).provider_payment_id
    market.run(market.adapter.capture(both, 100, "USD", "cap"))
    market.create(pay="pay_4")
    market.clock.advance(timedelta(hours=3))
    found = market.listed(market.adapter.payments(START, START + DAY))
    assert [s.provider_payment_id for s in found] == [first, held, both]
    assert [s.stage for s in found] == [Stage.CAPTURED, Stage.AUTHORIZED, Stage.CAPTURED]
    assert [s.payment_id for s in found] == ["pay_1", "pay_2", "pay_3"]


def test_payouts_of_a_period(market: Market) -> None:
    """Proves: withdrawals are told with the bank's reference; one that came back is a line."""
    market.paid()
    (sent,) = market.world.make_payouts()
    market.world.fail_payout(sent.id)
    market.clock.advance(timedelta(hours=3))
    (payout,) = market.listed(market.adapter.payouts(START, START + DAY))
    assert (payout.reference, payout.amount_minor, payout.automatic) == (sent.id, 9_680, True)
    assert payout.trace
    assert payout.status == "paid"
    lines = market.listed(market.adapter.balance_lines(START, START + DAY))
    assert sum(line.amount_minor for line in lines if line.kind is LineKind.PAYOUT) == 0


def test_currencies_without_decimals_in_lines(market: Market) -> None:
    """Proves: yen and forint come in exact from search, too."""
    market.paid(1_200, "JPY", pay="pay_1")
    market.paid(120_000, "HUF", pay="pay_2")
    market.clock.advance(timedelta(hours=3))
    lines = market.listed(market.adapter.balance_lines(START, START + DAY))
    assert {line.currency: line.amount_minor for line in lines} == {"JPY": 1_200, "HUF": 120_000}
    fees = {line.currency: line.fee_minor for line in lines}
    assert fees == {"JPY": 43, "HUF": 10_300}


def test_another_merchants_books_are_refused(market: Market) -> None:
    """Proves: an answer that names another account is not taken for ours."""
    sell(market, 1)
    stranger = market.open(merchant_id="ZZZZZZZZZZZZZ")
    with pytest.raises(Rejected) as refused:
        market.listed(stranger.balance_lines(START, START + DAY))
    assert refused.value.reason == "mode_mismatch"
