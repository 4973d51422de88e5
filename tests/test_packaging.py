"""The package: wheel and editable install carry every file and run far away from the repository."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "providers", "db", "reconcile", "reports", "tscli", "sample_data")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def run(*command: object, cwd: Path, home: Path | None = None) -> str:
    """The command's stdout, in an environment that points at nothing of this repository."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TSCLI_", "XDG_", "PYTHON", "STRIPE_"))
    }
    if home is not None:
        folders = {f"XDG_{n}_HOME": str(home / n) for n in ("DATA", "CONFIG", "STATE", "CACHE")}
        kept |= {"HOME": str(home), **folders}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


def make_environment(folder: Path) -> Path:
    """An empty environment that sees this one's third-party packages; its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    site = next((folder / "lib").glob("python*/site-packages"))
    # A path named by a .pth file is searched, its own .pth files are not read: so the project's
    # editable install in this environment stays invisible in that one.
    (site / "third_party.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def install(python: Path, *what: object) -> None:
    """Put the project, and nothing else, into an environment, without network."""
    offline = (
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--quiet",
        "--no-warn-script-location",
    )
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    run(*pip, "install", *offline, *what, cwd=python.parent)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network or isolation."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module", params=["wheel", "editable"])
def python(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, wheel: Path
) -> Path:
    """The interpreter of an environment where the project is installed one way or the other."""
    python = make_environment(tmp_path_factory.mktemp(request.param))
    install(python, *([wheel] if request.param == "wheel" else ["-e", ROOT]))
    return python


def test_the_wheel_carries_every_file_of_every_package(wheel: Path) -> None:
    """Code, templates, migrations, sample data, all of it; and no test, cache or other folder."""
    carried = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    kept = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert carried == kept
    for start, end in [("reports/templates/", ".j2"), ("db/migrations/versions/", ".py"),
                       ("sample_data/", ".csv"), ("db/migrations/env", ".py")]:  # fmt: skip
        assert any(n.startswith(start) and n.endswith(end) for n in carried), start


def test_the_wheel_names_its_licence_and_needs(wheel: Path) -> None:
    """Licence text inside, exact Python range, `tscli` as the command."""
    archive = zipfile.ZipFile(wheel)
    info = {n.partition(".dist-info/")[2]: n for n in archive.namelist() if ".dist-info/" in n}
    metadata = archive.read(info["METADATA"]).decode()

    assert "licenses/LICENSE" in info
    assert "Requires-Python: <3.14,>=3.11" in metadata
    assert "tscli = tscli.__main__:run" in archive.read(info["entry_points.txt"]).decode()


def test_the_command_starts_outside_the_repository(python: Path, tmp_path: Path) -> None:
    """As a module and as a command, with the version of pyproject.toml."""
    for start in ((python, "-m", "tscli"), (python.parent / "tscli",)):
        assert VERSION in run(*start, "--version", cwd=tmp_path, home=tmp_path)


def test_the_migrations_are_found_outside_the_repository(python: Path, tmp_path: Path) -> None:
    """A database is created on first use, from the migrations that were installed."""
    run(python, "-m", "tscli", "db", "upgrade", cwd=tmp_path, home=tmp_path)

    assert run(python, "-m", "tscli", "db", "status", cwd=tmp_path, home=tmp_path).strip()
    assert [path for path in tmp_path.rglob("*") if path.is_file()]


def test_templates_and_sample_data_are_found_outside_the_repository(
    python: Path, tmp_path: Path
) -> None:
    """The packages that are imported are the installed ones, and their data lies beside them."""
    code = "import reports, sample_data\nprint(*reports.__path__)\nprint(*sample_data.__path__)"
    reports, sample_data = (Path(p) for p in run(python, "-c", code, cwd=tmp_path).splitlines())

    installed = ROOT if python.parents[1].name.startswith("editable") else python.parents[1]
    assert reports.is_relative_to(installed)
    assert sample_data.is_relative_to(installed)
    assert list((reports / "templates").glob("*.j2"))
    assert list(sample_data.rglob("*.csv"))


def test_a_source_archive_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """Who builds from the archive gets the files that we ship."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    shutil.unpack_archive(next(tmp_path.glob("*.tar.gz")), tmp_path / "unpacked", filter="data")
    unpacked = next((tmp_path / "unpacked").iterdir())
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=unpacked)
    again = next(tmp_path.glob("*.whl"))

    assert zipfile.ZipFile(again).namelist() == zipfile.ZipFile(wheel).namelist()
