"""Stripe's own list of events, each with the bytes to be kept.

Source: Stripe's Events reference: the last 30 days, newest first, a page begins after an id. Pages
are read as they come over the wire, without the SDK's objects, so that bytes stay bytes.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import stripe

from domain.errors import Rejected, Unavailable, WebhookError
from domain.provider import ProviderAccount
from domain.webhook import ListedEvent
from providers.stripe.errors import translated
from providers.stripe.webhooks import read_event

_PAGE = 100


async def listed(
    client: stripe.StripeClient, owner: ProviderAccount, created: dict[str, int]
) -> AsyncIterator[ListedEvent]:
    """Events created in Stripe's own window, newest first.

    Raises:
        Unavailable: Stripe cannot be asked, or its pages go round in circles.
    """
    seen: set[str] = set()
    after: dict[str, Any] = {}
    while True:
        query = {"created": created, "limit": _PAGE, **after}
        page = await _asked(client, "/v1/events", query)
        found = page.get("data") or []
        for item in found:
            event = _kept(item, owner)
            if event.event.provider_event_id not in seen:
                yield event
        ids = [str(item["id"]) for item in found]
        if not page.get("has_more"):
            return
        if not ids or ids[-1] in seen:
            raise Unavailable("Stripe's list of events does not come to an end.", reason="cursor")
        seen.update(ids)
        after = {"starting_after": ids[-1]}


async def one(client: stripe.StripeClient, owner: ProviderAccount, event_id: str) -> ListedEvent:
    """One event of the last 30 days.

    Raises:
        Rejected: Stripe keeps no such event.
    """
    return _kept(await _asked(client, f"/v1/events/{_segment(event_id)}", {}), owner)


async def _asked(client: stripe.StripeClient, path: str, query: dict[str, Any]) -> dict[str, Any]:
    with translated(asking=True):
        answer = await client.raw_request_async("get", path, **query)
        return {**answer.data}


def _kept(item: Any, owner: ProviderAccount) -> ListedEvent:
    body = json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        return ListedEvent(read_event(body, owner), body)
    except WebhookError as error:
        raise Unavailable(f"Stripe lists an event that cannot be read: {error.message}") from error


def _segment(event_id: str) -> str:
    """An id as one part of a path.

    Raises:
        Rejected: it is no id Stripe could have given.
    """
    if not (event_id.isascii() and event_id.replace("_", "").isalnum()):
        raise Rejected(f"{event_id!r} is no id of Stripe's.", reason="resource_missing")
    return event_id
