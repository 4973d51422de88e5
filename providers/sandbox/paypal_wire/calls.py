"""What a route gets and gives, and the table entry that leads to it.

A route that makes something names it in its reply, so that a repeat of the request can be answered
with the thing as it is by then.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from providers.sandbox.truth.core import DAY, Core
from providers.sandbox.truth.records import Json

ORDER_KEY_SECONDS = 6 * 3600
PAYMENT_KEY_SECONDS = 45 * DAY
VAULT_KEY_SECONDS = 3 * 3600
"""How long each part of the API remembers a request id."""


@dataclass(frozen=True)
class Call:
    """One checked request."""

    core: Core
    ids: tuple[str, ...]
    body: Json
    query: dict[str, str]
    base_url: str
    request_id: str
    """`PayPal-Request-Id`, empty without one."""
    whole: bool
    """Whether the caller prefers the whole representation."""
    patches: list[Json] = field(default_factory=list)
    """The operations of a JSON Patch body."""

    @property
    def id(self) -> str:
        """The first id in the path."""
        return self.ids[0]


@dataclass(frozen=True)
class Reply:
    """A status, a body or none, and the id of what the request made."""

    status: int
    body: Json | None
    made: str = ""


Route = Callable[[Call], Reply]


@dataclass(frozen=True)
class Endpoint:
    """One call of the API; `again` answers a repeat from the id that was made."""

    method: str
    pattern: re.Pattern[str]
    run: Route
    key_seconds: int = 0
    again: Callable[[Call, str], Json | None] | None = None


def endpoint(
    method: str, path: str, run: Route, key_seconds: int = 0,
    again: Callable[[Call, str], Json | None] | None = None,
) -> Endpoint:  # fmt: skip
    """An entry; `{}` in the path stands for an id."""
    pattern = re.compile(re.escape(path).replace(r"\{\}", "([A-Za-z0-9_-]+)"))
    return Endpoint(method, pattern, run, key_seconds, again)


def minimal(call: Call, body: Json) -> Json:
    """The body, cut to what is told to those who did not ask for more."""
    if call.whole:
        return body
    return {name: body[name] for name in ("id", "status", "links") if name in body}
