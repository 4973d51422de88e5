"""Events as the provider tells them: made once, at the end of the transaction they belong to, and
kept as the bytes that are listed, delivered and delivered again.

A fact without an event type at the provider has no event.
"""

import json

from providers.sandbox import stripe_words
from providers.sandbox.paypal_wire import case_routes
from providers.sandbox.stripe_wire import render
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Happening


def freeze(core: Core) -> None:
    """Make the events of all that happened since the last time."""
    told = int(core.store.fact("told", "0"))
    fresh = core.happenings("seq > ?", told)
    for happening in fresh:
        body = _payload(core, happening)
        if body:
            core.store.run(
                "INSERT INTO events (seq, id, body) VALUES (?, ?, ?)",
                happening.seq, happening.id, body,
            )  # fmt: skip
    if fresh:
        core.store.set_fact("told", str(fresh[-1].seq))


def _payload(core: Core, happening: Happening) -> str:
    """The event as its provider lays it out, empty for none."""
    if core.provider == "paypal":
        if happening.fact not in case_routes.EVENT_TYPES:
            return ""
        shown = case_routes.event(core, happening, core.base_url)
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    if happening.fact not in stripe_words.EVENT_TYPES:
        return ""
    return json.dumps(render.happening(core, happening, core.base_url), indent=2)
