"""Documents that hold every kind of block, with a text of one's choice wherever one can stand."""

from datetime import UTC, date, datetime

from reports.document import (
    Amount,
    Bars,
    Cell,
    Column,
    Document,
    Fact,
    Kind,
    Section,
    Share,
    Table,
    Tone,
    Trend,
)

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ON = date(2026, 3, 4)

COLUMNS = (
    Column("name", "Name", wide=True),
    Column("id", "Id", Kind.CODE),
    Column("count", "Count", Kind.COUNT),
    Column("amount", "Amount", Kind.AMOUNT),
    Column("share", "Share", Kind.SHARE),
    Column("took", "Took", Kind.MILLISECONDS),
    Column("at", "At", Kind.INSTANT),
    Column("day", "Day", Kind.DAY),
)


def row(text: str, number: int, currency: str = "USD") -> tuple[Cell, ...]:
    """One row with a cell of each kind."""
    share = Share(number, 1_000)
    return (text, text, number, Amount(-number, currency), share, number * 1_000, AT, ON)


def every_kind(text: str, rows: int = 3, **changed: object) -> Document:
    """A document with all blocks; `text` stands in each field that can hold foreign words."""
    table = Table(
        key="rows",
        title="Rows",
        columns=COLUMNS,
        rows=[row(text, number) for number in range(1, rows + 1)],
        totals=((text, "", 6, Amount(-6, "USD"), None, None, None, "Total"),),
        note=text,
    )
    odd = Table(
        key="odd",
        title="Odd amounts",
        columns=(Column("currency", "Currency"), Column("amount", "Amount", Kind.AMOUNT)),
        rows=[
            ("JPY", Amount(-1234567, "JPY")), ("BHD", Amount(1005, "BHD")),
            (text, Amount(12, text)), ("USD", Amount(10**17 + 1, "USD")), ("EUR", None),
        ],
    )  # fmt: skip
    words = {
        "name": "sample",
        "title": f"Sample {text}",
        "slug": "sample-2026-03-04",
        "tone": Tone.BAD,
        "headline": text,
        "facts": (Fact("Words", text), Fact("Id", text, Kind.CODE), Fact("At", AT, Kind.INSTANT)),
        "warnings": (text,),
        "sections": (
            Section(f"First {text}", (table, odd), text=text),
            Section("Pictures", (bars(text), trend(), Table("none", "None", (), ()))),
        ),
        "footer": (text,),
    }
    return Document(**{**words, **changed})


def bars(text: str) -> Bars:
    """Two bars, one of them named by the text."""
    return Bars("sizes", "Sizes", ((text, 4, "4"), ("Other", 1, "1")))


def trend() -> Trend:
    """Four days with a gap, in basis points."""
    points = tuple(
        (date(2026, 3, on), height, "")
        for on, height in ((1, 9_000), (2, None), (3, 9_500), (4, 10_000))
    )
    return Trend("rate", "Rate", points, top=10_000, kind=Kind.SHARE)
