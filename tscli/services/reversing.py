"""Undoing what closing a break has posted: its entries reversed, its lines cancelled.

Nothing stands posted under an open break's own name. Whoever opens one again, a person or a run,
reverses in the same transaction what was written off, so that what the break says is all that is
left to be closed. What was booked is a line like any other: a run compares it, and leaves it.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from db.database import Books
from domain.settlement import LineStatus
from tscli.services.booking import reversals

if TYPE_CHECKING:
    from tscli.services.context import Context


def reverse_posted(
    books: Books, context: "Context", break_id: str, posted: Iterable[str], note: str
) -> None:
    """Reverse the lines that closing a break has put into the ledger."""
    for transaction_id in posted:
        line = books.ledger.get_transaction(transaction_id)
        undone = reversals(books, context, transaction_id)
        books.ledger.settle_transactions([(line, replace(line, status=LineStatus.CANCELLED))])
        books.record(
            context.actor,
            "ledger.reversed",
            transaction_id,
            after={"break_id": break_id, "note": note},
            entries=undone,
        )
