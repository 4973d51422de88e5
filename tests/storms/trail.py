"""The audit chain and the keys on the wire, followed from step to step.

Both have a memory: what was sealed may never change, what was sent may never be sent otherwise.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.storms.books import Row
from tests.storms.checks import MONEY_STEPS, Broken, Rows

_HOUR = 3_600 * 1_000_000
WINDOW_MICROS = {
    ("stripe", "confirm"): 24 * _HOUR,
    ("stripe", "capture"): 24 * _HOUR,
    ("stripe", "refund"): 24 * _HOUR,
    ("paypal", "confirm"): 6 * _HOUR,
    ("paypal", "capture"): 45 * 24 * _HOUR,
    ("paypal", "refund"): 45 * 24 * _HOUR,
}
"""How long each provider remembers the key of a step that moves money."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Trail:
    """I16: each chain is dense, sealed over itself, only ever longer; every version is in one.

    I10: no news, however old, takes a payment back.
    """

    def __init__(self) -> None:
        self._sealed: dict[int, list[Row]] = {}
        self._versions: dict[str, set[int]] = {}
        self._stages: dict[str, int] = {}

    def follow(self, books: Rows) -> Broken:
        """Check what is new, and that what was there is as it was."""
        chains: dict[int, list[Row]] = {number: [] for number in self._sealed}
        for record in books["audit"]:
            chains.setdefault(record["chain"], []).append(record)
        for number, chain in chains.items():
            yield from self._longer(chain, self._sealed.get(number, []))
        self._sealed = chains
        for p in books["payments"]:
            furthest = self._stages.get(p["payment_id"], 0)
            if p["stage"] < furthest:
                yield "I10", f"{p['payment_id']} went back from {furthest} to {p['stage']}"
            self._stages[p["payment_id"]] = p["stage"]
            known = self._versions.get(p["payment_id"], set())
            if known != set(range(1, p["version"] + 1)):
                yield "I15", f"{p['payment_id']} has version {p['version']}, recorded are {known}"

    def _longer(self, chain: list[Row], sealed: list[Row]) -> Broken:
        old = len(sealed)
        if chain[:old] != sealed:
            yield "I16", "a sealed record changed or is gone"
            return
        previous = sealed[-1]["hash"] if old else "0" * 64
        for seq, record in enumerate(chain[old:], old + 1):
            if (
                record["seq"] != seq
                or record["previous"] != previous
                or _seal(record) != record["hash"]
            ):
                yield "I16", f"record {seq} does not fit into the chain"
                return
            previous = record["hash"]
            after = json.loads(record["state_after"]) or {}
            if "version" in after:
                self._versions.setdefault(record["subject"], set()).add(after["version"])


class Wire:
    """I9 and the first rule: an intent before every effect, one key per step, none too old."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._first_sent: dict[str, int] = {}
        self._key_of: dict[tuple[str, str], str] = {}

    def check(self, books: Rows, key: str, now_micros: int) -> Broken:
        """Look at a write that is about to reach the provider."""
        operation_id, _, rest = key.partition(".")
        step = rest.partition(".")[0]
        known = next((o for o in books["operations"] if o["operation_id"] == operation_id), None)
        if known is None or known["sent_at"] is None:
            yield "R1", f"{key!r} was sent without a committed intent"
            return
        first = self._first_sent.setdefault(key, now_micros)
        if step not in MONEY_STEPS:
            return
        if now_micros - first >= WINDOW_MICROS[self._provider, step]:
            yield "I9", f"{key} was sent again after {timedelta(microseconds=now_micros - first)}"
        if self._key_of.setdefault((operation_id, step), key) != key:
            yield "I9", f"{step} of {operation_id} was sent under two keys"


def _seal(record: Row) -> str:
    at = _EPOCH + timedelta(microseconds=record["recorded_at"])
    sealed: dict[str, Any] = {
        name: record[name]
        for name in (
            "chain", "seq", "audit_id", "operator", "command", "host", "reason", "action",
            "subject", "ledger_digest", "previous",
        )
    }  # fmt: skip
    sealed |= {"before": record["state_before"], "after": record["state_after"]}
    sealed["recorded_at"] = at.isoformat().replace("+00:00", "Z")
    text = json.dumps(sealed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
