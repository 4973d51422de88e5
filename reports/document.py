"""A report as one frozen value: typed cells in tables, pictures and facts, and nothing to decide.

Builders fill it from results; renderers write it as HTML, PDF, XLSX, CSV, JSON, Markdown or text.
Money stays whole minor units, shares stay two whole numbers; renderers decide how they are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a column holds, which decides how it is written and whether it is right-aligned."""

    TEXT = "text"
    CODE = "code"
    """Ids and commands: monospaced, never broken or translated."""
    COUNT = "count"
    AMOUNT = "amount"
    SHARE = "share"
    MILLISECONDS = "milliseconds"
    INSTANT = "instant"
    DAY = "day"

    @property
    def is_number(self) -> bool:
        """Whether its cells stand to the right."""
        return self in (Kind.COUNT, Kind.AMOUNT, Kind.SHARE, Kind.MILLISECONDS)


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in minor units, signed; the currency may be one nobody knows."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, written as a percentage; of none it is no number."""

    part: int
    whole: int


Cell = str | int | Amount | Share | datetime | date | None
"""COUNT and MILLISECONDS are `int`, an INSTANT is aware and UTC, None is not known or stated."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the machine's name (snake case), the title for people, and what it holds."""

    key: str
    title: str
    kind: Kind = Kind.TEXT
    wide: bool = False
    """Holds sentences: takes the room that is left and wraps."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells in the order of the columns; foreign text in them is inert in every format."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    totals: tuple[tuple[Cell, ...], ...] = ()
    """Rows that stand under the others, one for each currency for example."""
    note: str = ""
    empty: str = "None."
    """What is said instead of a table without rows."""
    shown: int = 200
    """So many rows are written for people; machine formats and workbooks hold them all."""


@dataclass(frozen=True, slots=True)
class Bars:
    """A picture of sizes side by side, largest first or in an order of their own."""

    key: str
    title: str
    bars: tuple[tuple[str, int, str], ...]
    """Label, size (0 or more), and the size in words."""
    top: int | None = None
    """The size that fills the picture, such as 10,000 for shares; the largest one when None."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A picture of one figure over days; a day without the figure leaves a gap."""

    key: str
    title: str
    points: tuple[tuple[date, int | None, str], ...]
    """Day, height (0 or more; basis points for shares), and the figure in words."""
    top: int | None = None
    """The height of the scale, such as 10,000 for shares; the largest point when None."""
    note: str = ""
    kind: Kind = Kind.COUNT
    """What the heights are: COUNT, SHARE (basis points) or AMOUNT (minor units of `currency`)."""
    currency: str = ""


Block = Table | Bars | Trend


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]
    text: str = ""


class Tone(StrEnum):
    """How the verdict is to be read at a glance."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"
    """Nothing to judge, such as a period without anything in it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what the report is about: period, account, run."""

    title: str
    value: Cell
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Document:
    """One report."""

    name: str
    """The report's word, such as `daily`; names the schema `tscli/reports.NAME/1`."""
    title: str
    """Such as `Daily report, 4 March 2026`."""
    slug: str
    """The stable file name without its ending, such as `daily-2026-03-04`."""
    tone: Tone
    headline: str
    """The verdict in one sentence; may hold foreign words, so renderers make it inert."""
    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    """What a reader must know before trusting the figures."""
    sections: tuple[Section, ...] = ()
    main: str = ""
    """Key of the table that the CSV holds; the first table when empty."""
    machine: Table | None = None
    """What the CSV holds instead of one of the tables that people see."""
    data: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    """What stands under `data` in the JSON, where it is more than the tables; plain JSON values."""
    footer: tuple[str, ...] = ()
    """Version, time zone and cut-off, head of the audit chain."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table in order."""
        return tuple(
            block
            for section in self.sections
            for block in section.blocks
            if isinstance(block, Table)
        )
