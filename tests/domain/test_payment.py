"""The payment: which commands are legal, and that any order of news leads to the same end."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidTransition
from domain.payment import (
    STATE_OF,
    TRANSITIONS,
    Command,
    Payment,
    PaymentState,
    Snapshot,
    Stage,
    check_command,
    observe,
)
from domain.settlement import LineKind, LineStatus
from tests.domain.samples import (
    START,
    URL,
    charge,
    histories,
    movement,
    payment,
    refund,
    shuffled,
    snapshot,
)

LEGAL = """
                  confirm  capture  cancel  refund
pending           yes      -        yes     -
processing        yes      -        yes     -
requires_action   -        -        yes     -
authorized        -        yes      yes     -
succeeded         -        -        -       yes
failed            -        -        -       -
cancelled         -        -        -       -
refunded          -        -        -       -
"""


def in_state(state: PaymentState) -> Payment:
    """A payment an operator sees in that state."""
    if state is PaymentState.REFUNDED:
        moved = (charge(), refund(10_000))
        return payment(stage=Stage.CAPTURED, movements=moved, provider_payment_id="pi_1")
    stage = next(stage for stage, seen in STATE_OF.items() if seen is state)
    moved = (charge(),) if stage is Stage.CAPTURED else ()
    return payment(stage=stage, movements=moved, provider_payment_id="pi_1")


def cells() -> list[tuple[PaymentState, Command, bool]]:
    """Every cell of the table above."""
    head, *rows = (line.split() for line in LEGAL.strip().splitlines())
    return [
        (PaymentState(state), Command(command), word == "yes")
        for state, *words in rows
        for command, word in zip(head, words, strict=True)
    ]


@pytest.mark.parametrize(("state", "command", "legal"), cells())
def test_every_cell_of_states_and_commands(
    state: PaymentState, command: Command, legal: bool
) -> None:
    """Proves for each state and command whether it is legal, and that a refusal helps."""
    asked = in_state(state)
    assert asked.state is state
    if legal:
        check_command(asked, command)
        return
    with pytest.raises(InvalidTransition) as refused:
        check_command(asked, command)
    assert state in refused.value.message
    assert asked.payment_id in refused.value.hint


def test_the_table_is_complete() -> None:
    """Proves that the table above names every pair there is, and no legal edge more."""
    assert {(s, c) for s, c, _ in cells()} == set(product(PaymentState, Command))
    assert {(s, c) for s, c, legal in cells() if legal} == set(TRANSITIONS)
    assert set(STATE_OF) == set(Stage)


def told(news: list[Snapshot], start: Payment | None = None) -> Payment:
    """The payment after all of that news."""
    known = start or payment()
    for item in news:
        seen = observe(known, item)
        assert not seen.anomalies
        known = seen.payment
    return known


@given(st.data())
def test_any_order_of_news_ends_the_same(data: st.DataObject) -> None:
    """Proves that reordered and repeated snapshots give the payment that orderly ones give."""
    history = data.draw(histories())
    assert told(data.draw(shuffled(history))) == told(history)


@given(histories())
def test_known_news_teaches_nothing(history: list[Snapshot]) -> None:
    """Proves that no snapshot of the past changes a payment or makes a fact once all is known."""
    final = told(history)
    for item in history:
        seen = observe(final, item)
        assert seen.payment == final
        assert (seen.facts, seen.changed, seen.anomalies) == ((), (), ())


@given(st.data())
def test_every_change_is_told_once(data: st.DataObject) -> None:
    """Proves that each step of a movement is handed on exactly once, whatever order it comes in."""
    known, steps = payment(), []
    for item in data.draw(shuffled(data.draw(histories()))):
        seen = observe(known, item)
        for before, after in seen.changed:
            assert before == next((m for m in known.movements if m.name == after.name), None)
            steps.append(after)
        assert bool(seen.facts) == (seen.payment != known)
        known = seen.payment
    assert len(set(steps)) == len(steps)


@given(histories())
def test_amounts_stay_within_their_bounds(history: list[Snapshot]) -> None:
    """Proves that no consistent history breaks what the database demands of a payment."""
    known = payment()
    for item in history:
        known = told([item], known)
        assert 0 <= known.captured_minor <= known.amount_minor
        assert 0 <= known.refunded_minor <= known.captured_minor
        assert known.disputed_minor <= known.captured_minor
        assert not known.captured_minor or known.stage is Stage.CAPTURED


CAPTURED = payment(stage=Stage.CAPTURED, provider_payment_id="pi_1", movements=(charge(6_000),))

CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "amount": {"amount_minor": 9_999},
    "currency": {"currency": "EUR"},
    "account": {"account": "other"},
    "mode": {"mode": "live"},
    "provider": {"provider": "other"},
    "object": {"provider_payment_id": "pi_2"},
    "payment": {"payment_id": "pay_2"},
    "changed": {"movements": (charge(6_001),)},
    "captured 16000 of intended 10000": {"movements": (charge(10_000, reference="other"),)},
    "refunded 6001 of captured 6000": {"movements": (refund(6_001),)},
    "withdrew 7000 of captured 6000": {"movements": (movement(LineKind.DISPUTE, -7_000),)},
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_contradiction_changes_nothing(what: str) -> None:
    """Proves that a snapshot which cannot be true is named and not applied, not even in part."""
    more = {"movements": (charge(6_000), refund(1_000)), **CONTRADICTIONS[what]}
    seen = observe(CAPTURED, replace(snapshot(Stage.CAPTURED), **more))
    assert seen.payment is CAPTURED
    assert seen.facts == seen.changed == ()
    assert any(what in sentence for sentence in seen.anomalies)


def test_every_contradiction_is_named() -> None:
    """Proves that several contradictions of one snapshot are all told."""
    seen = observe(CAPTURED, snapshot(Stage.CAPTURED, amount_minor=1, currency="EUR", mode="live"))
    assert len(seen.anomalies) == 3


def test_two_charges_seen_one_by_one_are_an_over_capture() -> None:
    """Proves that the bound holds over all that is known, not only within one snapshot."""
    first = told([snapshot(Stage.CAPTURED, charge(8_000))])
    seen = observe(first, snapshot(Stage.CAPTURED, charge(8_000, reference="again")))
    assert seen.payment is first
    assert seen.anomalies == ("The provider captured 16000 of intended 10000.",)


@pytest.mark.parametrize("stage", [s for s in Stage if s is not Stage.CAPTURED])
def test_money_that_came_in_decides(stage: Stage) -> None:
    """Proves that a succeeded charge makes a payment captured, whatever status comes with it."""
    assert told([snapshot(stage, charge())]).stage is Stage.CAPTURED


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_fenced_refusal_failed_in_either_order(order: tuple[int, int]) -> None:
    """Proves that refused and then called off is failed, with its reason, in both orders."""
    news = [snapshot(Stage.DECLINED, failure_code="lost_card"), snapshot(Stage.CANCELLED)]
    final = told([news[i] for i in order])
    assert (final.stage, final.state) == (Stage.FAILED, PaymentState.FAILED)
    assert final.failure_code == "lost_card"


def test_a_reason_to_fail_does_not_outlive_the_failure() -> None:
    """Proves that a captured payment carries no failure, whichever of the two was seen first."""
    news = [snapshot(Stage.DECLINED, failure_code="lost_card"), snapshot(Stage.CAPTURED, charge())]
    assert told(news) == told(news[::-1])
    assert told(news).failure_code == ""


def test_the_link_for_the_customer_lives_as_long_as_it_is_needed() -> None:
    """Proves that the link is kept while the customer has to act and gone afterwards."""
    asked = told([snapshot(Stage.ACTION, next_action_url=URL)])
    assert asked.next_action_url == URL
    assert told([snapshot(Stage.ACTION)], asked).next_action_url == URL
    assert told([snapshot(Stage.UNDERWAY)], asked).next_action_url == ""


def test_a_failed_refund_gives_its_amount_back() -> None:
    """Proves that a refund that fails days later makes a refunded payment a captured one again."""
    done = told([snapshot(Stage.CAPTURED, charge(), refund(10_000))])
    assert done.state is PaymentState.REFUNDED
    failed = observe(
        done, snapshot(Stage.CAPTURED, charge(), refund(10_000, status=LineStatus.FAILED))
    )
    assert failed.payment.state is PaymentState.SUCCEEDED
    assert failed.payment.refunded_minor == 0
    assert failed.facts == ("payment.captured", "payment.refund.failed")


@pytest.mark.parametrize("status", [LineStatus.PENDING, LineStatus.SUCCEEDED])
def test_a_refund_under_way_counts_as_given(status: LineStatus) -> None:
    """Proves that pending refunds are reserved like finished ones."""
    known = told([snapshot(Stage.CAPTURED, charge(), refund(4_000, status=status))])
    assert known.refunded_minor == 4_000


def test_a_won_dispute_leaves_nothing_disputed() -> None:
    """Proves that disputed money counts until it comes back, with every fee kept."""
    lost = movement(LineKind.DISPUTE, -10_000, fee_minor=1_500)
    won = movement(LineKind.DISPUTE_REVERSAL, 10_000, fee_minor=0)
    assert told([snapshot(Stage.CAPTURED, charge(), lost)]).disputed_minor == 10_000
    known = told([snapshot(Stage.CAPTURED, charge(fee_minor=320), lost, won)])
    assert (known.disputed_minor, known.fee_minor) == (0, 1_820)


def test_a_payment_learns_its_provider_object_once() -> None:
    """Proves that the first object seen is the payment's own and no second one is ever adopted."""
    first = told([snapshot(Stage.CREATED)])
    assert first.provider_payment_id == "pi_1"
    seen = observe(first, snapshot(Stage.CAPTURED, charge(), provider_payment_id="pi_2"))
    assert seen.payment is first
    assert "object" in seen.anomalies[0]
    assert first.updated_at == START


@pytest.mark.parametrize("stage", [Stage.FAILED, Stage.CANCELLED])
def test_an_untouched_object_of_a_payment_that_is_over_stays_unknown(stage: Stage) -> None:
    """Proves that late news of a creation given up links nothing that could still be paid, and that
    money on it is adopted all the same."""
    over = payment(stage=stage)
    for shown in (Stage.CREATED, Stage.ACTION, Stage.APPROVED):
        seen = observe(over, snapshot(shown))
        assert (seen.payment, seen.facts, seen.anomalies) == (over, (), ())
    assert observe(over, snapshot(Stage.CAPTURED, charge())).payment.stage is Stage.CAPTURED
