"""The settlement report: rows in PayPal's order, footers that sum up, nothing of the truth lost."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.money import exponent
from providers.paypal.exports import EVENT_CODES, SETTLEMENT_COLUMNS
from providers.sandbox.paypal_settlement import COLUMNS, report_name, settlement_report
from tests.conftest import shared
from tests.providers.paypal.descriptions import load
from tests.providers.paypal.market import START, Market

DAY = timedelta(days=1)


@pytest.fixture
def market() -> Iterator[Market]:
    opened = Market(load())
    yield opened
    opened.world.close()


def week(market: Market) -> None:
    """Two days of trade in three currencies."""
    first = market.paid(10_000, "USD", pay="pay_1", order="A-1").provider_payment_id
    held = market.paid(8_000, "USD", pay="pay_2", capture=False).provider_payment_id
    market.paid(1_200, "JPY", pay="pay_3")
    market.clock.advance(DAY)
    market.run(market.adapter.capture(held, 5_000, "USD", "cap"))
    market.run(market.adapter.refund(first, 2_500, "USD", "op_1", "ref"))
    market.paid(120_000, "HUF", pay="pay_4")
    dispute = market.world.dispute(market.world.charges()[-1].id)
    market.world.win_dispute(dispute.id)
    market.world.fee("USD", 700, "monthly")
    market.world.make_payouts()


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def signed(kind: str, amount: str) -> int:
    return int(amount or "0") * (-1 if kind == "DR" else 1)


def test_rows_stand_in_paypals_order(market: Market) -> None:
    """Proves: headers, section, columns, lines, footers and counts in their places."""
    week(market)
    found = rows(settlement_report(market.world, START, START + 2 * DAY))
    kinds = [row[0] for row in found]
    lines = kinds.count("SB")
    assert kinds == (
        ["RH", "FH", "SH", "CH"] + ["SB"] * lines
        + ["SF"] * 3 + ["SC"] + ["RF"] * 3 + ["RC", "FF"]
    )  # fmt: skip
    assert found[0][2:] == ["X", market.world.account, "009"]
    assert found[2][1:3] == ["2026/11/02 09:00:00 +0000", "2026/11/04 08:59:59 +0000"]
    assert all(len(row) == 22 for row in found if row[0] in ("CH", "SB"))
    assert all(len(row) == 19 for row in found if row[0] in ("SF", "RF"))
    assert {row[1] for row in found if row[0] in ("SC", "RC", "FF")} == {str(lines)}


@pytest.mark.parametrize("hundredths", [True, False])
def test_footers_sum_up_what_stands_above_them(market: Market, hundredths: bool) -> None:
    """Proves: sums by currency and sign, opening plus movements is closing, day after day."""
    week(market)
    closing: dict[str, int] = defaultdict(int)
    for day in range(3):
        begin = START + day * DAY
        found = rows(settlement_report(market.world, begin, begin + DAY, hundredths=hundredths))
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
        for row in (row for row in found if row[0] == "SB"):
            total = sums[row[10]]
            total[0 if row[8] == "CR" else 1] += int(row[9])
            total[2 if row[11] == "CR" else 3] += int(row[12] or "0")
            total[4] += 1
        footers = [row for row in found if row[0] == "SF"]
        assert sorted(sums) == [row[1] for row in footers]
        for row in footers:
            credits, debits, back, cost, count = sums[row[1]]
            assert [int(cell) for cell in row[2:6]] == [credits, debits, back, cost]
            assert signed(row[6], row[7]) == closing[row[1]]
            closing[row[1]] += credits - debits + back - cost
            assert signed(row[8], row[9]) == closing[row[1]]
            assert int(row[-1]) == count
    truth: dict[str, int] = defaultdict(int)
    for line in market.world.balance_lines():
        scale = 100 if hundredths and exponent(line.currency) == 0 else 1
        truth[line.currency] += line.net_minor * scale
    assert dict(closing) == dict(truth)


def test_lines_can_be_joined_with_our_books(market: Market) -> None:
    """Proves: each line names the payment or operation, the capture it is about, and a code we
    have a word for."""
    week(market)
    found = rows(settlement_report(market.world, START, START + 2 * DAY))
    columns = found[3][1:]
    lines = [dict(zip(columns, row[1:], strict=True)) for row in found if row[0] == "SB"]
    by_code = defaultdict(list)
    for line in lines:
        by_code[line["Transaction Event Code"]].append(line)
    assert set(by_code) <= set(EVENT_CODES)
    sale = by_code["T0006"][0]
    assert (sale["Invoice ID"], sale["Custom Field"]) == ("A-1", "pay_1")
    (refund,) = by_code["T1107"]
    assert (refund["PayPal Reference ID"], refund["PayPal Reference ID Type"]) == (
        sale["Transaction ID"], "TXN",
    )  # fmt: skip
    assert (refund["Custom Field"], refund["Transaction Debit or Credit"]) == ("op_1", "DR")
    (taken,) = by_code["T1201"]
    (fee,) = by_code["T0106"]
    assert fee["PayPal Reference ID"] == taken["Transaction ID"]
    assert all(line["Bank Reference ID"] for line in by_code["T0401"])


def test_yen_are_written_in_either_scale(market: Market) -> None:
    """Proves: currencies without decimals are hundredths by default, and whole when asked."""
    market.paid(1_200, "JPY")
    grosses = [
        next(r for r in rows(settlement_report(market.world, START, START + DAY, hundredths=h))
             if r[0] == "SB")[9]
        for h in (True, False)
    ]  # fmt: skip
    assert grosses == ["120000", "1200"]


def test_a_quiet_day_has_a_report_too(market: Market) -> None:
    """Proves: no trade is a report without lines, not an error."""
    found = rows(settlement_report(market.world, START, START + DAY))
    assert [row[0] for row in found] == ["RH", "FH", "SH", "CH", "SC", "RC", "FF"]
    assert report_name(START) == "STL-20261102.01.009.CSV"


def test_the_columns_are_paypals(market: Market) -> None:
    """Proves: the column row is the one of real reports, and the adapter's own list agrees."""
    assert COLUMNS == SETTLEMENT_COLUMNS
    real = shared("samples", "paypal", "smashpig_stl_brl_refund.csv").read_text("utf-8-sig")
    (header,) = [row for row in rows(real) if row[0] == "CH"]
    assert tuple(header[1:]) == COLUMNS
