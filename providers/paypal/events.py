"""PayPal's own list of events, each with the bytes to be kept.

Source: PayPal's Webhooks Management reference. Both ends of its window count, and a page names the
next one in a link; of that link only the words of its query are taken, never its address.
"""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from domain.errors import Unavailable, WebhookError
from domain.provider import ProviderAccount
from domain.webhook import ListedEvent
from providers.paypal.client import PayPalClient, segment
from providers.paypal.errors import reading
from providers.paypal.webhooks import read_event

PATH = "/v1/notifications/webhooks-events"
_PAGE = 100
_SECOND = timedelta(seconds=1)


async def listed(
    client: PayPalClient, owner: ProviderAccount, merchant_id: str, start: datetime, end: datetime
) -> AsyncIterator[ListedEvent]:
    """Events created in [start, end), newest first.

    Raises:
        Unavailable: PayPal cannot be asked, or its pages go round in circles.
    """
    query = {
        "page_size": str(_PAGE),
        "start_time": _stamp(start),
        "end_time": _stamp(end + _SECOND),
    }
    seen: set[str] = set()
    asked: set[tuple[tuple[str, str], ...]] = set()
    while query:
        asked.add(tuple(sorted(query.items())))
        page = await client.ask(PATH, query)
        for item in page.get("events") or ():
            kept = _kept(item, owner, merchant_id)
            fresh = kept.event.provider_event_id not in seen
            seen.add(kept.event.provider_event_id)
            if fresh and start <= kept.event.occurred_at < end:
                yield kept
        query = _next(page)
        if tuple(sorted(query.items())) in asked:
            raise Unavailable("PayPal's list of events does not come to an end.", reason="cursor")


async def one(
    client: PayPalClient, owner: ProviderAccount, merchant_id: str, event_id: str
) -> ListedEvent:
    """One event.

    Raises:
        Rejected: PayPal knows no such event.
    """
    return _kept(await client.ask(f"{PATH}/{segment(event_id)}"), owner, merchant_id)


async def resend(client: PayPalClient, event_id: str, webhook_id: str) -> None:
    """Have an event delivered again, to our webhook where we know its id."""
    body = {"webhook_ids": [webhook_id]} if webhook_id else {}
    await client.tell("POST", f"{PATH}/{segment(event_id)}/resend", body=body)


def _next(page: Any) -> dict[str, str]:
    """The query of the next page, empty after the last one."""
    with reading(asking=True):
        links = {str(link["rel"]): str(link["href"]) for link in page.get("links") or ()}
        return dict(parse_qsl(urlsplit(links.get("next", "")).query))


def _kept(item: Any, owner: ProviderAccount, merchant_id: str) -> ListedEvent:
    body = json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        return ListedEvent(read_event(body, owner, merchant_id), body)
    except WebhookError as error:
        raise Unavailable(f"PayPal lists an event that cannot be read: {error.message}") from error


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
