"""Good files in every dress: what may vary and changes nothing, and two ways that agree."""

import csv
import hashlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clock import to_micros
from domain.errors import InvalidRequest
from domain.iso4217 import EXPONENTS
from domain.money import MINOR_MAX, format_minor
from providers.stripe.exports import FORMATS
from reconcile.frames import Expected, Reported
from reconcile.intake.files import iter_columns, read_both, read_exports, read_ledger
from reconcile.intake.reading import Reader
from tests.reconcile.tables import (
    EXPORT_HEADER,
    EXPORT_ROW,
    LEDGER_HEADER,
    LEDGER_ROW,
    export,
    ledger,
    read_export_bytes,
    text,
)

unhurried = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

MOMENT = to_micros(datetime(2026, 3, 1, 10, tzinfo=UTC))


def only(frame: pd.DataFrame) -> dict[str, object]:
    """The one row of a frame."""
    assert len(frame) == 1
    return {str(name): value for name, value in frame.iloc[0].items()}


def test_an_export_row_is_read_exactly(tmp_path: Path) -> None:
    """Every cell of the plain example lands in its column, in minor units and micros."""
    found = export(tmp_path, EXPORT_ROW)

    assert only(found.frame) == {
        "reference": "txn_1",
        "source": "ch_1",
        "parent": "",
        "ours": "",
        "payout": "",
        "bank_reference": "",
        "category": "charge",
        "kind": "charge",
        "amount_minor": 10000,
        "currency": "USD",
        "fee_minor": 320,
        "net_minor": 9680,
        "occurred_at": MOMENT,
        "file": 0,
        "line": 2,
    }
    (file,) = found.files
    data = (tmp_path / "e.csv").read_bytes()
    assert file.digest == hashlib.sha256(data).hexdigest()
    assert (file.name, file.size, file.rows, file.unreadable) == ("e.csv", len(data), 1, 0)
    assert file.period == ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z")


def test_a_ledger_row_is_read_exactly(tmp_path: Path) -> None:
    """Every cell of the plain example lands in its column."""
    found = ledger(tmp_path, LEDGER_ROW)

    assert only(found.frame) == {
        "transaction_id": "tx1",
        "payment_id": "pay_1",
        "kind": "charge",
        "provider_reference": "txn_1",
        "amount_minor": 10000,
        "currency": "USD",
        "fee_minor": 320,
        "status": "succeeded",
        "occurred_at": MOMENT,
        "line": 2,
    }
    assert list(iter_columns(found)) == [
        {name: [value] for name, value in only(found.frame).items()}
    ]


DRESSES = {
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "carriage returns": lambda data: data.replace(b"\n", b"\r\n"),
    "no last line end": lambda data: data.rstrip(b"\n"),
    "blank lines at the end": lambda data: data + b"\n\r\n",
    "everything quoted": lambda data: b"\n".join(
        b",".join(b'"' + cell + b'"' for cell in line.split(b",")) for line in data.splitlines()
    ),
    "an extra column": lambda data: data.replace(b"\n", b",more\n"),
    "capital currency": lambda data: data.replace(b"usd", b"USD"),
    "mixed currency": lambda data: data.replace(b"usd", b"uSd"),
    "capital category": lambda data: data.replace(b",charge,", b",Charge,"),
}


@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES)
def test_dress_changes_nothing(tmp_path: Path, dress: Callable[[bytes], bytes]) -> None:
    """What RFC 4180 and careless programs vary gives the same row."""
    found = read_export_bytes(tmp_path, dress(text(EXPORT_HEADER, [EXPORT_ROW])))

    assert found.rejects == ()
    assert only(found.frame.drop(columns="category")) == only(
        export(tmp_path, EXPORT_ROW).frame.drop(columns="category")
    )


