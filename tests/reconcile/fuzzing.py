"""Valid files of every format with their bytes disturbed: refused, or read to figures that add up.

What must never happen: an error that is no answer for a person, a reader that does not come back,
a row that is neither read nor counted as unreadable.
"""

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from domain.errors import PaymentsError
from reconcile.intake.export import Choice
from reconcile.intake.files import read_exports
from tests.corpus.files import camt, write
from tests.corpus.playing import build
from tests.reconcile import bank_texts as bank
from tests.reconcile import test_formats as formats
from tscli.services.bank import read_statement

PATIENCE_SECONDS = 20
"""No file here is larger than some kilobytes: a reader that takes longer hangs."""

_PIECES = (
    b"\x00", b"\xff", b'"', b",", b"\n", b"\r", b";", b"\t", b"-", b".", b"e9", b"NaN", b"Infinity",
    b"\xef\xbb\xbf", b"\xc2\xa0", b"999999999999999999999", b"<", b"&amp;", b":61:", b"88,", b"SB,",
    b"\xe2\x80\xae", b"\x1f\x8b", b"PK\x03\x04", b"'", b"=1+1",
)  # fmt: skip


def samples(folder: Path) -> dict[str, bytes]:
    """A valid file of every format."""
    corpus = build(3, payments=12, each=0)
    written = write(corpus, folder)
    found = {path.name: path.read_bytes() for paths in written.statements.values()
             for path in paths}  # fmt: skip
    found |= {
        "settlement": formats.PLAIN.encode(),
        "download": "\n".join((*formats.DOWNLOADS["German"], "")).encode(),
        "statement": camt(corpus.bank).encode(),
    }
    found |= {name: text.encode() for name, text in bank.GOOD.items() if name != "a.csv"}
    return found | {name: data for name, data in formats.WRAPPED.items() if name != "gzip"}


def disturbed(data: bytes, dice: random.Random) -> bytes:
    """The file with one to six changes: bytes flipped, put in, taken out, doubled, cut off."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(changed) + 1) if changed else 0
        size = dice.choice((1, 1, 2, 8, 40))
        match dice.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                changed[at:at] = dice.choice(_PIECES)
            case 2:
                del changed[at : at + size]
            case 3:
                changed[at:at] = changed[at : at + size]
            case 4:
                del changed[at:]
            case _:
                changed[at : at + size] = dice.choice(_PIECES)
    return bytes(changed)


def try_one(path: Path) -> str:
    """Read one file as an export and as a statement; what came of it.

    Raises:
        AssertionError: a row was lost, or a total is not that of the rows.
        TimeoutError: a reader did not come back.
    """
    with _patience():
        try:
            found = read_exports([path], formats.ALL, choice=Choice(dates="DMY"))
        except PaymentsError:
            pass
        else:
            file = found.files[0]
            assert file.rows == len(found.frame) + file.unreadable
            assert sum(t.rows for t in file.totals) == len(found.frame)
            assert sum(t.amount_minor for t in file.totals) == sum(
                found.frame["amount_minor"].tolist()
            )
            return "export"
        try:
            statement = read_statement(path, None)
        except PaymentsError:
            return "refused"
        lines = list(statement.lines)
        assert statement.file.rows == len(lines) + statement.file.unreadable
        assert sum(t.amount_minor for t in statement.file.totals) == sum(
            line.amount_minor for line in lines
        )
        return "statement"


def fuzz(folder: Path, seed: int, *, seconds: int = 0, files: int = 0) -> Counter[str]:
    """Disturb files for so many seconds, or so many of them."""
    dice = random.Random(seed)
    valid = sorted(samples(folder).items())
    done: Counter[str] = Counter()
    until = time.monotonic() + seconds
    place = folder / "fuzzed"
    while done.total() < files or time.monotonic() < until:
        name, data = dice.choice(valid)
        changed = disturbed(data, dice)
        place.write_bytes(changed)
        try:
            done[try_one(place)] += 1
        except BaseException:
            kept = folder / f"failing-{seed}-{done.total()}"
            kept.write_bytes(changed)
            print(f"{name}, seed {seed}, file {done.total()}: kept as {kept}")
            raise
    return done


@contextmanager
def _patience() -> Iterator[None]:
    def out_of_it(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError("the reader does not come back")

    before = signal.signal(signal.SIGALRM, out_of_it)
    signal.alarm(PATIENCE_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
