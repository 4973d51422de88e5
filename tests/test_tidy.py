"""The house is tidy: no rule of `tests/tools/tidy.py` finds anything, and each one could."""

import statistics
from pathlib import Path

import pytest

from tests.tools import tidy
from tests.tools.tidy import ALLOWED, CODE_RULES, PRODUCT_RULES, ROOMS, TEXT_RULES, Rule, Source

ROOT = Path(__file__).parents[1]
TEXT_SUFFIXES = {
    ".py",
    ".md",
    ".toml",
    ".html",
    ".j2",
    ".css",
    ".svg",
    ".mako",
    ".ini",
    ".cfg",
    ".sql",
}
ROOT_FILES = ("Makefile", ".ci/run", ".gitignore", "LICENSE")
STATES_THE_RULES = ("tests/tools/tidy.py", "tests/test_tidy.py")


def sources() -> list[Source]:
    """Every text file of the project, generated folders and git's own left out: in a linked tree
    `.git` is a file."""
    folders = [ROOT / name for name in (*ROOMS, "sample_data", "tests")]
    paths = [p for folder in folders for p in folder.rglob("*") if "__pycache__" not in p.parts]
    paths += [
        *(p for p in ROOT.glob("*") if p.name != ".git"),
        *(ROOT / name for name in ROOT_FILES),
    ]
    text = {p for p in paths if p.is_file() and (p.suffix in TEXT_SUFFIXES or not p.suffix)}
    return [Source(p.relative_to(ROOT).as_posix(), p.read_text()) for p in sorted(text)]


SOURCES = sources()
CODE = [source for source in SOURCES if source.path.endswith(".py")]
PRODUCT = [source for source in CODE if source.room in ROOMS]
SPEAKING = [source for source in SOURCES if source.path not in STATES_THE_RULES]

CASES = [(rule, PRODUCT) for rule in PRODUCT_RULES]
CASES += [(rule, CODE) for rule in CODE_RULES]
CASES += [(rule, SPEAKING) for rule in TEXT_RULES]


@pytest.mark.parametrize(("rule", "files"), CASES, ids=[rule.__name__ for rule, _ in CASES])
def test_no_file_breaks_the_rule(rule: Rule, files: list[Source]) -> None:
    """Every finding is listed as path:line, so that one run shows them all."""
    exempt = {allowed.path for allowed in ALLOWED if allowed.rule == rule.__name__}
    findings = [
        f"{source.path}:{line}: {what}"
        for source in files
        if source.path not in exempt
        for line, what in rule(source)
    ]

    assert not findings, f"{rule.__doc__}\n" + "\n".join(findings)


def test_the_middle_file_is_short() -> None:
    """Half of the product's files have at most so many lines."""
    assert PRODUCT
    lines = [source.text.count("\n") for source in PRODUCT]

    assert statistics.median(lines) <= tidy.FILE_LINES_MEDIAN


def test_every_exemption_has_a_reason_and_is_needed() -> None:
    """A list of exemptions only shrinks when stale ones are noticed."""
    rules = {rule.__name__: rule for rule, _ in CASES}
    for allowed in ALLOWED:
        source = next(source for source in SOURCES if source.path == allowed.path)
        assert len(allowed.reason.split()) >= 3, allowed
        assert list(rules[allowed.rule](source)), f"no longer needed: {allowed}"


def pairs(sources: dict[Rule, list[str]]) -> list[tuple[Rule, str]]:
    """One test case for each small source."""
    return [(rule, text) for rule, texts in sources.items() for text in texts]


