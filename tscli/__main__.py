"""`python -m tscli` and the `tscli` script."""

from tscli.main import app


def run() -> None:
    """Run the command line."""
    app(prog_name="tscli")


if __name__ == "__main__":
    run()
