"""Golden files: what people read, kept so that a change of it is seen."""

import os
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"


def check(name: str, text: str) -> None:
    """Assert that a text is the one kept; with `TSCLI_UPDATE_GOLDEN` keep it instead."""
    path = GOLDEN / name
    if os.environ.get("TSCLI_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()
