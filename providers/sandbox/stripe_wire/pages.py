"""Lists as Stripe pages them: newest first, from a cursor in either direction.

A cursor is the id of an object; it need not pass the list's filters.
"""

from collections.abc import Callable, Iterator
from itertools import islice, takewhile
from typing import Any

from providers.sandbox.stripe_wire.calls import Call
from providers.sandbox.stripe_wire.errors import invalid, missing
from providers.sandbox.stripe_wire.render import shape
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import KIND_OF, Json

Walk = Callable[[int | None], Iterator[tuple[int, Any]]]
"""From a sequence number (exclusive, None for the newest) backwards: (seq, object)."""

DEFAULT_LIMIT, MAX_LIMIT = 10, 100
_BATCH = 200


def records(core: Core, cls: type[Any], parent: str | None = None) -> Walk:
    """Walk stored records of a class, of one parent if given."""
    return lambda before: core.store.newest(cls, parent=parent, before=before)


def lines(core: Core, where: str = "1", *values: Any) -> Walk:
    """Walk balance lines; `where` is SQL of this package, never input."""
    return _walk(core, "lines", core.lines, where, values)


def happenings(core: Core, where: str = "1", *values: Any) -> Walk:
    """Walk happenings; `where` is SQL of this package, never input."""
    return _walk(core, "happenings", core.happenings, where, values)


def _walk(
    core: Core, table: str, read: Callable[..., list[Any]], where: str, values: tuple[Any, ...]
) -> Walk:  # fmt: skip
    def walk(before: int | None) -> Iterator[tuple[int, Any]]:
        top = 2**62 if before is None else before
        while True:
            seqs = core.store.all(
                f"SELECT seq FROM {table} WHERE {where} AND seq < ?"  # noqa: S608
                f" ORDER BY seq DESC LIMIT {_BATCH}",
                *values, top,
            )  # fmt: skip
            if not seqs:
                return
            low = seqs[-1][0]
            found = read(f"{where} AND seq >= ? AND seq < ?", *values, low, top)
            yield from zip((row[0] for row in seqs), reversed(found), strict=True)
            top = low

    return walk


def page(
    call: Call, table: str, walk: Walk, keep: Callable[[Any], bool] = lambda _: True
) -> Json:  # fmt: skip
    """One page of a list; `table` is where cursors are looked up.

    Raises:
        WireError: 400 for a bad limit or cursor.
    """
    params = call.params
    limit = params.get("limit", DEFAULT_LIMIT)
    if limit > MAX_LIMIT:
        raise invalid("limit", "The limit must be between 1 and 100.", "parameter_invalid_integer")
    if "starting_after" in params and "ending_before" in params:
        raise invalid("starting_after", "Only one cursor can be given.", "parameters_exclusive")
    if "ending_before" in params:
        floor = _seq(call, table, "ending_before")
        newer = [r for _, r in takewhile(lambda pair: pair[0] > floor, walk(None)) if keep(r)]
        found, more = newer[-limit:], len(newer) > limit
    else:
        top = _seq(call, table, "starting_after") if "starting_after" in params else None
        found = list(islice((r for _, r in walk(top) if keep(r)), limit + 1))
        found, more = found[:limit], len(found) > limit
    data = [shape(call.core, record, call.base_url) for record in found]
    return {"object": "list", "data": data, "has_more": more, "url": call.path}


def page_of(
    call: Call, cls: type[Any], keep: Callable[[Any], bool] = lambda _: True,
    parent: str | None = None,
) -> Json:  # fmt: skip
    """One page of stored records; a `created` parameter filters in addition to `keep`."""
    inside = call.params.get("created", lambda _: True)
    walk = records(call.core, cls, parent)
    return page(call, KIND_OF[cls], walk, lambda r: inside(r.created_at) and keep(r))


def _seq(call: Call, table: str, name: str) -> int:
    cursor = call.params[name]
    if table in ("lines", "happenings"):
        row = call.core.store.one(f"SELECT seq FROM {table} WHERE id = ?", cursor)  # noqa: S608
    else:
        row = call.core.store.one(
            "SELECT seq FROM records WHERE id = ? AND kind = ?", cursor, table
        )
    if row is None:
        raise missing(name, table, cursor, 400)
    return int(row[0])
