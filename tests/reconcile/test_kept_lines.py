"""Rows of a file as they are kept: who they are, their columns, their texts."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.frames import reported_frame
from reconcile.intake import descriptions
from reconcile.lines import identities, kept_stretches, rows_of
from tests.reconcile.tables import EXPORT_ROW, export

TEXTS = ["Order 1", '"Order\n""1"",\r\nfolded"', '"a ""word"""', "", "über", '"x,y"', "Order\t2"]
CONTENT = (
    "reference", "source", "parent", "category", "amount_minor", "currency", "fee_minor",
    "net_minor", "occurred_at",
)  # fmt: skip


def named(row: dict[str, object], names: tuple[str, ...], earlier: int) -> str:
    """The identity by its definition: books that exist were filled by it."""
    text = "\x1f".join([*(str(row[name]) for name in names), str(earlier)])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from([-1, 0, 250]),
                  st.sampled_from(["EUR", "JPY"])),
        min_size=1, max_size=12,
    ),
    st.booleans(),
)  # fmt: skip
def test_an_identity_is_the_digest_of_the_content_and_its_number(
    rows: list[tuple[str, int, str]], unique: bool
) -> None:
    """Proves of rows that are alike in any number that each is named as it always was."""
    references, amounts, currencies = zip(*rows, strict=True)
    size = len(rows)
    frame = reported_frame(
        {
            "reference": list(references), "kind": ["charge"] * size, "category": ["sale"] * size,
            "amount_minor": np.array(amounts), "fee_minor": np.zeros(size, np.int64),
            "currency": list(currencies), "occurred_at": np.full(size, 7),
        }
    )  # fmt: skip
    plain = frame.astype(object).to_dict("records")
    names = ("reference",) if unique else CONTENT
    seen: Counter[str] = Counter()
    wanted = []
    for row in plain:
        content = json.dumps([str(row[name]) for name in names])
        wanted.append(named({str(k): v for k, v in row.items()}, names, seen[content]))
        seen[content] += 1

    assert identities(frame, unique=unique) == wanted
    assert len(set(wanted)) == size


def test_many_texts_are_the_same_as_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that texts are found by line whether a block is read at once or record by record:
    folded, quoted, empty, between rows that cannot be read, in a file of several blocks."""
    rows = []
    for number in range(600):
        row = EXPORT_ROW.replace("txn_1", f"txn_{number}")
        rows.append(row.replace("Order 1", TEXTS[number % len(TEXTS)]))
        if number % 50 == 0:
            rows += ["", row.replace("100.00", "x")]
    found = export(tmp_path, *rows)
    assert len(found.frame) == 600
    assert len(found.rejects) == 12
    (kept,) = kept_stretches(found, 0, unique=True)

    assert [row["ordinal"] for row in rows_of(kept)] == list(range(600))
    assert kept["description"][:7] == [
        "Order 1", 'Order\n"1",\r\nfolded', 'a "word"', "", "über", "x,y", "Order\t2",
    ]  # fmt: skip
    monkeypatch.setattr(descriptions, "_MANY", 1_000)
    (one_by_one,) = kept_stretches(found, 0, unique=True)
    assert kept == one_by_one


def test_rows_come_in_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that the bounds of stretches mean nothing to the rows."""
    found = export(tmp_path, *(EXPORT_ROW.replace("txn_1", f"txn_{n}") for n in range(25)))
    (whole,) = kept_stretches(found, 0, unique=True)
    monkeypatch.setattr("reconcile.lines._STRETCH", 10)
    parts = list(kept_stretches(found, 0, unique=True))

    assert [len(part["line"]) for part in parts] == [10, 10, 5]
    assert [row for part in parts for row in rows_of(part)] == list(rows_of(whole))
    assert list(kept_stretches(found, 1, unique=True)) == []


def test_a_word_nobody_knows_has_no_kind(tmp_path: Path) -> None:
    """Proves that no null reaches the table."""
    found = export(tmp_path, EXPORT_ROW.replace(",charge,", ",mystery,"))
    assert bool(pd.isna(found.frame["kind"].iloc[0]))
    (kept,) = kept_stretches(found, 0, unique=True)

    assert (kept["kind"], kept["category"]) == ([""], ["mystery"])
