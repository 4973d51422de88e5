"""PayPal's API descriptions as a judge of answers: every exchange is held against the one it fits.

Members that are not described are faults, too. The few places where PayPal itself is known to
answer otherwise than its descriptions of early 2024 are listed in `KNOWN`.
"""

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

SPECS = Path(__file__).parents[3].parent / "shared" / "specs"
NAMES = {
    "checkout_orders_v2": "",
    "payments_payment_v2": "",
    "vault_payment_tokens_v3.patched": "",
    "reporting_transactions_v1": "/v1/reporting",
    "customer_disputes_v1": "",
    "notifications_webhooks_v1": "",
}
"""Description -> the prefix its paths repeat in the server's address."""

KNOWN = frozenset(
    {
        "ACTION_DOES_NOT_MATCH_INTENT",  # described for authorize only, answered to capture, too
        "PREVIOUS_REQUEST_IN_PROGRESS",  # a 409 of calls that describe none
        "RESULTSET_TOO_LARGE",  # an error name of its own, described nowhere
        "TOKEN_ID_NOT_FOUND",
    }
)
"""Issues and names PayPal uses beyond its descriptions."""


class Closed:
    """A description's schemas with every object closed: its parts merged, nothing else allowed."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self._schemas = schemas

    def all(self) -> dict[str, Any]:
        """Every schema by name."""
        return {name: self.schema(schema) for name, schema in self._schemas.items()}

    def schema(self, node: Any) -> Any:
        """One schema; OpenAPI 3.0 words mean the same in JSON Schema where they matter here."""
        if not isinstance(node, dict) or "$ref" in node:
            return node
        parts = self._parts(node)
        named: dict[str, list[Any]] = {}
        for part in parts:
            for name, schema in part.get("properties", {}).items():
                named.setdefault(name, []).append(schema)
        out: dict[str, Any] = {
            key: value
            for part in reversed(parts)
            for key, value in part.items()
            if key not in ("properties", "allOf", "items", "required")
        }
        if "items" in node:
            out["items"] = self.schema(node["items"])
        if named:
            # A member described twice: the first says what it has, the others narrow it.
            out["properties"] = {
                name: {"allOf": [self.schema(first), *others]} if others else self.schema(first)
                for name, (first, *others) in named.items()
            }
            out["required"] = sorted({n for part in parts for n in part.get("required", ())})
            out.setdefault("additionalProperties", False)
        return out

    def _parts(self, node: Any) -> list[Any]:
        """The schema itself and all that it is made of, references followed."""
        if "$ref" in node:
            return self._parts(self._schemas[node["$ref"].rpartition("/")[2]])
        return [node, *(part for inner in node.get("allOf", ()) for part in self._parts(inner))]


class Description:
    """One API description."""

    def __init__(self, name: str, prefix: str) -> None:
        whole = json.loads(gzip.decompress((SPECS / f"paypal_{name}.json.gz").read_bytes()))
        self.closed = Closed(whole["components"]["schemas"])
        self.schemas = {"components": {"schemas": self.closed.all()}}
        resource = Resource.from_contents(self.schemas, default_specification=DRAFT202012)
        self.registry = Registry().with_resource("urn:spec", resource)
        self.paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", prefix + path.removeprefix(prefix))), verbs)
            for path, verbs in whole["paths"].items()
        ]
        self.validators: dict[str, Draft202012Validator] = {}

    def schema(self, verb: str, path: str, status: int) -> Any:
        """The schema of an answer; None for an unknown path, {} for an answer without a body."""
        for pattern, verbs in self.paths:
            operation = verbs.get(verb.lower())
            if operation and pattern.fullmatch(path):
                responses = operation["responses"]
                found = responses.get(str(status)) or (responses.get("201") if status == 200 else 0)
                found = found or responses.get("default") or {}
                if "$ref" in found:
                    return {"$ref": "#/components/schemas/error_default"}
                content = found.get("content") or {}
                return content.get("application/json", {}).get("schema", {})
        return None

    def problems(self, schema: Any, body: Any) -> list[str]:
        """What does not fit."""
        text = json.dumps(schema, sort_keys=True)
        if text not in self.validators:
            closed = json.dumps(self.closed.schema(schema)).replace('"#/', '"urn:spec#/')
            self.validators[text] = Draft202012Validator(json.loads(closed), registry=self.registry)
        return [
            f"{e.json_path}: {e.message[:300]}" for e in self.validators[text].iter_errors(body)
        ]


class Descriptions:
    """All of them; `checked` counts the answers that were held against one."""

    def __init__(self) -> None:
        self.all = [Description(name, prefix) for name, prefix in NAMES.items()]
        self.checked = 0

    def problems(self, verb: str, path: str, status: int, body: Any) -> list[str]:
        """What does not fit in an answer, nothing for a path that is described nowhere."""
        if isinstance(body, dict):
            details = body.get("details") or [{}]
            if KNOWN & {body.get("name"), details[0].get("issue")}:
                return []
        for description in self.all:
            schema = description.schema(verb, path, status)
            if schema is None:
                continue
            self.checked += 1
            if not schema:
                return [] if body is None or status >= 400 else ["a body where none is described"]
            return description.problems(schema, body)
        return []


@cache
def load() -> Descriptions | None:
    """The descriptions, None where they do not lie beside the project."""
    return Descriptions() if SPECS.exists() else None
