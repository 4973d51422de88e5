"""A strict reader of the HTML pages: elements, attributes, links and tables they really hold."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "rect"}
"""`rect` is written self-closed, the others end by themselves."""


@dataclass
class Page:
    """What a browser would find in the page."""

    elements: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    policy: str = ""
    style: str = ""
    heading: str = ""
    text: str = ""
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    """Cell texts by row, by the id of the table's caption."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[str] = []
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        page, values = self.page, {name: value or "" for name, value in attrs}
        assert len(values) == len(attrs), f"an attribute is repeated in <{tag}>"
        page.elements.add(tag)
        page.attributes.update(values)
        page.links += [values[name] for name in ("href", "src", "xlink:href") if name in values]
        if "id" in values:
            page.ids.append(values["id"])
        if values.get("http-equiv") == "Content-Security-Policy":
            page.policy = values["content"]
        if tag == "table":
            self.rows = []
        elif tag == "caption":
            page.tables[values["id"]] = self.rows
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.page.style += data
            return
        self.page.text += data
        if "h1" in self.open:
            self.page.heading += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def read_page(document: bytes) -> Page:
    """Read one page; every element must be closed in order."""
    reader = _Reader()
    reader.feed(document.decode())
    reader.close()
    assert not reader.open
    return reader.page
