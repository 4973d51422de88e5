"""Claims on idempotency keys, kept in Redis: nobody waits for the database, claims expire alone.

Flushed, evicting or lying it changes who waits for whom, never what is charged. Keys are stored as
digests only.
"""

from typing import Any

from domain.audit import digest
from domain.errors import ConfigurationError, Unavailable
from domain.idempotency import CLAIM_SECONDS

TIMEOUT_SECONDS = 0.5
"""Longest wait for an answer: slower than that, the books are faster."""

_RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end
"""
_TAKE_OVER = """
if redis.call('get', KEYS[1]) == ARGV[1] then
  return redis.call('set', KEYS[1], ARGV[2], 'PX', ARGV[3]) else return 0 end
"""


class RedisStore:
    """Claims as keys that expire by themselves."""

    def __init__(self, url: str) -> None:
        """Connects when first asked.

        Raises:
            ConfigurationError: no such address, or the package is not installed.
        """
        try:
            import redis
        except ImportError:
            raise ConfigurationError(
                "TSCLI_IDEMPOTENCY_URL names Redis, and its package is not installed.",
                hint="Install tscli with the extra [redis], or leave the setting out.",
            ) from None
        # A value that is no text raises UnicodeError within the package.
        self._failures = (redis.RedisError, OSError, UnicodeError)
        try:
            self._client: Any = redis.Redis.from_url(
                url,
                socket_timeout=TIMEOUT_SECONDS,
                socket_connect_timeout=TIMEOUT_SECONDS,
                decode_responses=True,
            )
        except (ValueError, redis.RedisError):
            raise ConfigurationError(
                "TSCLI_IDEMPOTENCY_URL cannot be read.",
                hint="Write redis://HOST:PORT/0, rediss://… or unix:///SOCKET.",
            ) from None

    def claim(self, scope: str, key: str, holder: str) -> str | None:
        """See `IdempotencyStore.claim`."""
        name = _name(scope, key)
        if self._ask("set", name, holder, nx=True, px=CLAIM_SECONDS * 1000):
            return None
        held = self._ask("get", name)
        return None if held in (None, holder) else str(held)

    def take_over(self, scope: str, key: str, dead: str, holder: str) -> None:
        """See `IdempotencyStore.take_over`."""
        self._ask("eval", _TAKE_OVER, 1, _name(scope, key), dead, holder, CLAIM_SECONDS * 1000)

    def release(self, scope: str, key: str, holder: str) -> None:
        """See `IdempotencyStore.release`."""
        self._ask("eval", _RELEASE, 1, _name(scope, key), holder)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _ask(self, verb: str, *words: Any, **more: Any) -> Any:
        try:
            return getattr(self._client, verb)(*words, **more)
        except self._failures as error:
            raise Unavailable(f"Redis did not answer ({type(error).__name__}).") from error


def _name(scope: str, key: str) -> str:
    return "tscli:claim:" + digest(f"{len(scope)}:{scope}:{key}".encode())
