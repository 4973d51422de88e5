"""Kept lines as a reported side again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.settlement import InputFile, Reject
from reconcile.codes import Array
from reconcile.frames import (
    Reported,
    add_control,
    control_from,
    control_of,
    ints,
    joined_reported,
    reported_frame,
)
from reconcile.stretches import WORDS, texts, words

_KEPT = (
    "reference", "source", "parent", "ours", "payout", "bank_reference", "category", "kind",
    "amount_minor", "currency", "fee_minor", "net_minor", "occurred_at", "line",
)  # fmt: skip


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


@dataclass(slots=True)
class FileNumbers:
    """Numbers of the files that lines came from, in the order in which they are met."""

    seen: dict[str, int]

    @classmethod
    def of(cls, named: Iterable[str]) -> "FileNumbers":
        """Numbers that begin with some files, whether lines came from them or not."""
        return cls({name: number for number, name in enumerate(named)})

    def of_rows(self, names: Any) -> Array:
        """The number of each row's file."""
        found = words(names)
        numbers = [
            self.seen.setdefault(name, len(self.seen)) for name in found.dictionary.to_pylist()
        ]
        of_rows: Array = np.array(numbers, np.int16)[np.asarray(found.indices)]
        return of_rows

    def settled(self, files: Mapping[str, InputFile]) -> tuple[tuple[InputFile, ...], Array]:
        """The files, and where each number stands among them.

        They stand in the order of their digests, so that the order of imports means nothing.
        """
        order = sorted(self.seen, key=lambda name: files[name].digest)
        places = np.argsort([self.seen[name] for name in order]).astype(np.int16)
        return tuple(files[name] for name in order), places


def frame_of_lines(
    columns: Mapping[str, Any], numbers: FileNumbers
) -> tuple[pd.DataFrame, pa.Array]:
    """A stretch of kept lines as a reported frame, its files by their numbers, and the provider's
    words of each line."""
    kept = {name: words(columns[name]) if name in WORDS else columns[name] for name in _KEPT}
    frame = reported_frame(kept | {"file": numbers.of_rows(columns["file"])})
    return frame, texts(columns["description"])


def reported_of_lines(
    stretches: Iterable[Mapping[str, Any]],
    files: Mapping[str, InputFile],
    named: Iterable[str] = (),
    rejects: Sequence[Reject] = (),
) -> Reported:
    """The reported side of kept lines, which come as columns in stretches; `files` maps file ids to
    files. Its files are those that lines came from, and those `named`."""
    numbers = FileNumbers.of(named)
    frames, described = [], []
    for columns in stretches:
        frame, said = frame_of_lines(columns, numbers)
        frames.append(frame)
        described.append(said)
    frame = joined_reported(frames)
    order, places = numbers.settled(files)
    if order:
        frame["file"] = places[frame["file"].to_numpy()]
    control = add_control(control_of(frame), control_from((), len(rejects)))
    kept = KeptTexts(frame, pa.chunked_array(described, pa.string()))
    return Reported(frame, order, tuple(rejects), control, kept)
