"""A week's export with faults in it: the world's true lines, some of them changed, and the key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from domain.buckets import Bucket
from providers.sandbox.exports import FORMATS, export_rows, write_rows
from providers.sandbox.plants import Answer, Planter, write_answers

if TYPE_CHECKING:
    from providers.sandbox.world import World

COLUMNS = (
    "balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net",
    "reporting_category", "source_id", "description", "charge_id", "payment_intent_id",
)  # fmt: skip
"""What an operator asks Stripe for: the default columns and what each line is about."""

FORMAT = "balance_change_from_activity.itemized"


@dataclass(frozen=True)
class Planted:
    """An export's text, its answers, and the answer key as CSV text."""

    text: str
    answers: Sequence[Answer]
    answer_key: str


def planted_export(
    world: "World",
    start: datetime,
    end: datetime,
    own: Sequence[Any],
    faults: Mapping[Bucket, int],
    seed: int,
) -> Planted:
    """The itemized balance change of [start, end) with so many of each fault.

    `own` are faults the caller planted into the ledger: they go into the key, and their lines are
    left alone. Each has bucket, line_kind, provider_reference, currency, expected_minor,
    reported_minor and note.

    Raises:
        InvalidRequest: a fault no export can carry, or not enough lines for it.
    """
    with world.change() as core:
        rows = export_rows(core, FORMAT, start, end, columns=COLUMNS)
    planter = Planter(rows, FORMATS[FORMAT], seed=seed)
    for fault in own:
        planter.add(
            Answer(
                fault.bucket.value,
                fault.bucket.value,
                fault.line_kind.value,
                fault.provider_reference,
                fault.currency,
                fault.expected_minor,
                fault.reported_minor,
                fault.note,
            )
        )
    planter.plant(faults)
    # Stripe names the line; a ledger names what moved, and that is how its breaks are named.
    moved = {row["balance_transaction_id"]: row["source_id"] for row in [*rows, *planter.rows]}
    answers = [
        replace(a, provider_reference=moved.get(a.provider_reference) or a.provider_reference)
        for a in planter.answers
    ]
    return Planted(write_rows(COLUMNS, planter.rows), answers, write_answers(answers))
