"""Payouts as the kept statements show them."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from domain.payout import PayoutProof
from domain.provider import ProviderAccount
from domain.run import Period
from reconcile.scratch import scratch_folder
from tscli.services.statements import kept_files

if TYPE_CHECKING:
    from tscli.services.context import Context

_REACH = timedelta(days=92)
"""How far back the lines of a payout may lie."""


def list_payouts(context: "Context", owner: ProviderAccount, period: Period) -> list[PayoutProof]:
    """Every payout of a period with its lines, oldest first."""
    from reconcile.gathering import Held, gather
    from reconcile.payouts import prove_payouts
    from reconcile.stretches import columns_of_csv

    with scratch_folder() as folder:
        with context.database.read() as books:
            window = (period.start_at - _REACH, period.end_at)
            files = {name: kept.file for name, kept in kept_files(books, owner).items()}
            held = Held((), books.statements.columns(owner, *window, columns_of_csv), files)
            rows = books.statements.count(owner, *window)
            sides = gather(held, rows, context.matching.rows_in_memory, folder)
        proofs = prove_payouts(sides.their_parts)
    return [
        proof
        for proof in proofs
        if period.start_at <= datetime.fromisoformat(proof.occurred_at) < period.end_at
    ]
