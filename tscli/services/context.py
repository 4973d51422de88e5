"""What every service needs, handed in by the application: books, clock, ids, actor, providers."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from db.database import Database
from db.sql_store import SqlStore
from domain.audit import Actor
from domain.clock import Clock
from domain.idempotency import IdempotencyStore
from domain.ids import Ids
from domain.matching import Matching
from domain.operator import Operators
from domain.provider import Provider


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a second person has to agree."""

    replay_above: int = 100
    """Most webhook events that one person may have applied again at once."""
    refund_above: Mapping[str, int] = field(default_factory=dict)
    """Currency -> minor units of all refunds of one payment together; none means no limit."""
    write_off_above: Mapping[str, int] = field(default_factory=dict)
    """Currency -> minor units that one person may write off, accept or match by hand at once."""


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of one command."""

    database: Database
    clock: Clock
    ids: Ids
    actor: Actor
    open_provider: Callable[[str], AbstractAsyncContextManager[Provider]]
    """Opens the configured account of a provider by name; closed at the end of the block."""
    operators: Operators = field(default_factory=Operators)
    """Who may act; with nobody configured there is one person."""
    limits: Limits = field(default_factory=Limits)
    """From where on a second person has to agree."""
    matching: Matching = field(default_factory=Matching)
    """How runs compare."""
    claim_store: IdempotencyStore | None = None
    """Another place for claims on idempotency keys than the books."""

    @property
    def claims(self) -> IdempotencyStore:
        """Who is at work on which idempotency key."""
        return self.claim_store or SqlStore(self.database, self.clock)
