"""One storm: a seed, its schedule, and what it proves.

The scheduler decides everything by one dice: who goes on, what strikes, who dies, how time passes.
After every step the safety checks run; at the end faults stop and everything must converge.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from domain.clock import SetClock, to_micros
from providers.sandbox.faults import Fault
from tests.storms.actors import Actor, Said, Shop, cast
from tests.storms.books import Row, StormBooks
from tests.storms.checks import CHECKS, breaker_counts_outages
from tests.storms.claims import Claims, Fate
from tests.storms.commands import Command
from tests.storms.ground import Ground, brief, is_write, key_of
from tests.storms.post import is_stored, post_of, told_once, undone
from tests.storms.rendezvous import Child, Crew, Gone, Order, Reply
from tests.storms.settled import queued, unlike_truth, unsettled
from tests.storms.trail import Trail, Wire
from tests.storms.truth import Truth, read_truth
from tests.storms.weather import GOOD_WALLETS, forecast

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SWEEPS_MAX = 6
SWEEP_EVERY_SECONDS = 1_200
OLDER_MINUTES = 15
STEPS_MAX = 3_000


class Broken(Exception):
    """An invariant that does not hold."""

    def __init__(self, invariant: str, sentence: str) -> None:
        super().__init__(invariant, sentence)
        self.invariant, self.sentence = invariant, sentence

    def __str__(self) -> str:
        return f"{self.invariant}: {self.sentence}"


@dataclass
class Report:
    """What became of one seed."""

    seed: int
    trace: str = ""
    """Hash over every decision and the end."""
    broken: Broken | None = None
    sweeps: int = 0
    """How many it took until nothing was left to do; 0 when nothing was."""
    reviewed: bool = False
    """Whether something was left to a person."""
    counts: Counter[str] = field(default_factory=Counter)
    schedule: list[str] = field(default_factory=list)


class Storm:
    """The scheduler of one seed."""

    def __init__(
        self, seed: int, books: StormBooks, crew: Crew, claims: Claims | None = None
    ) -> None:
        self.dice = Random(f"storm {seed}")
        self.weather = forecast(self.dice)
        self.report = Report(seed)
        self._seed = seed
        self._clock = SetClock(START)
        self._books, self._crew, self._claims = books, crew, claims
        self._ground = Ground(self.weather.provider, self._clock, seed)
        post = None
        if self.weather.provider == "stripe":
            post = post_of(self._ground.world, self._clock, self.dice)
        self._shop = Shop(self.dice, self.weather, post, self._look)
        self._actors: dict[str, Actor] = {}
        self._running: dict[str, Child] = {}
        self._started: Counter[str] = Counter()
        self._trail, self._wire = Trail(), Wire(self.weather.provider)
        self._truth: Truth | None = None
        self._raging = True

    def run(self) -> Report:
        """Let it rage, let it calm down; never raises what it is looking for."""
        self._books.renew()
        if self._claims is not None:
            self._claims.renew(self._seed)
        self._log(f"weather {self.weather}")
        try:
            self._actors = cast(self._shop)
            self._rage()
            self._calm()
        except Broken as broken:
            self.report.broken = broken
            self._log(f"BROKEN {broken}")
        finally:
            for running in self._running.values():
                self._crew.kill(running)
            self._ground.close()
        counts = {k: v for k, v in sorted(self.report.counts.items()) if k != "checks"}
        self._log(f"sweeps {self.report.sweeps} {counts}")
        self.report.trace = hashlib.sha256("\n".join(self.report.schedule).encode()).hexdigest()
        return self.report

    # The raging part.

    def _rage(self) -> None:
        commands: dict[str, Command | None] = {n: next(a, None) for n, a in self._actors.items()}
        for _ in range(STEPS_MAX):
            self._nature()
            ready = [n for n, c in commands.items() if c is not None and n not in self._running]
            room = self.weather.concurrency - len(self._running)
            choices = [*self._able(), *(ready if room > 0 else [])]
            if not choices:
                return
            name = self.dice.choice(choices)
            if name in self._running:
                over, said = self._step(name)
                if over:
                    commands[name] = self._tell(name, said)
            else:
                command = commands[name]
                assert command is not None
                self._pause()
                self._start(name, command)
            self._check()
        raise Broken("I5", f"no end after {STEPS_MAX} steps")

    def _tell(self, name: str, said: Said) -> Command | None:
        try:
            return self._actors[name].send(said)
        except StopIteration:
            return None

    def _able(self) -> list[str]:
        """Who can go on; when all wait for a lock, its holder is dead and all may try."""
        while self._running and all(c.held_up for c in self._running.values()):
            self._wake()  # the server undoes one of them
        free = [n for n, c in self._running.items() if not c.held_up]
        return [n for n in free if not self._running[n].waiting] or free

    def _wake(self) -> None:
        """Who was held up within the database may have gone on."""
        for other in self._running.values():
            if other.held_up:
                self._listen(other)

    def _nature(self) -> None:
        """What happens by itself: late requests arrive, payers make up their minds."""
        due = self._ground.late_until
        if due is not None and (self._chance(self.weather.late_rate) or due <= self._now()):
            self._arrive()
        if self._chance(40 if self.weather.provider == "paypal" else 10):
            shown = {p["provider_payment_id"] for p in self._books.rows()["payments"]}
            for intent_id in self._ground.waiting_payers():
                if intent_id in shown:  # nobody else has the link
                    self._payer(intent_id)

    def _payer(self, intent_id: str) -> None:
        world, paypal = self._ground.world, self.weather.provider == "paypal"
        if self._chance(60):
            world.approve(intent_id, wallet=self.dice.choice(GOOD_WALLETS) if paypal else None)
            self._log(f"the payer approves {intent_id}")
        elif not paypal:
            world.reject(intent_id)
            self._log(f"the payer rejects {intent_id}")
        self._truth = None

    def _arrive(self) -> None:
        count = self._ground.arrive()
        self._truth = None
        self._log(f"{count} late requests are executed")
        self._check()

    def _pause(self) -> None:
        """Time between commands; long only while nothing runs, or a process would stand still."""
        if self._running:
            self._advance(seconds=self.dice.randint(0, 10))
            return
        if self._chance(self.weather.long_gap_rate):
            self._advance(seconds=self.dice.choice((3_700, 7_200, 25_000, 82_000, 90_000)))
        else:
            self._advance(seconds=self.dice.randint(1, self.weather.gap_seconds))

    def _advance(self, seconds: float) -> None:
        until = self._clock.at + timedelta(seconds=seconds)
        due = self._ground.late_until
        if due is not None and due <= to_micros(until):
            self._arrive()
        if until != self._clock.at:
            self._clock.at = until
            if self._ground.world.tick():
                self._truth = None

    def _start(self, name: str, command: Command) -> None:
        self._started[name] += 1
        called = f"{name}.{self._started[name]}"
        seed = f"{self._seed} {called}"
        self._log(f"{called}: {command}")
        order = Order(command, name, seed, self._now())
        self._running[name] = self._crew.hire(called, order)
        self._listen(self._running[name])

    def _step(self, name: str) -> tuple[bool, Said]:
        """Decide about one child at its point; whether it is over, and what it said."""
        running = self._running[name]
        self.report.counts["steps"] += 1
        if self._raging and self._dies(running.at.point):
            return self._kill(name, running), None
        point = running.at.point
        answer: tuple[Any, ...] = ()
        self._advance(seconds=self.dice.choice((0, 0, 1)))
        if point == "call":
            answer = self._call(running)
        elif point == "claims":
            answer = (self._asked_claims(*running.at.details),)
        elif point == "busy":
            answer = ("give up",) if self._raging and self._chance(10) else ("again",)
        elif point == "sleep":
            self._advance(running.at.details[0])
        elif point == "ack":
            self._acknowledged(running.at.details[0])
        elif point == "bug":
            raise Broken("BUG", running.at.details[0])
        told = " ".join(map(str, answer)) if point in ("busy", "claims") else ""
        self._log(f"{running.name} {point} {told}")
        said = running.at.details if point == "print" else None
        if point != "busy":
            for other in self._running.values():
                other.waiting = False
        running.answer(Reply(self._now(), answer))
        if point == "print":
            self._crew.dismiss(running)
            del self._running[name]
            self._log(f"{running.name} said {said}")
            return True, said
        self._listen(running)
        self._wake()
        return False, None

    def _asked_claims(self, verb: str, name: str) -> Fate:
        assert self._claims is not None
        fate = self._claims.fate(name, self._now(), raging=self._raging)
        self.report.counts["claims"] += 1
        self.report.counts["claim faults"] += fate is not Fate.ANSWERED
        return fate

    def _acknowledged(self, provider_event_id: str) -> None:
        self.report.counts["acknowledged"] += 1
        if not is_stored(self._books.rows(), provider_event_id):
            raise Broken("I11", f"{provider_event_id} was acknowledged and is not stored")

    def _dies(self, point: str) -> bool:
        """Death strikes most where it hurts: with a request on its way; before the start it would
        prove nothing."""
        if point == "start":
            return False
        return self._chance(self.weather.kill_rate * (3 if point == "call" else 1))

    def _listen(self, running: Child) -> None:
        try:
            self._crew.listen(running)
            running.waiting = not running.held_up and running.at.point == "busy"
            self.report.counts["held up"] += running.held_up
        except Gone:
            raise Broken("BUG", f"{running.name} ended without a word") from None
        except TimeoutError:
            raise Broken("BUG", f"{running.name} hangs at {running.at.point}") from None

    def _call(self, running: Child) -> tuple[Any, ...]:
        request = running.at.details
        self._intended(request)
        fault = Fault.NONE
        if self._raging:
            fault = self.weather.fault(self.dice, write=is_write(request))
        self.report.counts["calls"] += 1
        self.report.counts["faults"] += fault is not Fault.NONE
        answer = self._ground.execute(request, fault, self._now())
        self._truth = None
        self._log(f"{running.name} {fault} {brief(request, answer)}")
        return answer

    def _intended(self, request: tuple[Any, ...]) -> None:
        if is_write(request) and key_of(request).startswith("op_"):
            for found in self._wire.check(self._books.rows(), key_of(request), self._now()):
                raise Broken(*found)

    def _kill(self, name: str, running: Child) -> bool:
        """Half of those that die with a request in hand die after it left."""
        if running.at.point == "call" and self._chance(50):
            self._intended(running.at.details)
            answer = self._ground.execute(running.at.details, Fault.NONE, self._now())
            self._truth = None
            self._log(f"{running.name} leaves {brief(running.at.details, answer)}")
        self._crew.kill(running)
        for other in self._running.values():
            other.waiting = False
        self.report.counts["kills"] += 1
        self.report.counts[f"killed at {running.at.point}"] += 1
        self._log(f"{running.name} is killed at {running.at.point}")
        del self._running[name]
        self._wake()
        return True

    # The calm after it.

    def _calm(self) -> None:
        """No faults any more: late requests arrive, sweeps run until nothing is left to do."""
        self._raging = False
        if self._ground.late_until is not None:
            self._arrive()
        while left := [*unsettled(self._books.rows(), self._read_truth())]:
            asked = queued(self._books.rows())
            alone = [found for found in left if found[0] not in asked]
            if self.report.sweeps == SWEEPS_MAX and alone:
                raise Broken("I5", f"after {SWEEPS_MAX} sweeps: {alone[0][0]}: {alone[0][1]}")
            if self.report.sweeps == SWEEPS_MAX:
                self.report.reviewed = True
                break
            self._sweep()
        for _ in range(SWEEPS_MAX):
            if undone(self._books.rows()):
                self._advance(seconds=SWEEP_EVERY_SECONDS)
                self._run_calmly(Command("apply"))
        for event in undone(self._books.rows()):
            raise Broken("I11", f"{event['event_id']} is {event['state']}: {event['last_error']}")
        for broken in unlike_truth(self._books.rows(), self._read_truth()):
            if not self.report.reviewed:
                raise Broken(*broken)

    def _sweep(self) -> None:
        self._advance(seconds=SWEEP_EVERY_SECONDS)
        self._run_calmly(Command("sweep", words=(("older_minutes", OLDER_MINUTES),)))
        self.report.sweeps += 1

    def _run_calmly(self, command: Command) -> None:
        self._start("calm", command)
        while "calm" in self._running:
            self._step("calm")
            self._check()

    # Looking.

    def _check(self) -> None:
        """Everything that must hold now, unless nothing changed since the last look."""
        if self._truth is not None and not self._books.changed():
            return
        self.report.counts["checks"] += 1
        books, truth = self._books.rows(), self._read_truth()
        for check in CHECKS:
            for found in check(books, truth):
                raise Broken(*found)
        for found in told_once(books):
            raise Broken(*found)
        for found in self._trail.follow(books):
            raise Broken(*found)
        for found in breaker_counts_outages(books, self._ground.down):
            raise Broken(*found)

    def _read_truth(self) -> Truth:
        if self._truth is None:
            self._truth = read_truth(self._ground)
        return self._truth

    def _look(self, order: str) -> Row | None:
        found = [p for p in self._books.rows()["payments"] if p["order_reference"] == order]
        alive = [p for p in found if p["state"] not in ("failed", "cancelled")]
        return (alive or found or [None])[-1]

    def _now(self) -> int:
        return to_micros(self._clock.at)

    def _chance(self, percent: int) -> bool:
        return self.dice.randrange(100) < percent

    def _log(self, line: str) -> None:
        self.report.schedule.append(f"{self._clock.at:%d %H:%M:%S} {line}")
