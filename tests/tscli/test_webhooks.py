"""Webhooks at the command line: received once, applied once, replayed at will."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from db.database import Database
from domain.clock import SetClock
from domain.errors import OutcomeUnknown
from domain.ids import Ids
from domain.payment import PaymentState
from domain.stored_event import EventFilter, Source
from domain.webhook import EventState, Proof
from providers.sandbox.faults import Fault
from tests.conftest import START, Cli
from tests.tscli.shop import Shop, open_shop
from tests.tscli.test_paypal_payments import agree
from tests.tscli.test_people import As, acting  # noqa: F401 - a fixture
from tests.tscli.worlds import open_world
from tscli.app import App
from tscli.services.applying import apply_event
from tscli.services.inbox import arrived
from tscli.services.webhooks import apply_due, backfill, find_events, replay
from tscli.settings import load_settings

F = Fault
CREATE = (
    "payments", "create", "--amount", "30.00", "--currency", "USD", "--method", "pm_card_visa",
    "--yes", "--format", "json",
)  # fmt: skip


@pytest.fixture
def shop(database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(database, clock, monkeypatch)


def deliveries(folder: Path, provider: str = "stripe") -> list[tuple[Path, Path]]:
    """What the pretend world delivers, as files of headers and bodies."""
    app = App(load_settings())
    made = []
    world = app.open_world(provider)
    try:
        for number, item in enumerate(app.open_deliverer(world).deliveries()):
            headers, body = folder / f"{number}.headers", folder / f"{number}.body"
            lines = [f"{name}: {value}" for name, value in item.headers.items()]
            headers.write_text("\n".join(lines))
            body.write_bytes(item.body)
            made.append((headers, body))
    finally:
        world.close()
    return made


def received(cli: Cli, headers: Path, body: Path, *more: str, provider: str = "stripe") -> object:
    """One delivery taken from files."""
    words = ("webhooks", "receive", "--headers", str(headers), "--body", str(body))
    return cli(*words, "--provider", provider, *more, "--format", "json")


def test_deliveries_are_stored_once_and_teach_once(cli: Cli, tmp_path: Path) -> None:
    """Proves that the deliveries of a payment's life change nothing that is known, each once."""
    pay = cli(*CREATE).data["id"]
    cli("payments", "refund", pay, "--amount", "10.00", "--yes")
    made = deliveries(tmp_path)
    assert len(made) >= 4
    for pair in [*made, *made]:
        ran = received(cli, *pair)
        assert ran.exit_code == 0, ran.stderr
        assert ran.data["outcome"] in ("unchanged", "ignored", "applied")
    rows = cli("webhooks", "list", "--format", "json").data
    assert len(rows) == len(made)
    assert {r["deliveries"] for r in rows} == {2}
    assert {"id", "provider", "provider_event_id", "type", "state"} <= set(rows[0])
    shown = cli("payments", "show", pay, "--format", "json").data
    assert (shown["captured"]["value"], shown["refunded"]["value"]) == ("30.00", "10.00")
    assert cli("webhooks", "list", "--payment", pay, "--format", "json").data
    assert cli("webhooks", "status").exit_code == 0
    assert cli("audit", "verify").exit_code == 0
    assert cli("doctor").exit_code == 0


def test_money_moved_elsewhere_is_learnt_from_events(cli: Cli, tmp_path: Path) -> None:
    """Proves that a refund and a dispute made at the provider reach our books by their events."""
    pay = cli(*CREATE).data["id"]
    with open_world() as world:
        world.dispute(world.charges()[0].id)
    outcomes = Counter(received(cli, *pair).data["outcome"] for pair in deliveries(tmp_path))
    assert outcomes["applied"] >= 1
    shown = cli("payments", "show", pay, "--format", "json").data
    assert shown["disputed"]["value"] == "30.00"


def test_what_is_not_believed_is_a_digest(cli: Cli, tmp_path: Path) -> None:
    """Proves that a forged delivery is refused with exit code 4, counted, and changes nothing."""
    cli(*CREATE)
    headers, body = deliveries(tmp_path)[0]
    body.write_bytes(body.read_bytes().replace(b"3000", b"9000"))
    ran = received(cli, headers, body)
    assert ran.exit_code == 4
    assert "invalid_signature" in ran.stderr
    assert cli("webhooks", "list", "--format", "json").data == []
    (row,) = cli("webhooks", "status", "--format", "json").data
    assert (row["what"], row["count"]) == ("refused: invalid_signature", 1)
    headers.write_text("no header at all")
    assert received(cli, headers, body).exit_code == 2
    assert received(cli, tmp_path / "none", body).exit_code == 2


def test_backfill_brings_what_was_missed_once(cli: Cli) -> None:
    """Proves for both providers that an outage of the receiver leaves nothing out."""
    made = cli(*CREATE).data["id"]
    assert cli("webhooks", "gaps").exit_code == 1
    dry = cli("webhooks", "backfill", "--dry-run", "--format", "json")
    missed = {r["provider_event_id"] for r in dry.data}
    assert missed
    assert cli("webhooks", "list", "--format", "json").data == []
    first = cli("webhooks", "backfill", "--format", "json")
    assert first.exit_code == 0, first.stderr
    assert {r["provider_event_id"] for r in first.data} == missed
    assert cli("webhooks", "backfill", "--format", "json").data == []
    assert cli("webhooks", "gaps").exit_code == 0
    assert cli("payments", "show", made).exit_code == 0
    assert cli("webhooks", "backfill", "--provider", "paypal").exit_code == 0


