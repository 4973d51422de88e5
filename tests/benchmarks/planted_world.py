"""A seeded ledger and Stripe-like export of any size, with the breaks that were planted in them.

The truth is written beside the files; nothing that is measured may read it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars
import pyarrow as pa
import pyarrow.compute as pc

KINDS = (
    "missing_in_ledger",
    "missing_at_provider",
    "duplicate_at_provider",
    "amount_mismatch",
    "fee_mismatch",
    "currency_mismatch",
    "status_mismatch",
)
"""The planted kinds, in equal shares of `BREAK_SHARE`."""

BREAK_SHARE, UNSETTLED_SHARE = 0.005, 0.02
ALPHABET = np.frombuffer(
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8
)
START = np.datetime64("2026-03-01T00:00:00", "s")


@dataclass(frozen=True)
class World:
    """Where the files lie, and what a comparison must find in them."""

    ledger: Path
    export: Path
    truth: frozenset[tuple[str, str]]
    """(break kind, the provider's line id)."""


def build(folder: Path, rows: int, seed: int = 7) -> World:
    """Write `ledger.csv` and `export.csv` of about `rows` rows each into `folder`."""
    draw = np.random.default_rng(seed)
    lines = _lines(draw, rows)
    planted = _choose(draw, rows)
    unsettled = np.zeros(rows, bool)
    free = np.setdiff1d(np.arange(rows), np.concatenate(list(planted.values())))
    unsettled[draw.choice(free, int(rows * UNSETTLED_SHARE), replace=False)] = True
    ledger, export = folder / "ledger.csv", folder / "export.csv"
    _write(_ledger(draw, lines, planted, unsettled), ledger, draw)
    _write(_export(lines, planted, unsettled), export, draw)
    names = lines["reference"].to_numpy(zero_copy_only=False)
    truth = frozenset((kind, names[at]) for kind, where in planted.items() for at in where)
    return World(ledger, export, truth)


def _choose(draw: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    chosen = draw.choice(rows, int(rows * BREAK_SHARE), replace=False)
    return dict(zip(KINDS, np.array_split(chosen, len(KINDS)), strict=True))


def _ids(draw: np.random.Generator, prefix: str, rows: int, length: int = 24) -> pa.Array:
    raw = np.empty((rows, len(prefix) + length), np.uint8)
    raw[:, : len(prefix)] = np.frombuffer(prefix.encode(), np.uint8)
    raw[:, len(prefix) :] = ALPHABET[draw.integers(0, 62, (rows, length))]
    offsets = np.arange(rows + 1, dtype=np.int32) * raw.shape[1]
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(raw))


def _lines(draw: np.random.Generator, rows: int) -> dict[str, pa.Array]:
    refund = draw.random(rows) < 0.1
    amount = draw.integers(100, 50_000, rows)
    fee = np.where(refund, 0, amount * 29 // 1000 + 30)
    kind = np.where(refund, "refund", "charge")
    source = pc.if_else(pa.array(refund), _ids(draw, "re_", rows), _ids(draw, "ch_", rows))
    return {
        "reference": _ids(draw, "txn_", rows),
        "source": source,
        "payment": _ids(draw, "pi_", rows),
        "customer": _ids(draw, "cus_", rows, 14),
        "kind": pa.array(kind),
        "amount": pa.array(np.where(refund, -amount, amount)),
        "fee": pa.array(fee),
        "currency": pa.array(np.array(["usd", "eur", "gbp"])[draw.integers(0, 3, rows)]),
        "at": pa.array(START + draw.integers(0, 31 * 86_400, rows).astype("m8[s]")),
        "brand": pa.array(np.array(["visa", "mastercard", "amex"])[draw.integers(0, 3, rows)]),
        "order": pa.array(draw.integers(10_000, 99_999, rows)),
    }


def _major(minor: pa.Array) -> pa.Array:
    """Two decimals, from integers: sign, whole part, point, fraction."""
    values = minor.to_numpy()
    whole = pa.array(np.abs(values) // 100).cast(pa.string())
    cents = pc.utf8_lpad(pa.array(np.abs(values) % 100).cast(pa.string()), 2, "0")
    sign = pc.if_else(pa.array(values < 0), "-", "")
    return pc.binary_join_element_wise(pc.binary_join_element_wise(sign, whole, ""), cents, ".")


def _ledger(
    draw: np.random.Generator,
    lines: dict[str, pa.Array],
    planted: dict[str, np.ndarray],
    unsettled: np.ndarray,
) -> pa.Table:
    rows = len(unsettled)
    amount, fee = lines["amount"].to_numpy().copy(), lines["fee"].to_numpy().copy()
    amount[planted["amount_mismatch"]] += 100
    fee[planted["fee_mismatch"]] += 7
    currency = pc.utf8_upper(lines["currency"]).to_numpy(zero_copy_only=False).copy()
    currency[planted["currency_mismatch"]] = "CHF"
    status = np.full(rows, "succeeded", object)
    status[planted["status_mismatch"]] = "failed"
    status[unsettled] = "pending"
    keep = np.ones(rows, bool)
    keep[planted["missing_in_ledger"]] = False
    at = pc.binary_join_element_wise(pc.strftime(lines["at"], format="%Y-%m-%dT%H:%M:%S"), "Z", "")
    return pa.table(
        {
            "transaction_id": _ids(draw, "txn_", rows, 36),
            "payment_id": _ids(draw, "pay_", rows, 36),
            "kind": lines["kind"],
            "provider_reference": lines["reference"],
            "amount": _major(pa.array(amount)),
            "currency": pa.array(currency),
            "fee": _major(pa.array(fee)),
            "status": pa.array(status),
            "occurred_at": at,
        }
    ).filter(pa.array(keep))


def _export(
    lines: dict[str, pa.Array], planted: dict[str, np.ndarray], unsettled: np.ndarray
) -> pa.Table:
    keep = ~unsettled
    keep[planted["missing_at_provider"]] = False
    at = pc.strftime(lines["at"], format="%Y-%m-%d %H:%M:%S")
    net = pc.subtract(lines["amount"], lines["fee"])
    text = pc.binary_join_element_wise("Order", lines["order"].cast(pa.string()), " ")
    table = pa.table(
        {
            "balance_transaction_id": lines["reference"],
            "created_utc": at,
            "available_on_utc": at,
            "currency": lines["currency"],
            "gross": _major(lines["amount"]),
            "fee": _major(lines["fee"]),
            "net": _major(net),
            "reporting_category": lines["kind"],
            "source_id": lines["source"],
            "description": pc.binary_join_element_wise(text, "paid by card, web shop", ", "),
            "customer_id": lines["customer"],
            "payment_intent_id": lines["payment"],
            "card_brand": lines["brand"],
            "automatic_payout_id": pc.binary_replace_slice(lines["customer"], 0, 4, "po_"),
        }
    )
    return pa.concat_tables(
        [table.filter(pa.array(keep)), table.take(planted["duplicate_at_provider"])]
    )


def _write(table: pa.Table, path: Path, draw: np.random.Generator) -> None:
    """Shuffled, quoted only where needed, as exports are."""
    shuffled = table.take(pa.array(draw.permutation(table.num_rows)))
    polars.DataFrame(polars.from_arrow(shuffled)).write_csv(path, quote_style="necessary")
