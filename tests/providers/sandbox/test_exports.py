"""Exports are the provider's own layouts, and they tie to the truth."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from domain.errors import InvalidRequest
from providers.sandbox.exports import FORMATS, export
from providers.sandbox.world import World

COLUMNS = Path(__file__).parents[3].parent / "shared/reference/data/stripe_report_columns.json"
FROM, TO = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
ACTIVITY = "balance_change_from_activity.itemized"


def table(text):
    """The rows of a CSV by column."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def week(api, world, clock):
    """A few days with every kind of line and two payouts, one of which comes back."""
    paid = api.pay(10000, description="Order 1", metadata={"order": "o1"})
    api.pay(1200, "jpy")
    api.pay(5120, "bhd")
    held = api.pay(9000, "usd", "pm_card_mastercard", capture_method="manual")["id"]
    api.post(f"payment_intents/{held}/capture", {"amount_to_capture": 4000})
    api.post("refunds", {"payment_intent": paid["id"], "amount": 2500, "metadata": {"why": "late"}})
    other = api.pay(8000, "eur")["latest_charge"]
    world.win_dispute(world.dispute(other).id)
    world.fee("USD", 199, "Monthly fee")
    clock.advance(timedelta(days=2))
    made = world.make_payouts()
    clock.advance(timedelta(days=3))
    world.fail_payout(made[0].id)
    clock.advance(timedelta(days=1))
    world.make_payouts()
    return world


def test_default_layout_of_activity(week):
    """Proves: the exact bytes of a small export: digits, signs, order, no payout lines."""
    text = export(week, ACTIVITY, FROM, TO, columns=("currency", "gross", "fee", "net",
                  "reporting_category", "created_utc", "available_on_utc"))  # fmt: skip
    assert text == (
        "currency,gross,fee,net,reporting_category,created_utc,available_on_utc\n"
        "usd,100.00,3.20,96.80,charge,2026-11-02 09:00:00,2026-11-04 00:00:00\n"
        "jpy,1200,43,1157,charge,2026-11-02 09:00:00,2026-11-04 00:00:00\n"
        "bhd,5.120,0.260,4.860,charge,2026-11-02 09:00:00,2026-11-04 00:00:00\n"
        "usd,90.00,1.46,88.54,charge,2026-11-02 09:00:00,2026-11-04 00:00:00\n"
        "usd,-50.00,0.00,-50.00,partial_capture_reversal,2026-11-02 09:00:00,2026-11-04 00:00:00\n"
        "usd,-25.00,0.00,-25.00,refund,2026-11-02 09:00:00,2026-11-02 09:00:00\n"
        "eur,80.00,1.45,78.55,charge,2026-11-02 09:00:00,2026-11-04 00:00:00\n"
        "eur,-80.00,20.00,-100.00,dispute,2026-11-02 09:00:00,2026-11-02 09:00:00\n"
        "eur,80.00,0.00,80.00,dispute_reversal,2026-11-02 09:00:00,2026-11-02 09:00:00\n"
        "usd,-1.99,0.00,-1.99,fee,2026-11-02 09:00:00,2026-11-02 09:00:00\n"
    )


@pytest.mark.parametrize("name", FORMATS)
def test_columns_are_the_documented_ones(name):
    """Proves: every documented column exists under its own name, and no other."""
    if not COLUMNS.exists():
        pytest.skip("../shared/reference is absent: columns are not compared with the list")
    known = json.loads(COLUMNS.read_text())
    basic = known["balance_change_from_activity.itemized.3"]
    wanted = {
        ACTIVITY: basic,
        "payout_reconciliation.itemized": basic + known["payout_reconciliation.itemized.5"]["plus"],
        "payouts.itemized": known["payouts.itemized.3"],
        "balance_history": known["balance_history.csv (Dashboard)"],
    }[name]
    assert set(FORMATS[name].columns) == {c for c in wanted if "[" not in c}


@pytest.mark.parametrize("name", FORMATS)
def test_net_is_gross_minus_fee_everywhere(week, name):
    """Proves: each row of each layout ties in its own digits, in lower-case currencies."""
    layout = FORMATS[name]
    rows = table(export(week, name, FROM, TO, columns=tuple(layout.columns)))
    assert rows
    for row in rows:
        assert Decimal(row[layout.gross]) - Decimal(row[layout.fee]) == Decimal(row[layout.net])
        assert row[layout.currency].islower()


def test_payout_reconciliation_sums_to_the_payouts(week):
    """Proves: the members of each automatic payout sum to minus its own line."""
    members = table(
        export(week, "payout_reconciliation.itemized", FROM, TO,
               columns=("automatic_payout_id", "net", "trace_id_status", "trace_id"))
    )  # fmt: skip
    payouts = table(export(week, "payouts.itemized", FROM, TO))
    sent = {r["payout_id"]: r for r in payouts if r["reporting_category"] == "payout"}
    assert len(sent) == 4 + 1
    for payout_id, row in sent.items():
        nets = [Decimal(m["net"]) for m in members if m["automatic_payout_id"] == payout_id]
        assert sum(nets) == -Decimal(row["net"])
    back = [r for r in payouts if r["reporting_category"] == "payout_reversal"]
    assert [r["payout_status"] for r in back] == ["failed"]
    assert {m["trace_id_status"] for m in members} == {"supported", "pending"}


