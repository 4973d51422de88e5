"""Having a provider make one of its own files, and taking it."""

from datetime import datetime

from domain.errors import CapabilityMissing
from domain.operator import Permission
from domain.provider import ExportFile
from tscli.services.context import Context
from tscli.services.permission import require


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
        known = provider.capabilities.exports
        if known and format_name not in known:
            raise CapabilityMissing(
                f"{provider_name} hands out no file {format_name!r}.",
                hint=f"It hands out {', '.join(sorted(known))}.",
            )
        return await provider.fetch_export(format_name, start, end)
