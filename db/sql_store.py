"""Claims on idempotency keys, kept in the books' own leases: the default store."""

from datetime import timedelta

from db.database import Database
from domain.clock import Clock
from domain.idempotency import CLAIM_SECONDS
from domain.operation import OPEN_STATES


class SqlStore:
    """Claims as leases. A key the books do not know is claimed by writing its intent, and for one
    that is settled nobody has to wait."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim(self, scope: str, key: str, holder: str) -> str | None:
        """See `IdempotencyStore.claim`."""
        now, name = self._clock.now(), lease_name(scope, key)
        with self._database.read() as books:
            row = books.idempotency.get(scope, key)
            if row is None:
                return books.leases.holder(name, now)
            if books.operations.get(row.operation_id).state not in OPEN_STATES:
                return None
        with self._database.transaction() as books:
            until = now + timedelta(seconds=CLAIM_SECONDS)
            if books.leases.take([name], holder, now, until):
                return None
            return books.leases.holder(name, now)

    def take_over(self, scope: str, key: str, dead: str, holder: str) -> None:
        """See `IdempotencyStore.take_over`."""
        with self._database.transaction() as books:
            books.leases.release([lease_name(scope, key)], dead)

    def release(self, scope: str, key: str, holder: str) -> None:
        """See `IdempotencyStore.release`.

        The lease of a settled key is left to expire: a commit would cost as much as the payment's.
        """
        name = lease_name(scope, key)
        with self._database.read() as books:
            row = books.idempotency.get(scope, key)
            if row is None or books.operations.get(row.operation_id).state not in OPEN_STATES:
                return
            if books.leases.holder(name, self._clock.now()) != holder:
                return
        with self._database.transaction() as books:
            books.leases.release([name], holder)


def lease_name(scope: str, key: str) -> str:
    """The lease of one key."""
    return f"key:{scope}:{key}"
