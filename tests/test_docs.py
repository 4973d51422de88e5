"""The pages in docs are true: the generated ones are the code's, the others name what there is."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.tools.reference import DOCS, pages
from tscli.commands import TREE
from tscli.main import _loaded
from tscli.render.talk import INTERRUPTED, PARTIAL, UNKNOWN
from tscli.settings import DaySection, Settings

WRITTEN = sorted(p for p in DOCS.glob("*.md") if p.name not in pages())


@pytest.mark.parametrize("name", sorted(pages()))
def test_generated_pages_are_those_of_the_code(name: str) -> None:
    """Proves that `make docs` was run after the last change of a command or a setting."""
    assert (DOCS / name).read_text() == pages()[name]


def test_every_setting_has_its_row() -> None:
    """Proves that the page of settings leaves none out."""
    names = set()
    for name, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        for key in inner or [""]:
            names.add(f"TSCLI_{name}__{key}".upper() if key else f"TSCLI_{name}".upper())
    assert names == set(re.findall(r"^\| `(TSCLI_[A-Z_]+)` \|", pages()["settings.md"], re.M))


@pytest.mark.parametrize("page", WRITTEN, ids=lambda p: p.stem)
def test_pages_name_commands_that_there_are(page: Path) -> None:
    """Proves that nobody is sent to a command that does not exist."""
    found = re.findall(r"(?:`|^)tscli ([a-z]+)(?: ([a-z-]+))?", page.read_text(), re.M)
    assert found
    for group, command in found:
        assert group in TREE, group
        loaded = _loaded(group)
        if command and hasattr(loaded, "commands"):
            assert command in loaded.commands, f"{group} {command}"


def test_the_example_of_settings_can_be_read() -> None:
    """Proves that the table of the finance page is one that tscli takes."""
    (block,) = re.findall(r"```toml\n(.*?)```", (DOCS / "finance-morning.md").read_text(), re.S)
    section = DaySection.model_validate(tomllib.loads(block)["day"])
    assert len(section.sources) == 2


def test_the_contract_names_every_exit_code() -> None:
    """Proves that no code of the day's run is missing in its table."""
    rows = re.findall(r"^\| ([0-9]+) \|", (DOCS / "cron-contract.md").read_text(), re.M)
    assert {int(row) for row in rows} == {0, 1, 2, PARTIAL, 4, 5, UNKNOWN, INTERRUPTED}
