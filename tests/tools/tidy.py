"""The house rules that a syntax tree or plain text can prove; `tests/test_tidy.py` applies them.

Names, limits and exemptions are data at the top. Whoever needs an exemption gives a reason.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOMS = ("domain", "providers", "db", "reconcile", "reports", "tscli")

TRANSACTIONS = frozenset(
    {"transaction", "begin", "begin_immediate", "unit", "unit_of_work", "change"}
)
"""Functions and methods whose `with` block is an open database transaction; `change` is the
sandbox world's."""

LOOP_RUNNERS = frozenset({"asyncio.run", "anyio.run", "loop.run_until_complete", "runner.run"})
"""Calls that await from synchronous code."""

FLOAT_NAMES = re.compile(
    r"(^|_)(seconds|ratio|timeout|per_second|percent)$|^(sleep|monotonic)$", re.IGNORECASE
)
"""What a float may be: a duration or a share of something, never money. Matched by name."""
FLOAT_TYPES = re.compile(r"float(16|32|64)?|Float(32|64)?(Dtype)?|Double|DOUBLE_PRECISION|REAL")
MONEY_NAMES = re.compile(r"(^|_)(minor|amounts?|fees?|gross|net|totals?|balances?)$")
"""Names whose division by `/` would make a float of money."""

WALL_CLOCKS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "Timestamp": {"now", "utcnow", "today"},
    "func": {"now", "current_timestamp"},
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime"},
}
"""Where instants could come from beside `domain.clock`: owner -> functions."""
CLOCK = "domain/clock.py"

MAY_PRINT = ("tscli/render/", "tscli/__main__.py")
PRINTERS = frozenset({"print", "print_json", "pprint", "echo", "secho"})

FILE_LINES, FILE_LINES_MEDIAN, FUNCTION_LINES = 400, 180, 60
VAGUE_MODULES = re.compile(r"(^|_)(utils?|helpers?|managers?|base|common|misc)$")

FORBIDDEN_WORDS = {
    r"/work/": (),
    r"/root/": (),
    r"/home/": (),
    r"\.\./shared": ("tests/",),
    r"\bTODO\b": (),
    r"\bFIXME\b": (),
    r"\bXXX\b": ("tests/",),  # ISO 4217's code for no currency, refused in tests
    r"\bfor now\b": (),
    r"\b[Ii]ssue #?[0-9]": (),
}
"""Pattern -> folders where it may stand."""

HOSTS = re.compile(
    r"""(localhost | 127\.0\.0\.1 | \[::1\]
       | ([\w-]+\.)*example(\.(com|org|net))? | ([\w-]+\.)*(test|invalid)
       | ([\w-]+\.)?stripe\.com | ([\w.-]+\.)?paypal\.com
       | json-schema\.org | www\.w3\.org | www\.apache\.org | keepachangelog\.com | semver\.org
    )(:[0-9]+)?""",
    re.VERBOSE,
)
"""Hosts an address may name: this machine, reserved names, the providers, public standards."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One exemption of one file from one rule."""

    path: str
    rule: str
    reason: str


ALLOWED: tuple[Allowed, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One file of the project: its path below the root with slashes, and its text."""

    path: str
    text: str

    @property
    def room(self) -> str:
        """The first folder, empty for a file at the root."""
        return self.path.partition("/")[0] if "/" in self.path else ""

    def tree(self) -> ast.Module:
        """The syntax tree; every node knows its `parent`."""
        return _parsed(self.text)


@cache
def _parsed(text: str) -> ast.Module:
    """Every rule looks at every file, and none of them changes anything."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node
    return tree


Finding = tuple[int, str]
"""Line and what is wrong there."""
Rule = Callable[[Source], Iterator[Finding]]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
AWAITS = (ast.Await, ast.AsyncFor, ast.AsyncWith)


def name_of(node: ast.AST) -> str:
    """`a.b.c` as written, calls left out: `f(x).g` is `f.g`; empty when it is no name."""
    match node:
        case ast.Call():
            return name_of(node.func)
        case ast.Attribute():
            return f"{name_of(node.value)}.{node.attr}".lstrip(".")
        case ast.Name():
            return node.id
    return ""


def last(name: str) -> str:
    """The part behind the last point."""
    return name.rpartition(".")[2]


def opens_transaction(node: ast.AST) -> bool:
    """Whether the expression is a call of one of `TRANSACTIONS`."""
    return isinstance(node, ast.Call) and last(name_of(node)) in TRANSACTIONS


def no_await_in_transaction(source: Source) -> Iterator[Finding]:
    """A provider may be slow or gone: nothing waits for it while rows are locked."""
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.With | ast.AsyncWith):
            if any(opens_transaction(item.context_expr) for item in node.items):
                if isinstance(node, ast.AsyncWith):
                    yield node.lineno, "async with on a transaction"
                yield from _awaits(node.body, "inside an open transaction")
        elif isinstance(node, FUNCTIONS) and node.name.endswith("_in_transaction"):
            if isinstance(node, ast.AsyncFunctionDef):
                yield node.lineno, f"{node.name} is async"
            yield from _awaits(node.body, f"in {node.name}")


def _awaits(body: list[ast.stmt], where: str) -> Iterator[Finding]:
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if isinstance(node, AWAITS) or (isinstance(node, ast.comprehension) and node.is_async):
            yield getattr(node, "lineno", body[0].lineno), f"await {where}"
        elif isinstance(node, ast.Call) and name_of(node) in LOOP_RUNNERS:
            yield node.lineno, f"{name_of(node)} {where}"


