"""What the audit chains cost: the same payments with one chain for all, and with no chain at all.

The product is changed in the load's own process alone, which ends with the run.
"""

import itertools
import secrets
from unittest.mock import patch

from db import audit
from domain.audit import GENESIS
from domain.audit_seal import Head
from tests.benchmarks.loads.load import Share, Work
from tests.benchmarks.loads.payments import Payments


class OneChain(Payments):
    """All processes append to chain 0, so each waits for the commit of the one before it."""

    name = "payments, one chain"

    def ready(self, share: Share) -> Work:
        """See `Load.ready`."""
        patch.object(audit, "CHAINS", 1).start()
        return super().ready(share)


class NoChain(Payments):
    """The same records, those of a transaction sealed for themselves: no lock is taken and no head
    is read."""

    name = "payments, no chain"

    def ready(self, share: Share) -> Work:
        """See `Load.ready`. The key of the table still wants a place for each record: a thousand
        for every transaction."""
        place, numbers = audit.CHAINS + secrets.randbelow(2**30), itertools.count(0, 1_000)
        patch.multiple(
            audit.Audit,
            _take_chain=lambda _: place,
            _head=lambda _, chain: Head(chain, next(numbers), GENESIS),
        ).start()
        return super().ready(share)