def test_lines_are_physical_lines(tmp_path: Path) -> None:
    """A quoted line end and a blank line count, so that an editor shows the row at its number."""
    folded = EXPORT_ROW.replace("Order 1", '"Order\n""1"",\r\nfolded"')
    found = export(tmp_path, folded, "", EXPORT_ROW, EXPORT_ROW.replace("100.00", "x"))

    assert found.frame["line"].tolist() == [2, 6]
    assert [reject.line for reject in found.rejects] == [7]
    assert found.texts is not None
    texts = found.texts.read([(0, 2, "txn_1"), (0, 6, "txn_1"), (0, 6, "other")])
    assert texts[0, 2] == 'Order\n"1",\r\nfolded'


def test_descriptions_are_found_again_by_line(tmp_path: Path) -> None:
    """Only for the row that was meant: a file that changed meanwhile gives no text."""
    found = export(tmp_path, EXPORT_ROW, EXPORT_ROW.replace("txn_1", "txn_2").replace("1", "2"))
    assert found.texts is not None

    assert found.texts.read([(0, 3, "txn_2")]) == {(0, 3): "Order 2"}
    assert found.texts.read([(0, 3, "txn_1")]) == {}
    (tmp_path / "e.csv").unlink()
    assert found.texts.read([(0, 3, "txn_2")]) == {}


def test_control_totals_know_what_the_file_claims(tmp_path: Path) -> None:
    """Totals per currency, and by how much the stated net is not gross minus fee."""
    found = export(
        tmp_path,
        EXPORT_ROW,
        EXPORT_ROW.replace("96.80", "96.00"),
        EXPORT_ROW.replace("usd", "jpy").replace("100.00,3.20,96.80", "-500,0,-500"),
    )

    totals = found.files[0].totals
    assert [(t.currency, t.rows, t.amount_minor, t.fee_minor) for t in totals] == [
        ("JPY", 1, -500, 0),
        ("USD", 2, 20000, 640),
    ]
    assert [t.net_residual_minor for t in totals] == [0, -80]


def test_several_files_are_one_side(tmp_path: Path) -> None:
    """Rows know their file, words are shared, totals add up; one file twice is refused."""
    other = EXPORT_ROW.replace("charge", "refund").replace("100.00", "-1.00")
    paths = []
    for name, line in (("a.csv", EXPORT_ROW), ("b.csv", other), ("c.csv", EXPORT_ROW + " ")):
        (tmp_path / name).write_bytes(text(EXPORT_HEADER, [line]))
        paths.append(tmp_path / name)
    found = read_exports(paths, FORMATS)

    assert found.frame["file"].tolist() == [0, 1, 2]
    assert found.frame["category"].tolist() == ["charge", "refund", "charge"]
    assert found.control == {"USD": (3, 19900, 960)}
    with pytest.raises(InvalidRequest, match="same content"):
        read_exports([paths[0], paths[0]], FORMATS)


def test_a_file_without_sources_is_read(tmp_path: Path) -> None:
    """The source column is optional in Stripe's reports; its rows pair by line id alone."""
    header = EXPORT_HEADER.replace(",source_id", "")
    found = export(tmp_path, EXPORT_ROW.replace(",ch_1", ""), header=header)

    assert found.frame["source"].tolist() == [""]


def test_a_header_alone_is_an_empty_file(tmp_path: Path) -> None:
    """A day without activity is no error."""
    assert len(export(tmp_path).frame) == 0
    assert len(ledger(tmp_path).frame) == 0