def transactions_are_with_blocks(source: Source) -> Iterator[Finding]:
    """Only what is opened by `with`, under a known name, can be checked for awaits."""
    for node in ast.walk(source.tree()):
        held = isinstance(getattr(node, "parent", None), ast.withitem) or source.room == "db"
        # With an argument in place it is a look-up: a transaction is a word of the trade, too.
        lookup = isinstance(node, ast.Call) and bool(node.args)
        if isinstance(node, ast.Call) and opens_transaction(node) and not held and not lookup:
            yield node.lineno, f"{name_of(node)}() is not opened by `with`"
        if isinstance(node, FUNCTIONS) and node.name.lstrip("_") not in TRANSACTIONS:
            manager = any("contextmanager" in name_of(d) for d in node.decorator_list)
            if manager and any(opens_transaction(inner) for inner in ast.walk(node)):
                yield node.lineno, f"{node.name} opens a transaction: name it so, or list it"


def no_float_near_money(source: Source) -> Iterator[Finding]:
    """Floats are durations and shares; whatever else they would hold is held by whole numbers."""
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.expr) and _makes_float(node):
            if any(FLOAT_NAMES.search(last(name)) for name in _holders(node)):
                continue
            yield node.lineno, f"{ast.unparse(node)} holds no duration and no share"


def _makes_float(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=float()):
            return True
        case ast.Constant(value=str(name)) | ast.Name(id=name) | ast.Attribute(attr=name):
            return bool(FLOAT_TYPES.fullmatch(name))
        case ast.BinOp(op=ast.Div()):
            sides = (last(name_of(node.left)), last(name_of(node.right)))
            return any(MONEY_NAMES.search(side) for side in sides)
    return False


def _holders(node: ast.AST) -> Iterator[str]:
    """Names the expression is given to or combined with, up to its statement or function."""
    child, parent = node, node.parent
    while True:
        match parent:
            case ast.keyword() | ast.arg():
                yield parent.arg or ""
                return
            case ast.arguments():
                yield from _defaulted(child, parent)
                return
            case ast.Call() if name_of(parent) in ("min", "max"):
                yield from (name_of(argument) for argument in parent.args)
            case ast.Call() if child is not parent.func:
                yield name_of(parent)
                return
            case ast.BinOp() | ast.Compare():
                yield from (name_of(inner) for inner in ast.iter_child_nodes(parent))
            case ast.Assign():
                yield from (name_of(target) for target in parent.targets)
            case ast.AnnAssign() | ast.AugAssign():
                yield name_of(parent.target)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield parent.name
                return
            case ast.Module():
                return
        child, parent = parent, parent.parent


def _defaulted(default: ast.AST, arguments: ast.arguments) -> Iterator[str]:
    positional = arguments.posonlyargs + arguments.args
    pairs = [*zip(reversed(positional), reversed(arguments.defaults), strict=False)]
    pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d]
    yield from (argument.arg for argument, value in pairs if value is default)


def one_clock(source: Source) -> Iterator[Finding]:
    """Instants come from a Clock that a test can set."""
    for node in ast.walk(source.tree()) if source.path != CLOCK else ():
        if isinstance(node, ast.Attribute):
            if node.attr in WALL_CLOCKS.get(last(name_of(node.value)), ()):
                yield node.lineno, name_of(node)
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            taken = {alias.name for alias in node.names} & WALL_CLOCKS["time"]
            yield from ((node.lineno, f"time.{name}") for name in sorted(taken))


def no_printing(source: Source) -> Iterator[Finding]:
    """Words to people are written by the renderers, which know terminal, pipe and format."""
    for node in ast.walk(source.tree()) if not source.path.startswith(MAY_PRINT) else ():
        if isinstance(node, ast.Call) and last(name_of(node)) in PRINTERS:
            yield node.lineno, f"{name_of(node)}()"
        elif isinstance(node, ast.Attribute) and name_of(node) in ("sys.stdout", "sys.stderr"):
            yield node.lineno, name_of(node)


def sizes(source: Source) -> Iterator[Finding]:
    """What does not fit the eye is split along its ideas."""
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        yield 1, f"{lines} lines, at most {FILE_LINES}"
    for node in ast.walk(source.tree()):
        if isinstance(node, FUNCTIONS):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {length} lines, at most {FUNCTION_LINES}"


def module_docstrings(source: Source) -> Iterator[Finding]:
    """The first lines say what lives here."""
    if not ast.get_docstring(source.tree()):
        yield 1, "no module docstring"


def telling_names(source: Source) -> Iterator[Finding]:
    """A module is named for what it holds."""
    for part in Path(source.path).with_suffix("").parts:
        if VAGUE_MODULES.search(part):
            yield 1, f"{part!r} says nothing about what lives there"


def no_forbidden_words(source: Source) -> Iterator[Finding]:
    """The project speaks of itself, is finished, and names no folder of somebody's machine."""
    for pattern, exempt in FORBIDDEN_WORDS.items():
        if not source.path.startswith(exempt):
            for match in re.finditer(pattern, source.text):
                yield source.text.count("\n", 0, match.start()) + 1, f"says {match[0]!r}"


def no_machine_addresses(source: Source) -> Iterator[Finding]:
    """Only hosts that everybody can know stand in addresses."""
    for match in re.finditer(r"\b(?:https?|file|wss?)://([\w.:\[\]-]*)", source.text):
        if match[1] and not HOSTS.fullmatch(match[1].rstrip(".:")):
            yield source.text.count("\n", 0, match.start()) + 1, f"names {match[0]}"


PRODUCT_RULES: tuple[Rule, ...] = (
    no_await_in_transaction,
    transactions_are_with_blocks,
    no_float_near_money,
    one_clock,
    no_printing,
)
CODE_RULES: tuple[Rule, ...] = (sizes, module_docstrings, telling_names)
TEXT_RULES: tuple[Rule, ...] = (no_forbidden_words, no_machine_addresses)
