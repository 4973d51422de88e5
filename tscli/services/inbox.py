"""Receiving webhooks: verified first, then stored durably, then answered; applied later.

What cannot be verified is kept as a digest, as a security event, and changes nothing else.
"""

from collections.abc import Mapping

from domain.audit import digest
from domain.errors import WebhookError
from domain.provider import Provider, ProviderAccount
from domain.stored_event import Source, StoredEvent
from domain.webhook import Proof, ProviderEvent
from tscli.services.context import Context

BODY_MAX_BYTES = 256 * 1024
"""Largest delivery read; providers' events are a tenth of it."""


async def receive(
    context: Context,
    provider: Provider,
    headers: Mapping[str, str],
    body: bytes,
    *,
    source: Source = Source.DELIVERY,
    sender: str = "",
) -> StoredEvent:
    """Verify one delivery and store it; the same event again is the same row.

    Raises:
        WebhookError: it is not to be believed; its digest was kept.
        Unavailable: it cannot be verified or stored now: the provider must deliver it again.
    """
    try:
        proof, event = await verified(provider, headers, body)
    except WebhookError as error:
        refuse(context, provider.account, error, body, sender)
        raise
    stored = arrived(context, provider.account, event, body, proof, source)
    return context.database.run(lambda books: books.inbox.add(stored, body))


async def verified(
    provider: Provider, headers: Mapping[str, str], body: bytes
) -> tuple[Proof, ProviderEvent]:
    """Why a delivery is believed, and what it says.

    Raises:
        WebhookError: it is not to be believed.
        Unavailable: it cannot be verified now.
    """
    if len(body) > BODY_MAX_BYTES:
        raise WebhookError("The delivery is too large.")
    proof = await provider.verify_webhook(headers, body)
    return proof, provider.read_event(body)


def arrived(
    context: Context,
    owner: ProviderAccount,
    event: ProviderEvent,
    body: bytes,
    proof: Proof,
    source: Source,
) -> StoredEvent:
    """An event as it is to be stored, due at once."""
    now = context.clock.now()
    return StoredEvent(
        event_id=context.ids.new("whe"),
        owner=owner,
        provider_event_id=event.provider_event_id,
        type=event.type,
        topic=event.topic,
        object_id=event.object_id,
        provider_payment_id=event.provider_payment_id,
        payment_id="",
        occurred_at=event.occurred_at,
        received_at=now,
        source=source,
        proof=proof,
        body_digest=digest(body),
        next_attempt_at=now,
    )


def refuse(
    context: Context, owner: ProviderAccount, error: WebhookError, body: bytes, sender: str
) -> None:
    """Keep a delivery that is not believed as a digest, and as a security event."""
    with context.database.transaction() as books:
        refusal_id = context.ids.new("whe")
        books.inbox.add_refusal(
            refusal_id, owner.provider, context.clock.now(), sender, error.code, body
        )
        books.record(
            context.actor,
            "webhook.refused",
            refusal_id,
            after={"provider": owner.provider, "reason": error.code, "body_digest": digest(body)},
        )
