"""Rows of a file as they are kept: who they are, their columns, their texts."""

import hashlib
import itertools
import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.codes import CURRENCY_CODES
from reconcile.intake import delivery
from reconcile.intake.delivery import deliveries
from reconcile.intake.identity import Identities, hashes_of
from reconcile.intake.reading import Reader
from tests.reconcile.tables import EXPORT_HEADER, EXPORT_ROW, FORMATS

TEXTS = ["Order 1", '"Order\n""1"",\r\nfolded"', '"a ""word"""', "", "über", '"x,y"', "Order\t2"]
CONTENT = (
    "reference", "source", "parent", "category", "amount_minor", "currency", "fee_minor",
    "net_minor", "occurred_at",
)  # fmt: skip
MONEY = ("amount_minor", "fee_minor", "currency")

Row = dict[str, Any]


def named(row: Row, names: tuple[str, ...], earlier: int) -> str:
    """The identity by its definition: books that exist were filled by it."""
    text = "\x1f".join([*(str(row[name]) for name in names), str(earlier)])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def batch_of(rows: list[Row]) -> pa.RecordBatch:
    """Rows as they wait on disk."""
    columns = {name: [row[name] for row in rows] for name in CONTENT}
    codes = [CURRENCY_CODES[word] for word in columns.pop("currency")]
    made = {name: pa.array(values) for name, values in columns.items()}
    return pa.RecordBatch.from_pydict(made | {"currency": pa.array(codes, pa.int16())})


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from([-1, 0, 250]),
                      st.sampled_from(["EUR", "JPY"])),
            min_size=1, max_size=6,
        ),
        min_size=1, max_size=4,
    ),
    st.booleans(),
)  # fmt: skip
def test_an_identity_is_the_digest_of_the_content_and_its_number(
    blocks: list[list[tuple[str, int, str]]], unique: bool
) -> None:
    """Proves of rows that are alike in any number, in one block or in several, that each is named
    by its definition; rows of one id and different money share a name until they are kept."""
    rest = {"source": "", "parent": "ch", "category": "sale", "fee_minor": 0, "occurred_at": 7}
    rows = [
        [
            rest | {"reference": ref, "amount_minor": minor, "currency": word, "net_minor": minor}
            for ref, minor, word in block
        ]
        for block in blocks
    ]
    names = ("reference",) if unique else CONTENT
    seen: Counter[str] = Counter()
    wanted = []
    for row in itertools.chain(*rows):
        content = json.dumps([str(row[name]) for name in (*names, *MONEY)])
        wanted.append(named(row, names, seen[content]))
        seen[content] += 1
    batches = [batch_of(block) for block in rows]
    naming = Identities((hashes_of(batch) for batch in batches), unique=unique)

    assert [name for batch in batches for name in naming.of(batch)] == wanted
    assert unique or len(set(wanted)) == sum(map(len, blocks))


def written(folder: Path, *rows: str) -> Path:
    """An export file."""
    path = folder / "export.csv"
    path.write_text("\n".join([EXPORT_HEADER, *rows, ""]), newline="")
    return path


def kept(path: Path) -> list[dict[str, list[Any]]]:
    """The rows of a file as they are kept, in their stretches."""
    with deliveries([path], FORMATS) as (one,):
        stretches = list(one.stretches())
        assert sum(len(part["line"]) for part in stretches) == one.rows
        return stretches


def rows_of(stretches: list[dict[str, list[Any]]]) -> list[Row]:
    """The same row by row."""
    return [
        dict(zip(part, cells, strict=True))
        for part in stretches
        for cells in zip(*part.values(), strict=True)
    ]


def test_rows_come_with_their_numbers_and_the_words_of_the_provider(tmp_path: Path) -> None:
    """Proves of texts that are folded, quoted and empty, between rows that cannot be read, that
    each stands beside its row."""
    rows = []
    for number in range(600):
        row = EXPORT_ROW.replace("txn_1", f"txn_{number}")
        rows.append(row.replace("Order 1", TEXTS[number % len(TEXTS)]))
        if number % 50 == 0:
            rows += ["", row.replace("100.00", "x")]
    path = written(tmp_path, *rows)
    with deliveries([path], FORMATS) as (one,):
        assert (one.rows, len(one.rejects), one.file.rows) == (600, 12, 612)
    found = rows_of(kept(path))

    assert [row["ordinal"] for row in found] == list(range(600))
    assert [row["description"] for row in found[:7]] == [
        "Order 1", 'Order\n"1",\r\nfolded', 'a "word"', "", "über", "x,y", "Order\t2",
    ]  # fmt: skip
    assert [row["reference"] for row in found] == [f"txn_{n}" for n in range(600)]


def test_a_long_text_is_cut(tmp_path: Path) -> None:
    """Proves that of a text of any length its first 200 characters are kept."""
    (row,) = rows_of(kept(written(tmp_path, EXPORT_ROW.replace("Order 1", "ü" * 300))))

    assert row["description"] == "ü" * 200


@pytest.mark.parametrize("in_memory", [1, 1 << 30])
def test_rows_wait_in_memory_or_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    """Proves that neither where the rows wait nor how the file is cut into blocks means anything
    to them."""
    path = written(tmp_path, *(EXPORT_ROW.replace("txn_1", f"txn_{n % 90}") for n in range(100)))
    whole = kept(path)
    monkeypatch.setattr(delivery, "IN_MEMORY", in_memory)
    monkeypatch.setattr(delivery, "Reader", partial(Reader, block_bytes=1_000))
    monkeypatch.setattr(delivery, "STRETCH", 12)
    parts = kept(path)

    assert (len(whole), len(parts) > 5) == (1, True)
    assert rows_of(parts) == rows_of(whole)
    assert len({row["identity"] for row in rows_of(parts)}) == 100


def test_a_word_nobody_knows_has_no_kind(tmp_path: Path) -> None:
    """Proves that no null reaches the table."""
    (row,) = rows_of(kept(written(tmp_path, EXPORT_ROW.replace(",charge,", ",mystery,"))))

    assert (row["kind"], row["category"]) == ("", "mystery")


def test_a_file_without_rows_is_kept_without_rows(tmp_path: Path) -> None:
    """Proves that a header alone is a file."""
    assert kept(written(tmp_path)) == []
