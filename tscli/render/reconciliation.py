"""Runs and breaks as plain data for every format."""

from collections.abc import Iterable
from typing import Any

from domain.buckets import KINDS, Bucket
from domain.clock import iso
from domain.money import format_minor
from domain.run import BucketTotal, Run
from domain.settlement import InputFile
from tscli.render.ledger import reject_data
from tscli.render.matching import balance_data, payout_data
from tscli.render.payments import money
from tscli.render.view import Column

BUCKET_COLUMNS = (
    Column("bucket", "bucket"),
    Column("side", "side"),
    Column("currency", "cur"),
    Column("rows", "rows", number=True),
    Column("amount.value", "amount", number=True),
    Column("fee.value", "fee", number=True),
)
RUN_COLUMNS = (
    Column("run_id", "run", stack=True),
    Column("provider", "provider"),
    Column("period.from", "from", stack=True),
    Column("period.to", "to", stack=True),
    Column("breaks", "breaks", number=True),
    Column("unreadable", "unreadable", number=True),
    Column("started_at", "started", stack=True),
)


def bucket_data(total: BucketTotal) -> dict[str, Any]:
    """One bucket of one side in one currency."""
    currency = total.currency
    return {
        "bucket": total.bucket.value,
        "side": total.side,
        "currency": currency,
        "rows": total.rows,
        "amount": money(total.amount_minor, currency) if currency else None,
        "fee": money(total.fee_minor, currency) if currency else None,
    }


def input_data(file: InputFile) -> dict[str, Any]:
    """One input file with its control totals."""
    return {
        "name": file.name,
        "format": file.format,
        "digest": file.digest,
        "size": file.size,
        "rows": file.rows,
        "unreadable": file.unreadable,
        "totals": [
            {
                "currency": t.currency,
                "rows": t.rows,
                "amount": money(t.amount_minor, t.currency),
                "fee": money(t.fee_minor, t.currency),
                "net": money(t.amount_minor - t.fee_minor, t.currency),
                "net_residual": money(t.net_residual_minor, t.currency),
            }
            for t in file.totals
        ],
        "period": list(file.period) if file.period else None,
    }


TOTAL_COLUMNS = (
    Column("currency", "cur"),
    Column("rows", "rows", number=True),
    Column("amount.value", "amount", number=True),
    Column("fee.value", "fee", number=True),
    Column("net.value", "net", number=True),
)


def taken_in_data(done: Any, *, preview: bool) -> dict[str, Any]:
    """One file that was read, with everything it says about itself."""
    file: InputFile = done.file
    shown = input_data(file) | {
        "owner": file.owner,
        "period": {"from": file.period[0], "to": file.period[1]} if file.period else None,
        "stated": [
            {
                "name": one.name,
                "currency": one.currency,
                "stated": _figure(one.stated, one.currency),
                "found": _figure(one.found, one.currency),
                "difference": _figure(one.difference, one.currency),
            }
            for one in file.stated
        ],
        "balances": [
            {"name": one.name, "at": one.at, "balance": money(one.amount_minor, one.currency)}
            for one in file.balances
        ],
        "rejects": [reject_data(reject) for reject in done.rejects],
        "preview": preview,
    }
    if not preview:
        shown |= {"file_id": done.file_id, "added": done.added, "known": done.known}
        shown["already_done"] = done.already_done
    return shown


def _figure(value: int, currency: str) -> Any:
    return money(value, currency) if currency else value


def taken_in_lines(shown: dict[str, Any]) -> tuple[str, ...]:
    """The same as sentences for people."""
    period = shown["period"]
    head = f"{shown['name']}: {shown['format']}, {counted(shown['rows'], 'row')}"
    head += f", {shown['unreadable']} unreadable" if shown["unreadable"] else ""
    said = [head + (f", {period['from']} to {period['to']}" if period else "")]
    if "added" in shown:
        said.append(f"{counted(shown['added'], 'new line')}, {shown['known']} known before.")
    for one in shown["stated"]:
        stated, found = (
            value["value"] if isinstance(value, dict) else value
            for value in (one["stated"], one["found"])
        )
        if stated != found:
            code = f" {one['currency']}" if one["currency"] else ""
            said.append(f"{one['name']}{code}: {stated} stated, {found} found")
    rejects = shown["rejects"][:20]
    said += [f"line {r['line']}, column {r['column'] or '-'}: {r['reason']}" for r in rejects]
    return tuple(said)


def run_data(run: Run) -> dict[str, Any]:
    """One run."""
    return {
        "run_id": run.run_id,
        "provider": run.provider,
        "account": run.account,
        "mode": run.mode,
        "period": {
            "from": iso(run.period.start_at),
            "to": iso(run.period.end_at),
            "timezone": run.period.timezone,
        },
        "started_at": iso(run.started_at),
        "breaks": run.break_count,
        "unreadable": run.unreadable,
        "break_counts": {kind.value: count for kind, count in run.break_counts},
        "matches": dict(run.matches),
        "inputs": [input_data(file) for file in run.inputs],
        "balances": [balance_data(proof) for proof in run.balances],
        "payouts": [payout_data(proof) for proof in run.payouts],
        "cleared": run.cleared,
        "carried": run.carried,
        "expected_digest": run.expected_digest,
        "buckets": [bucket_data(total) for total in run.totals],
    }


def files_data(outcome: Any) -> dict[str, Any]:
    """A comparison of files."""
    return {
        "breaks": sum(count for _, count in outcome.break_counts),
        "unreadable": len(outcome.rejects),
        "break_counts": {kind.value: count for kind, count in outcome.break_counts},
        "matches": dict(outcome.matches),
        "inputs": [input_data(file) for file in outcome.inputs],
        "buckets": [bucket_data(total) for total in outcome.totals],
        "rejects": [reject_data(reject) for reject in outcome.rejects],
    }


def verdict(breaks: int, unreadable: int) -> str:
    """One sentence about a comparison."""
    if not breaks:
        return "Ledger and provider agree."
    rows = f", {counted(unreadable, 'unreadable row')}" if unreadable else ""
    return f"{counted(breaks - unreadable, 'break')}{rows}."


def balance_lines(balances: Iterable[dict[str, Any]]) -> list[str]:
    """One sentence per currency: opening, activity, payouts, closing, and whether it is stated."""
    found = []
    for proof in balances:
        said = (
            f"{proof['currency']}: opening {proof['opening']['value']}, activity"
            f" {proof['activity']['value']}, payouts {proof['payouts']['value']}, closing"
            f" {proof['closing']['value']}"
        )
        if proof["residual"] is not None:
            said += f", stated {proof['stated']['value']}, residual {proof['residual']['value']}"
        found.append(said)
    return found


def counted(number: int, what: str) -> str:
    """The number with its noun.

    >>> counted(1, "break"), counted(2, "break")
    ('1 break', '2 breaks')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"


def count_lines(counts: Iterable[tuple[Bucket, int]]) -> tuple[str, ...]:
    """One line per break kind: how many, and what it means."""
    return tuple(f"{count:>6}  {kind.value}: {KINDS[kind].meaning}" for kind, count in counts)


def amount_text(minor: int | None, currency: str) -> str:
    """An amount for people, empty when there is none."""
    return "" if minor is None or not currency else format_minor(minor, currency)