def test_replaying_says_first_and_changes_once(cli: Cli) -> None:
    """Proves that a dry run writes nothing, that filters and ids are alternatives, and that an
    applied event is unchanged the second time."""
    cli(*CREATE)
    cli("webhooks", "backfill")
    rows = cli("webhooks", "list", "--format", "json").data
    tries = {r["id"]: r["attempts"] for r in rows}
    dry = cli("webhooks", "replay", "--since", "1h", "--dry-run", "--format", "json")
    assert dry.exit_code == 0
    assert {r["id"] for r in dry.data} == set(tries)
    again = {r["id"]: r["attempts"] for r in cli("webhooks", "list", "--format", "json").data}
    assert again == tries
    one = rows[0]["id"]
    ran = cli("webhooks", "replay", one, "--format", "json")
    assert ran.data[0]["outcome"] in ("unchanged", "ignored")
    shown = cli("webhooks", "show", one, "--format", "json").data
    assert len(shown["attempts_made"]) == tries[one] + 1
    assert cli("webhooks", "replay").exit_code == 2
    assert cli("webhooks", "replay", one, "--since", "1h").exit_code == 2
    assert cli("webhooks", "replay", "whe_x").exit_code == 2
    assert cli("webhooks", "replay", "--state", "failed", "--since", "2h").exit_code == 0


def test_discarding_and_trying_again(cli: Cli) -> None:
    """Proves that a discard needs a reason, and that what is done is not taken back."""
    cli(*CREATE)
    cli("webhooks", "backfill")
    done = cli("webhooks", "list", "--state", "unchanged", "--format", "json").data[0]["id"]
    assert cli("webhooks", "discard", done, "--reason", "x").exit_code == 5
    assert cli("webhooks", "retry", done).exit_code == 5
    ignored = cli("webhooks", "list", "--state", "ignored", "--format", "json").data
    if ignored:
        assert cli("webhooks", "discard", ignored[0]["id"]).exit_code == 2
        assert cli("webhooks", "discard", ignored[0]["id"], "--reason", "noise").exit_code == 0
    assert cli("webhooks", "resend", done).exit_code == 4, "Stripe has no such call"


def test_paypals_events_are_hints_that_finish_what_the_payer_agreed_to(cli: Cli) -> None:
    """Proves with deliveries straight into the inbox that PayPal's events are verified, make us
    ask, and take the money once."""
    words = ("--provider", "paypal", "--method", "paypal")
    made = cli(*CREATE[:6], *words, "--yes", "--format", "json").data
    assert made["state"] == "requires_action"
    agree(made["provider_payment_id"])
    deliver = ("sandbox", "deliver", "--provider", "paypal", "--to", "inbox", "--format", "json")
    assert cli(*deliver, "--dry-run").data["deliveries"] >= 1
    assert cli("webhooks", "list", "--format", "json").data == []
    done = cli(*deliver, "--duplicate", "100", "--shuffle")
    assert (done.exit_code, done.data["refused"]) == (0, 0), done.stderr
    rows = cli("webhooks", "list", "--provider", "paypal", "--format", "json").data
    assert {r["state"] for r in rows} == {"received"}
    assert {r["proof"] for r in rows} == {"certificate"}
    applied = cli("webhooks", "apply", "--format", "json")
    assert applied.exit_code == 0, applied.stdout
    shown = cli("payments", "show", made["id"], "--format", "json").data
    assert (shown["state"], shown["captured"]["value"]) == ("succeeded", "30.00")
    assert cli("webhooks", "apply", "--format", "json").data == []
    assert cli("recover", "sweep", "--older-than", "0s").exit_code == 0


