"""Form bodies and query strings with nested keys, as Stripe's clients write them.

`a[b]=c` is a hash, `a[]=x` and `a[0]=x` are lists; everything read is text.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from providers.sandbox.stripe_wire.errors import invalid

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
MAX_FIELDS = 1000
MAX_DEPTH = 6


def decode(text: str) -> dict[str, Any]:
    """The nested values of a form: text, lists and hashes.

    Raises:
        WireError: 400 when a key is malformed or there are too many.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise invalid(None, "The request has too many fields.") from None
    root: dict[str, Any] = {}
    for key, value in pairs:
        match = _KEY.fullmatch(key)
        parts = [match[1], *_PART.findall(match[2])] if match else []
        if not parts or len(parts) > MAX_DEPTH:
            raise invalid(key, f"Invalid parameter name: {key[:80]}")
        _put(root, parts, value, key)
    return {name: _listed(value) for name, value in root.items()}


def _put(node: dict[str, Any], parts: list[str], value: str, key: str) -> None:
    for depth, part in enumerate(parts):
        name = part or str(len(node))
        if depth == len(parts) - 1:
            node[name] = value
            return
        node = node.setdefault(name, {})
        if not isinstance(node, dict):
            raise invalid(key[:80], f"Invalid hash: {key[:80]}")


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(item) for name, item in value.items()}
    if inner and set(inner) == {str(n) for n in range(len(inner))}:
        return [inner[str(n)] for n in range(len(inner))]
    return inner
