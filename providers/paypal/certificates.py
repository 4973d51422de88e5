"""PayPal's signing certificates: fetched from PayPal alone, trusted only through a root we know.

An address in a header is an outsider's word. It is matched whole against PayPal's own shape, no
redirect is followed, and what lies there counts only when it chains to a root, is valid today and
names a host of PayPal's. A certificate once trusted is kept for a day at most.
"""

import asyncio
import warnings
import zlib
from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import InvalidSignature as NotSigned
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from domain.clock import Clock
from domain.errors import InvalidSignature, OutcomeUnknown, Unavailable
from domain.webhook import Proof
from providers.http import Answer, HttpClient
from providers.paypal.places import Places
from providers.paypal.webhooks import Transmission

_NAME = ".paypal.com"
_BYTES_MAX = 64 * 1024
_DEADLINE_SECONDS = 8.0
_KEPT = timedelta(days=1)
_KEPT_MAX = 16
_REFUSED = timedelta(minutes=10)
_REFUSED_MAX = 256
_FETCHES_MAX = 20
_FETCH_WINDOW = timedelta(minutes=1)
"""At most so many addresses are looked up in this time, whatever headers come in."""

_SENT_MAX = 10_000
"""Transmissions remembered with the digest of their bytes."""

_UNTRUSTED = (
    TypeError,
    ValueError,
    UnsupportedAlgorithm,
    VerificationError,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
)
_CHAIN_MAX = 6
_KEY_BITS_MIN = 2048


class Certificates:
    """The public keys of PayPal's deliveries, by the address of their certificate."""

    def __init__(self, places: Places, clock: Clock) -> None:
        self._places = places
        self._clock = clock
        self._pattern = places.pattern()
        self._kept: OrderedDict[str, tuple[rsa.RSAPublicKey, datetime]] = OrderedDict()
        self._refused: OrderedDict[str, datetime] = OrderedDict()
        self._fetched: deque[datetime] = deque()
        self._sent: OrderedDict[str, bytes] = OrderedDict()
        self._clients: dict[str, HttpClient] = {}
        self._lock = asyncio.Lock()

    def check(self, url: str) -> None:
        """Let an address of PayPal's certificates pass.

        Raises:
            InvalidSignature: it is anything else.
        """
        if not self._pattern.fullmatch(url):
            raise InvalidSignature("The certificate's address is none of PayPal's.")

    async def key(self, url: str) -> rsa.RSAPublicKey:
        """The key of the certificate at an address.

        Raises:
            InvalidSignature: no such address, or what lies there is not to be trusted.
            Unavailable: it cannot be fetched now.
        """
        self.check(url)
        kept = self._fresh(url)
        if kept is not None:
            return kept
        async with self._lock:
            return self._fresh(url) or await self._learn(url)

    def _fresh(self, url: str) -> rsa.RSAPublicKey | None:
        now = self._clock.now()
        if url in self._refused and now < self._refused[url]:
            raise InvalidSignature("The certificate was refused some minutes ago.")
        key, until = self._kept.get(url, (None, now))
        return key if now < until else None

    async def _learn(self, url: str) -> rsa.RSAPublicKey:
        try:
            pem = await self._fetch(url)
            key, until = trusted(pem, self._places.roots(), self._clock.now())
        except InvalidSignature:
            self._refused[url] = self._clock.now() + _REFUSED
            while len(self._refused) > _REFUSED_MAX:
                self._refused.popitem(last=False)
            raise
        self._kept[url] = key, min(until, self._clock.now() + _KEPT)
        while len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)
        return key

    async def _fetch(self, url: str) -> bytes:
        self._count()
        match = self._pattern.fullmatch(url)
        assert match is not None
        answer = await self._asked(match["origin"], match["path"])
        if answer.status == 429 or answer.status >= 500:
            raise Unavailable(
                f"PayPal did not give its certificate (HTTP {answer.status}).",
                reason=f"http_{answer.status}",
            )
        if answer.status != 200:
            raise InvalidSignature(f"There is no such certificate (HTTP {answer.status}).")
        return answer.body

    async def _asked(self, origin: str, path: str) -> Answer:
        if origin not in self._clients:
            self._clients[origin] = HttpClient(
                origin,
                frozenset({origin.removeprefix("https://")}),
                deadline_seconds=_DEADLINE_SECONDS,
                transport=self._places.transport,
                body_max_bytes=_BYTES_MAX,
            )
        try:
            return await self._clients[origin].send("GET", origin + path, {})
        except OutcomeUnknown as error:
            raise Unavailable(error.message) from error

    def _count(self) -> None:
        now = self._clock.now()
        while self._fetched and now - self._fetched[0] >= _FETCH_WINDOW:
            self._fetched.popleft()
        if len(self._fetched) >= _FETCHES_MAX:
            raise Unavailable(
                "Too many different certificates were named within a minute.", reason="rate_limit"
            )
        self._fetched.append(now)

    async def verify(self, sent: Transmission, body: bytes, webhook_id: str) -> Proof:
        """Prove that PayPal sent bytes of this checksum to our webhook.

        Raises:
            InvalidSignature: it did not.
            Unavailable: the certificate cannot be fetched now.
        """
        key = await self.key(sent.cert_url)
        text = f"{sent.transmission_id}|{sent.at}|{webhook_id}|{zlib.crc32(body)}".encode()
        try:
            key.verify(sent.signature_bytes, text, padding.PKCS1v15(), hashes.SHA256())
        except NotSigned:
            raise InvalidSignature("PayPal's signature does not fit the bytes.") from None
        self._once(sent.transmission_id, sha256(body).digest())
        return Proof.CERTIFICATE

    def _once(self, transmission_id: str, digest: bytes) -> None:
        """Let a transmission come again with its own bytes only: other bytes of the same checksum
        are a forgery, as far as this process remembers."""
        if self._sent.setdefault(transmission_id, digest) != digest:
            raise InvalidSignature("The same transmission came with other bytes before.")
        self._sent.move_to_end(transmission_id)
        while len(self._sent) > _SENT_MAX:
            self._sent.popitem(last=False)

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()


