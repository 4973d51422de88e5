"""Rows that may change go forward only, whoever writes them.

The program moves each of these one way. The database knows it as well, so that a role that may
update a row cannot make it again what it was before it was decided, sent or seen.
"""

from db.migrations.dialect import refuse_insert_if, refuse_update_when

revision = "0011"
down_revision = "0010"

_DECIDED_AGAIN = "OLD.state <> 'pending'"
_PAYMENT_BACK = (
    "NEW.version < OLD.version OR NEW.stage < OLD.stage"
    " OR COALESCE(NEW.provider_payment_id, '') <> NULLIF(OLD.provider_payment_id, '')"
)
"""An object of the provider's is learned once: from none to one, and never to another."""
_OPERATION_BACK = (
    "NEW.attempt < OLD.attempt OR COALESCE(NEW.sent_at, -1) <> OLD.sent_at"
    " OR (NEW.state = 'recorded' AND OLD.state <> 'recorded')"
)
"""`sent_at` is the first time of all; the births of single keys come and go with them."""
_SEALED = (
    "SELECT 1 FROM {schema}entries AS e JOIN {schema}audit AS a ON a.audit_id = e.audit_id"
    " JOIN {schema}audit AS following ON following.chain = a.chain AND following.seq = a.seq + 1"
    " WHERE e.entry_id = NEW.entry_id"
)
"""An entry is posted under the newest record of its chain, before there is another one."""


def upgrade() -> None:
    """Create the triggers."""
    refuse_update_when(
        "approvals_refuse_second_decision", "approvals", _DECIDED_AGAIN, "a decision is made once"
    )
    refuse_update_when(
        "payments_refuse_going_back", "payments", _PAYMENT_BACK, "a payment does not go back"
    )
    refuse_update_when(
        "operations_refuse_going_back",
        "operations",
        _OPERATION_BACK,
        "what was sent stays sent",
    )
    refuse_insert_if(
        "postings_refuse_later", "postings", _SEALED, "an entry that is sealed takes no posting"
    )
