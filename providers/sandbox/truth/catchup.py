"""What time alone brings about: banks answering, authorisations expiring, payouts arriving.

Each piece of work happens as of its own due time, in order, however late anybody looks.
"""

from collections.abc import Callable

from providers.sandbox.truth import attempts, authorizations, orders, payouts, refunds
from providers.sandbox.truth.core import Core

WORK: dict[str, Callable[[Core, str], None]] = {
    "settle_debit": attempts.settle_debit,
    "expire_authorization": attempts.expire_authorization,
    "dispute": attempts.open_dispute,
    "settle_refund": refunds.settle,
    "fail_refund": refunds.fail_when_due,
    "submit_payout": payouts.submit,
    "arrive_payout": payouts.arrive,
    "lapse_approval": orders.lapse_approval,
    "lapse_authorization": authorizations.lapse,
    "settle_capture": authorizations.settle_capture,
}
"""Name of the scheduled work -> what it does to the object."""


def catch_up(core: Core) -> int:
    """Do all that is due; returns how many pieces of work were done."""
    done = 0
    while True:
        row = core.store.one(
            "SELECT seq, due_at, work, object_id FROM due WHERE due_at <= ?"
            " ORDER BY due_at, seq LIMIT 1",
            core.now(),
        )
        if row is None:
            return done
        core.store.run("DELETE FROM due WHERE seq = ?", row["seq"])
        with core.as_of(row["due_at"]):
            {**WORK, **core.more_work}[row["work"]](core, row["object_id"])
        done += 1
