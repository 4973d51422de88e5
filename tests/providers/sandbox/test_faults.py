"""The fault switchboard: what the client sees, and what really happened, for each fault."""

import asyncio
import json

import httpx2
import pytest

from providers.sandbox.faults import (
    READ_FAULTS,
    WRITE_FAULTS,
    Fault,
    FaultyTransport,
    scripted,
    seeded,
)  # fmt: skip
from providers.sandbox.stripe_face import stripe_face

WORDS = {
    "amount": "100", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true",
    "return_url": "https://shop.example",
}  # fmt: skip
HEADERS = {"Authorization": "Bearer sk_test_1", "Idempotency-Key": "k"}


def drive(world, faults, times=1, settle=False, late_after=2):
    """Send the same payment `times` times; what the client saw each time, and the transport."""
    transport = FaultyTransport(
        httpx2.ASGITransport(app=stripe_face(world)), scripted(faults), poison=world.poison,
        late_after=late_after,
    )  # fmt: skip

    async def go():
        seen = []
        async with httpx2.AsyncClient(
            transport=transport, base_url="https://example.com"
        ) as client:
            for _ in range(times):
                try:
                    seen.append(
                        await client.post("/v1/payment_intents", data=WORDS, headers=HEADERS)
                    )
                except httpx2.TransportError as error:
                    seen.append(type(error))
            if settle:
                seen.append(await transport.settle())
        return seen

    return asyncio.run(go()), transport


@pytest.mark.parametrize(
    ("fault", "seen", "moved"),
    [
        (Fault.NONE, 200, 1),
        (Fault.TIMEOUT_BEFORE, httpx2.ReadTimeout, 0),
        (Fault.TIMEOUT_AFTER, httpx2.ReadTimeout, 1),
        (Fault.LATE_EFFECT, httpx2.ReadTimeout, 0),
        (Fault.ERROR_BEFORE, 500, 0),
        (Fault.ERROR_AFTER, 500, 1),
        (Fault.CACHED_ERROR, 500, 1),
        (Fault.CONFLICT, 409, 0),
        (Fault.RATE_LIMIT, 429, 0),
        (Fault.RATE_LIMIT_RETRY_AFTER, 429, 0),
        (Fault.GARBAGE, 200, 1),
        (Fault.TRUNCATED, 200, 1),
        (Fault.UNAVAILABLE_HTML, 503, 0),
        (Fault.RESET_BEFORE, httpx2.ReadError, 0),
        (Fault.RESET_AFTER, httpx2.ReadError, 1),
        (Fault.REFUSED, httpx2.ConnectError, 0),
    ],
)
def test_each_fault_shows_and_does_what_it_says(world, fault, seen, moved):
    """Proves: for every fault, what the client sees and whether money moved."""
    (got,), transport = drive(world, [fault])
    assert (got if isinstance(got, type) else got.status_code) == seen
    assert len(world.movements()) == moved
    assert transport.log == [("POST", "/v1/payment_intents", fault)]


def test_every_fault_is_covered_above():
    """Proves: the table above names every fault there is."""
    (mark,) = test_each_fault_shows_and_does_what_it_says.pytestmark
    assert {row[0] for row in mark.args[1]} == set(Fault)


@pytest.mark.parametrize(
    "fault", [f for f in WRITE_FAULTS if f not in (Fault.CACHED_ERROR, Fault.LATE_EFFECT)]
)
def test_trying_again_with_the_same_key_pays_once(world, fault):
    """Proves: after any fault but a cached one, the same key ends in one payment and a 200."""
    seen, _ = drive(world, [fault], times=2)
    assert seen[1].status_code == 200
    assert seen[1].json()["status"] == "succeeded"
    assert len(world.movements()) == 1


def test_a_cached_error_never_becomes_an_answer(world):
    """Proves: the key replays the 500 for good although the payment was taken."""
    seen, _ = drive(world, [Fault.CACHED_ERROR], times=3)
    assert [r.status_code for r in seen] == [500, 500, 500]
    assert seen[2].headers["idempotent-replayed"] == "true"
    assert len(world.movements()) == 1


def test_late_effects_come_later(world):
    """Proves: executed before the request named, or on settling, never twice for one key."""
    seen, _ = drive(world, [Fault.LATE_EFFECT], settle=True)
    assert seen[1] == 1
    assert len(world.movements()) == 1
    seen, _ = drive(world, [Fault.LATE_EFFECT], times=3, settle=True)
    assert [getattr(s, "status_code", None) for s in seen[1:3]] == [200, 200]
    assert len(world.movements()) == 1


def test_bodies_of_the_broken_answers(world):
    """Proves: garbage and halves are not JSON, the page is HTML, Retry-After is there or not."""
    faults = [Fault.GARBAGE, Fault.TRUNCATED, Fault.UNAVAILABLE_HTML, Fault.RATE_LIMIT,
              Fault.RATE_LIMIT_RETRY_AFTER]  # fmt: skip
    seen, _ = drive(world, faults, times=5)
    for broken in seen[:2]:
        with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
            broken.json()
    assert seen[2].headers["content-type"].startswith("text/html")
    assert "retry-after" not in seen[3].headers
    assert seen[4].headers["retry-after"] == "2"


def test_seeded_plans_repeat_and_spare_reads_the_late_half():
    """Proves: one seed gives one schedule; reads get only harmless faults; 0 and 100 mean it."""
    post = httpx2.Request("POST", "https://example.com/v1/a")
    read = httpx2.Request("GET", "https://example.com/v1/a")

    def schedule(percent, seed=7):
        plan = seeded(seed, percent)
        return [plan(post if n % 2 else read) for n in range(400)]

    assert schedule(50) == schedule(50)
    assert schedule(50) != schedule(50, seed=8)
    assert set(schedule(0)) == {Fault.NONE}
    assert Fault.NONE not in schedule(100)
    assert set(schedule(100)[::2]) <= set(READ_FAULTS)
    assert set(schedule(100)[1::2]) == set(WRITE_FAULTS)
    with pytest.raises(ValueError, match="percentage"):
        seeded(1, 101)
