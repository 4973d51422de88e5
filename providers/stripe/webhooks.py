"""Stripe's webhooks: signatures over raw bytes, and events as plain values. Asks nobody.

Source: Stripe's page on signatures. `Stripe-Signature: t=…,v1=…[,v1=…]`; signed is `t`, a point and
the body, HMAC-SHA256 under the whole `whsec_…` text. Stripe signs each delivery anew, so a signed
time far from now is a replay, in the past or from the future.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

import stripe

from domain.clock import Clock
from domain.errors import InvalidSignature, ProviderError, Stale, Unavailable, WrongAccount
from domain.payment import Snapshot
from domain.provider import ProviderAccount
from domain.webhook import Proof, ProviderEvent, Topic
from providers.event_body import member, needed, parse, unix_seconds, word
from providers.signed_headers import one_header
from providers.stripe.snapshots import snapshot

TOLERANCE_SECONDS = 300
"""How far a signed time may be from ours, on either side."""

HEADER_MAX = 4096
_SIGNATURES_MAX = 16
_HEX = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,12}")

TOPICS = {
    "charge.dispute.": Topic.DISPUTE,
    "charge.refund.": Topic.REFUND,
    "charge.": Topic.PAYMENT,
    "payment_intent.": Topic.PAYMENT,
    "refund.": Topic.REFUND,
    "payout.": Topic.PAYOUT,
    "payment_method.": Topic.METHOD,
    "account.": Topic.ACCOUNT,
    "balance.": Topic.ACCOUNT,
    "capability.": Topic.ACCOUNT,
    "reporting.": Topic.ACCOUNT,
}
"""Beginning of an event's type -> what it is about; the first that fits."""

_MONEY = frozenset({Topic.PAYMENT, Topic.REFUND, Topic.DISPUTE})


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], clock: Clock) -> Proof:
    """Prove that the bytes were signed under one of the secrets, just now.

    Raises:
        InvalidSignature: no signature fits, or the header is not what Stripe sends.
        Stale: signed more than five minutes from now.
        Unavailable: no secret is configured.
    """
    if not secrets:
        raise Unavailable(
            "No secret is configured to verify Stripe's webhooks with.",
            hint="Set TSCLI_STRIPE__WEBHOOK_SECRETS to the endpoint's signing secret.",
            reason="configuration",
        )
    at, signatures = _signed(one_header(headers, "Stripe-Signature", HEADER_MAX))
    signed = at.encode("ascii") + b"." + body
    expected = [hmac.digest(s.encode(), signed, "sha256").hex().encode() for s in secrets]
    given = [text.encode("ascii") for text in signatures]
    # Every pair is compared, so that the time taken tells nothing.
    if sum(hmac.compare_digest(g, e) for g in given for e in expected) == 0:
        raise InvalidSignature("No Stripe signature fits the bytes.")
    away_seconds = clock.now().timestamp() - int(at)
    if abs(away_seconds) > TOLERANCE_SECONDS:
        side = "ago" if away_seconds > 0 else "in the future"
        raise Stale(f"The event was signed {abs(away_seconds):.0f} seconds {side}.")
    return Proof.SIGNATURE


def read_event(body: bytes, owner: ProviderAccount) -> ProviderEvent:
    """What an event says.

    Raises:
        Unreadable: the bytes are no Stripe event.
        WrongAccount: it is another account's or mode's.
    """
    return event_of(parse(body), owner)


def event_of(found: dict[str, Any], owner: ProviderAccount) -> ProviderEvent:
    """What a parsed event says; see `read_event`."""
    kind = needed(found.get("type"), "type")
    event_id = needed(found.get("id"), "id")
    at = unix_seconds(found.get("created"))
    about = member(found, "data", "object")
    check_owner(found, owner)
    topic = next((t for start, t in TOPICS.items() if kind.startswith(start)), Topic.OTHER)
    intent_id = _intent_id(about) if topic in _MONEY else ""
    return ProviderEvent(
        provider_event_id=event_id,
        type=kind,
        topic=topic,
        occurred_at=at,
        object_id=word(member(about, "id")),
        provider_payment_id=intent_id,
        payment_id=word(member(about, "metadata", "payment_id")) if topic in _MONEY else "",
        references=_references(about) if topic in _MONEY else (),
        snapshot=_snapshot(about, owner) if member(about, "id") == intent_id else None,
    )


def check_owner(found: dict[str, Any], owner: ProviderAccount) -> None:
    """Let events of our own account and mode pass; `account` is named by connected accounts only.

    Raises:
        WrongAccount: it is another one's.
    """
    live = found.get("livemode")
    mode = "live" if live is True else "test" if live is False else "unknown"
    if mode != owner.mode:
        raise WrongAccount(f"The event is of {mode} mode, this account is {owner.mode}.")
    theirs = found.get("account")
    if theirs and theirs != owner.account:
        raise WrongAccount("The event is of another Stripe account, one connected to ours.")


def _signed(header: str) -> tuple[str, list[str]]:
    """The signed time as text, and the `v1` signatures that have their shape."""
    pairs = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name.strip() == "t"]
    found = [value for name, _, value in pairs if name.strip() == "v1"]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]):
        raise InvalidSignature("Stripe's signature does not say when it was made.")
    fitting = [text for text in found if _HEX.fullmatch(text)]
    if not fitting or len(found) > _SIGNATURES_MAX:
        raise InvalidSignature("Stripe's signature has no usable v1 part.")
    return times[0], fitting


def _intent_id(about: Any) -> str:
    """The payment an object is or belongs to, empty when it names none."""
    if member(about, "object") == "payment_intent":
        return word(member(about, "id"))
    named = member(about, "payment_intent")
    return word(member(named, "id") if isinstance(named, dict) else named)


def _references(about: Any) -> tuple[str, ...]:
    names = [member(about, "id"), member(about, "charge"), member(about, "latest_charge")]
    return tuple(dict.fromkeys(text for name in names if (text := word(name))))


def _snapshot(about: Any, owner: ProviderAccount) -> Snapshot | None:
    """The payment as the event shows it, None when the event shows a part only.

    An event names the charge of captured money without showing it, and keeps the shape of the API
    version of its day: what cannot be read here is asked for.
    """
    try:
        return snapshot(stripe.PaymentIntent.construct_from(about, None), owner)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, ProviderError):
        return None
