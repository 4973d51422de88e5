"""Deliveries of the pretend providers: signed as theirs are, and as unreliable, by a seed.

What is told is chosen first, so that the same seed loses and doubles the same events; each delivery
is signed when it is taken, with the time of that moment.
"""

import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from domain.errors import InvalidRequest, OutcomeUnknown
from providers.http import HttpClient
from providers.sandbox.signing import papers, paypal_headers, stripe_headers

if TYPE_CHECKING:
    from providers.sandbox.world import World

_COPIES_MAX = 3
_DEADLINE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Weather:
    """How badly deliveries go; shares in percent of the events."""

    seed: int = 1
    duplicate_percent: int = 0
    lose_percent: int = 0
    delay_percent: int = 0
    """Events that come with the next deliveries only."""
    shuffle: int = 0
    """Whether they come in any order."""


FAIR = Weather()
"""Everything once, in order."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request to the receiver's address."""

    event_id: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """Which of the waiting events come how often, in which order."""

    sent: tuple[str, ...]
    lost: tuple[str, ...]
    delayed: tuple[str, ...]


@dataclass(slots=True)
class Posted:
    """What became of the deliveries; of a dry run, what would be sent."""

    deliveries: int
    lost: int
    delayed: int
    dry_run: bool
    accepted: int = 0
    refused: int = 0
    unanswered: int = 0

    def count(self, status: int) -> None:
        """Note what one delivery was answered with, 0 for nothing."""
        if 200 <= status < 300:
            self.accepted += 1
        elif status:
            self.refused += 1
        else:
            self.unanswered += 1


@dataclass(frozen=True, slots=True)
class Signer:
    """What a receiver expects deliveries to be signed with."""

    secret: str = ""
    """Stripe's signing secret."""
    webhook_id: str = ""
    """PayPal's id of the receiver's webhook."""
    address: str = ""
    """Where PayPal's certificate is to be had."""


class Deliverer:
    """Delivers one world's events to one receiver."""

    def __init__(self, world: "World", signer: Signer, weather: Weather = FAIR) -> None:
        self._world = world
        self._signer = signer
        self._weather = weather

    def plan(self, *, again: bool = False) -> Plan:
        """Choose what happens to the events that wait, or to all `again`; changes nothing."""
        weather = self._weather
        dice = random.Random(weather.seed)  # noqa: S311 - repeatable on purpose
        sent: list[str] = []
        lost: list[str] = []
        delayed: list[str] = []
        for event_id in self._world.core.events(waiting=not again):
            # As many throws for each event, so that one share does not change what another hits.
            lose, delay, double = (dice.randrange(100) for _ in range(3))
            copies = dice.randint(2, _COPIES_MAX)
            if lose < weather.lose_percent:
                lost.append(event_id)
            elif delay < weather.delay_percent:
                delayed.append(event_id)
            else:
                sent += [event_id] * (copies if double < weather.duplicate_percent else 1)
        if weather.shuffle:
            dice.shuffle(sent)
        return Plan(tuple(sent), tuple(lost), tuple(delayed))

    def deliveries(self, *, again: bool = False) -> Iterator[Delivery]:
        """Deliver what waits: lost events are gone at once, others when the next one is taken."""
        self._world.tick()
        chosen = self.plan(again=again)
        self._mark(*chosen.lost)
        for event_id in chosen.sent:
            yield self.signed(event_id)
            self._mark(event_id)

    def signed(self, event_id: str) -> Delivery:
        """One event as a request, signed now. Raises: KeyError for an event there is not."""
        with self._world.change() as core:
            text, count = core.event(event_id), core.store.count("transmission")
        if text is None:
            raise KeyError(event_id)
        body = text.encode()
        headers = self._headers(body, f"{count:08x}-{event_id[-12:].lower()}")
        return Delivery(event_id, {"Content-Type": "application/json", **headers}, body)

    async def post(self, url: str, *, again: bool = False, dry_run: bool = False) -> Posted:
        """Post what waits to an address of this machine; what is not accepted waits on.

        Raises:
            InvalidRequest: the address is none, or another machine's.
            Unavailable: nobody listens there.
        """
        origin, target = _address(url)
        http = HttpClient(origin, frozenset(), deadline_seconds=_DEADLINE_SECONDS)
        try:
            return await self.hand_out(
                lambda delivery: _send(http, target, delivery), again=again, dry_run=dry_run
            )
        finally:
            await http.aclose()

    async def hand_out(
        self,
        send: Callable[[Delivery], Awaitable[int]],
        *,
        again: bool = False,
        dry_run: bool = False,
    ) -> Posted:
        """Hand what waits to `send`, which answers with an HTTP status, 0 for none; what is not
        accepted waits on."""
        if not dry_run:
            self._world.tick()
        chosen = self.plan(again=again)
        posted = Posted(len(chosen.sent), len(chosen.lost), len(chosen.delayed), dry_run)
        if dry_run:
            return posted
        self._mark(*chosen.lost)
        for event_id in chosen.sent:
            status = await send(self.signed(event_id))
            posted.count(status)
            if 200 <= status < 300:
                self._mark(event_id)
        return posted

    def _headers(self, body: bytes, name: str) -> dict[str, str]:
        signer, now = self._signer, self._world.core.clock.now()
        if self._world.provider != "paypal":
            return stripe_headers(body, signer.secret, now)
        with self._world.change() as core:
            core.store.set_fact("webhook_id", signer.webhook_id)
            own = papers(core)
        return paypal_headers(body, own, signer.webhook_id, signer.address, name, now)

    def _mark(self, *event_ids: str) -> None:
        with self._world.change() as core:
            for event_id in event_ids:
                core.mark_delivered(event_id)


async def _send(http: HttpClient, target: str, delivery: Delivery) -> int:
    """The status of the answer, 0 when there was none."""
    try:
        answer = await http.send("POST", target, delivery.headers, delivery.body)
    except OutcomeUnknown:
        return 0
    return answer.status


def _address(url: str) -> tuple[str, str]:
    """(origin, whole address) of a receiver on this machine."""
    try:
        parts = urlsplit(url)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        local = False
    if not local or parts.scheme != "http" or "@" in parts.netloc:
        raise InvalidRequest(
            f"{url!r} is no address of this machine.",
            hint="Write --to http://127.0.0.1:8080/api/v1/webhooks/stripe, with your port.",
        )
    return f"{parts.scheme}://{parts.netloc}", url if parts.path else f"{url}/"
