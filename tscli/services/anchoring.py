"""Anchors: heads of the audit chains that were kept outside the books, held against the books.

An anchor is a hash (a combined head, a seal's, or one record's) or a file that `audit head` or
`audit seal` wrote, which names the head of every chain and so needs no seal to be found again.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.database import Books
from domain.audit import Flaw
from domain.audit_seal import Head, Seal, combined
from domain.errors import InvalidRequest

_HASH = re.compile(r"[0-9a-f]{64}")
_BYTES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Anchor:
    """What was kept somewhere else."""

    hash: str
    heads: tuple[Head, ...] = ()
    """The head of every chain, where the anchor names them."""


def read_anchor(text: str) -> Anchor:
    """An anchor from the words of a command: a hash, or the name of a file.

    Raises:
        InvalidRequest: it is neither, or a file that contradicts itself.
    """
    if _HASH.fullmatch(text.strip()):
        return Anchor(text.strip())
    content = _content(Path(text))
    if _HASH.fullmatch(content.strip()):
        return Anchor(content.strip())
    try:
        data = json.loads(content)["data"]
        heads = tuple(_head(item) for item in data["heads"])
        anchor = Anchor(str(data["head"]), heads)
    except (ValueError, KeyError, TypeError):
        raise InvalidRequest(
            f"{text} is no anchor.",
            hint="Give a hash, or a file made by `tscli audit head --format json --output FILE`.",
        ) from None
    if combined(heads) != anchor.hash:
        raise InvalidRequest(f"The anchor {text} contradicts itself: it was changed.")
    return anchor


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_BYTES_MAX).decode("ascii")
    except (OSError, ValueError):
        raise InvalidRequest(
            f"{path} is neither a hash of 64 hexadecimal digits nor a file that can be read."
        ) from None


def _head(item: Any) -> Head:
    """Raises: TypeError, KeyError, ValueError."""
    found = Head(item["chain"], item["seq"], item["hash"])
    whole = isinstance(found.chain, int) and isinstance(found.seq, int)
    if not whole or not _HASH.fullmatch(found.hash):
        raise ValueError
    return found


def resolve(books: Books, seals: Sequence[Seal], anchor: Anchor) -> tuple[Head, ...] | None:
    """The records an anchor says there are; None where its hash is found nowhere."""
    if anchor.heads or not anchor.hash:
        return anchor.heads
    record = books.audit.find(anchor.hash)
    if record is not None:
        return (record,)
    for seal in seals:
        if anchor.hash in (seal.head, seal.hash):
            return seal.heads
    now = tuple(books.audit.heads())
    return now if combined(now) == anchor.hash else None


def missing_anchor(anchor: Anchor) -> Flaw:
    """The flaw of an anchor that is found nowhere."""
    return Flaw(
        0, 0, "the anchor",
        "nothing in the books has this hash: what it covered is gone, or it was never sealed",
    )  # fmt: skip
