"""Every state against every event, fresh, repeated and late; every order of a payment's life."""

import random
from itertools import permutations, product

import pytest

from domain.payment import Payment, PaymentState, Snapshot, Stage, observe
from domain.settlement import LineKind, LineStatus
from tests.domain.samples import charge, movement, payment, refund, snapshot

LETTERS = "RSCAPUDHXFM"
"""One per stage: recorded, sent, created, action, approved, underway, declined, authorized (held),
cancelled, failed, captured (money)."""

JOINED = """
             R S C A P U D H X F M
RECORDED     R S C A P U D H X F M
SENT         S S C A P U D H X F M
CREATED      C C C A P U D H X F M
ACTION       A A A A P U D H X F M
APPROVED     P P P P P U D H X F M
UNDERWAY     U U U U U U D H X F M
DECLINED     D D D D D D D H F F M
AUTHORIZED   H H H H H H H H X F M
CANCELLED    X X X X X X F X X F M
FAILED       F F F F F F F F F F M
CAPTURED     M M M M M M M M M M M
"""
"""Known stage (row) and the stage an event shows (column): the stage known afterwards."""


def known_at(stage: Stage) -> Payment:
    """A payment of which so much is known."""
    object_id = None if stage <= Stage.SENT else "pi_1"
    moved = (charge(),) if stage is Stage.CAPTURED else ()
    return payment(stage=stage, provider_payment_id=object_id, movements=moved)


def shown_at(stage: Stage) -> Snapshot:
    """An event that shows so much."""
    return snapshot(stage, *((charge(),) if stage is Stage.CAPTURED else ()))


def cells() -> list[tuple[Stage, Stage, Stage]]:
    """Every cell of the table above."""
    _, *rows = JOINED.strip().splitlines()
    return [
        (Stage[name], Stage(column), Stage(LETTERS.index(letter)))
        for name, *letters in (row.split() for row in rows)
        for column, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(("before", "event", "after"), cells())
def test_every_cell_of_stages_and_events(before: Stage, event: Stage, after: Stage) -> None:
    """Proves for each pair what is known afterwards, that a repetition teaches nothing, and that
    what was known before changes nothing when it comes late."""
    first = observe(known_at(before), shown_at(event))
    assert first.payment.stage is after
    again = observe(first.payment, shown_at(event))
    assert (again.payment, again.facts) == (first.payment, ())
    late = observe(first.payment, shown_at(before))
    assert late.payment.stage is after
    assert late.payment.movements == first.payment.movements


def test_the_table_names_every_pair() -> None:
    """Proves that no cell is missing."""
    assert {(b, e) for b, e, _ in cells()} == set(product(Stage, Stage))


S, P, F = LineStatus.SUCCEEDED, LineStatus.PENDING, LineStatus.FAILED
DISPUTE = movement(LineKind.DISPUTE, -10_000)
MONEY: dict[str, tuple[Snapshot, PaymentState, tuple[int, int, int]]] = {
    "charge": (snapshot(Stage.CAPTURED, charge()), PaymentState.SUCCEEDED, (10_000, 0, 0)),
    "part": (snapshot(Stage.CAPTURED, charge(6_000)), PaymentState.SUCCEEDED, (6_000, 0, 0)),
    "refund": (
        snapshot(Stage.CAPTURED, charge(), refund(10_000)), PaymentState.REFUNDED,
        (10_000, 10_000, 0),
    ),
    "refund pending": (
        snapshot(Stage.CAPTURED, charge(), refund(4_000, status=P)), PaymentState.SUCCEEDED,
        (10_000, 4_000, 0),
    ),
    "refund failed": (
        snapshot(Stage.CAPTURED, charge(), refund(4_000, status=F)), PaymentState.SUCCEEDED,
        (10_000, 0, 0),
    ),
    "dispute": (
        snapshot(Stage.CAPTURED, charge(), DISPUTE), PaymentState.SUCCEEDED, (10_000, 0, 10_000),
    ),
    "dispute won": (
        snapshot(
            Stage.CAPTURED, charge(), DISPUTE, movement(LineKind.DISPUTE_REVERSAL, 10_000)
        ),
        PaymentState.SUCCEEDED, (10_000, 0, 0),
    ),
}  # fmt: skip
"""An event that shows money: what it shows, the state it leads to, (captured, refunded,
disputed)."""


@pytest.mark.parametrize("event", MONEY)
@pytest.mark.parametrize("before", [s for s in Stage if s is not Stage.CAPTURED])
def test_money_is_adopted_in_every_stage(before: Stage, event: str) -> None:
    """Proves that money the provider shows is taken over whatever was known, once."""
    shown, state, amounts = MONEY[event]
    first = observe(known_at(before), shown).payment
    assert first.state is state
    assert (first.captured_minor, first.refunded_minor, first.disputed_minor) == amounts
    again = observe(first, shown)
    assert (again.payment, again.facts) == (first, ())
    assert observe(first, shown_at(before)).payment == first


LIFE = (
    snapshot(Stage.CREATED),
    snapshot(Stage.ACTION, next_action_url="https://bank.example/a"),
    snapshot(Stage.AUTHORIZED),
    snapshot(Stage.CAPTURED, charge(8_000, fee_minor=262)),
    snapshot(Stage.CAPTURED, charge(8_000), refund(3_000, status=P)),
    snapshot(Stage.CAPTURED, charge(8_000), refund(3_000), movement(LineKind.DISPUTE, -5_000)),
)
"""Six observations of one payment, each from another moment."""


def projection(order: list[Snapshot]) -> tuple[Payment, int]:
    """What is known after that order of deliveries, and how many there were."""
    known = payment()
    for delivery in order:
        seen = observe(known, delivery)
        assert not seen.anomalies
        known = seen.payment
    return known, len(order)


def test_every_order_of_a_life_is_one_projection() -> None:
    """Proves over all 720 orders, each with random repetitions, and over 100,000 deliveries in
    all, that what is known in the end is one and the same."""
    dice = random.Random(1)
    end, _ = projection(list(LIFE))
    deliveries = orders = 0
    while deliveries < 100_000:
        for order in permutations(LIFE):
            repeated = [item for item in order for _ in range(dice.choice((1, 1, 2, 3)))]
            repeated += dice.choices(LIFE, k=dice.randrange(5))
            known, count = projection(repeated)
            assert known == end
            deliveries, orders = deliveries + count, orders + 1
    assert orders % 720 == 0
    assert (end.captured_minor, end.refunded_minor, end.disputed_minor) == (8_000, 3_000, 5_000)
