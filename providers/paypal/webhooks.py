"""PayPal's webhooks: who sent the bytes, by certificate or by asking, and events as plain values.

Source: PayPal's page on webhook integration. Signed is `id|time|webhook id|CRC-32 of the body`, so
other bytes of the same checksum would pass: an event is a hint that makes us ask, and never carries
a snapshot.

The signed time may be three days old: PayPal delivers again for that long, and does not promise to
sign anew. A replay within it changes nothing, because events are kept once and only make us ask.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain.clock import Clock
from domain.errors import (
    InvalidSignature,
    OutcomeUnknown,
    Rejected,
    Stale,
    Unavailable,
    Unreadable,
    WrongAccount,
)
from domain.provider import ProviderAccount
from domain.webhook import Proof, ProviderEvent, Topic
from providers.event_body import listed, member, needed, parse, word
from providers.paypal.client import PayPalClient
from providers.paypal.snapshots import check_owner, instant
from providers.signed_headers import one_header

PAST, FUTURE = timedelta(days=3, hours=1), timedelta(minutes=5)
"""How far a signed time may lie before and after ours."""

ALGORITHM = "SHA256withRSA"
_VERIFY = "/v1/notifications/verify-webhook-signature"
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_SIGNATURE_BYTES = range(256, 1025)
"""RSA of 2048 to 8192 bits."""

TOPICS = {
    "CHECKOUT.": Topic.PAYMENT,
    "PAYMENT.AUTHORIZATION.": Topic.PAYMENT,
    "PAYMENT.CAPTURE.REFUNDED": Topic.REFUND,
    "PAYMENT.CAPTURE.REVERSED": Topic.REFUND,
    "PAYMENT.CAPTURE.": Topic.PAYMENT,
    "PAYMENT.REFUND.": Topic.REFUND,
    "CUSTOMER.DISPUTE.": Topic.DISPUTE,
    "VAULT.": Topic.METHOD,
    "CUSTOMER.MERCHANT-INTEGRATION.": Topic.ACCOUNT,
    "MERCHANT.": Topic.ACCOUNT,
}
"""Beginning of an event's type -> what it is about; the first that fits."""

_MONEY = frozenset({Topic.PAYMENT, Topic.REFUND, Topic.DISPUTE})


@dataclass(frozen=True, slots=True)
class Transmission:
    """The five headers of a delivery, each of its own shape."""

    transmission_id: str
    at: str
    """As signed, ISO 8601 with a Z."""
    signature: str
    """Base64."""
    cert_url: str
    algorithm: str

    @property
    def signature_bytes(self) -> bytes:
        """The signature itself."""
        return base64.b64decode(self.signature)


