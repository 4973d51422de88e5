"""Talk: notices, questions and errors on stderr, never on stdout; foreign text is made inert.

Rich is imported only when a terminal is there to show it.
"""

import json
import sys

from domain.errors import (
    ConfigurationError,
    Conflict,
    Declined,
    IntegrityError,
    InvalidRequest,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    PaymentsError,
    ProviderError,
    UnreadableExport,
    WebhookError,
)
from domain.payment_method import mask_card_numbers
from domain.safe_text import safe_text

EXITS: tuple[tuple[type[PaymentsError], int], ...] = (
    (OutcomeUnknown, 6),
    (Declined, 4),
    (NotPermitted, 4),
    (Conflict, 5),
    (InvalidRequest, 2),
    (NotFound, 2),
    (ConfigurationError, 2),
    (UnreadableExport, 3),
    (WebhookError, 4),
    (IntegrityError, 1),
)
"""Exit codes by error, the first fitting one; see `exit_code` for what the provider refuses."""

BUG = 70
INTERRUPTED = 130
FINDINGS = 1
PARTIAL = 3
UNKNOWN = 6


def exit_code(error: PaymentsError) -> int:
    """The exit code of an error; a provider's refusal is 4, its absence 3."""
    for kind, code in EXITS:
        if isinstance(error, kind):
            return code
    if isinstance(error, ProviderError) and error.code in ("rejected", "capability_missing"):
        return 4
    return 3


def say(text: str) -> None:
    """Write one line of talk."""
    _write(_safe(text))


def complain(error: PaymentsError, *, as_json: bool) -> None:
    """Tell an error: what happened, and what to do next."""
    if as_json:
        document = {
            "schema": "tscli/error/1",
            "error": {
                "code": error.code,
                "message": mask_card_numbers(error.message),
                "hint": mask_card_numbers(error.hint),
            },
        }
        _write(json.dumps(document, ensure_ascii=True))
        return
    _write(f"{error.code}: {_safe(error.message)}")
    if error.hint:
        _write(f"  → {_safe(error.hint)}")


def confess(error: BaseException) -> None:
    """Tell that the program itself failed; details only with --debug."""
    _write(f"internal error: {type(error).__name__}. This is a bug in tscli.")
    _write("  → Run the command again with `tscli --debug …` and report the trace.")


def ask(question: str) -> bool:
    """Ask a person for yes or no on the terminal; anything but yes is no."""
    _write(_safe(question) + " [y/N] ", end="")
    answer = sys.stdin.readline()
    return answer.strip().lower() in ("y", "yes")


def _safe(text: str) -> str:
    """Words may come back in an error: nothing in them acts, and no card number is repeated."""
    return safe_text(mask_card_numbers(text))


def _write(text: str, end: str = "\n") -> None:
    sys.stderr.write(text + end)
    sys.stderr.flush()


def tell(text: str) -> None:
    """Write one line to stdout: for answers that are no result, such as the version."""
    sys.stdout.write(text + "\n")


def close_stdout() -> None:
    """Let go of a pipe that nobody reads any more, so that Python does not complain at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
