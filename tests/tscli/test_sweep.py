"""The sweep: whatever was left open is found, asked for and finished, once, whoever is there."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from db.database import Database
from domain.clock import SetClock
from domain.errors import OutcomeUnknown, PaymentsError, Unavailable
from domain.payment import PaymentState
from domain.provider import Provider
from domain.recovery import Swept, SweptAs
from domain.review import ReviewKind
from providers.sandbox.faults import Fault
from tests.conftest import Cli
from tests.tscli.shop import Shop, open_shop
from tscli.services.orphans import find_orphans
from tscli.services.sweep import sweep

F = Fault


@pytest.fixture
def shop(database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(database, clock, monkeypatch)


def swept(shop: Shop, **words: object) -> list[Swept]:
    """One sweep."""
    return asyncio.run(sweep(shop.context, **words))  # type: ignore[arg-type]


def lose(shop: Shop, verb: str, *words: str, **more: object) -> None:
    """One verb of which every answer is lost."""
    shop.plan = lambda request: F.TIMEOUT_AFTER if request.method == "POST" else F.TIMEOUT_BEFORE
    with pytest.raises(PaymentsError):
        getattr(shop, verb)(*words, **more)
    shop.fail([])


def test_everything_left_open_is_finished_in_one_sweep(shop: Shop) -> None:
    """Proves that lost answers of every verb are adopted by one sweep, to the cent."""
    held = shop.create(capture=False, key="a").payment.payment_id
    dropped = shop.create(capture=False, key="b").payment.payment_id
    paid = shop.create(key="c").payment.payment_id
    lose(shop, "create", key="d")
    lose(shop, "capture", held)
    lose(shop, "cancel", dropped)
    lose(shop, "refund", paid, "60.00")
    assert len(shop.unfinished()) == 4
    assert swept(shop) == [], "nothing is due yet"
    shop.clock.advance(timedelta(minutes=1))
    done = swept(shop)
    assert Counter(s.outcome for s in done) == {SweptAs.SETTLED: 4}
    assert all(s.changes for s in done)
    assert shop.moved("refund") == [-6_000]
    shop.prove()
    assert swept(shop, older_than=timedelta()) == []


def test_a_dry_run_asks_and_stores_nothing(shop: Shop) -> None:
    """Proves that what a sweep would do can be seen first, with nothing written or sent."""
    lose(shop, "create")
    shop.clock.advance(timedelta(minutes=1))
    before = shop.payments(), shop.unfinished(), len(shop.world.intents())
    (told,) = swept(shop, dry_run=True)
    assert told.changes
    assert (shop.payments(), shop.unfinished(), len(shop.world.intents())) == before
    with shop.database.read() as books:
        assert books.leases.holder(f"recover:{told.payment_id}", shop.clock.now()) is None


def test_silence_is_no_answer(shop: Shop) -> None:
    """Proves that however long a provider is silent nothing is called failed, only asked later."""
    shop.fail([F.NONE] + [F.TIMEOUT_AFTER, F.TIMEOUT_BEFORE] * 5)
    with pytest.raises(OutcomeUnknown):
        shop.create()
    shop.plan = lambda request: F.TIMEOUT_BEFORE
    for _ in range(20):
        shop.clock.advance(timedelta(hours=9))
        assert [s.outcome for s in swept(shop)] == [SweptAs.NOT_ASKED]
    assert shop.payments()[0].state is PaymentState.PROCESSING
    assert [r.kind for r in shop.reviews()] == [ReviewKind.UNSETTLED], "a day is long enough"
    shop.fail([])
    assert [(s.outcome, s.after) for s in swept(shop)] == [(SweptAs.SETTLED, "succeeded")]
    assert shop.reviews() == []
    assert shop.moved() == [10_000]
    shop.prove()


def test_a_silent_account_is_left_alone_after_a_few(shop: Shop) -> None:
    """Proves that a provider that is down is not asked about every payment there is."""
    for number in range(20):
        lose(shop, "create", key=f"k{number}")
    shop.clock.advance(timedelta(minutes=1))
    asked = len(shop.transport.log)
    shop.plan = lambda request: F.REFUSED
    done = swept(shop)
    assert {s.outcome for s in done} == {SweptAs.NOT_ASKED}
    assert len(shop.transport.log) - asked < 20
    assert all(s.before == s.after for s in done)
    shop.fail([])
    assert {s.outcome for s in swept(shop)} == {SweptAs.SETTLED}
    shop.prove()


def test_two_sweeps_and_an_operator_at_once(shop: Shop) -> None:
    """Proves that overlapping sweeps share the work, and that an operator in between harms none."""
    for number in range(6):
        lose(shop, "create", key=f"k{number}")
    shop.clock.advance(timedelta(minutes=1))

    async def together() -> list[object]:
        calls = (sweep(shop.context), sweep(shop.context), shop.creating(key="k0"))
        return await asyncio.gather(*calls, return_exceptions=True)

    ends = asyncio.run(together())
    assert not any(isinstance(end, BaseException) for end in ends), ends
    shop.settle()
    assert shop.moved() == [10_000] * 6
    shop.prove()


def test_what_another_sweep_settled_is_not_asked_for_again(shop: Shop) -> None:
    """Proves that a sweep whose list has grown old asks nothing that was answered meanwhile."""
    for number in range(4):
        lose(shop, "create", key=f"k{number}")
    shop.clock.advance(timedelta(minutes=1))
    asked: list[int] = []

    @asynccontextmanager
    async def late(name: str) -> AsyncIterator[Provider]:
        assert {s.outcome for s in await sweep(shop.context)} == {SweptAs.SETTLED}
        asked.append(len(shop.transport.log))
        async with shop.open_provider(name) as provider:
            yield provider

    done = asyncio.run(sweep(replace(shop.context, open_provider=late)))
    assert [s.outcome for s in done] == [SweptAs.SETTLED] * 4
    assert [len(shop.transport.log)] == asked
    shop.prove()


def test_another_accounts_payments_are_not_asked_for(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that payments of another account wait for a sweep that is configured for it."""
    first = open_shop(database, clock, monkeypatch)
    lose(first, "create")
    clock.advance(timedelta(minutes=1))
    other = Shop(database, clock, account="other")
    (told,) = swept(other)
    assert told.outcome is SweptAs.NOT_ASKED
    assert "default" in told.why


