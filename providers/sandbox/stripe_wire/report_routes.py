"""Routes of events and reports."""

from typing import Any

from providers.sandbox import reporting, stripe_words
from providers.sandbox.stripe_wire import money_shapes, pages
from providers.sandbox.stripe_wire.calls import Call, Endpoint, Reply, endpoint
from providers.sandbox.stripe_wire.errors import invalid, missing
from providers.sandbox.stripe_wire.params import (
    EXPAND,
    PAGE,
    Check,
    filled,
    flag,
    hash_of,
    integer,
    span,
    text,
    texts,
)  # fmt: skip
from providers.sandbox.stripe_wire.render import shape
from providers.sandbox.truth.core import DAY
from providers.sandbox.truth.records import Happening, Json, Report

KEPT_DAYS = 30
"""How long events can be read."""

_KNOWN = ", ".join(f"'{fact}'" for fact in stripe_words.EVENT_TYPES)

PARAMETERS: dict[str, Check] = {
    "interval_start": integer, "interval_end": integer, "timezone": text, "columns": texts,
    "currency": text, "reporting_category": text,
}  # fmt: skip


def list_events(call: Call) -> Json:
    """Events of the last 30 days, newest first."""
    given = call.params
    if "type" in given and "types" in given:
        raise invalid("types", "Give type or types, not both.", "parameters_exclusive")
    wanted = given.get("types") or ([given["type"]] if "type" in given else [])
    if len(wanted) > 20:
        raise invalid("types", "At most 20 types can be named.")
    inside = given.get("created", lambda _: True)

    def keep(fact: Happening) -> bool:
        return inside(fact.at) and (not wanted or any(_fits(fact, word) for word in wanted))

    return pages.page(call, "happenings", _kept(call), keep)


def retrieve_event(call: Call) -> Json:
    """One event of the last 30 days."""
    oldest = call.core.now() - KEPT_DAYS * DAY
    found = call.core.happenings(
        f"id = ? AND at >= ? AND fact IN ({_KNOWN})", call.id, oldest
    )  # fmt: skip
    if not found:
        raise missing("id", "event", call.id)
    return shape(call.core, found[0], call.base_url)


def create_run(call: Call) -> Json:
    """Order a report."""
    given = call.params.get("parameters", {})
    for name in given:
        if name not in PARAMETERS:
            raise invalid(
                f"parameters[{name[:40]}]", f"Received unknown parameter: parameters[{name[:40]}]",
                "parameter_unknown",
            )  # fmt: skip
    words: dict[str, Any] = {
        name: PARAMETERS[name](f"parameters[{name}]", value) for name, value in given.items()
    }
    report = reporting.ask(call.core, call.params["report_type"], words)
    return shape(call.core, report, call.base_url)


def retrieve_run(call: Call) -> Json:
    """One report run."""
    return shape(call.core, call.core.store.get(Report, call.id), call.base_url)


def list_runs(call: Call) -> Json:
    """Report runs, newest first."""
    return pages.page_of(call, Report)


def list_types(call: Call) -> Json:
    """The reports that can be ordered."""
    data = [money_shapes.report_type(call.core, name) for name in reporting.REPORT_TYPES]
    return {"object": "list", "data": data, "has_more": False, "url": call.path}


def retrieve_type(call: Call) -> Json:
    """One kind of report."""
    if call.id not in reporting.REPORT_TYPES:
        raise missing("report_type", "reporting report type", call.id)
    return money_shapes.report_type(call.core, call.id)


def retrieve_file(call: Call) -> Json:
    """The file of a finished report run."""
    return money_shapes.report_file(_written(call), call.base_url)


def file_contents(call: Call) -> Reply:
    """The bytes of a report file."""
    return Reply(200, file=_written(call).text)


def _written(call: Call) -> Report:
    found = [report for _, report in call.core.store.newest(Report, parent=call.id)]
    if not found or found[0].text is None:
        raise missing("file", "file", call.id)
    return found[0]


def _kept(call: Call) -> pages.Walk:
    oldest = call.core.now() - KEPT_DAYS * DAY
    return pages.happenings(call.core, f"at >= ? AND fact IN ({_KNOWN})", oldest)


def _fits(fact: Happening, word: str) -> bool:
    name = stripe_words.EVENT_TYPES[fact.fact]
    return word in ("*", name) or (word.endswith(".*") and name.startswith(word[:-1]))


EVENTS: dict[str, Check] = {
    **PAGE, "created": span, "type": filled, "types": texts, "delivery_success": flag,
}  # fmt: skip
RUNS, TYPES = "/v1/reporting/report_runs", "/v1/reporting/report_types"
ENDPOINTS: list[Endpoint] = [
    endpoint("GET", "/v1/events", list_events, EVENTS),
    endpoint("GET", "/v1/events/{}", retrieve_event, EXPAND),
    endpoint(
        "POST", RUNS, create_run, {**EXPAND, "report_type": filled, "parameters": hash_of},
        ("report_type",),
    ),
    endpoint("GET", RUNS, list_runs, {**PAGE, "created": span}),
    endpoint("GET", f"{RUNS}/{{}}", retrieve_run, EXPAND),
    endpoint("GET", TYPES, list_types, EXPAND),
    endpoint("GET", f"{TYPES}/{{}}", retrieve_type, EXPAND),
    endpoint("GET", "/v1/files/{}", retrieve_file, EXPAND),
    endpoint("GET", "/v1/files/{}/contents", file_contents, {}),
]  # fmt: skip
