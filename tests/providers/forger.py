"""A forger with a workshop: signs as Stripe and PayPal do, and wrongly in every way there is.

Beside honest deliveries it plants certificates of its own making in a PayPal world, and bends bytes
to a CRC-32 that was signed for others.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from domain.clock import Clock
from providers.sandbox import signing
from providers.sandbox.notary import Authority, Issued
from providers.sandbox.world import World

Sent = tuple[Mapping[str, str], bytes]
"""Headers and body of one delivery."""

SECRET, ROLLED, RETIRED = "whsec_currentSecret0001", "whsec_rolledSecret00002", "whsec_retired0003"
"""What the receiver believes now, what it still believes, what it no longer does."""

WEBHOOK_ID = "4JH86294D6297924G"

STRIPE_EVENT: dict[str, Any] = {
    "id": "evt_forged000000000000001",
    "object": "event",
    "api_version": "2026-10-28.endive",
    "created": 1_793_610_000,
    "data": {
        "object": {
            "id": "pi_forged00000000000001",
            "object": "payment_intent",
            "amount": 10_000,
            "amount_received": 0,
            "currency": "usd",
            "status": "canceled",
            "last_payment_error": None,
            "latest_charge": None,
            "next_action": None,
            "livemode": False,
            "metadata": {"payment_id": "pay_1"},
        }
    },
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": None, "idempotency_key": None},
    "type": "payment_intent.canceled",
}
PAYPAL_EVENT: dict[str, Any] = {
    "id": "WH-2WR32451HC0233532-67976317FL4543714",
    "create_time": "2026-11-02T09:00:00Z",
    "resource_type": "capture",
    "event_version": "1.0",
    "event_type": "PAYMENT.CAPTURE.COMPLETED",
    "summary": "Payment completed",
    "resource_version": "2.0",
    "resource": {
        "id": "42311647XV020574X",
        "status": "COMPLETED",
        "amount": {"currency_code": "USD", "value": "100.00"},
        "custom_id": "pay_1",
        "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
        "links": [],
    },
    "links": [],
}


@dataclass
class Forger:
    """Makes deliveries for a receiver whose clock, world and settings it knows."""

    clock: Clock
    world: World
    """A PayPal world: its certificate is believed."""
    address: str = "http://127.0.0.1:12111"
    """Where the receiver believes certificates to be had."""
    secret: str = SECRET
    webhook_id: str = WEBHOOK_ID
    stripe_event: dict[str, Any] = field(default_factory=lambda: STRIPE_EVENT)
    paypal_event: dict[str, Any] = field(default_factory=lambda: PAYPAL_EVENT)

    @property
    def stripe_body(self) -> bytes:
        """An honest event, laid out as Stripe does."""
        return json.dumps(self.stripe_event, indent=2).encode()

    @property
    def paypal_body(self) -> bytes:
        """An honest event, laid out as PayPal does."""
        return json.dumps(self.paypal_event, separators=(",", ":")).encode()

    def stamp(self, seconds: float = 0) -> str:
        """So many seconds from now, as Stripe writes it."""
        return str(int((self.clock.now() + timedelta(seconds=seconds)).timestamp()))

    def mac(self, body: bytes, secret: str = "", at: str = "") -> str:
        """The hexadecimal signature of bytes at a time."""
        when = datetime.fromtimestamp(int(at or self.stamp()), UTC)
        header = signing.stripe_headers(body, secret or self.secret, when)["Stripe-Signature"]
        return header.rpartition("=")[2]

    def stripe(self, body: bytes | None = None, secret: str = "", seconds: float = 0) -> Sent:
        """A well signed delivery of Stripe's."""
        body = self.stripe_body if body is None else body
        at = self.stamp(seconds)
        return self.header(f"t={at},v1={self.mac(body, secret, at)}", body)

    def header(self, text: str, body: bytes | None = None) -> Sent:
        """A delivery with this signature header."""
        return {"Stripe-Signature": text}, self.stripe_body if body is None else body

    def paypal(
        self, body: bytes | None = None, *, seconds: float = 0, issued: Issued | None = None,
        url: str = "", listener: str = "", **changed: str | None,
    ) -> Sent:  # fmt: skip
        """A well signed delivery of PayPal's; `changed` headers are changed after signing."""
        body = self.paypal_body if body is None else body
        at = (self.clock.now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        name = f"dfb3be50-fd74-11e4-{zlib.crc32(body):08x}-1"
        text = signing.signed_text(name, at, listener or self.webhook_id, body)
        key = issued.key if issued else self.papers.key.encode()
        headers = {
            "PAYPAL-TRANSMISSION-ID": name,
            "PAYPAL-TRANSMISSION-TIME": at,
            "PAYPAL-TRANSMISSION-SIG": b64encode(_sign(key, text)).decode(),
            "PAYPAL-CERT-URL": url or self.cert_url,
            "PAYPAL-AUTH-ALGO": signing.ALGORITHM,
        }
        for word, value in changed.items():
            name = f"PAYPAL-{word.upper().replace('_', '-')}"
            headers.pop(name)
            if value is not None:
                headers[name] = value
        return headers, body

    @cached_property
    def papers(self) -> signing.Papers:
        """The world's own certificate and key."""
        with self.world.change() as core:
            return signing.papers(core)

    @property
    def cert_url(self) -> str:
        """Where the honest certificate is."""
        return f"{self.address}{signing.CERTS}/{self.papers.name}"

    def planted(self, name: str, issued: Issued, more: bytes = b"") -> str:
        """Put a certificate where the receiver would look for it; its address."""
        with self.world.change() as core:
            core.store.set_fact(f"certificate:{name}", (issued.certificate + more).decode())
        return f"{self.address}{signing.CERTS}/{name}"

    def by_authority(self, name: str, authority: Authority, host: str = "", **words: Any) -> Sent:
        """A delivery signed with a certificate of some authority."""
        issued = authority.issue(host or signing.SIGNER_NAME, **words)
        url = self.planted(name, issued, authority.root)
        return self.paypal(issued=issued, url=url)

    @cached_property
    def trusted(self) -> Authority:
        """An authority the receiver trusts: it takes the place of the world's own root."""
        authority = Authority("Sandbox World Root")
        issued = authority.issue(signing.SIGNER_NAME)
        made = {"root": authority.root, "certificate": issued.certificate, "key": issued.key}
        with self.world.change() as core:
            own = signing.papers(core)
            for part, text in made.items():
                core.store.set_fact(f"papers:{part}", text.decode())
            core.store.set_fact("papers:name", own.name)
        self.__dict__.pop("papers", None)
        return authority


def same_checksum(body: bytes, wanted: int) -> bytes:
    """The JSON object with one more member that makes its CRC-32 the wanted one.

    A checksum is linear: the effect of each free bit is known, and 32 equations are solved.
    """
    letters = 12
    head = body.rstrip()[:-1] + b',"note":"'
    plain = bytearray(head + b"`" * letters + b'"}')
    first = len(head)
    zero = zlib.crc32(plain)
    rows: dict[int, tuple[int, int]] = {}
    for place in range(letters * 4):
        flipped = bytearray(plain)
        flipped[first + place // 4] ^= 1 << (place % 4)
        effect, used = zlib.crc32(flipped) ^ zero, 1 << place
        while effect and (top := effect.bit_length()) in rows:
            effect, used = effect ^ rows[top][0], used ^ rows[top][1]
        if effect:
            rows[effect.bit_length()] = effect, used
    left, chosen = zero ^ wanted, 0
    while left:
        effect, used = rows[left.bit_length()]
        left, chosen = left ^ effect, chosen ^ used
    for place in range(letters * 4):
        if chosen >> place & 1:
            plain[first + place // 4] ^= 1 << (place % 4)
    assert zlib.crc32(plain) == wanted
    return bytes(plain)


def _sign(key: bytes, text: bytes) -> bytes:
    loaded: Any = serialization.load_pem_private_key(key, None)
    return loaded.sign(text, padding.PKCS1v15(), hashes.SHA256())
