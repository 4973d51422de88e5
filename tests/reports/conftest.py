"""Golden documents; `TSCLI_UPDATE_GOLDEN=1 pytest tests/reports` writes them anew."""

from collections.abc import Callable

import pytest

from tests.reports.goldens import check


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Asserts that a text is, character for character, the one kept under that name."""
    return check