def test_exports_hold_all_money_of_the_truth(week):
    """Proves: activity plus payouts equal the balance, per currency, to the minor unit."""
    lines = week.balance_lines()
    rows = table(export(week, "balance_history", FROM, TO))
    assert [r["id"] for r in rows] == [line.id for line in lines]
    activity = table(export(week, ACTIVITY, FROM, TO))
    moved = table(export(week, "payouts.itemized", FROM, TO + timedelta(days=10)))
    for currency, (available, pending) in week.balances().items():
        digits = {"JPY": 0, "BHD": 3}.get(currency, 2)
        total = sum(
            Decimal(r["net"]) for r in activity + moved if r["currency"] == currency.lower()
        )
        assert total.scaleb(digits) == available + pending


def test_periods_are_half_open(week):
    """Proves: two adjoining periods hold each line once."""
    middle = FROM + timedelta(days=1, hours=9)
    first, second = export(week, ACTIVITY, FROM, middle), export(week, ACTIVITY, middle, TO)
    assert len(table(first)) == 0
    assert len(table(second)) == 10


def test_chosen_columns_metadata_and_time_zone(week):
    """Proves: columns in the order asked, metadata by key, local times in the report's zone."""
    columns = ("payment_metadata[order]", "refund_metadata[why]", "transfer_metadata[x]", "created",
               "created_utc", "source_id", "charge_id", "card_brand")  # fmt: skip
    rows = table(export(week, ACTIVITY, FROM, TO, columns=columns, timezone="America/New_York"))
    assert tuple(rows[0]) == columns
    assert rows[0]["payment_metadata[order]"] == "o1"
    assert rows[0]["created"] == "2026-11-02 04:00:00"
    assert rows[0]["created_utc"] == "2026-11-02 09:00:00"
    refund = rows[5]
    assert (refund["refund_metadata[why]"], refund["payment_metadata[order]"]) == ("late", "o1")
    assert refund["source_id"].startswith("re_")
    assert refund["charge_id"] == rows[0]["charge_id"]
    assert rows[3]["card_brand"] == "mastercard"


@pytest.mark.parametrize(
    "words",
    [
        {"format_name": "nothing"},
        {"columns": ("colour",)},
        {"columns": ("net", "net")},
        {"timezone": "Mars/Base"},
        {"format_name": "balance_history", "columns": ("payment_metadata[k]",)},
    ],
)
def test_what_no_export_has_is_refused(world, words):
    """Proves: unknown formats, columns and zones are errors, not empty files."""
    given = {"format_name": ACTIVITY, **words}
    with pytest.raises(InvalidRequest):
        export(world, start=FROM, end=TO, **given)


def test_an_empty_period_has_a_header_only(world):
    """Proves: nothing happened is a file with its header."""
    assert export(world, ACTIVITY, FROM, TO).count("\n") == 1


def test_a_report_run_is_the_same_file(api, week):
    """Proves: the API's report and the direct export are the same bytes; unknown ones are 400."""
    words = {"interval_start": int(FROM.timestamp()), "interval_end": int(TO.timestamp()),
             "columns": ["net", "source_id"]}  # fmt: skip
    kind = f"{ACTIVITY}.3"
    run = api.post("reporting/report_runs", {"report_type": kind, "parameters": words})
    done = api.get(f"reporting/report_runs/{run['id']}")
    text = api.send("GET", f"/v1/files/{done['result']['id']}/contents").text
    assert text == export(week, ACTIVITY, FROM, TO, columns=("net", "source_id"))
    for report_type, more in (
        ("balance.magic.1", {}), (kind, {"columns": ["colour"]}), (kind, {"interval_end": 1}),
        (kind, {"shade": "x"}),
    ):  # fmt: skip
        data = {"report_type": report_type, "parameters": {**words, **more}}
        api.post("reporting/report_runs", data, ok=400)


def test_the_same_world_writes_the_same_bytes(clock, new_api, never):
    """Proves: two worlds with one seed and one history are identical in every file."""

    def run():
        world = World.open(":memory:", clock, seed="s")
        api = new_api(world)
        api.pay(10000)
        api.post("refunds", {"charge": api.pay(5000)["latest_charge"]})
        return world

    first, second = run(), run()
    for name in FORMATS:
        assert export(first, name, FROM, TO) == export(second, name, FROM, TO)
    assert first.movements() == second.movements()
    other = new_api(World.open(":memory:", clock, seed="t"))
    assert other.pay(10000)["id"] != first.intents()[0].id
