"""Text keys as 64-bit words: a hash to find equal ones by, and the words to prove that they are.

A hash narrows a search and proves nothing: whoever uses one compares the keys themselves.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.codes import Array, Bools, Ints
from reconcile.intake.strings import Strings

Words = npt.NDArray[np.uint64]
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_PIECE = 1 << 15
_BYTES_MAX = 64
"""Only so much of a key is kept as words; longer ones are compared as text."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The strings of a column, ready to be found and compared."""

    text: Any
    lengths: Ints
    words: Words
    """The first bytes of each string, zeros behind; one row each."""
    hashes: Words

    @classmethod
    def of(cls, text: Any) -> "Keys":
        """The keys of an Arrow chunked array of strings without nulls."""
        pieces = [
            Strings.of(chunk.slice(start, _PIECE))
            for chunk in text.chunks
            for start in range(0, len(chunk), _PIECE)
        ]
        lengths = np.concatenate([np.empty(0, np.int64), *(piece.lengths for piece in pieces)])
        longest = min(int(lengths.max(initial=1)), _BYTES_MAX)
        words = np.zeros((len(lengths), -(-longest // 8)), np.uint64)
        hashes = np.empty(len(lengths), np.uint64)
        at = 0
        for piece in pieces:
            rows = slice(at, at + len(piece.lengths))
            _fill(words[rows].view(np.uint8), piece)
            hashes[rows] = _hashed(words[rows], piece.lengths)
            at = rows.stop
        return cls(text, lengths, words, hashes)


def same(left: Keys, e: Ints, right: Keys, r: Ints) -> Bools:
    """Whether the strings of the row pairs (e[i], r[i]) are equal."""
    equal: Bools = left.lengths[e] == right.lengths[r]
    common = min(left.words.shape[1], right.words.shape[1])
    for start in range(0, len(e), _PIECE):
        part = slice(start, start + _PIECE)
        mine, theirs = left.words[e[part]], right.words[r[part]]
        equal[part] &= (mine[:, :common] == theirs[:, :common]).all(axis=1)
    long = np.flatnonzero(equal & (left.lengths[e] > _BYTES_MAX))
    if long.size:
        texts = pc.equal(left.text.take(pa.array(e[long])), right.text.take(pa.array(r[long])))
        equal[long] = texts.to_numpy()
    return equal


def mixed(values: Words, codes: Array) -> Words:
    """Hashes of (string, small code) pairs, from the hashes of the strings."""
    return _stirred(values ^ (codes.astype(np.int64).view(np.uint64) + np.uint64(0x51ED27)))


def _fill(room: npt.NDArray[np.uint8], piece: Strings) -> None:
    """Put the bytes of each string at the front of its row."""
    capped = np.minimum(piece.lengths, _BYTES_MAX)
    for length in np.flatnonzero(np.bincount(capped)).tolist():
        rows = np.flatnonzero(capped == length)
        if len(rows) == len(capped):
            room[:, :length] = piece.window(rows, length)
        else:
            room[rows, :length] = piece.window(rows, length)


def _hashed(words: Words, lengths: Ints) -> Words:
    found = lengths.astype(np.uint64)
    for word in words.T:
        found = _stirred(found ^ word)
    return found


def _stirred(values: Words) -> Words:
    product = values * _MULTIPLIER
    return product ^ (product >> _SHIFT)
