"""Choosing a provider by rule, before anything is recorded; failing over only before a send."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from db.database import Books
from domain.errors import CapabilityMissing, CircuitOpen
from domain.provider import Capabilities, ProviderAccount
from domain.routing import Asked, Candidate, Considered, Rule, consider
from tscli.services.context import Context
from tscli.services.intents import CREATE_SCOPE, CreateWords
from tscli.services.provider_accounts import refuse_down


@dataclass(frozen=True, slots=True)
class Routes:
    """The rules, and the configured accounts they choose among."""

    rules: Sequence[Rule]
    accounts: Callable[[], Sequence[tuple[ProviderAccount, Capabilities]]] = field(
        default=lambda: ()
    )
    otherwise: str = ""
    """Who takes everything when there are no rules."""


def choices(context: Context, routes: Routes, words: CreateWords) -> list[Considered]:
    """Every provider in the order of the rules, with what speaks against it now."""
    with context.database.read() as books:
        candidates = [
            Candidate(owner, able, _down(context, books, owner))
            for owner, able in routes.accounts()
        ]
        return consider(routes.rules, candidates, _asked(books, words, candidates))


def route(context: Context, routes: Routes, words: CreateWords, key: str) -> list[str]:
    """Providers to try in order: the one a known key stands for, else those nothing speaks against.

    Raises:
        CircuitOpen: those that could take it cannot be asked now.
        CapabilityMissing: none can take it.
    """
    with context.database.read() as books:
        row = books.idempotency.get(CREATE_SCOPE, key)
        if row is not None:
            return [books.payments.get(row.payment_id).provider]
    if routes.otherwise and not routes.rules:
        return [routes.otherwise]
    considered = choices(context, routes, words)
    fitting = [c.provider for c in considered if not c.against]
    if fitting:
        return fitting
    against = "; ".join(f"{c.provider}: {c.against}" for c in considered) or "there is no rule"
    error = CircuitOpen if any(c.down for c in considered) else CapabilityMissing
    raise error(f"No provider can take {words.money} now ({against}).")


def _down(context: Context, books: Books, owner: ProviderAccount) -> str:
    try:
        refuse_down(books, context, owner)
    except CircuitOpen as error:
        return error.message.rstrip(".")
    return ""


def _asked(books: Books, words: CreateWords, candidates: Sequence[Candidate]) -> Asked:
    """What is known of the method: a kept one says all, a token only when it is a type's name."""
    if books.people.has_method(words.method):
        kept = books.people.method(words.method)
        return Asked(words.money, words.region, kept.type, kept.provider)
    types = frozenset[str]().union(*(c.able.method_types for c in candidates))
    return Asked(words.money, words.region, words.method if words.method in types else "")
