"""Whatever is done to the world, in any order, money is conserved and limits hold."""

import contextlib
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from domain.clock import SetClock
from domain.errors import PaymentsError
from providers.sandbox.stripe_wire import intent_routes, money_routes
from providers.sandbox.stripe_wire.calls import Call, Reply
from providers.sandbox.stripe_wire.errors import WireError
from providers.sandbox.truth.templates import TEMPLATES
from providers.sandbox.world import World

METHODS = st.sampled_from(sorted(TEMPLATES))
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "BHD", "HUF", "ISK"])
AMOUNTS = st.integers(50, 2000).map(lambda n: n * 100)
NEVER = {"automatic_payment_methods": {"enabled": "true", "allow_redirects": "never"}}


class Machine(RuleBasedStateMachine):
    """Two worlds with one seed, driven alike; the truth of the first is checked after each step."""

    intents = Bundle("intents")

    @initialize()
    def open(self):
        self.clock = SetClock(datetime(2026, 11, 2, 9, tzinfo=UTC))
        self.worlds = [World.open(":memory:", self.clock, seed=3) for _ in range(2)]

    def both(self, run, ids=(), **params):
        results = [self.one(world, run, ids, params) for world in self.worlds]
        assert results[0] == results[1]
        return results[0]

    @staticmethod
    def one(world, run, ids, params):
        try:
            with world.change() as core, core.store.savepoint():
                body = run(Call(core, tuple(ids), dict(params), "https://example.com", "/v1/x"))
        except (PaymentsError, WireError) as error:
            return str(error)
        return body.body if isinstance(body, Reply) else body

    @rule(target=intents, amount=AMOUNTS, currency=CURRENCIES, method=METHODS,
          capture=st.sampled_from(["manual", "automatic"]), confirm=st.booleans())  # fmt: skip
    def create(self, amount, currency, method, capture, confirm):
        self.both(
            intent_routes.create, amount=amount, currency=currency, payment_method=method,
            capture_method=capture, confirm=confirm, **NEVER,
        )  # fmt: skip
        made = self.worlds[0].intents()
        return made[-1].id if made else "pi_none"

    @rule(intent=intents, method=METHODS)
    def confirm(self, intent, method):
        self.both(intent_routes.confirm, [intent], payment_method=method)

    @rule(intent=intents, amount=AMOUNTS)
    def capture(self, intent, amount):
        self.both(intent_routes.capture, [intent], amount_to_capture=amount)

    @rule(intent=intents)
    def cancel(self, intent):
        self.both(intent_routes.cancel, [intent])

    @rule(intent=intents, amount=AMOUNTS)
    def refund(self, intent, amount):
        self.both(money_routes.create_refund, payment_intent=intent, amount=amount)

    @rule(intent=intents, verb=st.sampled_from(["approve", "reject"]))
    def answer(self, intent, verb):
        self.verb(verb, intent)

    @rule(verb=st.sampled_from(["dispute", "win_dispute", "lose_dispute", "fail_refund",
                                "fail_payout"]), pick=st.integers(0, 20))  # fmt: skip
    def from_outside(self, verb, pick):
        world = self.worlds[0]
        kinds = {
            "dispute": world.charges,
            "fail_refund": world.refunds,
            "fail_payout": world.payouts,
        }
        found = kinds.get(verb, world.disputes)()
        if found:
            self.verb(verb, found[pick % len(found)].id)

    @rule(hours=st.integers(1, 200))
    def wait(self, hours):
        self.clock.advance(timedelta(hours=hours))
        for world in self.worlds:
            world.tick()

    @rule()
    def sweep(self):
        for world in self.worlds:
            world.make_payouts()

    def verb(self, name, object_id):
        for world in self.worlds:
            with contextlib.suppress(PaymentsError):
                getattr(world, name)(object_id)

    @invariant()
    def money_is_conserved(self):
        """Balance plus what is out equals all other lines; outside movements explain the gross."""
        world = self.worlds[0]
        lines, moves = world.balance_lines(), world.movements()
        for currency, (available, pending) in world.balances().items():
            mine = [x for x in lines if x.currency == currency]
            paid_out = -sum(x.net_minor for x in mine if x.category.startswith("payout"))
            rest = sum(x.net_minor for x in mine if not x.category.startswith("payout"))
            assert available + pending + paid_out == rest
            gross = sum(x.amount_minor for x in mine)
            assert gross == sum(m.amount_minor for m in moves if m.currency == currency)

    @invariant()
    def limits_hold(self):
        """Captured within authorised, refunded within captured, intents agree with charges."""
        world = self.worlds[0]
        charges = {c.id: c for c in world.charges()}
        for charge in charges.values():
            assert 0 <= charge.captured_minor <= charge.amount_minor
            assert 0 <= charge.refunded_minor <= charge.captured_minor
        for intent in world.intents():
            taken = [c.captured_minor for c in charges.values() if c.intent_id == intent.id]
            assert sum(taken) == intent.received_minor <= intent.amount_minor
            assert (intent.status == "succeeded") == (intent.received_minor > 0)
        for refund in world.refunds():
            assert refund.amount_minor <= charges[refund.charge_id].captured_minor

    @invariant()
    def payouts_are_their_members(self):
        """Every automatic payout is the exact sum of its lines."""
        world = self.worlds[0]
        for payout in world.payouts():
            if payout.automatic:
                lines = world.core.lines("payout_id = ?", payout.id)
                assert sum(x.net_minor for x in lines) == 0

    @invariant()
    def worlds_are_alike(self):
        """One seed and one history make one world."""
        first, second = ("\n".join(w.core.store._db.iterdump()) for w in self.worlds)
        assert first == second

    def teardown(self):
        for world in getattr(self, "worlds", ()):
            world.close()


TestWorld = Machine.TestCase
TestWorld.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None,
    suppress_health_check=list(HealthCheck), derandomize=True, database=None,
)  # fmt: skip
