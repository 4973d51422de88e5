"""Having a provider make one of its own files, and taking it."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime

from domain.errors import CapabilityMissing
from domain.money import format_minor
from domain.operator import Permission
from domain.provider import BalanceLine, ExportFile
from domain.settlement import lines_header
from tscli.services.context import Context
from tscli.services.permission import require


def lines_name(provider_name: str) -> str:
    """The name of the file that is made of a provider's balance lines, which all of them list."""
    return f"{provider_name}.balance_lines"


def _as_csv(provider_name: str, lines: Sequence[BalanceLine]) -> bytes:
    """Balance lines as a file that `reconcile import` reads, in the order of their instants."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(lines_header(provider_name))
    for line in sorted(lines, key=lambda one: (one.occurred_at, one.reference)):
        amounts = (line.amount_minor, line.fee_minor, line.amount_minor - line.fee_minor)
        writer.writerow(
            (
                line.reference,
                line.source,
                line.category,
                *(format_minor(minor, line.currency) for minor in amounts),
                line.currency,
                f"{line.occurred_at:%Y-%m-%d %H:%M:%S}",
                line.payout,
            )
        )
    return out.getvalue().encode()


async def fetch_export(
    context: Context, provider_name: str, format_name: str, start: datetime, end: datetime
) -> ExportFile:
    """One file over [start, end).

    Raises:
        CapabilityMissing: the provider hands out no such file.
        Unavailable: it is not ready, or the provider cannot be asked.
    """
    require(context, Permission.RECONCILE)
    async with context.open_provider(provider_name) as provider:
        if format_name == lines_name(provider_name):
            lines = [line async for line in provider.balance_lines(start, end)]
            return ExportFile(f"{format_name}.csv", format_name, _as_csv(provider_name, lines))
        known = provider.capabilities.exports
        if known and format_name not in known:
            raise CapabilityMissing(
                f"{provider_name} hands out no file {format_name!r}.",
                hint=f"It hands out {', '.join(sorted({*known, lines_name(provider_name)}))}.",
            )
        return await provider.fetch_export(format_name, start, end)
