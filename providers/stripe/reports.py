"""Stripe's report runs: ordered, waited for, downloaded. Source: Stripe's reporting API.

Columns beside the defaults are asked for by name, because without them no line says what it is
about.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.errors import CapabilityMissing, Rejected, Unavailable
from domain.provider import ExportFile, ProviderAccount
from providers.http import HttpClient
from providers.stripe.snapshots import check_mode

REPORTS = {
    "stripe.balance_change_from_activity.itemized": "balance_change_from_activity.itemized.3",
    "stripe.payout_reconciliation.itemized": "payout_reconciliation.itemized.5",
}
"""Our name of a layout -> Stripe's report type."""

_COLUMNS = [
    "balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net",
    "reporting_category", "source_id", "description", "charge_id", "payment_intent_id",
]  # fmt: skip
_MORE = {
    "stripe.payout_reconciliation.itemized": [
        "automatic_payout_id",
        "automatic_payout_effective_at_utc",
    ]
}  # fmt: skip
WAITS_SECONDS = (1, 2, 4, 8, 15, 30, 60, 60)
"""Seconds between looks; three minutes in all, then the run is left to be fetched later."""


async def fetch(
    v1: Any,
    http: HttpClient,
    api_key: str,
    owner: ProviderAccount,
    format_name: str,
    start: datetime,
    end: datetime,
    waits_seconds: Sequence[int] = WAITS_SECONDS,
) -> ExportFile:
    """Order a report over [start, end), wait for it, and take its file.

    Raises:
        CapabilityMissing: Stripe has no such report.
        Rejected: Stripe could not make it, or it is of the other mode.
        Unavailable: it is not ready yet.
    """
    if format_name not in REPORTS:
        known = ", ".join(sorted(REPORTS))
        raise CapabilityMissing(f"Stripe hands out no {format_name}.", hint=f"It has {known}.")
    run = await v1.reporting.report_runs.create_async(
        {
            "report_type": REPORTS[format_name],
            "parameters": {
                "interval_start": int(start.timestamp()),
                "interval_end": int(end.timestamp()),
                "timezone": "Etc/UTC",
                "columns": [*_COLUMNS, *_MORE.get(format_name, [])],
            },
        }
    )
    check_mode(run, owner)
    for seconds in (*waits_seconds, 0):
        if run.status != "pending":
            break
        await asyncio.sleep(seconds)
        run = await v1.reporting.report_runs.retrieve_async(run.id)
    if run.status == "failed":
        raise Rejected(f"Stripe could not make the report: {run.error}")
    if run.status != "succeeded":
        raise Unavailable(
            f"The report {run.id} is not ready yet.", hint="Run the command again in a while."
        )
    content = await http.download(run.result.url, {"Authorization": f"Bearer {api_key}"})
    name = f"{format_name}_{start:%Y%m%d}_{end:%Y%m%d}.csv"
    return ExportFile(name, format_name, content)
