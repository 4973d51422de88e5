"""Stripe's export files as data: which columns they have and what Stripe's words for a line mean.

A word is named here only when it says what the line is; every other word becomes an `unknown_kind`
break that a person looks at. Nothing here reads a file.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from domain.export_shape import PaymentsFormat
from domain.settlement import ExportFormat, LineKind, lines_format

CATEGORIES: Mapping[str, LineKind] = MappingProxyType(
    {
        "charge": LineKind.CHARGE,
        # The part of an authorization that was not captured: Stripe books the whole charge and
        # takes this back, so both together are the charge we know.
        "partial_capture_reversal": LineKind.CHARGE,
        # A bank debit that bounced: Stripe books the charge and takes it back.
        "charge_failure": LineKind.CHARGE,
        "refund": LineKind.REFUND,
        "refund_failure": LineKind.REFUND,
        "dispute": LineKind.DISPUTE,
        "dispute_reversal": LineKind.DISPUTE_REVERSAL,
        "fee": LineKind.FEE,
        "tax": LineKind.FEE,
        "network_cost": LineKind.FEE,
        "payout": LineKind.PAYOUT,
        "payout_reversal": LineKind.PAYOUT,
        "other_adjustment": LineKind.ADJUSTMENT,
    }
)
"""Reporting categories. Top-ups, transfers, reserves, advances and issuing are left out: our ledger
has no such line, and calling them adjustments would hide what they are."""

TYPES: Mapping[str, LineKind] = MappingProxyType(
    {
        "charge": LineKind.CHARGE,
        "payment": LineKind.CHARGE,
        "refund": LineKind.REFUND,
        "payment_refund": LineKind.REFUND,
        "refund_failure": LineKind.REFUND,
        "payment_failure_refund": LineKind.CHARGE,  # charge_failure in the reports
        "payment_reversal": LineKind.REFUND,
        "stripe_fee": LineKind.FEE,
        "stripe_fx_fee": LineKind.FEE,
        "tax_fee": LineKind.FEE,
        # Disputes, their reversals and corrections all say adjustment. We keep Stripe's own word;
        # the comparison lets it stand for any kind, but only under the same id and the same money.
        "adjustment": LineKind.ADJUSTMENT,
        "payout": LineKind.PAYOUT,
        "payout_cancel": LineKind.PAYOUT,
        "payout_failure": LineKind.PAYOUT,
        # Until 2017 payouts were called transfers, and such files are still exported.
        "transfer": LineKind.PAYOUT,
        "transfer_cancel": LineKind.PAYOUT,
        "transfer_failure": LineKind.PAYOUT,
    }
)
"""Balance transaction types, as the Dashboard's balance history states them."""

_ITEMIZED = frozenset(
    {"balance_transaction_id", "currency", "gross", "fee", "net", "reporting_category"}
)


def _itemized(name: str, signature: frozenset[str]) -> ExportFormat:
    return ExportFormat(
        name=name,
        provider="stripe",
        signature=signature,
        reference="balance_transaction_id",
        source="source_id",
        amount="gross",
        fee="fee",
        net="net",
        currency="currency",
        category="reporting_category",
        kinds=CATEGORIES,
        unique=True,
        occurred_at=("created_utc", "created"),
        description="description",
        payout="automatic_payout_id",
        parent="charge_id",
        ours=("payment_metadata[payment_id]", "refund_metadata[payment_id]"),
        bank_reference="trace_id",
    )


FORMATS: tuple[ExportFormat, ...] = (
    _itemized("stripe.balance_change_from_activity.itemized", _ITEMIZED),
    # A balance change report with this column asked for has the same layout and is read the same.
    _itemized("stripe.payout_reconciliation.itemized", _ITEMIZED | {"automatic_payout_id"}),
    # Without the payout each line went out with, a file with trace ids lists the ending balance.
    replace(
        _itemized(
            "stripe.ending_balance_reconciliation.itemized",
            _ITEMIZED | {"trace_id", "trace_id_status", "available_on_utc"},
        ),
        stands=True,
    ),
    ExportFormat(
        name="stripe.payouts.itemized",
        provider="stripe",
        signature=frozenset(
            {
                "payout_id",
                "balance_transaction_id",
                "gross",
                "fee",
                "net",
                "currency",
                "reporting_category",
            }
        ),
        reference="balance_transaction_id",
        source="payout_id",
        amount="gross",
        fee="fee",
        net="net",
        currency="currency",
        category="reporting_category",
        kinds=CATEGORIES,
        unique=True,
        occurred_at=("effective_at_utc", "effective_at"),
        description="description",
    ),
    PaymentsFormat(
        name="stripe.unified_payments",
        provider="stripe",
        signature=frozenset(
            {"id", "Created date (UTC)", "Amount", "Amount Refunded", "Currency", "Status", "Fee"}
        ),
        reference="id",
        source="id",
        amount="Amount",
        fee="Fee",
        net="",
        currency="Currency",
        category="Status",
        kinds={},
        occurred_at=("Created date (UTC)", "Refunded date (UTC)"),
        ours=("payment_id (metadata)",),
        refunded="Amount Refunded",
        converted="Converted Amount",
        converted_refunded="Converted Amount Refunded",
        converted_currency="Converted Currency",
        status="Status",
        settled=frozenset({"paid", "refunded", "partial refund", "partially refunded"}),
    ),
    lines_format("stripe", CATEGORIES, unique=True),
    ExportFormat(
        name="stripe.balance_history",
        provider="stripe",
        signature=frozenset({"id", "Type", "Source", "Amount", "Fee", "Net", "Currency"}),
        reference="id",
        source="Source",
        amount="Amount",
        fee="Fee",
        net="Net",
        currency="Currency",
        category="Type",
        kinds=TYPES,
        unique=True,
        occurred_at=("Created (UTC)", "Created"),
        description="Description",
        payout="Transfer",
    ),
)
"""Every Stripe export that can be reconciled. Where columns were chosen so that two layouts look
alike, the one with the larger signature is taken; `--as` says otherwise."""