def trusted(pem: bytes, roots: Sequence[bytes], now: datetime) -> tuple[rsa.RSAPublicKey, datetime]:
    """The key of the first certificate, and until when its chain is good; roots are DER.

    Raises:
        InvalidSignature: no certificate of PayPal's that chains to a root today.
        Unavailable: this system knows no roots.
    """
    if not roots:
        raise Unavailable(
            "This system has no root certificates to trust.",
            hint="Install the system's ca-certificates package.",
            reason="configuration",
        )
    try:
        leaf, *between = x509.load_pem_x509_certificates(pem)
        name = _paypal_name(leaf)
        policy = PolicyBuilder().store(Store(_read(roots))).time(now).max_chain_depth(_CHAIN_MAX)
        chain = policy.build_server_verifier(x509.DNSName(name)).verify(leaf, between[:_CHAIN_MAX])
        key = leaf.public_key()
    except _UNTRUSTED as error:
        raise InvalidSignature(
            f"The certificate is not to be trusted ({type(error).__name__})."
        ) from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _KEY_BITS_MIN:
        raise InvalidSignature("The certificate's key is of another kind, or short.")
    return key, min(c.not_valid_after_utc for c in chain)


def _read(roots: Sequence[bytes]) -> list[x509.Certificate]:
    """The roots that today's rules of encoding accept; some old ones break them, and prove nothing
    to us."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for der in roots:
            try:
                found.append(x509.load_der_x509_certificate(der))
            except ValueError:
                continue
    return found


def _paypal_name(leaf: x509.Certificate) -> str:
    """The host of PayPal's that a certificate is for.

    Raises:
        ValueError, ExtensionNotFound: it is for somebody else.
    """
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = [n.lower() for n in names.get_values_for_type(x509.DNSName)]
    common = [
        str(a.value).lower() for a in leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    ]
    if not hosts or not all(name.endswith(_NAME) for name in (*hosts, *common)):
        raise ValueError("another name")
    return next((h for h in hosts if "*" not in h), "") or hosts[0].replace("*", "any", 1)
