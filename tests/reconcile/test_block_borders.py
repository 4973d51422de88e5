"""Where blocks of a file end: behind a record, whatever stray quotes stand in it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.stripe.exports import FORMATS
from reconcile.frames import Reported
from reconcile.intake.files import read_exports
from reconcile.intake.reading import Reader
from tests.reconcile.tables import EXPORT_HEADER

LINES = [
    'bt_{},2026-03-02 10:00:00,eur,10.00,0.00,10.00,charge,ch,"two\nlines, with ""quotes"""',
    "bt_{},2026-03-02 10:00:00,eur,10.00,0.00,10.00,charge,ch,plain",
    'bt_{},2026-03-02 10:00:00,eur,10.00,0.00,10.00,char"ge,ch,stray',
    'bt_{},2026-03-02 10:00:00,eur,10.00,0.00,10.00,charge,ch,"shut" too early',
    'bt_{},2026-03-02 10:00:00,eur,10.00,0.00,10.00,charge,ch,"",',
    "bt_{},2026-03-02 10:00:00,eur,10.00,0.00,10.00,charge,ch,a\rb",
    "",
    'bt_{},2026-03-02 10:00:00,eur,10.00,0.00,10.00,charge,"ch\n\n",x',
    'bt_{},2026-03-02 10:00:00,eur,10.00,0.00,10.00,charge,ch,"never shut',
]


def read(path: Path, block_bytes: int, *, strictly: bool = False) -> Reported:
    with ThreadPoolExecutor(2) as pool:
        return read_exports([path], FORMATS, reader=Reader(pool, block_bytes, strictly))


def told(found: Reported) -> object:
    return found.frame["reference"].tolist(), found.frame["line"].tolist(), found.rejects


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(LINES[:-1]), min_size=1, max_size=12), st.booleans())
def test_the_size_of_blocks_means_nothing(tmp_path: Path, lines: list[str], last: bool) -> None:
    """Proves of rows good and bad, in any order, that they are read the same in pieces of any size
    and by either way."""
    rows = [line.format(number) for number, line in enumerate([*lines, *LINES[-1:] * last])]
    path = tmp_path / "e.csv"
    path.write_bytes("\n".join((EXPORT_HEADER, *rows, "")).encode())
    wanted = told(read(path, 1 << 20, strictly=True))
    for block_bytes in (150, 177, 211, 500, 1 << 20):
        assert told(read(path, block_bytes)) == wanted


@pytest.mark.parametrize("block_bytes", [4_096, 50_000, 1 << 20])
def test_a_stray_quote_costs_one_row(tmp_path: Path, block_bytes: int) -> None:
    """Proves that no row behind it is lost, however many of them hold line ends of their own."""
    rows = [LINES[2].format("x"), *(LINES[0].format(number) for number in range(2_000))]
    path = tmp_path / "e.csv"
    path.write_text("\n".join((EXPORT_HEADER, *rows, "")))
    found = read(path, block_bytes)
    assert len(found.frame) == 2_000
    assert [reject.line for reject in found.rejects] == [2]
