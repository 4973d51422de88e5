"""The lock: exact versions with hashes for every dependency, no trace of where they came from."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
ENTRIES = LOCK.replace("\\\n", " ").strip().splitlines()


def locked() -> dict[str, list[Requirement]]:
    """Name -> its pins; several when the version depends on the platform."""
    pins: dict[str, list[Requirement]] = {}
    for entry in ENTRIES:
        requirement = Requirement(entry.partition(" --hash")[0])
        pins.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return pins


def declared() -> list[Requirement]:
    """What the project and its development extra ask for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [text for texts in project["optional-dependencies"].values() for text in texts]
    return [Requirement(text) for text in (*project["dependencies"], *extras)]


def test_no_address_path_or_option_stands_in_the_lock() -> None:
    """Neither an index nor a folder: the file means the same on every machine."""
    for forbidden in (
        "://",
        "file:",
        " @ ",
        "--index",
        "--extra-index",
        "--find-links",
        "-i ",
        "-e ",
    ):
        assert forbidden not in LOCK
    assert not re.search(r"(^|\s)[./~]", LOCK)
    assert "#" not in LOCK


def test_every_entry_is_one_exact_version_with_hashes() -> None:
    """`name==version`, perhaps with a marker, and at least one SHA-256 behind it."""
    assert len(ENTRIES) > 40
    shape = re.compile(r"[\w.-]+==[\w.!+-]+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+")
    for entry in ENTRIES:
        assert shape.fullmatch(entry), entry[:80]


def test_everything_the_project_asks_for_is_locked_at_a_fitting_version() -> None:
    """A dependency added to pyproject.toml without `make lock` is found here."""
    pins = locked()
    for requirement in declared():
        found = pins.get(canonicalize_name(requirement.name), [])
        assert found, f"{requirement.name} is not in the lock"
        for pin in found:
            assert requirement.specifier.contains(next(iter(pin.specifier)).version), str(pin)


def test_this_environment_is_the_locked_one() -> None:
    """The tests run on the very versions that are locked, not on whatever was there."""
    pins = locked()
    for requirement in declared():
        wanted = [
            next(iter(pin.specifier)).version
            for pin in pins[canonicalize_name(requirement.name)]
            if pin.marker is None or pin.marker.evaluate()
        ]
        assert wanted == [version(requirement.name)]


def test_the_build_tools_are_locked_too() -> None:
    """The project is installed without build isolation, so nothing unlocked is ever fetched."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]

    assert {canonicalize_name(Requirement(text).name) for text in build} <= set(locked())
    assert "editables" in locked()
