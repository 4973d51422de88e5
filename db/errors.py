"""The drivers' errors in our words; their texts hold no values of rows (`hide_parameters`)."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.errors import BooksUnavailable, Busy, IntegrityError, PaymentsError

_RACES = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the server undid this transaction in favour of another."""

_LOCK_TIMEOUT = "55P03"
_CANCELLED = "57014"
_STOOD_STILL = "25P03"
_READ_ONLY = "25006"
_READ_ONLY_WORDS = ("read-only", "hot standby")
"""How libpq says that no server it was told of can be written to."""


class LostRace(Busy):
    """The database undid the transaction in favour of another: it can be run again at once."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn the drivers' errors into ours.

    Raises:
        Busy: other transactions are in the way; nothing was written.
        BooksUnavailable: the database cannot be reached, is overloaded, or may only be read.
        IntegrityError: it refused what would be broken money.
    """
    try:
        yield
    except DBAPIError as error:
        raise in_our_words(error) from error
    except PoolTimeout as error:
        raise BooksUnavailable("All connections to the database are in use.") from error


def in_our_words(error: DBAPIError) -> PaymentsError:
    """The error to raise for a driver's error."""
    state, said = sqlstate(error), _first_line(error)
    if state in _RACES:
        return LostRace("The database undid this in favour of another command.")
    if state == _LOCK_TIMEOUT:
        return Busy("Another command holds the same rows for too long.")
    if state == _CANCELLED:
        return BooksUnavailable(
            "The database gave a statement up: it took longer than it may, or was cancelled there.",
            hint="See whether it is overloaded; TSCLI_POSTGRESQL__STATEMENT_SECONDS says how long.",
        )
    if state == _STOOD_STILL:
        return BooksUnavailable(
            "The database ended a command that stood still in the middle of its work; nothing of it"
            " was written.",
            hint="Run it again with the same words and key; TSCLI_POSTGRESQL__IDLE_SECONDS says how"
            " long it may.",
        )
    if _is_locked(error):
        return Busy("Other commands keep the database locked for too long.")
    if state == _READ_ONLY or (not state and _says_read_only(error)):
        return BooksUnavailable(
            "The database lets itself only be read: it is a standby, or was made read-only.",
            hint="Point TSCLI_DATABASE_URL at the primary, then run the command again.",
        )
    if isinstance(error, OperationalError) or error.connection_invalidated:
        return BooksUnavailable(f"The database did not answer: {said}.")
    return IntegrityError(f"The database refused: {said}.")


def _is_locked(error: DBAPIError) -> bool:
    """Whether SQLite gave up waiting for those who write."""
    return str(getattr(error.orig, "sqlite_errorname", "")).startswith("SQLITE_BUSY")


def _says_read_only(error: DBAPIError) -> bool:
    return any(word in str(error.orig) for word in _READ_ONLY_WORDS)


def sqlstate(error: DBAPIError) -> str:
    """PostgreSQL's five characters; empty where there are none."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or [""])[0].rstrip(".")
