"""TLS: verified by the system's roots, 1.3 unless 1.2 is asked for; real sockets on loopback."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.errors import ConfigurationError, Unavailable
from providers.http import HttpClient, tls


def certificate(folder: Path) -> Path:
    """A self-signed certificate for this machine, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@contextmanager
def serving(file: Path, newest: ssl.TLSVersion) -> Iterator[str]:
    """An HTTPS server that speaks TLS up to that version; its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.maximum_version = newest
    loop = asyncio.new_event_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0, ssl=context))
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(server.wait_closed())
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()


def ask(url: str, minimum: str) -> bytes:
    """One request."""

    async def call() -> bytes:
        http = HttpClient(url, frozenset(), tls_minimum=minimum, deadline_seconds=5)
        try:
            return (await http.send("GET", f"{url}/x", {})).body
        finally:
            await http.aclose()

    return asyncio.run(call())


@pytest.mark.parametrize(
    ("newest", "minimum", "spoken"),
    [
        (ssl.TLSVersion.TLSv1_3, "1.3", True),
        (ssl.TLSVersion.TLSv1_2, "1.3", False),
        (ssl.TLSVersion.TLSv1_2, "1.2", True),
    ],
)
def test_which_versions_are_spoken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest: ssl.TLSVersion, minimum: str,
    spoken: bool,
) -> None:  # fmt: skip
    """Proves that an old server is refused by default, provably before anything was sent."""
    file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with serving(file, newest) as url:
        if spoken:
            assert ask(url, minimum) == b"ok"
            return
        with pytest.raises(Unavailable):
            ask(url, minimum)


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """Proves that verification is on, and that there is no other version to choose."""
    with serving(certificate(tmp_path), ssl.TLSVersion.TLSv1_3) as url, pytest.raises(Unavailable):
        ask(url, "1.2")
    assert tls("1.3").verify_mode is ssl.CERT_REQUIRED
    with pytest.raises(ConfigurationError):
        tls("1.1")
