"""Routes of reporting: transaction search and balances, three hours behind the present."""

from datetime import datetime

from domain.clock import to_micros
from providers.sandbox.paypal_entries import Entry, authorizations, entries
from providers.sandbox.paypal_wire.calls import Call, Endpoint, Reply, endpoint
from providers.sandbox.paypal_wire.errors import WireError
from providers.sandbox.paypal_wire.reading import number, shown
from providers.sandbox.paypal_wire.shapes import link, stamp
from providers.sandbox.truth.core import DAY, Core
from providers.sandbox.truth.records import Json

LAG_SECONDS = 3 * 3600
MAXIMUM = 10_000
LONGEST_DAYS = 31
TRANSACTIONS, BALANCES = "/v1/reporting/transactions", "/v1/reporting/balances"


def search(call: Call) -> Reply:
    """Transactions from start to end, both counted, as far as the index knows them."""
    start, end = _instant(call, "start_date"), _instant(call, "end_date")
    if end < start or end - start > LONGEST_DAYS * DAY:
        raise WireError(400, "INVALID_PARAMETER_VALUE", "end_date")
    known = known_until(call.core)
    if start > known:
        raise WireError(400, "Data for the given start date is not available.", "start_date")
    found = _filtered(call, _between(call, start, min(end, known) + 1))
    most = int(call.core.store.fact("report_maximum", str(MAXIMUM)))
    if len(found) > most:
        more = {"total_items": len(found), "maximum_items": most}
        raise WireError(400, name="RESULTSET_TOO_LARGE", more=more)
    size, page = number(call.query, "page_size", 100, 500), number(call.query, "page", 1, 2**31 - 1)
    part = found[(page - 1) * size : page * size]
    body: Json = {
        "account_number": call.core.account,
        "start_date": stamp(start),
        "end_date": stamp(end),
        "last_refreshed_datetime": stamp(known),
        "page": page,
        "total_items": len(found),
        "total_pages": max(1, -(-len(found) // size)),
        "links": [link(call.base_url, TRANSACTIONS, "self")],
    }
    if part:
        body["transaction_details"] = [_detail(call.core, entry) for entry in part]
    return Reply(200, body)


def balances(call: Call) -> Reply:
    """Balances per currency as of an instant the index knows, the present by default."""
    asked = call.query.get("as_of_time")
    known = known_until(call.core)
    at = min(_instant(call, "as_of_time"), known) if asked else known
    sums: dict[str, int] = {}
    for entry in entries(call.core, call.core.lines("created_at <= ?", at)):
        sums[entry.currency] = sums.get(entry.currency, 0) + entry.net_minor
    wanted = call.query.get("currency_code", "ALL")
    listed = [
        {
            "currency": code,
            "primary": position == 0,
            "total_balance": shown(minor, code),
            "available_balance": shown(minor, code),
            "withheld_balance": shown(0, code),
        }
        for position, (code, minor) in enumerate(sorted(sums.items()))
        if wanted in ("ALL", code)
    ]
    return Reply(
        200,
        {
            "balances": listed,
            "account_id": call.core.account,
            "as_of_time": stamp(at),
            "last_refresh_time": stamp(known),
        },
    )


ENDPOINTS: list[Endpoint] = [
    endpoint("GET", TRANSACTIONS, search),
    endpoint("GET", BALANCES, balances),
]


def known_until(core: Core) -> int:
    """The last instant the index has taken in."""
    return core.now() - int(core.store.fact("report_lag", str(LAG_SECONDS)))


def _between(call: Call, first: int, last: int) -> list[Entry]:
    lines = call.core.lines("created_at >= ? AND created_at < ?", first, last)
    found = entries(call.core, lines)
    if call.query.get("balance_affecting_records_only", "Y") == "N":
        found = sorted(found + authorizations(call.core, first, last), key=lambda e: e.at)
    return found


def _filtered(call: Call, found: list[Entry]) -> list[Entry]:
    wanted = {
        "transaction_id": call.query.get("transaction_id"),
        "code": call.query.get("transaction_type"),
        "currency": call.query.get("transaction_currency"),
    }
    return [e for e in found if all(v is None or getattr(e, n) == v for n, v in wanted.items())]


def _detail(core: Core, entry: Entry) -> Json:
    at = stamp(entry.at)
    info: Json = {
        "transaction_id": entry.transaction_id,
        "paypal_reference_id": entry.reference_id,
        "paypal_reference_id_type": entry.reference_type,
        "transaction_event_code": entry.code,
        "transaction_initiation_date": at,
        "transaction_updated_date": at,
        "transaction_amount": shown(entry.gross_minor, entry.currency),
        "transaction_status": "S",
        "invoice_id": entry.invoice_id,
        "custom_field": entry.custom,
        "bank_reference_id": entry.bank_reference,
        "protection_eligibility": "02",
    }
    if entry.fee_minor:
        info["fee_amount"] = shown(-entry.fee_minor, entry.currency)
    return {"transaction_info": {name: value for name, value in info.items() if value}}


def _instant(call: Call, name: str) -> int:
    text = call.query.get(name, "").replace(" ", "+")
    try:
        at = datetime.fromisoformat(text)
        return to_micros(at) // 1_000_000
    except ValueError:
        raise WireError(400, "INVALID_PARAMETER_SYNTAX", name) from None
