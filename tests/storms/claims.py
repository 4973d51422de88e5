"""Claims on idempotency keys in a real Redis-compatible server, and what becomes of it in a storm.

The scheduler decides about every question to it: answered, refused, answered too late to be heard,
or asked of a server that has just forgotten everything. Claims expire by the storm's own time.
"""

from enum import StrEnum
from random import Random
from typing import Any

import redis

from domain.idempotency import CLAIM_SECONDS
from tests.servers.valkey import ValkeyServer

CLAIM_MICROS = CLAIM_SECONDS * 1_000_000


class Fate(StrEnum):
    """What becomes of one question."""

    ANSWERED = "answered"
    DOWN = "down"
    """The connection is refused."""
    SLOW = "slow"
    """It is carried out, and the answer comes too late."""
    FLUSHED = "flushed"
    """Everything was forgotten just before."""


FAULTS = (Fate.DOWN, Fate.SLOW, Fate.FLUSHED)


class Claims:
    """The server of one worker's storms, and the dice about it: a dice of its own, so that a storm
    with it is otherwise the storm without it."""

    def __init__(self) -> None:
        self._server = ValkeyServer(own=True)
        self._server.__enter__()
        self.url = self._server.url
        self._client: Any = redis.Redis.from_url(self.url)
        self._dice, self._rate = Random(0), 0
        self._made: dict[str, int] = {}

    def renew(self, seed: int) -> None:
        """Nothing is claimed; the rate of faults of this seed."""
        self._dice = Random(f"claims {seed}")
        self._rate = self._dice.choice((0, 10, 30, 70))
        self._made = {}
        self._client.flushall()

    def fate(self, name: str, now_micros: int, *, raging: bool) -> Fate:
        """What becomes of a question about a key."""
        self._expire(now_micros)
        if not self._client.exists(name):
            self._made[name] = now_micros
        if not raging or self._dice.randrange(100) >= self._rate:
            return Fate.ANSWERED
        fate = self._dice.choice(FAULTS)
        if fate is Fate.FLUSHED:
            self._client.flushall()
        return fate

    def close(self) -> None:
        """Stop the server."""
        self._client.close()
        self._server.__exit__()

    def _expire(self, now_micros: int) -> None:
        """The server lives in real time, in which no claim grows old."""
        for name, made in list(self._made.items()):
            if now_micros - made >= CLAIM_MICROS:
                self._client.delete(name)
                del self._made[name]


def carried_out(fate: Fate, ask: Any, *words: Any, **more: Any) -> Any:
    """One question of the product's own client, as its fate wills.

    Raises:
        redis.RedisError: what the client raises of a server like that.
    """
    if fate is Fate.DOWN:
        raise redis.ConnectionError("as the storm wills")
    said = ask(*words, **more)
    if fate is Fate.SLOW:
        raise redis.TimeoutError("as the storm wills")
    return said