def test_a_waiting_customer_is_not_a_finding(shop: Shop) -> None:
    """Proves that a payment that waits for its customer is asked for ever later, no alarm."""
    shop.create(method="pm_card_threeDSecureRequired")
    waits = []
    for _ in range(12):
        due = shop.payments()[0].next_check_at
        assert due is not None
        waits.append(due - shop.clock.now())
        shop.clock.advance(waits[-1])
        assert [s.outcome for s in swept(shop)] == [SweptAs.WAITING]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=30), timedelta(days=1))


def test_orphans_are_queued_and_leave_when_known(shop: Shop) -> None:
    """Proves that money we do not know is found by listing, queued once, and lost objects are
    adopted."""
    begin = shop.clock.now()
    foreign = asyncio.run(_charge_elsewhere(shop))
    shop.fail([F.TIMEOUT_AFTER] + [F.TIMEOUT_BEFORE] * 9)
    with pytest.raises(OutcomeUnknown):
        shop.create(key="lost")
    shop.fail([])
    end = shop.clock.now() + timedelta(seconds=1)
    for _ in range(2):
        found = asyncio.run(find_orphans(shop.context, "stripe", begin, end))
        assert [r.subject for r in found.reviews] == [foreign]
    assert [(r.kind, r.amount_minor) for r in shop.reviews()] == [(ReviewKind.ORPHAN, 700)]
    (known,) = shop.payments()
    assert known.provider_payment_id is not None, "the lost object was adopted"
    shop.refresh(known.payment_id)
    assert shop.payments()[0].captured_minor == 10_000


