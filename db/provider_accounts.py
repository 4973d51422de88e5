"""Provider accounts as rows: the operator's switch, the shared breaker, the shared pace.

Each question is a short transaction of its own; a breaker is only ever replaced by compare-and-set.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError as DatabaseIntegrityError

from db.schema import provider_accounts
from domain.breaker import Breaker, BreakerState
from domain.clock import from_micros, to_micros
from domain.pacing import Bucket, full, take
from domain.provider import AccountStatus, AccountSwitch, ProviderAccount

_OF_OWNER = select(provider_accounts).where(
    *(provider_accounts.c[name] == bindparam(name) for name in ("provider", "account", "mode"))
)
_LOCKED = _OF_OWNER.with_for_update()


class ProviderAccounts:
    """The provider_accounts table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def breaker(self, owner: ProviderAccount) -> Breaker:
        """The account's breaker; closed where none was stored."""
        row = self._row(owner)
        if row is None:
            return Breaker()
        return Breaker(
            state=BreakerState(row.breaker_state),
            failures=row.breaker_failures,
            trips=row.breaker_trips,
            since=None if row.breaker_since is None else from_micros(row.breaker_since),
            version=row.breaker_version,
        )

    def swap_breaker(self, owner: ProviderAccount, before: Breaker, after: Breaker) -> bool:
        """Store `after` where `before` still stands; whether it did."""
        self._ensure(owner)
        done = self._connection.execute(
            update(provider_accounts)
            .where(*_is(owner), provider_accounts.c.breaker_version == before.version)
            .values(
                breaker_state=after.state,
                breaker_failures=after.failures,
                breaker_trips=after.trips,
                breaker_since=None if after.since is None else to_micros(after.since),
                breaker_version=after.version,
            )
        )
        return done.rowcount == 1

    def pace(self, owner: ProviderAccount, rate: int, now: datetime) -> int:
        """Take one call of `rate` a second: microseconds to wait before making it."""
        self._ensure(owner)
        row = self._row(owner, lock=True)
        micros = to_micros(now)
        if row is None or row.level_at == 0:
            bucket = full(rate, rate, micros)
        else:
            bucket = Bucket(rate, rate, row.level_milli, row.level_at)
        after, wait = take(bucket, micros)
        self._connection.execute(
            update(provider_accounts)
            .where(*_is(owner))
            .values(level_milli=after.level_milli, level_at=after.at_micros)
        )
        return wait

    def switch(self, owner: ProviderAccount) -> AccountSwitch:
        """Whether an operator lets calls pass; active where nothing was stored."""
        row = self._row(owner)
        if row is None:
            return AccountSwitch()
        return AccountSwitch(
            AccountStatus(row.status),
            row.status_reason,
            row.status_by,
            None if row.status_at is None else from_micros(row.status_at),
            only_asks=bool(row.only_asks),
        )

    def set_switch(self, owner: ProviderAccount, switch: AccountSwitch) -> None:
        """Store the operator's switch."""
        self._ensure(owner)
        at = switch.at
        self._connection.execute(
            update(provider_accounts)
            .where(*_is(owner))
            .values(
                status=switch.status,
                status_reason=switch.reason,
                status_by=switch.by,
                status_at=None if at is None else to_micros(at),
                only_asks=int(switch.only_asks),
            )
        )

    def _row(self, owner: ProviderAccount, *, lock: bool = False) -> Row[Any] | None:
        words = {"provider": owner.provider, "account": owner.account, "mode": owner.mode}
        return self._connection.execute(_LOCKED if lock else _OF_OWNER, words).first()

    def _ensure(self, owner: ProviderAccount) -> None:
        """Make the account's row where there is none; two at once make one."""
        if self._row(owner) is not None:
            return
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    insert(provider_accounts).values(
                        provider=owner.provider,
                        account=owner.account,
                        mode=owner.mode,
                        status=AccountStatus.ACTIVE,
                        status_reason="",
                        status_by="",
                        status_at=None,
                        breaker_state=BreakerState.CLOSED,
                        breaker_failures=0,
                        breaker_trips=0,
                        breaker_since=None,
                        breaker_version=0,
                        level_milli=0,
                        level_at=0,
                    )
                )
        except DatabaseIntegrityError:
            return


def _is(owner: ProviderAccount) -> tuple[Any, ...]:
    t = provider_accounts.c
    return t.provider == owner.provider, t.account == owner.account, t.mode == owner.mode
