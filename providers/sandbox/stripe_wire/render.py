"""From any record to its shape, and from an id in a shape to the object it names (`expand`).

Only the properties listed here can be expanded; others are refused as Stripe refuses them.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from providers.sandbox.stripe_wire import money_shapes, shapes
from providers.sandbox.stripe_wire.errors import invalid
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import KIND_OF, RECORDS, Happening, Json, Line
from providers.sandbox.truth.store import revive

SHAPES: dict[str, Callable[[Core, Any, str], Json]] = {
    "intent": shapes.intent,
    "charge": shapes.charge,
    "method": shapes.method,
    "customer": shapes.customer,
    "refund": money_shapes.refund,
    "dispute": money_shapes.dispute,
    "payout": money_shapes.payout,
    "report": money_shapes.report,
}
"""Record kind -> its shape."""

EXPANDABLE = frozenset(
    {
        "balance_transaction",
        "charge",
        "customer",
        "failure_balance_transaction",
        "latest_charge",
        "payment_intent",
        "payment_method",
        "source",
    }
)
MAX_DEPTH = 4


def shape(core: Core, record: Any, base_url: str) -> Json:
    """The shape of any record, line or happening."""
    if isinstance(record, Line):
        return money_shapes.line(core, record, base_url)
    if isinstance(record, Happening):
        return dict(json.loads(core.event(record.id) or "{}"))
    return SHAPES[KIND_OF[type(record)]](core, record, base_url)


def happening(core: Core, record: Happening, base_url: str) -> Json:
    """The event of a happening, made new; what was told once is kept, see `Core.event`."""
    inner = SHAPES[record.kind](core, revive(record.kind, record.body), base_url)
    return money_shapes.event(core, record, inner)


def expand(core: Core, body: Json, paths: Iterable[str], base_url: str) -> None:
    """Replace ids by objects along dotted paths, in place; `data.` walks the items of a list.

    Raises:
        WireError: 400 for a path that cannot be expanded.
    """
    for path in sorted(paths, key=len):
        parts = path.split(".")
        if len(parts) > MAX_DEPTH + (parts[0] == "data"):
            raise invalid("expand", "You cannot expand more than 4 levels of a property.")
        _expand(core, body, parts, path, base_url)


def _expand(core: Core, node: Json, parts: list[str], path: str, base_url: str) -> None:
    name, rest = parts[0], parts[1:]
    if name == "data" and isinstance(node.get("data"), list) and rest:
        for item in node["data"]:
            _expand(core, item, rest, path, base_url)
        return
    if name not in EXPANDABLE or name not in node:
        raise invalid("expand", f"This property cannot be expanded ({path[:80]}).")
    if isinstance(node[name], str):
        node[name] = _load(core, node[name], base_url)
    if rest and isinstance(node[name], dict):
        _expand(core, node[name], rest, path, base_url)


def _load(core: Core, object_id: str, base_url: str) -> Json | str:
    if object_id.startswith("txn_"):
        return shape(core, core.line(object_id), base_url)
    kind = core.store.kind_of(object_id)
    if kind is None:
        return object_id
    return shape(core, core.store.get(RECORDS[kind], object_id), base_url)
