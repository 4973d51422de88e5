"""Reported rows as lines that are kept, and kept lines as a reported side again.

A line's identity is its id where the provider's ids name one line for good, else its content; among
lines that are alike in one file its number counts as well. So the same line in two files is one
line, and two equal lines in one file are two.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.settlement import InputFile, Reject
from reconcile.codes import Array
from reconcile.frames import (
    TEXT,
    Reported,
    add_control,
    codes_of,
    control_from,
    control_of,
    ints,
    joined_reported,
    reported_frame,
)
from reconcile.sides import chunked, words_of

_CONTENT = (
    "reference", "source", "parent", "category", "amount_minor", "currency", "fee_minor",
    "net_minor", "occurred_at",
)  # fmt: skip
_KEPT = (
    "reference", "source", "parent", "ours", "payout", "bank_reference", "category", "kind",
    "amount_minor", "currency", "fee_minor", "net_minor", "occurred_at", "line",
)  # fmt: skip
MONEY = ("amount_minor", "fee_minor", "currency")
"""What a line may not change once it was reported."""

_TEXT_CHARS = 200
_STRETCH = 50_000


@dataclass(frozen=True, slots=True)
class KeptTexts:
    """The provider's own words of kept lines, beside the frame whose rows they belong to."""

    frame: pd.DataFrame
    texts: pa.ChunkedArray

    def read(self, rows: Any) -> dict[tuple[int, int], str]:
        """Text by (file, line) for rows given as (file, line, reference)."""
        wanted = {(file, line): reference for file, line, reference in rows}
        lines = ints(self.frame["line"])
        near = np.flatnonzero(np.isin(lines, [line for _, line in wanted]))
        files, references = self.frame["file"].to_numpy()[near], self.frame["reference"].iloc[near]
        found = dict.fromkeys(wanted, "")
        texts = self.texts.take(pa.array(near)).to_pylist()
        for file, line, reference, text in zip(
            files.tolist(), lines[near].tolist(), references.tolist(), texts, strict=True
        ):
            if wanted.get((file, line)) == reference:
                found[file, line] = text
        return found


def identities(frame: pd.DataFrame, *, unique: bool) -> list[str]:
    """The identity of every row of one file, 32 hex digits; `unique`: see `ExportFormat`."""
    names = ("reference",) if unique else _CONTENT
    content = pc.binary_join_element_wise(*(words_of(frame[name]) for name in names), "\x1f")
    alike = pd.Series(content, dtype=TEXT)
    number = alike.groupby(alike, sort=False).cumcount().to_numpy()
    named = pc.binary_join_element_wise(content, pa.array(number).cast(pa.string()), "\x1f")
    return [
        hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        for start in range(0, len(named), _STRETCH)
        for text in named.slice(start, _STRETCH).to_pylist()
    ]


def changed_identity(row: Mapping[str, Any]) -> str:
    """The identity of a line that came with other money than before."""
    text = "\x1f".join(str(row[name]) for name in ("identity", *MONEY))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def as_taken_in(row: dict[str, Any], taken: dict[str, tuple[Any, ...]]) -> dict[str, Any] | None:
    """The row as it is kept after those that came before (identity -> money), None when it is
    one of them."""
    money = tuple(row[name] for name in MONEY)
    if taken.setdefault(row["identity"], money) is money:
        return row
    if taken[row["identity"]] == money:
        return None
    changed = row | {"identity": changed_identity(row)}
    return changed if taken.setdefault(changed["identity"], money) is money else None


def kept_stretches(
    reported: Reported, place: int, *, unique: bool
) -> Iterator[dict[str, list[Any]]]:
    """The rows of the file at `place` as the `lines` table keeps them, the file itself left out: in
    stretches of columns."""
    frame = reported.frame[reported.frame["file"] == place]
    named = identities(frame, unique=unique)
    for start in range(0, len(frame), _STRETCH):
        part = frame.iloc[start : start + _STRETCH]
        columns = {name: _values(part[name]) for name in _KEPT}
        columns["identity"] = named[start : start + _STRETCH]
        columns["ordinal"] = list(range(start, start + len(part)))
        columns["description"] = _described(reported, place, columns)
        yield columns


def rows_of(columns: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """The rows of columns of equal length."""
    for cells in zip(*columns.values(), strict=True):
        yield dict(zip(columns, cells, strict=True))


def _values(column: "pd.Series[Any]") -> list[Any]:
    """Plain values; a word nobody knows has no kind, and the table has no nulls."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        words = [*column.cat.categories, ""]
        return [words[code] for code in codes_of(column).tolist()]
    plain: list[Any] = chunked(column).to_pylist() if column.dtype == TEXT else column.tolist()
    return plain


def _described(reported: Reported, place: int, columns: Mapping[str, list[Any]]) -> list[str]:
    lines, references = columns["line"], columns["reference"]
    if reported.texts is None:
        return [""] * len(lines)
    texts = reported.texts.read(zip(repeat(place), lines, references, strict=False))
    return [texts.get((place, line), "")[:_TEXT_CHARS] for line in lines]


@dataclass(slots=True)
class FileNumbers:
    """Numbers of the files that lines came from, in the order in which they are met."""

    seen: dict[str, int]

    @classmethod
    def of(cls, named: Iterable[str]) -> "FileNumbers":
        """Numbers that begin with some files, whether lines came from them or not."""
        return cls({name: number for number, name in enumerate(named)})

    def of_rows(self, names: Iterable[str]) -> Array:
        """The number of each row's file."""
        return np.array([self.seen.setdefault(name, len(self.seen)) for name in names], np.int16)

    def settled(self, files: Mapping[str, InputFile]) -> tuple[tuple[InputFile, ...], Array]:
        """The files, and where each number stands among them.

        They stand in the order of their digests, so that the order of imports means nothing.
        """
        order = sorted(self.seen, key=lambda name: files[name].digest)
        places = np.argsort([self.seen[name] for name in order]).astype(np.int16)
        return tuple(files[name] for name in order), places


def frame_of_lines(
    columns: Mapping[str, Sequence[Any]], numbers: FileNumbers
) -> tuple[pd.DataFrame, pa.Array]:
    """A stretch of kept lines as a reported frame, its files by their numbers, and the provider's
    words of each line."""
    plain = {name: _plain(name, columns[name]) for name in _KEPT}
    frame = reported_frame(plain | {"file": numbers.of_rows(columns["file"])})
    return frame, pa.array(columns["description"], pa.string())


def reported_of_lines(
    stretches: Iterable[Mapping[str, Sequence[Any]]],
    files: Mapping[str, InputFile],
    named: Iterable[str] = (),
    rejects: Sequence[Reject] = (),
) -> Reported:
    """The reported side of kept lines, which come as columns in stretches; `files` maps file ids to
    files. Its files are those that lines came from, and those `named`."""
    numbers = FileNumbers.of(named)
    frames, texts = [], []
    for columns in stretches:
        frame, words = frame_of_lines(columns, numbers)
        frames.append(frame)
        texts.append(words)
    frame = joined_reported(frames)
    order, places = numbers.settled(files)
    if order:
        frame["file"] = places[frame["file"].to_numpy()]
    control = add_control(control_of(frame), control_from((), len(rejects)))
    kept = KeptTexts(frame, pa.chunked_array(texts, pa.string()))
    return Reported(frame, order, tuple(rejects), control, kept)


def _plain(name: str, values: Sequence[Any]) -> Any:
    if name == "kind":
        return [value or None for value in values]
    if name.endswith("_minor") or name in ("occurred_at", "line"):
        return np.array(values, np.int64)
    return list(values)
