"""docs/commands.md and docs/settings.md, written from the code: `make docs`.

A test compares them with what this module makes, so that they are never older than the code.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from pydantic import BaseModel

from tests.tools.field_words import field_words
from tscli.commands import TREE
from tscli.main import _loaded, app
from tscli.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
_GENERATED = "This page is written by `make docs`; change the code instead."
_COMMON = ("How to show the result.", "Write the result to this file.")
"""Of the options `--format` and `--output`, which nearly every command has."""
_BLANKS = re.compile(r"\s+")


def pages() -> dict[str, str]:
    """The generated pages by file name."""
    return {"commands.md": commands_page(), "settings.md": settings_page()}


def commands_page() -> str:
    """Every command with its words."""
    lines = ["# Commands", "", _GENERATED, "", _first(typer.main.get_group(app).help)]
    lines += ["Results take `--format table|json|csv` and `--output FILE`.", ""]
    for word in TREE:
        loaded = _loaded(word)
        lines += [f"## tscli {word}", "", _first(loaded.help), ""]
        for words, command in _leaves(loaded, word):
            lines += _command(words, command)
    return "\n".join(lines).rstrip() + "\n"


def _leaves(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if not children:
        yield words, command
        return
    for name, child in children.items():
        yield from _leaves(child, f"{words} {name}")


def _command(words: str, command: Any) -> list[str]:
    usage = " ".join(_argument(p) for p in command.params if p.param_type_name == "argument")
    told = "\n\n".join(_BLANKS.sub(" ", part) for part in (command.help or "").split("\n\n"))
    lines = [f"### tscli {words} {usage}".rstrip(), "", told.strip(), ""]
    rows = [row for param in command.params if (row := _option(param))]
    return [*lines, *rows, ""] if rows else lines


def _argument(param: Any) -> str:
    name = param.metavar or param.name.upper()
    return name if param.required else f"[{name}]"


def _option(param: Any) -> str:
    if param.param_type_name != "option" or param.name == "help" or param.help in _COMMON:
        return ""
    names = ", ".join(f"`{name}`" for name in param.opts)
    needed = " (needed)" if param.required else ""
    return f"- {names}{needed}: {_BLANKS.sub(' ', param.help or '')}"


def _first(text: str | None) -> str:
    return _BLANKS.sub(" ", (text or "").split("\n\n")[0]).strip()


def settings_page() -> str:
    """Every setting: its variable, its default, what it is."""
    lines = [
        "# Settings", "", _GENERATED, "",
        "Each is read from an environment variable, else from a file of its name in lower case in"
        " `TSCLI_SECRETS_DIR`, else from `config.toml` (`TSCLI_CONFIG` names another place). Lists"
        " and tables are JSON in a variable, and better in the file.", "",
    ]  # fmt: skip
    plain = {n: f for n, f in Settings.model_fields.items() if not _section(f.annotation)}
    lines += ["## General", "", *_table(Settings, "TSCLI_", plain), ""]
    for name, field in Settings.model_fields.items():
        section = _section(field.annotation)
        if section is not None:
            lines += [f"## [{name}]", "", _first(section.__doc__), ""]
            lines += [*_table(section, f"TSCLI_{name}__".upper(), section.model_fields), ""]
    for heading, section in _repeated(Settings, ""):
        lines += [f"## {heading}", "", _first(section.__doc__), ""]
        lines += [*_table(section, "", section.model_fields), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(section: type[BaseModel], prefix: str, fields: dict[str, Any]) -> list[str]:
    told = field_words(section)
    rows = ["| setting | default | what it is |", "|---|---|---|"]
    for name, field in fields.items():
        shown = f"{prefix}{name.upper()}" if prefix else name
        rows.append(f"| `{shown}` | {_default(field)} | {_cell(told.get(name, ''))} |")
    return rows


def _cell(text: str) -> str:
    return _BLANKS.sub(" ", text).replace("|", "\\|").strip()


def _default(field: Any) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if hasattr(value, "get_secret_value"):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, frozenset):
        value = sorted(value)
    if isinstance(value, list | tuple):
        return " ".join(f"`{one}`" for one in value) or "none"
    return "none" if value in ("", None, {}) else f"`{value}`"


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section of a field that is one."""
    plain = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if plain else None


def _repeated(section: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Sections that stand any number of times in the file, with their headings."""
    for name, field in section.model_fields.items():
        inner = _section(field.annotation)
        if inner is not None:
            yield from _repeated(inner, f"{prefix}{name}.")
        for part in getattr(field.annotation, "__args__", ()):
            found = _section(part)
            if found is not None:
                named = str(field.annotation).startswith("dict")
                heading = f"[{prefix}{name}.NAME]" if named else f"[[{prefix}{name}]]"
                yield heading, found


if __name__ == "__main__":
    for file, text in pages().items():
        (DOCS / file).write_text(text)