BAD: dict[Rule, list[str]] = {
    tidy.no_await_in_transaction: [
        "async def f():\n    with db.transaction():\n        await p.get()",
        "async def f():\n    with a, self.db.begin() as t:\n        await x",
        "async def f():\n    async with unit():\n        pass",
        "with transaction():\n    if x:\n        asyncio.run(f())",
        "async def f():\n    with unit():\n        [x async for x in y]",
        "async def g():\n    with begin():\n        async for x in y: pass",
        "async def save_in_transaction(t):\n    await x",
        "async def save_in_transaction(t):\n    pass",
    ],
    tidy.transactions_are_with_blocks: [
        "t = db.transaction()\nt.__enter__()",
        "stack.enter_context(db.begin())",
        "@contextmanager\ndef writing():\n    with db.begin() as t:\n        yield t",
    ],
    tidy.no_float_near_money: [
        "fee = 0.029",
        "amount_minor = int(float(text) * 100)",
        "def f(amount: float) -> None: ...",
        "def f(text: str) -> float | None: ...",
        "class A:\n    amount: float",
        "def f(tolerance=0.01): ...",
        "f(tolerance=1.0)",
        "amount = max(0.5, amount)",
        "frame.astype(float)",
        "if gross - net > 0.5: pass",
        "f(amount=minor / 100.0, delay_seconds=1.0)",
        "rows: dict[str, float] = {}",
        "shown = amount_minor / 100",
        "frame.astype('float64')",
        "pa.float64()",
        "Column('amount', Float)",
    ],
    tidy.one_clock: [
        "from datetime import datetime\nx = datetime.now(UTC)",
        "import datetime\nx = datetime.datetime.utcnow()",
        "x = date.today()",
        "x = time.time()",
        "default_factory = datetime.now",
        "from time import time, sleep",
        "x = pd.Timestamp.now()",
        "Column('at', server_default=func.now())",
    ],
    tidy.no_printing: [
        "print('hello')",
        "console.print(table)",
        "typer.echo('hello')",
        "Console().print_json(x)",
        "sys.stdout.write('x')",
    ],
    tidy.sizes: [
        "x = 1\n" * 401,
        "def f():\n" + "    x = 1\n" * 60,
        "class A:\n  async def f(self):\n" + "    x = 1\n" * 60,
    ],
    tidy.module_docstrings: ["x = 1", "# a comment is none\n"],
    tidy.no_forbidden_words: [
        "/".join(["# see ", "work", "main", "x"]),
        "'../shared/samples'",
        "# TODO: later",
        "# FIXME",
        "# XXX",
        "'''Enough for now.'''",
        "# see issue 2",
        "/".join(["open('", "root", "x')"]),
    ],
    tidy.no_machine_addresses: [
        "x = 'https://pypi.internal.corp/simple'",
        "x = 'http://10.1.2.3:8080/'",
        "x = 'https://api.stripe.com.evil.org/v1'",
        "x = 'https://notstripe.com/v1'",
    ],
}


@pytest.mark.parametrize(("rule", "text"), pairs(BAD))
def test_each_rule_finds_what_it_forbids(rule: Rule, text: str) -> None:
    """A rule that cannot fail proves nothing: each bad line is found, in a file of any room."""
    assert list(rule(Source("reconcile/bad.py", text)))


@pytest.mark.parametrize(
    "path", ["db/utils.py", "tscli/base.py", "reports/date_helpers.py", "providers/common/x.py"]
)
def test_vague_names_are_found(path: str) -> None:
    """Files and folders, alone or as the end of a longer name."""
    assert list(tidy.telling_names(Source(path, "")))


GOOD: dict[Rule, list[str]] = {
    tidy.no_await_in_transaction: [
        "async def f():\n    with db.transaction() as t:\n        t.save(x)\n    await p.get()",
        "async def f():\n    async with client.stream():\n        await x",
    ],
    tidy.transactions_are_with_blocks: [
        "with db.transaction() as t:\n    t.save(x)",
        "charge = books.transaction(transaction_id)",
        "@contextmanager\ndef transaction(self):\n    with e.begin() as c:\n        yield c",
    ],
    tidy.no_float_near_money: [
        "timeout_seconds: float = 2.5",
        "def f(*, retry_after_seconds: float | None = None) -> None: ...",
        "def f(timeout: float = 80.0) -> None: ...",
        "time.sleep(0.5 * attempt)",
        "if elapsed_seconds > 0.5: pass",
        "x = 10**15 - 1\ny = a // 100\nz = '0.5'\n",
        "PAUSE_SECONDS = 0.2",
        "Timeout(connect=min(5.0, deadline_seconds))",
        "share_ratio = line.fee / line.gross",
        "path = folder / name",
    ],
    tidy.one_clock: [
        "at = clock.now()\nstarted = time.monotonic()\nd = datetime.fromisoformat(x)",
    ],
    tidy.no_printing: [
        "text = render.table(x)\n# print('x')\n",
    ],
    tidy.no_machine_addresses: [
        "x = 'https://api.stripe.com/v1'; y = 'http://127.0.0.1:8000/'",
        "x = f'http://{host}:{port}'; y = 'https://files.example.com'",
    ],
    tidy.no_forbidden_words: [
        "# the tokenXXXs and formats, before nowhere",
    ],
    tidy.telling_names: [
        "",
    ],
}


@pytest.mark.parametrize(("rule", "text"), pairs(GOOD))
def test_no_rule_cries_over_what_is_allowed(rule: Rule, text: str) -> None:
    """Durations, the given clock, awaits after the transaction, the providers' own hosts."""
    assert not list(rule(Source("reconcile/good.py", text)))


def test_the_clock_and_the_renderers_may_do_their_work() -> None:
    """The two places where the wall clock and the terminal belong."""
    assert not list(tidy.one_clock(Source("domain/clock.py", "datetime.now(UTC)")))
    assert not list(tidy.no_printing(Source("tscli/render/terminal.py", "console.print(x)")))
