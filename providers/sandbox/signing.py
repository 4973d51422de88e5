"""What the pretend providers sign their deliveries with: a secret, or a certificate of their own.

Both belong to one world. Real providers' keys are never here, and what is signed here is believed
only where no real key is configured.
"""

import hashlib
import hmac
import ssl
import zlib
from base64 import b64encode
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from providers.sandbox.truth.core import Core

if TYPE_CHECKING:
    from providers.sandbox.world import World

SIGNER_NAME = "messageverificationcerts.sandbox.paypal.com"
CERTS = "/v1/notifications/certs"
ALGORITHM = "SHA256withRSA"
_PARTS = ("root", "certificate", "key", "name")


def stripe_secret(seed: str) -> str:
    """The signing secret of the webhook address of a world with this seed."""
    return f"whsec_{hashlib.sha256(f'webhook:{seed}'.encode()).hexdigest()[:32]}"


def webhook_id(seed: str) -> str:
    """PayPal's id of the webhook of a world with this seed: 17 capital letters and digits."""
    return hashlib.sha256(f"webhook:{seed}".encode()).hexdigest()[:17].upper()


def stripe_headers(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    """The header Stripe sends with these bytes."""
    stamp = str(int(at.timestamp()))
    mac = hmac.digest(secret.encode(), stamp.encode() + b"." + body, "sha256").hex()
    return {"Stripe-Signature": f"t={stamp},v1={mac}"}


@dataclass(frozen=True, slots=True)
class Papers:
    """A world's certificates and key, as PEM."""

    root: str
    certificate: str
    key: str
    name: str
    """Last part of the certificate's address."""


def papers(core: Core) -> Papers:
    """The world's certificates, made when first asked for."""
    found = [core.store.fact(f"papers:{part}") for part in _PARTS]
    if found[0]:
        return Papers(*found)
    from providers.sandbox.notary import Authority

    authority = Authority("Sandbox World Root")
    issued = authority.issue(SIGNER_NAME)
    own = Papers(
        authority.root.decode(),
        issued.certificate.decode(),
        issued.key.decode(),
        f"CERT-{core.random('cert', 8)}-{core.random('cert', 8)}",
    )
    for part, text in zip(_PARTS, astuple(own), strict=True):
        core.store.set_fact(f"papers:{part}", text)
    return own


def root(world: "World") -> bytes:
    """The world's root certificate as DER."""
    with world.change() as core:
        return ssl.PEM_cert_to_DER_cert(papers(core).root)


def signed_text(transmission_id: str, stamp: str, listener: str, body: bytes) -> bytes:
    """What PayPal signs: of the body only its CRC-32."""
    return f"{transmission_id}|{stamp}|{listener}|{zlib.crc32(body)}".encode()


def paypal_headers(
    body: bytes, own: Papers, listener: str, address: str, transmission_id: str, at: datetime
) -> dict[str, str]:
    """The headers PayPal sends with these bytes to its webhook `listener`."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    # Our own key: checking its primes anew for each delivery would take most of the time.
    key = serialization.load_pem_private_key(
        own.key.encode(), None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(key, rsa.RSAPrivateKey)
    text = signed_text(transmission_id, stamp, listener, body)
    signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return {
        "PAYPAL-TRANSMISSION-ID": transmission_id,
        "PAYPAL-TRANSMISSION-TIME": stamp,
        "PAYPAL-TRANSMISSION-SIG": b64encode(signature).decode(),
        "PAYPAL-CERT-URL": f"{address}{CERTS}/{own.name}",
        "PAYPAL-AUTH-ALGO": ALGORITHM,
    }
