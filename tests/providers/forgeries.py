"""Every forgery as a named row: how it is made, and the only error it may be refused with.

The rows need a `Forger` and say nothing of how deliveries arrive, so that they are handed to an
adapter and posted over HTTP alike.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from domain.errors import InvalidSignature, Stale, Unreadable, WebhookError, WrongAccount
from providers.sandbox.notary import Authority
from tests.providers.forger import RETIRED, Forger, Sent, same_checksum

YEAR = 365 * 86_400


@dataclass(frozen=True)
class Forgery:
    """One row."""

    provider: str
    name: str
    make: Callable[[Forger], Sent]
    error: type[WebhookError] = InvalidSignature
    captured: bool = False
    """Whether the honest delivery comes first, which the forger listened in on."""

    def __str__(self) -> str:
        return f"{self.provider}-{self.name}"


def _stripe(name: str, make: Callable[[Forger], Sent], *error: type[WebhookError]) -> Forgery:
    return Forgery("stripe", name, make, *error)


def _paypal(name: str, make: Callable[[Forger], Sent], *error: type[WebhookError]) -> Forgery:
    return Forgery("paypal", name, make, *error)


def _now(f: Forger, tail: str) -> Sent:
    return f.header(f"t={f.stamp()},{tail}")


def _body(f: Forger, provider: str, **changed: object) -> bytes:
    event = f.stripe_event if provider == "stripe" else f.paypal_event
    return json.dumps({**event, **changed}).encode()


def _nested(depth: int) -> bytes:
    return b'{"id":' + b"[" * depth + b"]" * depth + b"}"


BODIES: tuple[tuple[str, Callable[[Forger, bytes], bytes]], ...] = (
    ("empty_body", lambda f, body: b""),
    ("gzip_body", lambda f, body: gzip.compress(body)),
    ("bad_utf8", lambda f, body: body.replace(b"0", b"\xff", 1)),
    ("byte_order_mark", lambda f, body: b"\xef\xbb\xbf" + body),
    ("deep_nesting", lambda f, body: _nested(100_000)),
    ("nested_a_little_too_deep", lambda f, body: _nested(60)),
    ("nan", lambda f, body: body.replace(b"{", b'{"x":NaN,', 1)),
    ("name_given_twice", lambda f, body: body.replace(b"{", b'{"id":"evt_other",', 1)),
    ("array", lambda f, body: b"[" + body + b"]"),
    ("two_objects", lambda f, body: body + body),
    ("huge_number", lambda f, body: body.replace(b"{", b'{"x":' + b"9" * 5000 + b",", 1)),
    ("nul_character", lambda f, body: body.replace(b"{", rb'{"x":"\u0000",', 1)),
    ("half_character", lambda f, body: body.replace(b"{", rb'{"x":"\ud800",', 1)),
    ("two_megabytes", lambda f, body: body.replace(b"{", b'{"x":"' + b"x" * 2**21 + b'",', 1)),
)
"""Bytes that are no event, well signed all the same."""

STRIPE: tuple[Forgery, ...] = (
    _stripe("no_header", lambda f: ({}, f.stripe_body)),
    _stripe("empty_header", lambda f: f.header("")),
    _stripe("header_of_another_kind", lambda f: f.header("Bearer abc")),
    _stripe("reserialised_body", lambda f: (f.stripe()[0], _body(f, "stripe"))),
    _stripe("one_byte_more", lambda f: (f.stripe()[0], f.stripe_body + b"\n")),
    _stripe(
        "amount_changed",
        lambda f: (f.stripe()[0], f.stripe_body.replace(b"canceled", b"succeeded")),
    ),
    _stripe("wrong_secret", lambda f: f.stripe(secret="whsec_guessed")),
    _stripe("retired_secret", lambda f: f.stripe(secret=RETIRED)),
    _stripe("secret_without_prefix", lambda f: f.stripe(secret=f.secret.removeprefix("whsec_"))),
    _stripe("several_wrong", lambda f: _now(f, f"v1={'0' * 64},v1={'a' * 64},v1={'f' * 64}")),
    _stripe("upper_case", lambda f: _now(f, f"v1={f.mac(f.stripe_body).upper()}")),
    _stripe("not_ascii", lambda f: _now(f, f"v1={f.mac(f.stripe_body)[:-1]}é")),
    _stripe("line_break", lambda f: _now(f, f"v1={f.mac(f.stripe_body)}\r\nX: 1")),
    _stripe("empty_signature", lambda f: _now(f, "v1=")),
    _stripe("short_signature", lambda f: _now(f, f"v1={f.mac(f.stripe_body)[:32]}")),
    _stripe("long_signature", lambda f: _now(f, f"v1={f.mac(f.stripe_body)}00")),
    _stripe("huge_header", lambda f: _now(f, f"v1={'a' * 100_000}")),
    _stripe(
        "hundreds_of_signatures",
        lambda f: _now(f, ",".join([f"v1={'0' * 64}"] * 50 + [f"v1={f.mac(f.stripe_body)}"])),
    ),
    _stripe("only_v0", lambda f: _now(f, f"v0={f.mac(f.stripe_body)}")),
    _stripe("no_time", lambda f: f.header(f"v1={f.mac(f.stripe_body)}")),
    _stripe("two_times", lambda f: f.header(f"t={f.stamp()},t=1,v1={f.mac(f.stripe_body)}")),
    _stripe("time_of_words", lambda f: f.header(f"t=now,v1={f.mac(f.stripe_body)}")),
    _stripe("negative_time", lambda f: f.header(f"t=-1,v1={f.mac(f.stripe_body)}")),
    _stripe("time_changed", lambda f: f.header(f"t={f.stamp(1)},v1={f.mac(f.stripe_body)}")),
    _stripe("endless_time", lambda f: f.header(f"t={'9' * 400},v1={f.mac(f.stripe_body)}")),
    _stripe("plain_bytes_signed", lambda f: (f.stripe()[0], gzip.compress(f.stripe_body))),
    _stripe("301_seconds_ago", lambda f: f.stripe(seconds=-301), Stale),
    _stripe("in_301_seconds", lambda f: f.stripe(seconds=301), Stale),
    _stripe("in_ten_years", lambda f: f.stripe(seconds=10 * YEAR), Stale),
    _stripe("ten_years_ago", lambda f: f.stripe(seconds=-10 * YEAR), Stale),
    _stripe("no_id", lambda f: f.stripe(_body(f, "stripe", id=None)), Unreadable),
    _stripe("id_of_blanks", lambda f: f.stripe(_body(f, "stripe", id="evt 1")), Unreadable),
    _stripe("time_as_text", lambda f: f.stripe(_body(f, "stripe", created="now")), Unreadable),
    _stripe("time_of_ages", lambda f: f.stripe(_body(f, "stripe", created=10**18)), Unreadable),
    _stripe("live_mode", lambda f: f.stripe(_body(f, "stripe", livemode=True)), WrongAccount),
    _stripe("mode_of_words", lambda f: f.stripe(_body(f, "stripe", livemode=[])), WrongAccount),
    _stripe(
        "connected_account", lambda f: f.stripe(_body(f, "stripe", account="acct_9")), WrongAccount
    ),
    *(
        _stripe(name, lambda f, bend=bend: f.stripe(bend(f, f.stripe_body)), Unreadable)
        for name, bend in BODIES
    ),
)

URLS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("another_host", lambda url: _host(url, "paypal.evil.example")),
    ("host_that_ends_alike", lambda url: _host(url, "evilpaypal.com")),
    ("host_that_begins_alike", lambda url: _host(url, "api.paypal.com.evil.example")),
    ("another_host_of_paypal", lambda url: _host(url, "www.paypal.com")),
    ("host_of_the_other_mode", lambda url: _host(url, "api.paypal.com")),
    ("user_in_front", lambda url: url.replace("://", "://api.paypal.com@", 1)),
    ("password_in_front", lambda url: url.replace("://", "://u:p@", 1)),
    ("another_port", lambda url: _host(url, "api.sandbox.paypal.com:8443")),
    ("plain_http", lambda url: _host(url, "api.sandbox.paypal.com", "http")),
    ("file", lambda url: "file:///etc/ssl/certs/ca-certificates.crt"),
    ("link_local", lambda url: _host(url, "169.254.169.254", "http")),
    ("upper_case_host", lambda url: url.replace("http", "HTTP", 1)),
    ("point_after_host", lambda url: _host(url, "api.sandbox.paypal.com.")),
    ("another_path", lambda url: url.replace("certs", "webhooks")),
    ("way_back_up", lambda url: url.replace("/certs/", "/certs/../certs/")),
    ("encoded_way_up", lambda url: url.replace("/certs/", "/certs/%2e%2e/")),
    ("two_slashes", lambda url: url.replace("/v1", "//v1")),
    ("query", lambda url: f"{url}?next=https://evil.example"),
    ("fragment", lambda url: f"{url}#@evil.example"),
    ("backslash", lambda url: url.replace("/v1", "\\@evil.example/v1")),
    ("blank_at_the_end", lambda url: f"{url} "),
    ("cyrillic", lambda url: _host(url, "\u0430pi.sandbox.paypal.com")),
    ("very_long", lambda url: url + "a" * 600),
    ("no_such_certificate", lambda url: f"{url}0"),
)
"""Addresses of certificates that must not be believed."""


def _host(url: str, host: str, scheme: str = "https") -> str:
    return f"{scheme}://{host}/{url.split('/', 3)[3]}"


def _old(f: Forger) -> Sent:
    now = f.clock.now()
    return f.by_authority("CERT-expired", f.trusted, until=now - timedelta(seconds=1))


def _young(f: Forger) -> Sent:
    now = f.clock.now()
    return f.by_authority("CERT-young", f.trusted, since=now + timedelta(days=1))


def _reserialised(f: Forger) -> Sent:
    return f.paypal()[0], json.dumps(f.paypal_event, indent=1).encode()


def _same_checksum(f: Forger) -> Sent:
    import zlib

    headers, honest = f.paypal()
    bent = _body(f, "paypal", id="WH-BENT", event_type="PAYMENT.CAPTURE.REVERSED")
    return headers, same_checksum(bent, zlib.crc32(honest))


PAYPAL: tuple[Forgery, ...] = (
    *(
        _paypal(f"no_{name}", lambda f, name=name: f.paypal(**{name: None}))
        for name in (
            "transmission_id", "transmission_time", "transmission_sig", "cert_url", "auth_algo",
        )
    ),
    _paypal("no_headers", lambda f: ({}, f.paypal_body)),
    _paypal("reserialised_body", _reserialised),
    _paypal("one_byte_more", lambda f: (f.paypal()[0], f.paypal_body + b" ")),
    Forgery("paypal", "equal_checksum", _same_checksum, captured=True),
    _paypal("another_webhook", lambda f: f.paypal(listener="9JH86294D6297924Z")),
    _paypal("simulators_webhook", lambda f: f.paypal(listener="WEBHOOK_ID")),
    _paypal("weak_algorithm", lambda f: f.paypal(auth_algo="SHA1withRSA")),
    _paypal("algorithm_in_other_case", lambda f: f.paypal(auth_algo="sha256withrsa")),
    _paypal("no_algorithm", lambda f: f.paypal(auth_algo="none")),
    _paypal("another_transmission", lambda f: f.paypal(transmission_id="abc-1")),
    _paypal("bar_in_transmission", lambda f: f.paypal(transmission_id="a|b")),
    _paypal(
        "time_changed", lambda f: f.paypal(transmission_time=f.paypal(seconds=1)[0][_TIME])
    ),
    _paypal("time_without_zone", lambda f: f.paypal(transmission_time="2026-11-02T09:00:00")),
    _paypal("time_of_words", lambda f: f.paypal(transmission_time="yesterday")),
    _paypal("thirteenth_month", lambda f: f.paypal(transmission_time="2026-13-02T09:00:00Z")),
    _paypal("empty_signature", lambda f: f.paypal(transmission_sig="")),
    _paypal("short_signature", lambda f: f.paypal(transmission_sig="QUJD")),
    _paypal("huge_signature", lambda f: f.paypal(transmission_sig="A" * 100_000)),
    _paypal("signature_of_zeros", lambda f: f.paypal(transmission_sig="A" * 342 + "==")),
    _paypal("not_base64", lambda f: f.paypal(transmission_sig="!" * 344)),
    _paypal("not_ascii", lambda f: f.paypal(transmission_sig="é" * 344)),
    _paypal("four_days_ago", lambda f: f.paypal(seconds=-4 * 86_400), Stale),
    _paypal("in_301_seconds", lambda f: f.paypal(seconds=301), Stale),
    _paypal("in_ten_years", lambda f: f.paypal(seconds=10 * YEAR), Stale),
    *(
        _paypal(f"url_{name}", lambda f, bend=bend: f.paypal(cert_url=bend(f.cert_url)))
        for name, bend in URLS
    ),
    _paypal("own_authority", lambda f: f.by_authority("CERT-own", Authority("Evil Root"))),
    _paypal(
        "authority_of_the_same_name",
        lambda f: f.by_authority("CERT-alike", Authority("Sandbox World Root")),
    ),
    _paypal("expired_certificate", _old),
    _paypal("certificate_of_tomorrow", _young),
    _paypal(
        "certificate_of_another_name",
        lambda f: f.by_authority("CERT-name", f.trusted, "shop.evil.example"),
    ),
    _paypal(
        "certificate_of_a_name_alike",
        lambda f: f.by_authority("CERT-near", f.trusted, "evilpaypal.com"),
    ),
    _paypal("short_key", lambda f: f.by_authority("CERT-short", f.trusted, bits=1024)),
    _paypal("another_key", lambda f: f.paypal(issued=f.trusted.issue("api.paypal.com", bits=2048))),
    _paypal("no_id", lambda f: f.paypal(_body(f, "paypal", id=None)), Unreadable),
    _paypal("no_type", lambda f: f.paypal(_body(f, "paypal", event_type=7)), Unreadable),
    _paypal("time_as_number", lambda f: f.paypal(_body(f, "paypal", create_time=7)), Unreadable),
    _paypal(
        "live_links",
        lambda f: f.paypal(
            _body(f, "paypal", links=[{"href": "https://api.paypal.com/v1/x", "rel": "self"}])
        ),
        WrongAccount,
    ),
    _paypal(
        "another_merchant",
        lambda f: f.paypal(_body(f, "paypal", resource={"payee": {"merchant_id": "OTHER23"}})),
        WrongAccount,
    ),
    *(
        _paypal(name, lambda f, bend=bend: f.paypal(bend(f, f.paypal_body)), Unreadable)
        for name, bend in BODIES
    ),
)  # fmt: skip
_TIME = "PAYPAL-TRANSMISSION-TIME"

FORGERIES = STRIPE + PAYPAL
"""Every row."""
