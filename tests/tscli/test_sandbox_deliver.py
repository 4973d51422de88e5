"""`tscli sandbox deliver`: signed webhooks over loopback, as unreliable as asked."""

import hmac
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.conftest import Cli

SECRET = "whsec_testReceiver01"


class Receiver(HTTPServer):
    """Keeps what is posted to it, if Stripe's signature fits; answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        stamp, _, mac = self.headers["Stripe-Signature"].partition(",v1=")
        signed = stamp.removeprefix("t=").encode() + b"." + body
        good = hmac.new(SECRET.encode(), signed, "sha256").hexdigest() == mac
        if good and self.server.status == 200:
            self.server.bodies.append(body)
        self.send_response(self.server.status if good else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def paid(sqlite_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line after a payment."""
    monkeypatch.setenv("TSCLI_STRIPE__WEBHOOK_SECRETS", f"{SECRET},whsec_theOldOne")
    words = ("--amount", "12.00", "--currency", "USD", "--method", "pm_card_visa", "--yes")
    assert sqlite_cli("payments", "create", *words).exit_code == 0
    return sqlite_cli


def deliver(cli: Cli, to: str, *words: str) -> tuple[int, dict[str, object]]:
    ran = cli("sandbox", "deliver", "--to", to, "--format", "json", *words)
    return ran.exit_code, ran.data


def test_each_event_is_delivered_once_and_again_when_asked(paid: Cli, receiver: Receiver) -> None:
    """Proves that events are signed with the configured secret and wait no longer once accepted."""
    exit_code, dry = deliver(paid, receiver.url, "--dry-run")
    assert (exit_code, dry["dry_run"], receiver.bodies) == (0, True, [])
    exit_code, first = deliver(paid, receiver.url)
    assert (exit_code, first["accepted"]) == (0, dry["deliveries"])
    assert first["accepted"] == len(receiver.bodies) > 2
    assert deliver(paid, receiver.url)[1]["deliveries"] == 0
    _, doubled = deliver(paid, receiver.url, "--again", "--duplicate", "100", "--shuffle")
    assert doubled["accepted"] >= 2 * len(set(receiver.bodies))
    _, lost = deliver(paid, receiver.url, "--again", "--lose", "100")
    assert (lost["lost"], lost["deliveries"]) == (first["accepted"], 0)


def test_what_is_not_accepted_waits(paid: Cli, receiver: Receiver) -> None:
    """Proves that a receiver in trouble is exit 1, and gets everything when it is well again."""
    receiver.status = 503
    exit_code, refused = deliver(paid, receiver.url)
    assert (exit_code, refused["accepted"]) == (1, 0)
    receiver.status = 200
    exit_code, later = deliver(paid, receiver.url)
    assert (exit_code, later["accepted"]) == (0, refused["deliveries"])


def test_nobody_there_and_nobody_elsewhere(paid: Cli) -> None:
    """Proves that a closed port is exit 3, and that no other machine is posted to."""
    words = ("sandbox", "deliver", "--to")
    assert paid(*words, "http://127.0.0.1:1/hooks").exit_code == 3
    assert paid(*words, "http://shop.example/hooks").exit_code == 2
