"""Provider accounts: what the processes share about each, and the operator's switch.

Pausing an account stops everything that would be sent to it, from every process, at once.
"""

from dataclasses import dataclass

from db.database import Books, Database
from domain.breaker import Breaker, admit
from domain.clock import Clock, iso
from domain.errors import CircuitOpen, InvalidRequest
from domain.operator import Permission
from domain.provider import AccountStatus, AccountSwitch, ProviderAccount
from tscli.services.context import Context
from tscli.services.permission import require


class SharedAccounts:
    """What the guard of a provider asks of the database; every answer is a short transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def breaker(self, owner: ProviderAccount) -> Breaker:
        """The shared breaker as stored."""
        with self._database.read() as books:
            return books.provider_accounts.breaker(owner)

    def swap_breaker(self, owner: ProviderAccount, before: Breaker, after: Breaker) -> bool:
        """Store `after` where `before` still stands; whether it did."""
        with self._database.transaction() as books:
            return books.provider_accounts.swap_breaker(owner, before, after)

    def pace(self, owner: ProviderAccount, rate: int) -> int:
        """Take one call from the shared bucket: microseconds to wait before making it."""
        with self._database.transaction() as books:
            return books.provider_accounts.pace(owner, rate, self._clock.now())

    def check_open(self, owner: ProviderAccount) -> None:
        """Pass unless an operator paused the account.

        Raises:
            CircuitOpen: it is paused.
        """
        with self._database.read() as books:
            switch = books.provider_accounts.switch(owner)
        _refuse_paused(owner, switch)


def _refuse_paused(owner: ProviderAccount, switch: AccountSwitch) -> None:
    """Pass unless an operator paused the account.

    Raises:
        CircuitOpen: it is paused; the message says by whom, since when and why.
    """
    if switch.status is AccountStatus.ACTIVE:
        return
    since = iso(switch.at) if switch.at else "some time ago"
    raise CircuitOpen(
        f"{owner.provider} ({owner.account}, {owner.mode}) was set to {switch.status}"
        f" by {switch.by} at {since}: {switch.reason}",
        hint=f"`tscli providers resume {owner.provider}` lets calls pass again.",
    )


def refuse_put_back(books: Books, owner: ProviderAccount) -> None:
    """Pass unless the books were put back from a backup and nobody resumed the account since: what
    is asked for may have been done already.

    Raises:
        CircuitOpen: they were.
    """
    _refuse_only_asked(owner, books.provider_accounts.switch(owner))


def _refuse_only_asked(owner: ProviderAccount, switch: AccountSwitch) -> None:
    if switch.only_asks:
        raise CircuitOpen(
            f"The books were put back from a backup: nothing new is sent to {owner.provider}"
            f" ({owner.account}, {owner.mode}) before what it did since is learned.",
            hint="Run `tscli webhooks backfill`, `recover sweep` and `recover orphans`, then"
            f" `tscli providers resume {owner.provider}`.",
        )


def refuse_down(books: Books, context: Context, owner: ProviderAccount) -> None:
    """Pass unless nothing can be sent to the account now; asked before anything is recorded.

    Raises:
        CircuitOpen: an operator paused it, its circuit is open, or the books were put back.
    """
    switch = books.provider_accounts.switch(owner)
    _refuse_only_asked(owner, switch)
    _refuse_paused(owner, switch)
    breaker = books.provider_accounts.breaker(owner)
    asked = admit(breaker, context.clock.now())
    if not asked.admitted:
        until = iso(asked.retry_at) if asked.retry_at else "later"
        raise CircuitOpen(
            f"{owner.provider} failed {breaker.failures} times in a row; calls are suspended until"
            f" {until}."
        )


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account with its switch and breaker."""

    owner: ProviderAccount
    switch: AccountSwitch
    breaker: Breaker


def view_account(context: Context, owner: ProviderAccount) -> AccountView:
    """One account as the processes share it."""
    with context.database.read() as books:
        accounts = books.provider_accounts
        return AccountView(owner, accounts.switch(owner), accounts.breaker(owner))


def set_status(
    context: Context,
    owner: ProviderAccount,
    status: AccountStatus,
    reason: str,
    *,
    dry_run: bool = False,
) -> AccountView:
    """Pause or resume an account; the same status again changes nothing but the reason.

    Raises:
        InvalidRequest: a pause without a reason.
    """
    require(context, Permission.SWITCH)
    if status is not AccountStatus.ACTIVE and not reason.strip():
        raise InvalidRequest(
            "A pause needs a reason for whoever finds it.", hint="Add --reason TEXT."
        )
    switch = AccountSwitch(status, reason, context.actor.operator, context.clock.now())
    with context.database.transaction(dry_run=dry_run) as books:
        before = books.provider_accounts.switch(owner)
        books.provider_accounts.set_switch(owner, switch)
        books.record(
            context.actor,
            "provider.resumed" if status is AccountStatus.ACTIVE else "provider.paused",
            "/".join((owner.provider, owner.account, owner.mode)),
            before={"status": before.status, "reason": before.reason},
            after={"status": switch.status, "reason": switch.reason},
        )
        breaker = books.provider_accounts.breaker(owner)
    return AccountView(owner, switch, breaker)


async def check_account(context: Context, provider_name: str) -> ProviderAccount:
    """Ask the provider something harmless: whether it answers, and with the right account.

    Raises:
        ProviderError: it does not, or it does not know our key.
    """
    async with context.open_provider(provider_name) as provider:
        await provider.ping()
        return provider.account
