"""Balance lines, refunds, disputes, payouts, events and reports as Stripe's API shows them.

Every promised member is there, null when the world knows nothing; amounts as the API counts.
"""

from providers.sandbox import stripe_words
from providers.sandbox.export_columns import DESTINATION, trace_id
from providers.sandbox.reporting import REPORT_TYPES, default_columns, version
from providers.sandbox.stripe_words import api_amount
from providers.sandbox.truth.core import DAY, Core
from providers.sandbox.truth.records import Dispute, Happening, Json, Line, Payout, Refund, Report


def line(core: Core, record: Line, base_url: str) -> Json:
    """A BalanceTransaction."""
    fee = api_amount(record.fee_minor, record.currency)
    amount = api_amount(record.amount_minor, record.currency)
    currency = record.currency.lower()
    detail = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Dispute fee" if record.category == "dispute" else "Processing fees",
        "type": "stripe_fee",
    }
    return {
        "id": record.id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": record.available_at,
        "balance_type": "payments",
        "created": record.created_at,
        "currency": currency,
        "description": stripe_words.line_description(record) or None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [detail] if fee else [],
        "net": amount - fee,
        "reporting_category": record.category,
        "source": record.source_id,
        "status": "available" if record.available_at <= core.now() else "pending",
        "type": stripe_words.line_type(record),
    }


def refund(core: Core, record: Refund, base_url: str) -> Json:
    """A Refund."""
    status = stripe_words.REFUND_STATUS.get(record.status, record.status)
    shape: Json = {
        "id": record.id,
        "object": "refund",
        "amount": api_amount(record.amount_minor, record.currency),
        "balance_transaction": record.line_id,
        "charge": record.charge_id,
        "created": record.created_at,
        "currency": record.currency.lower(),
        "customer": None,
        "customer_account": None,
        "destination_details": _destination(record),
        "instructions_email": record.email,
        "metadata": record.metadata,
        "payment_intent": record.intent_id,
        "payment_method": None,
        "reason": record.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    if record.status == "pending":
        shape["pending_reason"] = "processing"
    if record.status == "needs_action":
        shape["next_action"] = {
            "type": "display_details",
            "display_details": {
                "email_sent": {
                    "email_sent_at": record.created_at,
                    "email_sent_to": record.email,
                },
                "expires_at": record.created_at + 30 * DAY,
            },
        }
    if record.failure_line_id:
        shape["failure_balance_transaction"] = record.failure_line_id
        shape["failure_reason"] = record.failure_reason
    return shape


def dispute(core: Core, record: Dispute, base_url: str) -> Json:
    """A Dispute, with its one or two balance transactions in full."""
    due = record.created_at + 9 * DAY
    return {
        "id": record.id,
        "object": "dispute",
        "amount": api_amount(record.amount_minor, record.currency),
        "balance_transactions": [line(core, core.line(item), "") for item in record.line_ids],
        "charge": record.charge_id,
        "created": record.created_at,
        "currency": record.currency.lower(),
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": due,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": core.now() > due and record.status == "open",
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": record.intent_id,
        "payment_method_details": _disputed(record),
        "reason": record.reason,
        "status": stripe_words.DISPUTE_STATUS.get(record.status, record.status),
    }


def payout(core: Core, record: Payout, base_url: str) -> Json:
    """A Payout to the company's bank account."""
    trace_status, trace = trace_id(record)
    return {
        "id": record.id,
        "object": "payout",
        "amount": api_amount(record.amount_minor, record.currency),
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": record.arrival_at,
        "automatic": record.automatic,
        "balance_transaction": record.line_id,
        "created": record.created_at,
        "currency": record.currency.lower(),
        "description": record.description or "STRIPE PAYOUT",
        "destination": DESTINATION,
        "failure_balance_transaction": record.failure_line_id,
        "failure_code": record.failure_code,
        "failure_message": "The bank sent the payout back." if record.failure_code else None,
        "livemode": False,
        "metadata": record.metadata,
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed" if record.automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": record.statement_descriptor,
        "status": stripe_words.PAYOUT_STATUS.get(record.status, record.status),
        "trace_id": {"status": trace_status, "value": trace or None},
        "type": "bank_account",
    }


def event(core: Core, record: Happening, shaped: Json) -> Json:
    """An Event around the shape of its object as it was then."""
    return {
        "id": record.id,
        "object": "event",
        "api_version": stripe_words.API_VERSION,
        "created": record.at,
        "data": {"object": shaped},
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": record.request_id, "idempotency_key": record.idempotency_key},
        "type": stripe_words.EVENT_TYPES[record.fact],
    }


def report(core: Core, record: Report, base_url: str) -> Json:
    """A report run, with its file once it is written."""
    done = record.text is not None
    return {
        "id": record.id,
        "object": "reporting.report_run",
        "created": record.created_at,
        "error": record.error,
        "livemode": False,
        "parameters": record.parameters,
        "report_type": record.report_type,
        "result": report_file(record, base_url) if done else None,
        "status": "succeeded" if done else "pending",
        "succeeded_at": record.ready_at,
    }


def report_file(record: Report, base_url: str) -> Json:
    """The file of a finished report run."""
    return {
        "id": record.file_id,
        "object": "file",
        "created": record.ready_at,
        "expires_at": None,
        "filename": f"{record.id}.csv",
        "links": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/file_links?file={record.file_id}",
        },
        "purpose": "finance_report_run",
        "size": len((record.text or "").encode()),
        "title": f"FinanceReportRun {record.id}",
        "type": "csv",
        "url": f"{base_url}/v1/files/{record.file_id}/contents",
    }


def report_type(core: Core, name: str) -> Json:
    """What can be asked of a report."""
    midnight = core.now() // DAY * DAY
    title = REPORT_TYPES[name].replace(".", " ").replace("_", " ")
    return {
        "id": name,
        "object": "reporting.report_type",
        "data_available_end": midnight,
        "data_available_start": 0,
        "default_columns": list(default_columns(name)),
        "livemode": False,
        "name": title.capitalize(),
        "updated": midnight,
        "version": version(name),
    }


def _destination(record: Refund) -> Json:
    if record.method_kind != "card":
        transfer = {"us_bank_account": "us_bank_transfer", "sepa_debit": "eu_bank_transfer"}
        kind = transfer[record.method_kind]
        return {kind: {"reference": None, "reference_status": "pending"}, "type": kind}
    if record.status == "pending":
        return {"card": {"type": "pending"}, "type": "card"}
    number = str(int.from_bytes(record.id.encode()) % 10**11)
    card = {
        "reference": number,
        "reference_status": "available",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    return {"card": card, "type": "card"}


def _disputed(record: Dispute) -> Json | None:
    if not record.brand:
        return None
    card = {"brand": record.brand, "case_type": "chargeback", "network": record.brand}
    return {"card": {**card, "network_reason_code": "10.4"}, "type": "card"}
