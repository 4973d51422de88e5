"""XML read defensively: no document type, hence no entities; caps on depth, elements and text.

The parser is the standard library's expat, which fetches nothing. Names are local names: the
versions of a CAMT message differ by namespace, not by the elements read here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.parsers import expat

from domain.errors import UnreadableExport

DEPTH_MAX = 40
ELEMENTS_MAX = 1_000_000
"""About 70,000 entries."""
TEXT_MAX = 100_000
"""Characters inside one element."""
_SEPARATOR = " "
_NO_ATTRIBUTES: dict[str, str] = {}


@dataclass(slots=True)
class Element:
    """One element: local name, text, attributes by local name, children in order."""

    name: str
    namespace: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, path: str) -> Iterator["Element"]:
        """The elements at `path`, local names with slashes."""
        name, _, rest = path.partition("/")
        for child in self.children:
            if child.name == name:
                if rest:
                    yield from child.all(rest)
                else:
                    yield child

    def get(self, *paths: str) -> "Element | None":
        """The first element at the first path that has one."""
        return next((found for path in paths for found in self.all(path)), None)

    def value(self, *paths: str) -> str:
        """The text there, stripped; empty when there is none."""
        found = self.get(*paths)
        return found.text.strip() if found is not None else ""


class _Builder:
    """What expat calls; it refuses as soon as something is too much."""

    def __init__(self, file: str) -> None:
        self.file, self.root, self.count = file, None, 0
        self.stack: list[Element] = []
        self.parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.EntityDeclHandler = self.doctype

    root: Element | None

    def refuse(self, reason: str) -> NoReturn:
        raise UnreadableExport(reason, file=self.file, line=self.parser.CurrentLineNumber)

    def doctype(self, *_: Any) -> None:
        self.refuse("a document type declaration: a bank statement has none, and none is read")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if len(self.stack) >= DEPTH_MAX:
            self.refuse(f"elements are nested more than {DEPTH_MAX} deep")
        if self.count > ELEMENTS_MAX:
            self.refuse(f"more than {ELEMENTS_MAX} elements: split the file")
        namespace, _, local = name.rpartition(_SEPARATOR)
        own = {key.rpartition(_SEPARATOR)[2]: value for key, value in attributes.items()}
        own = own or _NO_ATTRIBUTES
        element = Element(local, namespace, self.parser.CurrentLineNumber, own)
        if self.stack:
            self.stack[-1].children.append(element)
        else:
            self.root = element
        self.stack.append(element)

    def end(self, _: str) -> None:
        self.stack.pop()

    def text(self, text: str) -> None:
        element = self.stack[-1]
        if not element.text and text.isspace():
            return
        if len(element.text) + len(text) > TEXT_MAX:
            self.refuse(f"more than {TEXT_MAX} characters inside <{element.name}>")
        element.text += text


def parse(data: bytes, file: str) -> Element:
    """The root element.

    Raises:
        UnreadableExport: not well-formed, a document type, or beyond a cap; names the line.
    """
    builder = _Builder(file)
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        words = expat.errors.messages.get(error.code, "it is damaged")
        cut = words in ("no element found", "unclosed token", "unclosed CDATA section")
        reason = "the file is cut off" if cut else f"not well-formed XML: {words}"
        raise UnreadableExport(reason, file=file, line=error.lineno) from None
    except (LookupError, ValueError, UnicodeError):
        raise UnreadableExport("the encoding it declares cannot be read", file=file) from None
    if builder.root is None:
        raise UnreadableExport("the file is cut off", file=file)
    return builder.root
