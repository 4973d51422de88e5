"""Modes and addresses of what comes back beside payments: nothing foreign is believed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import ConfigurationError, PaymentsError, Rejected
from providers.stripe.provider import StripeProvider
from tests.providers.stripe.wire import CAPTURED, CHARGE, Script, adapter, answering, in_turn

FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
LAYOUT = "stripe.payout_reconciliation.itemized"
PAYOUT: dict[str, Any] = {
    "id": "po_1", "object": "payout", "amount": 100, "currency": "usd", "status": "paid",
    "automatic": True, "created": 1_772_442_000, "arrival_date": 1_772_442_000,
}  # fmt: skip
METHOD: dict[str, Any] = {"id": "pm_1", "object": "payment_method", "type": "link", "link": {}}
FILE = "https://files.stripe.com/v1/files/file_1/contents"
REPORT: dict[str, Any] = {
    "id": "frr_1", "object": "reporting.report_run", "status": "succeeded", "livemode": False,
    "result": {"id": "file_1", "object": "file", "url": FILE},
}  # fmt: skip
CUSTOMER: dict[str, Any] = {"id": "cus_1", "object": "customer", "livemode": False}
Call = Callable[[StripeProvider], Awaitable[object]]


def page(item: dict[str, Any], path: str) -> dict[str, Any]:
    """A list of one."""
    return {"object": "list", "data": [item], "has_more": False, "url": path}


async def _payouts(provider: StripeProvider) -> list[object]:
    return [p async for p in provider.payouts(FROM, TO)]


def told(script: Script, call: Call, mode: str = "test") -> object:
    """What a call gives, or the error it ends in."""

    async def run() -> object:
        async with adapter(script, mode) as provider:
            try:
                return await call(provider)
            except PaymentsError as error:
                return error

    return asyncio.run(run())


CALLS: dict[str, tuple[Callable[[bool], list[object]], Call]] = {
    "payouts": (lambda live: [page(PAYOUT | {"livemode": live}, "/v1/payouts")], _payouts),
    "export": (
        lambda live: [REPORT | {"livemode": live}, {"rows": 0}],
        lambda p: p.fetch_export(LAYOUT, FROM, TO),
    ),
    "get method": (lambda live: [METHOD | {"livemode": live}], lambda p: p.get_method("pm_1")),
    "keep method": (
        lambda live: [METHOD | {"livemode": live}],
        lambda p: p.add_method("pm_1", "cus_1"),
    ),
    "customer": (
        lambda live: [CUSTOMER | {"livemode": live}],
        lambda p: p.add_customer("cus_ours", "k"),
    ),
    "disputes": (
        lambda live: [
            CAPTURED | {"latest_charge": CHARGE | {"disputed": True}, "livemode": False},
            page({"id": "re_0", "object": "refund"}, "/v1/refunds") | {"data": []},
            page(
                {"id": "dp_1", "object": "dispute", "balance_transactions": [], "livemode": live},
                "/v1/disputes",
            ),
        ],
        lambda p: p.get("pi_1"),
    ),
}


@pytest.mark.parametrize("what", CALLS)
def test_an_object_of_the_other_mode_is_never_believed(what: str) -> None:
    """Proves for all that carries a mode that ours is read and the other one refused."""
    bodies, call = CALLS[what]
    ours = told(in_turn(bodies(False)), call)
    assert not isinstance(ours, PaymentsError), ours
    theirs = told(in_turn(bodies(True)), call)
    assert isinstance(theirs, Rejected)
    assert theirs.reason == "mode_mismatch"


def test_a_report_of_the_other_mode_is_not_downloaded() -> None:
    """Proves that the refusal comes before the file is asked for."""
    script = answering(REPORT | {"livemode": True})
    told(script, lambda p: p.fetch_export(LAYOUT, FROM, TO))
    assert [r.method for r in script.requests] == ["POST"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/v1/files/file_1/contents",
        "https://files.stripe.com.evil.test/contents",
        "https://files.stripe.com@evil.test/contents",
        "http://files.stripe.com/contents",
        "http://localhost:9/contents",
        "https://127.0.0.1:9/contents",
    ],
)
def test_the_key_follows_no_file_elsewhere(url: str) -> None:
    """Proves that no answer can have the key sent to another host, this machine or in the clear."""
    script = answering(REPORT | {"result": {"id": "file_1", "object": "file", "url": url}})
    assert isinstance(told(script, lambda p: p.fetch_export(LAYOUT, FROM, TO)), ConfigurationError)
    assert len(script.requests) == 1, "the order of the report, and nothing after it"
