"""The report as JSON: a versioned envelope, amounts as minor units and as plain decimals.

Only ASCII is written, so that no terminal or viewer acts on what a file contained; a reader gets
every character back as it was. A field may be added under the same version, never changed.
"""

import json
from typing import Any

from domain.breaks import Break, Side
from domain.clock import iso
from domain.settlement import InputFile
from reports.amounts import for_machines
from reports.bucket_totals import Amounts, CurrencySheet, TwoSides, is_ledger
from reports.open_value import OpenValue, fee_difference
from reports.reconciliation import KindGroup, ReconciliationReport

SCHEMA = "tscli/reports.reconciliation/1"

Object = dict[str, Any]


def json_document(report: ReconciliationReport) -> bytes:
    """The whole report, every break included, keys in a fixed order."""
    envelope = {"schema": SCHEMA, "data": report_data(report)}
    return (json.dumps(envelope, indent=2).replace("\x7f", "\\u007f") + "\n").encode("ascii")


def report_data(report: ReconciliationReport) -> Object:
    """What stands under `data`; an instant is ISO 8601 UTC, an unknown amount is null."""
    unreadable = report.unreadable
    return {
        "verdict": report.verdict.value,
        "headline": report.headline,
        "ties": report.ties,
        "open_value": [_open_value(value) for value in report.open_value],
        "run": _run(report),
        "currencies": [_sheet(sheet) for sheet in report.sheets],
        "unreadable_rows": {
            "expected": unreadable.all_rows.expected.rows if unreadable else 0,
            "reported": unreadable.all_rows.reported.rows if unreadable else 0,
        },
        "kinds": [_kind(group) for group in report.kinds],
        "breaks": [_break(item) for item in report.breaks],
        "inputs": [_input(file) for file in report.run.inputs],
        "rules": {
            "digest": report.run.rules_digest,
            "passes": [{"name": name, "pairs": pairs} for name, pairs in report.passes],
        },
        "product_version": report.product_version,
    }


def _money(name: str, minor: int | None, currency: str) -> Object:
    return {f"{name}_minor": minor, name: for_machines(minor, currency)}


def _open_value(value: OpenValue) -> Object:
    return {
        "currency": value.currency,
        "breaks": value.breaks,
        **_money("amount", value.amount_minor, value.currency),
        **_money("fee", value.fee_minor, value.currency),
        **_money("total", value.total_minor, value.currency),
    }


def _run(report: ReconciliationReport) -> Object:
    run = report.run
    return {
        "run_id": run.run_id,
        "provider": run.provider,
        "account": run.account,
        "mode": run.mode,
        "period": {
            "start_at": iso(run.period.start_at),
            "end_at": iso(run.period.end_at),
            "timezone": run.period.timezone,
        },
        "started_at": iso(run.started_at),
        "expected_digest": run.expected_digest,
    }


def _sheet(sheet: CurrencySheet) -> Object:
    return {
        "currency": sheet.currency,
        "compared": _sides(sheet.compared, sheet.currency),
        "buckets": [
            {"bucket": bucket.value, **_sides(pair, sheet.currency)}
            for bucket, pair in sheet.buckets
        ],
        "all_rows": _sides(sheet.all_rows, sheet.currency),
        "files": {
            "expected": _amounts(sheet.expected_file, sheet.currency),
            "reported": _amounts(sheet.reported_file, sheet.currency),
        },
        "ties": sheet.ties,
    }


def _sides(pair: TwoSides, currency: str) -> Object:
    return {
        "expected": _amounts(pair.expected, currency),
        "reported": _amounts(pair.reported, currency),
        "difference": _amounts(pair.difference, currency),
    }


def _amounts(amounts: Amounts | None, currency: str) -> Object | None:
    if amounts is None:
        return None
    return {
        "rows": amounts.rows,
        **_money("gross", amounts.gross_minor, currency),
        **_money("fee", amounts.fee_minor, currency),
        **_money("net", amounts.net_minor, currency),
    }


def _kind(group: KindGroup) -> Object:
    return {
        "kind": group.kind.value,
        "breaks": len(group.breaks),
        "meaning": group.meaning,
        "remedy": group.remedy,
        "open_value": [_open_value(value) for value in group.open_value],
    }


def _break(item: Break) -> Object:
    return {
        "break_id": item.break_id,
        "kind": item.kind.value,
        "line_kind": item.line_kind,
        "provider_reference": item.provider_reference,
        "currency": item.currency,
        "expected": _side(item.expected),
        "reported": _side(item.reported),
        **_money("difference", item.difference_minor, item.currency),
        **_money("fee_difference", fee_difference(item), item.currency),
        "fields": list(item.fields),
        "transaction_id": item.transaction_id,
        "payment_id": item.payment_id,
        "file": item.file,
        "line": item.line,
        "detail": item.detail,
    }


def _side(side: Side | None) -> Object | None:
    if side is None:
        return None
    return {
        **_money("amount", side.amount_minor, side.currency),
        **_money("fee", side.fee_minor, side.currency),
        "currency": side.currency,
        "status": side.status,
        "occurred_at": side.occurred_at,
    }


def _input(file: InputFile) -> Object:
    return {
        "name": file.name,
        "side": "expected" if is_ledger(file) else "reported",
        "format": file.format,
        "digest": file.digest,
        "size_bytes": file.size,
        "rows": file.rows,
        "unreadable": file.unreadable,
        "period": list(file.period) if file.period else None,
        "totals": [
            {
                "currency": total.currency,
                **_amounts_of(total.rows, total.amount_minor, total.fee_minor, total.currency),
                **_money("net_residual", total.net_residual_minor, total.currency),
            }
            for total in file.totals
        ],
    }


def _amounts_of(rows: int, gross: int, fee: int, currency: str) -> Object:
    return _amounts(Amounts(rows, gross, fee), currency) or {}