def read_headers(headers: Mapping[str, str], clock: Clock) -> Transmission:
    """The five headers; what they say is checked as far as it can be without anybody's help.

    Raises:
        InvalidSignature: one is missing, or not as PayPal sends it.
        Stale: signed too long ago, or in the future.
    """
    found = Transmission(
        one_header(headers, "PAYPAL-TRANSMISSION-ID", 64),
        one_header(headers, "PAYPAL-TRANSMISSION-TIME", 32),
        one_header(headers, "PAYPAL-TRANSMISSION-SIG", 2048),
        one_header(headers, "PAYPAL-CERT-URL", 500),
        one_header(headers, "PAYPAL-AUTH-ALGO", 64),
    )
    if found.algorithm != ALGORITHM:
        raise InvalidSignature("The delivery is signed by an algorithm PayPal does not use.")
    if not _ID.fullmatch(found.transmission_id):
        raise InvalidSignature("The delivery's transmission id is none of PayPal's.")
    try:
        size = len(base64.b64decode(found.signature, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size not in _SIGNATURE_BYTES:
        raise InvalidSignature("The delivery's signature is not of PayPal's size.")
    _check_time(found.at, clock)
    return found


def _check_time(text: str, clock: Clock) -> None:
    try:
        at = instant(text) if _TIME.fullmatch(text) else None
    except ValueError:
        at = None
    if at is None:
        raise InvalidSignature("The delivery's time is not as PayPal writes it.")
    away = clock.now() - at
    if not -FUTURE <= away <= PAST:
        side = "ago" if away > FUTURE else "in the future"
        raise Stale(f"The event was signed {abs(away)} {side}.")


async def verify_by_asking(
    sent: Transmission, body: bytes, webhook_id: str, client: PayPalClient
) -> Proof:
    """Have PayPal say whether it sent these bytes, which go back as they came.

    Raises:
        InvalidSignature: it says no.
        Unreadable: the bytes are no event; they are not passed on.
        Unavailable: it cannot be asked now.
    """
    parse(body)  # exactly one object: nothing can be smuggled in beside it
    facts = {
        "auth_algo": sent.algorithm,
        "cert_url": sent.cert_url,
        "transmission_id": sent.transmission_id,
        "transmission_sig": sent.signature,
        "transmission_time": sent.at,
        "webhook_id": webhook_id,
    }
    content = json.dumps(facts).encode()[:-1] + b', "webhook_event": ' + body + b"}"
    try:
        answer = await client.pose(_VERIFY, content)
    except (Rejected, OutcomeUnknown) as error:
        if isinstance(error, Rejected):
            raise InvalidSignature(f"PayPal would not verify it: {error.message}") from error
        raise Unavailable(error.message, reason=error.reason) from error
    match answer.get("verification_status"):
        case "SUCCESS":
            return Proof.POSTBACK
        case "FAILURE":
            raise InvalidSignature("PayPal says that it did not send this.")
    raise Unavailable("PayPal did not say whether it sent this.")


def read_event(body: bytes, owner: ProviderAccount, merchant_id: str = "") -> ProviderEvent:
    """What an event says.

    Raises:
        Unreadable: the bytes are no PayPal event.
        WrongAccount: it is another merchant's or mode's.
    """
    found = parse(body)
    event_id = needed(found.get("id"), "id")
    kind = needed(found.get("event_type"), "type")
    about = found.get("resource")
    try:
        at = instant(found["create_time"])
    except (LookupError, TypeError, ValueError, OverflowError):
        raise Unreadable("The event does not say when it was created.") from None
    _check(found, about, owner, merchant_id)
    topic = next((t for start, t in TOPICS.items() if kind.startswith(start)), Topic.OTHER)
    money = topic in _MONEY
    return ProviderEvent(
        provider_event_id=event_id,
        type=kind,
        topic=topic,
        occurred_at=at,
        object_id=word(member(about, "id")) or word(member(about, "dispute_id")),
        provider_payment_id=_order_id(kind, about) if money else "",
        payment_id=_payment_id(topic, about) if money else "",
        references=_references(about) if money else (),
    )


def _check(found: Any, about: Any, owner: ProviderAccount, merchant_id: str) -> None:
    """Let events of our own mode and merchant pass; what does not say passes, too.

    Raises:
        WrongAccount: the event's links or its object name another one.
    """
    payees = [
        member(about, "payee"),
        *(member(u, "payee") for u in listed(about, "purchase_units")),
    ]
    payees += [member(t, "seller") for t in listed(about, "disputed_transactions")]
    hrefs = [member(link, "href") for link in (*listed(found, "links"), *listed(about, "links"))]
    links = {"links": [{"href": href} for href in hrefs if isinstance(href, str)]}
    try:
        for payee in payees:
            check_owner(links, owner, payee if isinstance(payee, dict) else None, merchant_id)
    except Rejected as error:
        raise WrongAccount(error.message) from error
    except ValueError:
        raise Unreadable("The event's links cannot be read.") from None


def _order_id(kind: str, about: Any) -> str:
    """The order an object is or belongs to, empty when it does not say."""
    related = word(member(about, "supplementary_data", "related_ids", "order_id"))
    is_order = kind.startswith("CHECKOUT.ORDER.") or bool(listed(about, "purchase_units"))
    named = word(member(about, "order_id"))
    return word(member(about, "id")) if is_order else related or named


def _payment_id(topic: Topic, about: Any) -> str:
    """Our id where PayPal carries it; a refund carries its operation's id in the same place."""
    if topic is Topic.REFUND:
        return ""
    places = [
        member(about, "custom_id"),
        *(member(unit, "custom_id") for unit in listed(about, "purchase_units")),
        *(member(t, "custom") for t in listed(about, "disputed_transactions")),
    ]
    return next((text for place in places if (text := word(place))), "")


def _references(about: Any) -> tuple[str, ...]:
    """Captures and the like that an object is, was made from, or is about."""
    ups = [
        str(member(x, "href")).rstrip("/").rpartition("/")[2]
        for x in listed(about, "links")
        if member(x, "rel") == "up"
    ]
    related = member(about, "supplementary_data", "related_ids")
    names = [
        member(about, "id"),
        member(about, "dispute_id"),
        *ups,
        member(related, "capture_id"),
        member(related, "authorization_id"),
        *(member(t, "seller_transaction_id") for t in listed(about, "disputed_transactions")),
    ]
    return tuple(dict.fromkeys(text for name in names if (text := word(name))))