@pytest.mark.parametrize(
    ("stated", "utc"),
    [
        ("2026-01-15 12:00:00", "2026-01-15T11:00:00"),
        ("2026-07-15 12:00", "2026-07-15T10:00:00"),
        ("2026-03-29 02:30:00", "2026-03-29T01:30:00"),  # skipped: the offset before the gap
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00"),  # twice: the earlier one
        ("2026-10-25 03:00:00", "2026-10-25T02:00:00"),
    ],
)
def test_local_times_are_read_in_the_reports_zone(tmp_path: Path, stated: str, utc: str) -> None:
    """`created` is local, `created_utc` is not; both sides of a clock change are fixed."""
    row = EXPORT_ROW.replace("2026-03-01 10:00:00", stated)
    zone = ZoneInfo("Europe/Paris")
    local = export(tmp_path, row, header=EXPORT_HEADER.replace("created_utc", "created"), zone=zone)
    in_utc = export(tmp_path, row, zone=zone)

    wanted = to_micros(datetime.fromisoformat(utc + "+00:00"))
    assert local.frame["occurred_at"].tolist() == [wanted]
    plain = to_micros(datetime.fromisoformat(stated + "+00:00"))
    assert in_utc.frame["occurred_at"].tolist() == [plain]


@pytest.mark.parametrize(
    ("stated", "utc"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00"),
        ("2026-03-01 10:00:00+00:00", "2026-03-01T10:00:00"),
        ("2026-03-01T10:00:00+05:30", "2026-03-01T04:30:00"),
        ("2026-03-01T10:00:00-08:00", "2026-03-01T18:00:00"),
        ("2026-03-01T10:00Z", "2026-03-01T10:00:00"),
        ("2026-03-01T10:00:00.250Z", "2026-03-01T10:00:00.250"),
        ("2026-03-01T10:00:00.123456+0100", "2026-03-01T09:00:00.123456"),
        ("2026-03-01 10:00:00+00", "2026-03-01T10:00:00"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00"),
    ],
)
def test_ledger_times_name_their_zone(tmp_path: Path, stated: str, utc: str) -> None:
    """ISO 8601 as programs and databases write it."""
    found = ledger(tmp_path, LEDGER_ROW.replace("2026-03-01T10:00:00Z", stated))

    assert found.rejects == ()
    wanted = to_micros(datetime.fromisoformat(utc + "+00:00"))
    assert found.frame["occurred_at"].tolist() == [wanted]


def test_the_two_sides_are_read_at_once(tmp_path: Path) -> None:
    """Reading both in threads gives what reading each alone gives."""
    (tmp_path / "l.csv").write_bytes(text(LEDGER_HEADER, [LEDGER_ROW]))
    (tmp_path / "e.csv").write_bytes(text(EXPORT_HEADER, [EXPORT_ROW]))
    expected, reported = read_both(tmp_path / "l.csv", [tmp_path / "e.csv"], FORMATS)

    pd.testing.assert_frame_equal(expected.frame, read_ledger(tmp_path / "l.csv").frame)
    pd.testing.assert_frame_equal(reported.frame, read_exports([tmp_path / "e.csv"], FORMATS).frame)


# ------------------------------------------------------------------- both ways of reading agree

words = st.text(st.sampled_from('ab ,;"\n\r\té€=0'), max_size=8)
amounts = st.one_of(st.integers(-(10**6), 10**6), st.integers(-MINOR_MAX, MINOR_MAX), st.just(0))
sloppy = st.sampled_from(["", " 1.00", "1e3", "1,5", "00012.50", "-0", "12.345", "+1", "7", "-.5"])
moments = st.datetimes(datetime(1969, 12, 1), datetime(2201, 2, 1)).map(  # noqa: DTZ001
    lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S")
)


@st.composite
def export_files(draw: st.DrawFn) -> bytes:
    """An export with any column order, quoting, line ends, and some cells that must be refused."""
    header = EXPORT_HEADER
    if draw(st.booleans()):
        header = header.replace("created_utc", "created")
    names = header.split(",")
    lines = []
    for number in range(draw(st.integers(0, 8))):
        currency = draw(st.sampled_from(sorted(EXPONENTS)))
        money = [format_minor(draw(amounts), currency) for _ in range(3)]
        if draw(st.integers(0, 5)) == 0:
            money[draw(st.integers(0, 2))] = draw(sloppy)
        moment = draw(moments)[: draw(st.sampled_from([19, 19, 16, 10]))]
        if draw(st.booleans()):
            currency = currency.lower()
        category = draw(st.sampled_from(["charge", "Refund", "moonbeam", "payout", "fee"]))
        source = draw(st.sampled_from(["", "ch_1", "ré_2"]))
        cells = [f"txn_{number}", moment, currency, *money, category, source, draw(words)]
        lines.append(dict(zip(names, cells, strict=True)))
    order = draw(st.permutations(names))
    out = io.StringIO(newline="")
    ends = draw(st.sampled_from(["\n", "\r\n"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.DictWriter(out, order, lineterminator=ends, quoting=quoting)
    writer.writeheader()
    writer.writerows(lines)
    body = out.getvalue().encode()
    if draw(st.booleans()):
        body = b"\xef\xbb\xbf" + body
    return body.rstrip(b"\r\n") if draw(st.integers(0, 3)) == 0 else body


def read_in(way: str, path: Path, zone: ZoneInfo) -> Reported:
    """Read with plain blocks, with blocks of a few bytes, or strictly row by row."""
    options = {"plain": {}, "tiny": {"block_bytes": 300}, "strict": {"strictly": True}}[way]
    with ThreadPoolExecutor(2) as pool:
        return read_exports([path], FORMATS, zone, reader=Reader(pool, **options))


@unhurried
@given(export_files(), st.sampled_from(["UTC", "Europe/Paris", "America/Sao_Paulo"]))
def test_fast_and_strict_reading_agree(tmp_path: Path, data: bytes, zone: str) -> None:
    """Same rows, same rejects, same totals, wherever blocks end and whichever way is taken."""
    path = tmp_path / "random.csv"
    path.write_bytes(data)
    plain, tiny, strict = (
        read_in(way, path, ZoneInfo(zone)) for way in ("plain", "tiny", "strict")
    )

    for other in (tiny, strict):
        pd.testing.assert_frame_equal(
            plain.frame.astype({"category": object}), other.frame.astype({"category": object})
        )
        assert other.rejects == plain.rejects
        assert other.files == plain.files


@pytest.mark.parametrize("seed", range(30))
def test_random_damage_never_raises_anything_else(tmp_path: Path, seed: int) -> None:
    """Bytes changed, dropped and doubled at random give rows and rejects, or the one error."""
    random = Random(seed)
    data = bytearray(text(EXPORT_HEADER, [EXPORT_ROW.replace("txn_1", f"t{n}") for n in range(20)]))
    for _ in range(random.randrange(1, 12)):
        at = random.randrange(len(EXPORT_HEADER) + 1, len(data))
        act = random.randrange(3)
        if act == 0:
            data[at] = random.choice(b'",\n\r;. -0x\xc3')
        elif act == 1:
            del data[at : at + random.randrange(1, 30)]
        else:
            data[at:at] = data[at : at + random.randrange(1, 30)]
    path = tmp_path / "damaged.csv"
    path.write_bytes(bytes(data))
    outcomes = []
    for way in ("plain", "strict"):
        try:
            found = read_in(way, path, ZoneInfo("UTC"))
            outcomes.append((found.frame.to_csv(), found.rejects, found.files))
        except Exception as error:
            outcomes.append((type(error).__name__, str(error)))

    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] == "UnreadableExport" or len(outcomes[0]) == 3


def test_iterating_columns_comes_in_portions(tmp_path: Path) -> None:
    """An import takes a few rows at a time, as plain Python values."""
    lines = [LEDGER_ROW.replace("tx1", f"tx{n}") for n in range(5)]
    found: Expected = ledger(tmp_path, *lines)
    portions = list(iter_columns(found, 2))

    assert [len(portion["kind"]) for portion in portions] == [2, 2, 1]
    assert {type(value) for portion in portions for value in portion["amount_minor"]} == {int}
