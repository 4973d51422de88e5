"""Transaction Search: any period in windows PayPal answers, each line as it is in PayPal's books.

Lines come up to three hours late, and one id may have several lines. Windows are halved when PayPal
says that they hold too many lines; what it cannot answer for one second it cannot answer at all.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.errors import Rejected
from domain.provider import BalanceLine, PayoutView
from domain.settlement import LineKind
from providers.paypal.amounts import from_paypal
from providers.paypal.client import PayPalClient
from providers.paypal.errors import reading
from providers.paypal.exports import (
    AUTOMATIC_PAYOUT,
    EVENT_CODES,
    NOT_MONEY,
    STATUSES,
)
from providers.paypal.snapshots import instant

WINDOW = timedelta(days=31)
"""Longest period PayPal answers at once, both ends counted."""

PAGE = 500
_SECOND = timedelta(seconds=1)
_PATH = "/v1/reporting/transactions"
_TOO_YOUNG = "Data for the given start date is not available."
"""PayPal's issue for a period its index has not reached; a sentence where others are words."""


async def transactions(
    client: PayPalClient, start: datetime, end: datetime, *, moving: bool, merchant_id: str = ""
) -> AsyncIterator[Any]:
    """`transaction_info` of every line begun in [start, end), oldest first.

    `moving`: only lines that change the balance. A period that reaches beyond what PayPal has
    taken in ends there.

    Raises:
        Rejected: PayPal does not answer for this period, has no data of it yet (`too_young`), or
            answers for another merchant.
        Unavailable: it cannot be asked.
    """
    index = _Index(client, moving, merchant_id)
    for first, last in _windows(start, end):
        for info in await index.between(first, last):
            yield info


def balance_line(info: Any) -> BalanceLine:
    """One line of the books; its name is id and event code, for an id alone is not unique.

    Raises:
        LookupError, TypeError, ValueError: it has an odd shape.
    """
    code, line_id = str(info["transaction_event_code"]), str(info["transaction_id"])
    currency = str(info["transaction_amount"]["currency_code"])
    kind = EVENT_CODES.get(code)
    # A chargeback's own id is known nowhere else: it is about the capture it refers to.
    about = str(info.get("paypal_reference_id") or line_id)
    disputed = kind in (LineKind.DISPUTE, LineKind.DISPUTE_REVERSAL)
    at = instant(info["transaction_initiation_date"])
    fee = info.get("fee_amount")
    return BalanceLine(
        reference=f"{line_id}:{code}",
        source=about if disputed else line_id,
        kind=kind,
        category=code,
        amount_minor=from_paypal(info["transaction_amount"]),
        fee_minor=-from_paypal(fee, currency) if fee else 0,
        currency=currency,
        occurred_at=at,
        available_at=at,
    )


def payout(info: Any) -> PayoutView:
    """A withdrawal to the bank; PayPal does not say when it will arrive.

    Raises:
        LookupError, TypeError, ValueError: it has an odd shape.
    """
    return PayoutView(
        reference=str(info["transaction_id"]),
        amount_minor=-from_paypal(info["transaction_amount"]),
        currency=str(info["transaction_amount"]["currency_code"]),
        status=STATUSES[str(info["transaction_status"])],
        automatic=info["transaction_event_code"] == AUTOMATIC_PAYOUT,
        created_at=instant(info["transaction_initiation_date"]),
        arrives_on="",
        trace=str(info.get("bank_reference_id") or ""),
    )


def is_money(info: Any) -> bool:
    """Whether a line changed the balance: settled, and no hold."""
    settled = str(info.get("transaction_status") or "S") == "S"
    return settled and str(info["transaction_event_code"]) not in NOT_MONEY


def _windows(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Closed windows of whole seconds that together are the half-open period."""
    first, beyond = _whole(start), _whole(end)
    while first < beyond:
        last = min(first + WINDOW, beyond) - _SECOND
        yield first, last
        first = last + _SECOND


class _Index:
    """One walk through PayPal's index; remembers how far the index reaches."""

    def __init__(self, client: PayPalClient, moving: bool, merchant_id: str) -> None:
        self._client, self._merchant_id = client, merchant_id
        self._query = {
            "fields": "transaction_info",
            "balance_affecting_records_only": "Y" if moving else "N",
            "page_size": str(PAGE),
        }
        self._reaches: datetime | None = None

    async def between(self, first: datetime, last: datetime) -> list[Any]:
        """Lines from first to last, both counted, oldest first."""
        if self._reaches is not None and first > self._reaches:
            return []
        try:
            return await self._pages(first, last)
        except Rejected as error:
            if error.reason == _TOO_YOUNG:
                raise Rejected(
                    f"PayPal has no data of {first:%Y-%m-%d %H:%M} UTC yet.",
                    hint="Lines come up to three hours late: ask again later.",
                    reason="too_young",
                ) from error
            if error.reason != "RESULTSET_TOO_LARGE":
                raise
            if last <= first:
                raise Rejected(
                    f"PayPal has too many lines in the second of {first:%Y-%m-%d %H:%M:%S} UTC.",
                    hint="Take PayPal's settlement report for this day.",
                    reason=error.reason,
                ) from error
        middle = (first + (last - first) // 2).replace(microsecond=0)
        early = await self.between(first, middle)
        return early + await self.between(middle + _SECOND, last)

    async def _pages(self, first: datetime, last: datetime) -> list[Any]:
        query = {**self._query, "start_date": _stamp(first), "end_date": _stamp(last)}
        found: list[Any] = []
        page, pages = 1, 1
        while page <= pages:
            answer = await self._client.ask(_PATH, {**query, "page": str(page)})
            with reading(asking=True):
                check_merchant(answer, self._merchant_id)
                found += [d["transaction_info"] for d in answer.get("transaction_details") or ()]
                pages = int(answer["total_pages"])
                if answer.get("last_refreshed_datetime"):
                    self._reaches = instant(answer["last_refreshed_datetime"])
            page += 1
        with reading(asking=True):
            found.sort(key=lambda info: instant(info["transaction_initiation_date"]))
        return found


def check_merchant(answer: Any, merchant_id: str) -> None:
    """Let reports of our own account pass; reports that name no account pass, too.

    Raises:
        Rejected: it is another merchant's.
    """
    theirs = str(answer.get("account_number") or answer.get("account_id") or "")
    if merchant_id and theirs and theirs != merchant_id:
        raise Rejected(
            f"PayPal answered with the books of {theirs}, ours is {merchant_id}.",
            reason="mode_mismatch",
        )


def _whole(at: datetime) -> datetime:
    """The instant in UTC, rounded up to a second: PayPal's instants are whole seconds."""
    cut = at.astimezone(UTC).replace(microsecond=0)
    return cut if cut == at else cut + _SECOND


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
