"""What every service needs, handed in by the application: books, clock, ids, actor, providers."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from db.database import Database
from domain.audit import Actor
from domain.clock import Clock
from domain.ids import Ids
from domain.provider import Provider


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of one command."""

    database: Database
    clock: Clock
    ids: Ids
    actor: Actor
    open_provider: Callable[[str], AbstractAsyncContextManager[Provider]]
    """Opens the configured account of a provider by name; closed at the end of the block."""
