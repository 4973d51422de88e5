"""`python -m tscli` and the `tscli` script."""

import os
import sys


def run() -> None:
    """Run the command line; an interrupt while it still loads is an interrupt like any other."""
    try:
        _prepare()
        from tscli.main import app

        app(prog_name="tscli")
    except KeyboardInterrupt:
        sys.exit(130)


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
