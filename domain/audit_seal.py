"""Seals over the audit chains: how far each of them went at one moment, sealed over the seal
before.

A chain proves itself from its first record to its last one; that the last one is the last is proved
by a seal, and by the head of all chains kept somewhere else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.audit import GENESIS, Flaw, canonical, digest
from domain.clock import iso


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record of one chain."""

    chain: int
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Seal:
    """The heads of all chains at one moment."""

    number: int
    """Dense, from 1."""
    sealed_at: datetime
    heads: tuple[Head, ...]
    """In order of their chains."""
    previous: str
    """Hash of the seal before, `GENESIS` for the first."""
    hash: str = ""

    @property
    def head(self) -> str:
        """The combined head of what it covers."""
        return combined(self.heads)


def combined(heads: Sequence[Head]) -> str:
    """One hash over the heads of all chains: of a single chain its own, of none nothing."""
    if len(heads) < 2:
        return heads[0].hash if heads else ""
    ordered = sorted(heads, key=lambda head: head.chain)
    return digest(canonical([[head.chain, head.seq, head.hash] for head in ordered]))


def sealed(seal: Seal) -> Seal:
    """The seal with the hash it must carry: over everything in it but the hash itself."""
    content = {
        "number": seal.number,
        "sealed_at": iso(seal.sealed_at),
        "heads": [[head.chain, head.seq, head.hash] for head in seal.heads],
        "previous": seal.previous,
    }
    return replace(seal, hash=digest(canonical(content)))


def next_seal(before: Seal | None, now: datetime, heads: Iterable[Head]) -> Seal:
    """The seal that follows `before`, the first one after None."""
    ordered = tuple(sorted(heads, key=lambda head: head.chain))
    number, previous = (before.number + 1, before.hash) if before else (1, GENESIS)
    return sealed(Seal(number, now, ordered, previous))


def seal_flaws(seals: Iterable[Seal], recorded: Mapping[int, str]) -> Iterator[Flaw]:
    """Where the row of seals is broken, of seals in order of their numbers.

    `recorded` is what the audit records say of seals: number -> hash.
    """
    number, previous = 0, GENESIS
    for seal in seals:
        if seal.number != number + 1:
            yield _flaw(number + 1, "it is missing")
        elif seal.previous != previous:
            yield _flaw(seal.number, "it does not follow the one before")
        elif sealed(seal).hash != seal.hash:
            yield _flaw(seal.number, "its content was changed")
        elif recorded.get(seal.number) != seal.hash:
            yield _flaw(seal.number, "no audit record tells of it")
        number, previous = seal.number, seal.hash
    for told in sorted(recorded):
        if told > number:
            yield _flaw(told, "it is missing")


def _flaw(number: int, reason: str) -> Flaw:
    return Flaw(0, 0, f"seal {number}", reason)


@dataclass(frozen=True, slots=True)
class Heads:
    """How far the audit chains go."""

    head: str
    """The combined head: one hash over all of them."""
    heads: tuple[Head, ...]
    records: int


@dataclass(frozen=True, slots=True)
class AuditProof:
    """What the verification of the chains found."""

    records: int
    entries: int
    head: str
    """The combined head of all chains, to be kept somewhere else."""
    flaw: Flaw | None
    chains: int = 0
    seals: int = 0
    anchored: bool = False
    """Whether an anchor was given and the books hold all it covers."""


class Expected:
    """Records that seals and anchors say there are, held against the records there are."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[int, int], tuple[str, str]] = {}
        self.flaws: list[Flaw] = []

    def add(self, heads: Iterable[Head], source: str) -> None:
        """Expect these records because `source` says so; a record is named by one source."""
        for head in heads:
            known = self._wanted.setdefault((head.chain, head.seq), (head.hash, source))
            if known[0] != head.hash:
                reason = f"{known[1]} and {source} contradict each other"
                self.flaws.append(Flaw(head.chain, head.seq, source, reason))

    def meet(self, chain: int, seq: int, found: str, audit_id: str) -> None:
        """Hold a record against what is expected in its place."""
        wanted = self._wanted.pop((chain, seq), None)
        if wanted is not None and wanted[0] != found:
            reason = f"it is not the record that {wanted[1]} names"
            self.flaws.append(Flaw(chain, seq, audit_id, reason))

    def missed(self, heads: Iterable[Head]) -> Iterator[Flaw]:
        """What was expected and never met, given how far the chains go; what was told otherwise
        comes first."""
        yield from self.flaws
        last = {head.chain: head.seq for head in heads}
        for chain, seq in sorted(self._wanted):
            source = self._wanted[chain, seq][1]
            end = last.get(chain, 0)
            reason = f"the chain ends with record {end}, {source} says {seq}"
            yield Flaw(chain, end + 1, source, reason)
