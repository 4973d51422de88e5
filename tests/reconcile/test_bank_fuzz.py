"""Files with bytes changed, cut, doubled and put in: an answer of ours, and in good time."""

import contextlib
import random
import time

import pytest

from domain.errors import UnreadableExport
from reconcile.bank.reading import read_bank_bytes
from tests.reconcile.bank_texts import GOOD, MAPPING

ROUNDS = 400
SNIPPETS = (
    b"<", b">", b"/", b"\n", b"\r", b",", b".", b":", b"-", b"\0", b"\xff", b"\xc3\xa9", b"9" * 25,
    b"<Ntry>", b"]]>", b"<![CDATA[", b"<!--", b"&amp;", b"&x;", b":61:", b":86:", b":20:", b"16,",
    b"88,", b"49,", b"{4:", b'"', b"<STMTTRN>", b"</STMTTRN>", b"\xef\xbb\xbf", b"\xff\xfe",
)  # fmt: skip


def damaged(data: bytes, dice: random.Random) -> bytes:
    """One to four changes."""
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) + 1)
        end = min(len(data), at + dice.choice((1, 1, 2, 8, 200)))
        match dice.randrange(5):
            case 0:
                data = data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]
            case 1:
                data = data[:at] + data[end:]
            case 2:
                data = data[:at]
            case 3:
                data = data[:end] + data[at:]
            case _:
                data = data[:at] + dice.choice(SNIPPETS) + data[at:]
    return data


@pytest.mark.parametrize("name", GOOD)
def test_no_damage_makes_a_traceback(name: str) -> None:
    """Refused, or read to whole numbers of which every one is counted."""
    dice = random.Random(f"bank {name}")
    for _ in range(ROUNDS):
        data = damaged(GOOD[name].encode(), dice)
        try:
            found = read_bank_bytes(data, name, mapping=MAPPING)
        except UnreadableExport:
            continue
        assert all(type(line.amount_minor) is int for line in found.lines)
        assert found.file.rows == len(found.lines) + len(found.rejects)
        booked = sum(n.amount_minor for n in found.lines if n.status == "booked")
        assert booked == sum(total.amount_minor for total in found.file.totals)


STA, BAI, TABLE = (GOOD[name].encode() for name in ("a.sta", "a.bai2", "a.csv"))
LARGE = {
    "openings": ("a.ofx", b"<OFX>" + b"<!" * 200_000),
    "comments": ("a.ofx", b"<OFX>" + b"<!--" * 200_000 + b"-->"),
    "cdata": ("a.ofx", b"<OFX>" + b"<![CDATA[" * 100_000 + b"]]>"),
    "processing": ("a.ofx", b"<OFX>" + b"<?" * 200_000),
    "tags": ("a.ofx", b"<OFX>" + b"<A" * 200_000),
    "envelopes": ("a.sta", b":20:X\n:25:1\n" + b"{1:" * 200_000),
    "one long field": ("a.sta", b":20:X\n:25:1\n:61:" + b"9" * 500_000),
    "long details": ("a.sta", STA.replace(b"/NAME/", b"166?00" + b"?20EREF+" * 50_000)),
    "slashes": ("a.sta", STA.replace(b"/NAME/", b"/NAME/" * 50_000)),
    "continuations": ("a.bai2", BAI.replace(b"88,PAYOUT\n", b"88,\n" * 50_000)),
    "summaries": ("a.bai2", BAI.replace(b"100,33000,2,,", b"100,1,1,," * 20_000)),
    "open quote": ("a.csv", TABLE + b'"' + b";" * 500_000),
    "attributes": ("a.xml", b"<BkToCstmrStmt " + b'a="1" ' * 50_000),
}  # fmt: skip


@pytest.mark.parametrize(("name", "data"), LARGE.values(), ids=LARGE)
def test_no_shape_takes_long(name: str, data: bytes) -> None:
    """Half a megabyte of one thing is answered in seconds, not in its square."""
    started = time.monotonic()
    with contextlib.suppress(UnreadableExport):
        read_bank_bytes(data, name, mapping=MAPPING)
    assert time.monotonic() - started < 10
