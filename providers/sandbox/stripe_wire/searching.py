"""Search over payments: Stripe's query language on an index that lags behind the truth.

What was written within the lag is invisible, and an object is found by what it was then: search
must never be used to read one's own write.
"""

import re
from collections.abc import Callable
from typing import Any

from providers.sandbox.stripe_wire.errors import invalid
from providers.sandbox.stripe_words import INTENT_STATUS, api_amount
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Intent
from providers.sandbox.truth.store import revive

DEFAULT_LAG_SECONDS = 60

_CLAUSE = re.compile(
    r"\s*(-?)\s*(?:metadata\[(['\"])(?P<key>[^'\"]{1,40})\2\]|(?P<field>[a-z_]+))"
    r"\s*(?P<op>:|~|>=|<=|>|<)\s*"
    r"(?:(['\"])(?P<text>(?:[^'\"\\]|\\.)*)\6|(?P<number>-?\d+)|(?P<null>null))\s*"
)
_JOIN = re.compile(r"\s*(AND|OR|and|or)\s+")

Test = Callable[[Intent], bool]

FIELDS: dict[str, Callable[[Intent], Any]] = {
    "amount": lambda intent: api_amount(intent.amount_minor, intent.currency),
    "created": lambda intent: intent.created_at,
    "currency": lambda intent: intent.currency.lower(),
    "customer": lambda intent: intent.customer_id,
    "status": lambda intent: INTENT_STATUS[intent.status],
}
"""Searchable fields of a payment."""


def search(core: Core, query: str) -> list[Intent]:
    """Payments that fitted the query one lag ago, as they are now, newest first.

    Raises:
        WireError: 400 when the query cannot be read.
    """
    test = parse(query)
    seen = core.now() - int(core.store.fact("search_lag", str(DEFAULT_LAG_SECONDS)))
    newest = core.happenings(
        "seq IN (SELECT max(seq) FROM happenings WHERE kind = 'intent' AND at <= ?"
        " GROUP BY object_id)", seen,
    )  # fmt: skip
    found = [fact.object_id for fact in newest if test(revive("intent", fact.body))]
    hits = [core.store.get(Intent, object_id) for object_id in found]
    order = {row[0]: row[1] for row in core.store.all("SELECT id, seq FROM records")}
    return sorted(hits, key=lambda intent: -order[intent.id])


def parse(query: str) -> Test:
    """The query as a test of one payment.

    Raises:
        WireError: 400 when it cannot be read, or mixes AND with OR.
    """
    tests: list[Test] = []
    joins: set[str] = set()
    position = 0
    while True:
        match = _CLAUSE.match(query, position)
        if match is None:
            raise _unreadable()
        tests.append(_test(match))
        position = match.end()
        if position == len(query):
            break
        join = _JOIN.match(query, position)
        if join is None:
            raise _unreadable()
        joins.add(join[1].upper())
        position = join.end()
    if len(joins) > 1:
        raise invalid("query", "AND and OR cannot be mixed in one query.")
    decide = any if joins == {"OR"} else all
    return lambda intent: decide(test(intent) for test in tests)


def _test(match: re.Match[str]) -> Test:
    negate, key, field, op = match[1] == "-", match["key"], match["field"], match["op"]
    if field and field not in FIELDS:
        raise invalid("query", f"Field `{field[:40]}` is an unsupported search field.")
    read = FIELDS[field] if field else lambda intent: intent.metadata.get(str(key))
    compare = _comparison(op, match)
    return lambda intent: compare(read(intent)) != negate


def _comparison(op: str, match: re.Match[str]) -> Callable[[Any], bool]:
    if match["null"]:
        return lambda value: value in (None, "")
    wanted = (
        re.sub(r"\\(.)", r"\1", match["text"]) if match["text"] is not None else match["number"]
    )
    if op == ":":
        return lambda value: value is not None and str(value).lower() == wanted.lower()
    if op == "~":
        return lambda value: wanted.lower() in str(value or "").lower()
    if not re.fullmatch(r"-?\d{1,15}", wanted):
        raise _unreadable()
    bound = int(wanted)
    return {
        ">": lambda value: isinstance(value, int) and value > bound,
        "<": lambda value: isinstance(value, int) and value < bound,
        ">=": lambda value: isinstance(value, int) and value >= bound,
        "<=": lambda value: isinstance(value, int) and value <= bound,
    }[op]


def _unreadable() -> Exception:
    return invalid("query", "We were unable to parse your search query.")
