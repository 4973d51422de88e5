"""OFX as nested aggregates with their leaves: version 1 (SGML) and 2 (XML) by one reader.

Only aggregates that matter here are nested; leaves of others fall to what holds them. Nothing is
ever closed by guessing: an aggregate without its end makes the file unreadable.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.errors import UnreadableExport

AGGREGATES = {
    "OFX", "BANKMSGSRSV1", "CREDITCARDMSGSRSV1", "STMTTRNRS", "CCSTMTTRNRS", "STMTRS", "CCSTMTRS",
    "BANKACCTFROM", "CCACCTFROM", "BANKTRANLIST", "BANKTRANLISTP", "STMTTRN", "STMTTRNP",
    "LEDGERBAL", "AVAILBAL", "CURRENCY", "ORIGCURRENCY", "PAYEE", "BANKACCTTO", "CCACCTTO",
    "SIGNONMSGSRSV1", "BALLIST", "BAL",
}  # fmt: skip
_TOKEN = re.compile(
    r"<!--.*?-->|<\?[^<>]*>|<!\[CDATA\[(?P<cdata>.*?)\]\]>|<(?P<end>/?)(?P<name>[\w.]+)\s*/?>", re.S
)


@dataclass(slots=True)
class Node:
    """One aggregate."""

    name: str
    line: int
    leaves: dict[str, str] = field(default_factory=dict)
    """Name -> text; of a leaf that stands twice, the first."""
    repeated: set[str] = field(default_factory=set)
    children: list["Node"] = field(default_factory=list)

    def all(self, *names: str) -> Iterator["Node"]:
        """Every aggregate of those names below this one, in order."""
        for child in self.children:
            if child.name in names:
                yield child
            yield from child.all(*names)

    def child(self, *names: str) -> "Node | None":
        """The first aggregate of those names directly below."""
        return next((child for child in self.children if child.name in names), None)


def nodes(text: str, file: str) -> Node:
    """The <OFX> aggregate.

    Raises:
        UnreadableExport: a document type, aggregates that are not closed in order, or no <OFX>.
    """
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise UnreadableExport("a document type declaration, which OFX does not have", file=file)
    for start, end in (("<!--", "-->"), ("<![CDATA[", "]]>")):
        if text.rfind(start) > text.rfind(end):
            raise UnreadableExport(f"the file is cut off: {start} is never closed", file=file)
    return _Tree(text, file).root()


class _Tree:
    """Reads tags one after the other; `stack` holds the aggregates that are open."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.stack = [Node("", 1)]
        self.leaf = ""
        """The leaf whose text comes next."""
        self.line, self.counted = 1, 0

    def root(self) -> Node:
        """Read all of it."""
        end = 0
        for match in _TOKEN.finditer(self.text):
            self._words(self.text[end : match.start()])
            end = match.end()
            self.line += self.text.count("\n", self.counted, match.start())
            self.counted = match.start()
            if match["cdata"] is not None:
                self._words(match["cdata"], escaped=False)
            elif match["name"]:
                self._tag(match["name"].upper(), bool(match["end"]))
        if len(self.stack) > 1:
            node = self.stack[-1]
            reason = f"the file is cut off: <{node.name}> is never closed"
            raise UnreadableExport(reason, file=self.file, line=node.line)
        found = self.stack[0].child("OFX")
        if found is None:
            raise UnreadableExport("the file has no <OFX>", file=self.file, line=1)
        return found

    def _tag(self, name: str, end: bool) -> None:
        self.leaf = ""
        if name not in AGGREGATES:
            self.leaf = "" if end else name
        elif not end:
            node = Node(name, self.line)
            self.stack[-1].children.append(node)
            self.stack.append(node)
        elif self.stack[-1].name == name:
            self.stack.pop()
        else:
            opened = self.stack[-1].name
            reason = f"</{name}> where " + (f"<{opened}> is open" if opened else "nothing is open")
            raise UnreadableExport(reason, file=self.file, line=self.line)

    def _words(self, text: str, *, escaped: bool = True) -> None:
        words = (html.unescape(text) if escaped else text).strip()
        if not self.leaf or not words:
            return
        node = self.stack[-1]
        if self.leaf in node.leaves:
            node.repeated.add(self.leaf)
        else:
            node.leaves[self.leaf] = words
        self.leaf = ""
