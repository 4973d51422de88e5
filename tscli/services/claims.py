"""Claims with something to fall back on: where Redis does not answer, the books do."""

from collections.abc import Callable
from typing import TypeVar

from domain.errors import Unavailable
from domain.idempotency import IdempotencyStore

Result = TypeVar("Result")


class FallbackStore:
    """One store for as long as it answers, then the other one for the rest of the command."""

    def __init__(
        self, first: IdempotencyStore, second: IdempotencyStore, complain: Callable[[str], None]
    ) -> None:
        self._store = first
        self._second = second
        self._complain = complain

    def claim(self, scope: str, key: str, holder: str) -> str | None:
        """See `IdempotencyStore.claim`."""
        return self._ask(lambda store: store.claim(scope, key, holder))

    def take_over(self, scope: str, key: str, dead: str, holder: str) -> None:
        """See `IdempotencyStore.take_over`."""
        self._ask(lambda store: store.take_over(scope, key, dead, holder))

    def release(self, scope: str, key: str, holder: str) -> None:
        """See `IdempotencyStore.release`: in both, since intents claim in the books as well."""
        self._ask(lambda store: store.release(scope, key, holder))
        if self._store is not self._second:
            self._second.release(scope, key, holder)

    def _ask(self, question: Callable[[IdempotencyStore], Result]) -> Result:
        try:
            return question(self._store)
        except Unavailable as error:
            if self._store is self._second:
                raise
            self._complain(f"{error.message} Claims are kept in the database meanwhile.")
            self._store = self._second
            return question(self._store)