def test_many_at_once_need_two(acting: As, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Proves that a bulk above the limit waits for a second person, then is applied."""
    acting("otto", *CREATE)
    acting("otto", "webhooks", "backfill")
    monkeypatch.setenv("TSCLI_APPROVALS__REPLAY_ABOVE", "1")
    assert acting("vera", "webhooks", "replay", "--since", "1h").exit_code == 4
    ran = acting("otto", "webhooks", "replay", "--since", "1h")
    assert ran.exit_code == 4
    assert "approval_required" in ran.stderr
    (item,) = acting("anna", "approvals", "list", "--format", "json").data
    assert acting("anna", "approvals", "approve", item["id"], "--yes").exit_code == 0
    done = acting("otto", "webhooks", "apply", "--format", "json")
    assert done.exit_code == 0
    assert len(done.data) > 1


def test_an_event_finishes_what_was_left_open(shop: Shop) -> None:
    """Proves that news of a lost confirmation ends its operation, and parked news is tried
    again."""
    shop.fail([F.NONE] + [F.TIMEOUT_AFTER, F.TIMEOUT_BEFORE] * 5)
    with pytest.raises(OutcomeUnknown):
        shop.create()
    shop.fail([])
    end = shop.clock.now()
    found, done = asyncio.run(backfill(shop.context, "stripe", START, end.replace(year=2030)))
    assert found.missing
    assert any(a.outcome is EventState.APPLIED for a in done)
    assert shop.unfinished() == []
    assert shop.payments()[0].state is PaymentState.SUCCEEDED
    shop.prove()


def test_an_error_while_asking_costs_an_attempt_only(shop: Shop) -> None:
    """Proves that events wait for a provider that is away, and are applied then."""
    pay = shop.create().payment.payment_id
    shop.world.dispute(shop.world.charges()[0].id)
    events = _stored(shop)
    shop.plan = lambda request: F.TIMEOUT_BEFORE
    done = asyncio.run(replay(shop.context, events))
    failed = [a for a in done if a.outcome is EventState.FAILED]
    assert failed
    assert all(a.event.next_attempt_at > shop.clock.now() for a in failed)
    shop.fail([])
    from datetime import timedelta

    shop.clock.advance(timedelta(minutes=1))
    asyncio.run(apply_due(shop.context))
    with shop.database.read() as books:
        assert books.payments.get(pay).disputed_minor == 10_000
        assert not books.inbox.find(EventFilter(state=EventState.FAILED))
    shop.prove()


def test_what_is_done_is_not_undone_by_a_try_that_fails(shop: Shop) -> None:
    """Proves that a replay that cannot ask leaves an applied event applied, with the try kept."""
    shop.create()
    shop.world.dispute(shop.world.charges()[0].id)
    done = asyncio.run(replay(shop.context, _stored(shop)))
    applied = [a.event for a in done if a.event.topic == "dispute"]
    shop.plan = lambda request: F.TIMEOUT_BEFORE
    again = asyncio.run(replay(shop.context, applied))
    assert {a.outcome for a in again} == {EventState.FAILED}
    assert all(a.event.state in (EventState.APPLIED, EventState.UNCHANGED) for a in again)
    assert all(a.event.next_attempt_at is None for a in again)


def _stored(shop: Shop) -> list[object]:
    """Every event of the world in our inbox, received and not applied."""

    async def listed() -> list[object]:
        async with shop.open_provider("stripe") as provider:
            return [e async for e in provider.events(START, START.replace(year=2030))]

    items = asyncio.run(listed())
    owner, proof, source = shop.owner, Proof.SIGNATURE, Source.DELIVERY
    with shop.database.transaction() as books:
        return [
            books.inbox.add(arrived(shop.context, owner, i.event, i.body, proof, source), i.body)
            for i in items
        ]


def test_every_order_of_events_is_one_projection(clock: SetClock) -> None:
    """Proves over all orders of six events of a payment's life, with repetitions, that the books
    end the same: a slice of `make deliveries`."""
    assert deliver_in_every_order(orders=20, seed=1) >= 120


def deliver_in_every_order(orders: int, seed: int) -> int:
    """Deliver a life's events in random orders with repetitions; how many deliveries that were.

    Raises:
        AssertionError: an order ended otherwise than the first.
    """
    dice, delivered, end = random.Random(seed), 0, None
    all_orders = list(permutations(range(6)))
    for order in dice.sample(all_orders, min(orders, len(all_orders))):
        clock = SetClock(START)
        database = Database("sqlite://", clock, Ids(clock, random.Random(1).getrandbits))
        shop = Shop(database, clock, ids=Ids(clock, random.Random(2).getrandbits))
        pay = shop.create(capture=False).payment.payment_id
        with database.transaction() as books:
            before = books.payments.get(pay)
        _live_on(shop, before.provider_payment_id or "")
        events = _stored(shop)
        life = [e for e in events if e.topic in ("payment", "refund", "dispute")][:6]
        sequence = [i for i in order for _ in range(dice.choice((1, 1, 2))) if i < len(life)]
        delivered += _deliver(shop, [life[i] for i in sequence])
        with database.read() as books:
            known = replace(books.payments.get(pay), updated_at=START, version=1)
        found = (known.stage, known.movements, known.captured_minor, known.refunded_minor)
        end = end or found
        assert found == end
        database.close()
    return delivered


def _live_on(shop: Shop, intent_id: str) -> None:
    """What happens at the provider without us: captured, refunded in part, disputed."""

    async def elsewhere() -> None:
        async with shop.open_provider("stripe") as provider:
            await provider.capture(intent_id, 8_000, "USD", "elsewhere.1")
            await provider.refund(intent_id, 3_000, "USD", "op_elsewhere", "elsewhere.2")

    asyncio.run(elsewhere())
    shop.world.dispute(shop.world.charges()[0].id, amount_minor=2_000)


def _deliver(shop: Shop, events: list[object]) -> int:
    async def each() -> None:
        async with shop.open_provider("stripe") as provider:
            for event in events:
                await apply_event(shop.context, provider, event)  # type: ignore[arg-type]

    asyncio.run(each())
    assert find_events(shop.context, EventFilter(), 100)
    return len(events)
