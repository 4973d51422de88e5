"""Routes of webhook events: listed in pages, read, delivered again, and verified for who asks.

Pages are named by a link to the next one, as PayPal does; what the link's query holds is our own.
"""

import base64
import binascii
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from domain.clock import utc
from providers.sandbox.paypal_wire.calls import Call, Endpoint, Reply, endpoint
from providers.sandbox.paypal_wire.case_routes import EVENT_TYPES, EVENTS
from providers.sandbox.paypal_wire.errors import WireError
from providers.sandbox.paypal_wire.reading import member, number
from providers.sandbox.paypal_wire.shapes import link
from providers.sandbox.signing import ALGORITHM, CERTS, papers, signed_text, webhook_id
from providers.sandbox.truth.records import Happening, Json

VERIFY = "/v1/notifications/verify-webhook-signature"
LARGEST_PAGE = 300
_CURSOR = "next_page_token"


def list_events(call: Call) -> Reply:
    """Webhook events of a period, type or transaction, newest first."""
    size = number(call.query, "page_size", 10, LARGEST_PAGE)
    first, last = _instant(call, "start_time", 0), _instant(call, "end_time", 2**62)
    wanted = call.query.get("event_type")
    found = [
        h
        for h in call.core.happenings("at >= ? AND at <= ?", first, last)
        if h.fact in EVENT_TYPES and wanted in (None, EVENT_TYPES[h.fact][0])
    ][::-1]
    if call.query.get("transaction_id"):
        found = [h for h in found if h.object_id == call.query["transaction_id"]]
    if _CURSOR in call.query:
        found = _after(found, call.query[_CURSOR])
    page, rest = found[:size], found[size:]
    links = [link(call.base_url, f"{EVENTS}/?{urlencode(call.query)}", "self")]
    if rest:
        query = urlencode({**call.query, _CURSOR: page[-1].id})
        links.append(link(call.base_url, f"{EVENTS}/?{query}", "next"))
    events = [_told(call, h.id) for h in page]
    return Reply(200, {"events": events, "count": len(events), "links": links})


def read_event(call: Call) -> Reply:
    """One webhook event."""
    return Reply(200, _told(call, call.id))


def resend(call: Call) -> Reply:
    """Ask for an event to be delivered again: the next deliverer takes it along."""
    found = _told(call, call.id)
    call.core.mark_delivered(call.id, delivered=False)
    call.core.store.count(f"resent:{call.id}")
    return Reply(202, found)


def verify(call: Call) -> Reply:
    """Whether a delivery is ours, byte for byte: the event that was sent is compared, too."""
    names = ("auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time")
    texts = {name: str(member(call.body, name)) for name in (*names, "webhook_id")}
    sent = member(call.body, "webhook_event")
    kept = call.core.event(str(sent.get("id"))) if isinstance(sent, dict) else None
    good = kept is not None and json.loads(kept) == sent and _signed(call, texts, kept)
    return Reply(200, {"verification_status": "SUCCESS" if good else "FAILURE"})


def _signed(call: Call, texts: dict[str, str], body: str) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    own = papers(call.core)
    listener = call.core.store.fact("webhook_id") or webhook_id(call.core.seed)
    ours = texts["auth_algo"] == ALGORITHM and texts["webhook_id"] == listener
    if not ours or not texts["cert_url"].endswith(f"{CERTS}/{own.name}"):
        return False
    key = x509.load_pem_x509_certificate(own.certificate.encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    text = signed_text(
        texts["transmission_id"], texts["transmission_time"], listener, body.encode()
    )
    try:
        signature = base64.b64decode(texts["transmission_sig"], validate=True)
        key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def _told(call: Call, event_id: str) -> Json:
    kept = call.core.event(event_id)
    if kept is None:
        raise WireError(404, "INVALID_RESOURCE_ID")
    return dict(json.loads(kept))


def _after(found: list[Happening], cursor: str) -> list[Happening]:
    places = [i for i, h in enumerate(found) if h.id == cursor]
    if not places:
        raise WireError(400, "INVALID_PARAMETER_VALUE", _CURSOR)
    return found[places[0] + 1 :]


def _instant(call: Call, name: str, default: int) -> int:
    given: Any = call.query.get(name)
    if given is None:
        return default
    try:
        return int(utc(datetime.fromisoformat(given)).timestamp())
    except (ValueError, OverflowError):
        raise WireError(400, "INVALID_PARAMETER_SYNTAX", name) from None


ENDPOINTS: list[Endpoint] = [
    endpoint("GET", EVENTS, list_events),
    endpoint("GET", f"{EVENTS}/", list_events),
    endpoint("GET", f"{EVENTS}/{{}}", read_event),
    endpoint("POST", f"{EVENTS}/{{}}/resend", resend),
    endpoint("POST", VERIFY, verify),
]
