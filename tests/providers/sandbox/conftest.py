"""A world with a clock that stands still, and a client that checks every answer it gets.

Each JSON answer is validated against the provider's API description where that folder is present.
"""

import asyncio
import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from domain.clock import SetClock
from providers.sandbox.stripe_face import stripe_face
from providers.sandbox.world import World

SPEC = (
    Path(__file__).parents[3].parent
    / "shared/specs/stripe_subset_sdk-16.1.0_api-2026-10-28.json.gz"
)
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NEVER = {"automatic_payment_methods": {"enabled": "true", "allow_redirects": "never"}}


def strict(node: Any) -> Any:
    """OpenAPI 3.0 words as JSON Schema, with no member allowed that is not described."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: strict(value) for key, value in node.items() if key != "properties"}
    if "properties" in node:
        out["properties"] = {name: strict(value) for name, value in node["properties"].items()}
        if node["properties"] and "additionalProperties" not in node:
            out["additionalProperties"] = False
    if "x-expandable" in node:
        out = {"anyOf": [out, {"type": "object"}]}
    return {"anyOf": [out, {"type": "null"}]} if node.get("nullable") else out


class Description:
    """The API description: which schema an answer must fit."""

    def __init__(self) -> None:
        whole = json.loads(gzip.decompress(SPEC.read_bytes()))
        schemas = whole["components"]["schemas"]
        self.document = {
            "paths": strict(
                {
                    path: {
                        verb: {"ok": operation["responses"]["200"]["content"]["application/json"]}
                        for verb, operation in verbs.items()
                    }
                    for path, verbs in whole["paths"].items()
                }
            ),
            "components": {"schemas": {n: strict(s) for n, s in schemas.items() if n[0].islower()}},
        }
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self.registry = Registry().with_resource("urn:spec", resource)
        self.validators: dict[str, Draft202012Validator] = {}
        self.patterns = sorted(
            (
                ("{" in path, re.compile(re.sub(r"\{\w+\}", r"[^/]+", path)), path)
                for path in whole["paths"]
            ),
            key=lambda item: item[0],
        )

    def problems(self, verb: str, path: str, status: int, body: Any) -> list[str] | None:
        """What does not fit; None when the description does not know the path."""
        if status >= 400:
            return self._check("#/components/schemas/error", body)
        for _, pattern, name in self.patterns:
            if pattern.fullmatch(path) and verb.lower() in self.document["paths"][name]:
                escaped = name.replace("~", "~0").replace("/", "~1")
                return self._check(f"#/paths/{escaped}/{verb.lower()}/ok/schema", body)
        return None

    def _check(self, pointer: str, body: Any) -> list[str]:
        if pointer not in self.validators:
            reference = {"$ref": f"urn:spec{pointer.replace('{', '%7B').replace('}', '%7D')}"}
            self.validators[pointer] = Draft202012Validator(reference, registry=self.registry)
        found = self.validators[pointer].iter_errors(body)
        return [f"{e.json_path}: {e.message[:200]}" for e in found]


def flatten(data: Any, prefix: str = "") -> dict[str, str]:
    """Nested values as form fields."""
    items = enumerate(data) if isinstance(data, list) else data.items()
    out: dict[str, str] = {}
    for name, value in items:
        key = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(value, dict | list):
            out |= flatten(value, key)
        else:
            out[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return out


class Api:
    """A blocking client of a world's Stripe face."""

    def __init__(self, world: World, description: Description | None) -> None:
        self.world = world
        self.description = description
        self.checked = 0
        self.transport: Any = httpx2.ASGITransport(app=stripe_face(world))
        self.log: list[tuple[str, str]] = []

    def send(
        self, verb: str, path: str, data: Any = None, *, key: str | None = None, **headers: str
    ) -> httpx2.Response:
        async def go() -> httpx2.Response:
            async with httpx2.AsyncClient(
                transport=self.transport, base_url="https://api.stripe.com"
            ) as client:
                words = flatten(data or {})
                more = {"Authorization": "Bearer sk_test_abc", **headers}
                if key:
                    more["Idempotency-Key"] = key
                given: Any = {"data": words} if verb == "POST" else {"params": words}
                return await client.request(verb, path, headers=more, **given)

        response = asyncio.run(go())
        self.log.append((verb, path))
        if self.description and response.headers["content-type"] == "application/json":
            problems = self.description.problems(verb, path, response.status_code, response.json())
            assert not problems, (verb, path, response.status_code, problems)
            self.checked += problems is not None
        return response

    def post(self, path: str, data: Any = None, *, key: str | None = None, ok: int = 200) -> Any:
        response = self.send("POST", f"/v1/{path}", data, key=key)
        assert response.status_code == ok, response.text
        return response.json()

    def get(self, path: str, data: Any = None, *, ok: int = 200) -> Any:
        response = self.send("GET", f"/v1/{path}", data)
        assert response.status_code == ok, response.text
        return response.json()

    def pay(
        self, amount: int = 10000, currency: str = "usd", method: str = "pm_card_visa", *,
        ok: int = 200, **more: Any,
    ) -> Any:  # fmt: skip
        """Create and confirm in one request."""
        data = {"amount": amount, "currency": currency, "payment_method": method, "confirm": True}
        return self.post("payment_intents", {**data, **NEVER, **more}, ok=ok)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(START)


@pytest.fixture
def world(clock: SetClock) -> Any:
    opened = World.open(":memory:", clock)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def description() -> Description | None:
    return Description() if SPEC.exists() else None


@pytest.fixture
def api(world: World, description: Description | None) -> Api:
    return Api(world, description)


@pytest.fixture
def new_api(description: Description | None) -> Any:
    """Build a client for another world."""
    return lambda world: Api(world, description)


@pytest.fixture
def never() -> Any:
    return NEVER
