"""Golden documents; `TSCLI_UPDATE_GOLDEN=1 pytest tests/reports` writes them anew."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"


@pytest.fixture
def golden() -> Callable[[str, bytes], None]:
    """Asserts that a document is, byte for byte, the one kept under that name."""

    def check(name: str, document: bytes) -> None:
        path = GOLDEN / name
        if os.environ.get("TSCLI_UPDATE_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(document)
        assert document.decode() == path.read_bytes().decode()

    return check
