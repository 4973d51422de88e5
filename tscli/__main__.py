"""`python -m tscli` and the `tscli` script."""

import atexit
import gc
import os
import sys
import threading
from typing import NoReturn

_COLLECT_AFTER = 50_000
"""So many new objects before they are looked through for garbage. Loading makes hundreds of
thousands that all live to the end, and a command is over before garbage could matter."""


def run() -> None:
    """Run the command line; an interrupt while it still loads is an interrupt like any other."""
    try:
        gc.set_threshold(_COLLECT_AFTER, 20, 20)
        _prepare()
        from tscli.main import app

        app(prog_name="tscli")
    except KeyboardInterrupt:
        _end(130)
    except SystemExit as ended:
        _end(ended.code)


def _end(code: str | int | None) -> NoReturn:
    """Leave with an exit code, at once where nothing is left to do: everything was closed and
    written by then, and taking the interpreter apart takes as long as a small command."""
    if not isinstance(code, int | None) or threading.active_count() > 1:
        sys.exit(code)
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code or 0)


def _prepare() -> None:
    """Streams that can always be written to: closed ones lead nowhere, odd ones get escapes."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    run()