async def _charge_elsewhere(shop: Shop) -> str:
    """A payment made without us."""
    from domain.provider import PaymentRequest

    async with shop.open_provider("stripe") as provider:
        request = PaymentRequest("pay_elsewhere", 700, "USD", True, "pm_card_visa")
        made = await provider.create(request, "elsewhere.1")
        await provider.confirm(made.provider_payment_id, "pm_card_visa", "elsewhere.2")
    return made.provider_payment_id


def stuck_refund(database: Database, clock: SetClock, world: str) -> str:
    """A refund sent long ago that never arrived, in the books and world of the command line."""
    shop = Shop(database, clock, account="sandbox", world_path=world)
    pay = shop.create().payment.payment_id
    shop.plan = lambda request: F.RESET_BEFORE
    with pytest.raises((OutcomeUnknown, Unavailable)):
        shop.refund(pay, "60.00")
    shop.world.close()
    return pay


def test_the_queue_at_the_command_line(
    cli: Cli, database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that what only a person can settle is shown, explained and sent anew on request."""
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    world = os.path.join(os.getcwd(), "world.db")
    monkeypatch.setenv("TSCLI_SANDBOX__PATH", world)
    pay = stuck_refund(database, clock, world)
    ran = cli("recover", "sweep", "--format", "json")
    assert (ran.exit_code, ran.data[0]["outcome"]) == (1, "review")
    (item,) = cli("recover", "queue", "--format", "json").data
    assert (item["kind"], item["payment_id"]) == ("too_old", pay)
    shown = cli("recover", "show", item["id"])
    assert shown.exit_code == 0
    assert f"tscli recover retry {pay}" in " ".join(shown.stdout.split())
    ladder = cli("recover", "explain", item["operation_id"])
    assert "what settles it: a person" in " ".join(ladder.stdout.split())
    evidence = cli("recover", "explain", pay, "--format", "json").data
    (sent,) = [o["key"] for o in evidence["operations"] if o["kind"] == "refund"]
    assert sent == f"{item['operation_id']}.refund.1"
    assert cli("recover", "retry", pay, "--yes").exit_code == 2, "a reason is needed"
    words = ("recover", "retry", item["id"], "--reason", "not in the dashboard", "--ticket", "T-1")
    assert cli(*words, "--dry-run").exit_code == 0
    assert len(cli("recover", "queue", "--format", "json").data) == 1
    done = cli(*words, "--yes", "--format", "json")
    assert (done.exit_code, done.data["refunded"]["value"]) == (0, "60.00")
    assert cli("recover", "queue").stdout.strip().endswith("Nothing needs a person.")
    whats = [r["what"] for r in cli("payments", "history", pay, "--format", "json").data]
    assert "operation.renewed" in whats
    assert cli("recover", "sweep").exit_code == 0
    assert cli("audit", "verify").exit_code == 0


def test_cancelling_what_is_stuck(cli: Cli) -> None:
    """Proves that a payment that waits for its customer can be called off by hand, with reason."""
    made = cli(
        "payments", "create", "--amount", "5.00", "--currency", "USD", "--yes",
        "--method", "pm_card_threeDSecureRequired", "--format", "json",
    )  # fmt: skip
    pay = made.data["id"]
    assert cli("recover", "cancel", pay, "--yes").exit_code == 2
    done = cli("recover", "cancel", pay, "--reason", "gave up", "--yes", "--format", "json")
    assert (done.exit_code, done.data["state"]) == (0, "cancelled")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("recover", "sweep", "--older-than", "15"), 2),
        (("recover", "sweep", "--older-than", "-1m"), 2),
        (("recover", "show", "rev_x"), 2),
        (("recover", "explain", "nothing"), 2),
        (("recover", "explain", "pay_x"), 2),
        (("recover", "orphans", "--since", "x"), 2),
        (("recover", "orphans", "--provider", "nobody"), 2),
        (("recover", "sweep"), 0),
        (("recover", "orphans"), 0),
    ],
)
def test_words_that_make_no_sense(cli: Cli, words: tuple[str, ...], code: int) -> None:
    """Proves that odd words are told in a sentence, and an empty book is no finding."""
    ran = cli(*words)
    assert ran.exit_code == code, ran.stderr
    assert "Traceback" not in ran.stderr
