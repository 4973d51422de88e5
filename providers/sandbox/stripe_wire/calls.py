"""One request on its way through the face: what a route gets and gives back, what a route is."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.stripe_wire.params import Spec
from providers.sandbox.truth.core import Core
from providers.sandbox.truth.records import Json


@dataclass
class Call:
    """A checked request: path ids in order, parameters by name."""

    core: Core
    ids: tuple[str, ...]
    params: dict[str, Any]
    base_url: str
    """Where links in answers point, without a slash at the end."""
    path: str

    @property
    def id(self) -> str:
        """The first id of the path."""
        return self.ids[0]


@dataclass
class Reply:
    """An answer with a status of its own, or a file."""

    status: int
    body: Json = field(default_factory=dict)
    file: str | None = None


@dataclass(frozen=True)
class Endpoint:
    """One method and path, what it takes and what it does."""

    method: str
    pattern: re.Pattern[str]
    run: Callable[[Call], Json | Reply]
    spec: Spec
    required: tuple[str, ...] = ()
    check: Callable[[dict[str, Any]], None] | None = None
    """Validation that must pass before anything is executed or stored."""


def endpoint(
    method: str, path: str, run: Callable[[Call], Json | Reply], spec: Spec,
    required: tuple[str, ...] = (), check: Callable[[dict[str, Any]], None] | None = None,
) -> Endpoint:  # fmt: skip
    """An endpoint whose `{}` stand for ids."""
    pattern = re.compile(re.escape(path).replace(r"\{\}", "([A-Za-z0-9_.]+)"))
    return Endpoint(method, pattern, run, spec, required, check)
