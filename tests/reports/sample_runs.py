"""Two small fixed runs, and one that can be made long.

The broken run holds one break of every kind and a second amount break, in five currencies:

    kind                    line                          expected            reported
    status_mismatch         ch_status     USD             75.00 (failed)      75.00
    currency_mismatch       ch_currency   USD / EUR       40.00 USD           40.00 EUR
    amount_mismatch         ch_amount     USD             1,250.00            1,205.00
    amount_mismatch         ch_dinar      BHD             12.345 fee 0.400    12.354 fee 0.500
    fee_mismatch            ch_fee        EUR             88.00 fee 2.85      88.00 fee 3.10
    missing_in_ledger       re_gone       JPY             -                   -5,000
    missing_at_provider     ch_lost       GBP             310.50 fee 9.30     -
    duplicate_at_provider   ch_twice      JPY             -                   12,000 fee 432
    duplicate_in_ledger     ch_double     USD             20.00 fee 0.88      -
    unknown_kind            hostile       USD             -                   -1.00
    unreadable              hostile file, line 18

Matched besides: 40 rows of USD, 6 of EUR, 3 of JPY; one BHD row outside the period, one USD row not
expected. The second file's own net column is off by 0.10 USD.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from domain.breaks import Break, Side, break_id
from domain.buckets import KINDS, Bucket
from domain.run import BucketTotal, Period, Run
from domain.settlement import ControlTotal, InputFile
from reports.reconciliation import ReconciliationReport, reconciliation_report

HOSTILE_TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "\x1b[31mred\x1b[0m\x9b2J",
    "pay\u202e000.01\u2066",
    "zero\u200bwidth\ufeff\u00ad",
    "line\nbreak\ttab\x00\x7f",
    "{{ 7 * 7 }}{% raw %}",
    "]]></style><style>*{display:none}</style>",
    "#sys.inputs \\u{202e} $x^2$ `raw`",
    "[click](https://example.com) **bold** | cell | ![i](x) <b> _u_",
)
HOSTILE = " ".join(HOSTILE_TEXTS)

VERSION = "0.1.0"
PASSES = {"provider_reference": 53, "source": 2}


def side(
    amount: int,
    currency: str,
    fee: int = 0,
    status: str = "succeeded",
    at: str = "2026-03-03T10:15:00Z",
) -> Side:
    return Side(amount, fee, currency, status, at)


def a_break(
    kind: Bucket,
    reference: str,
    expected: Side | None,
    reported: Side | None,
    fields: tuple[str, ...] = (),
    *,
    line_kind: str = "charge",
    line: int = 0,
    file: str = "balance_history.csv",
    detail: str = "",
) -> Break:
    ours = f"txn_{reference}" if expected else ""
    first = expected or reported
    return Break(
        break_id=break_id("ours" if ours else "theirs", line_kind, ours or reference, 0),
        kind=kind,
        line_kind=line_kind,
        provider_reference=reference,
        currency=first.currency if first else "",
        expected=expected,
        reported=reported,
        fields=fields,
        transaction_id=ours,
        payment_id=f"pay_{reference}" if expected else "",
        file=file,
        line=line,
        detail=detail,
    )


BREAKS = (
    a_break(
        Bucket.STATUS_MISMATCH, "ch_status", side(7500, "USD", 248, "failed"),
        side(7500, "USD", 248, "charge"), ("status",), line=7,
    ),
    a_break(
        Bucket.CURRENCY_MISMATCH, "ch_currency", side(4000, "USD", 146),
        side(4000, "EUR", 146, "charge"), ("currency",), line=9,
    ),
    a_break(
        Bucket.AMOUNT_MISMATCH, "ch_amount", side(125000, "USD", 3655),
        side(120500, "USD", 3655, "charge"), ("amount",), line=3, detail="Order 1001",
    ),
    a_break(
        Bucket.AMOUNT_MISMATCH, "ch_dinar", side(12345, "BHD", 400),
        side(12354, "BHD", 500, "charge"), ("amount", "fee"), line=11,
    ),
    a_break(
        Bucket.FEE_MISMATCH, "ch_fee", side(8800, "EUR", 285),
        side(8800, "EUR", 310, "charge"), ("fee",), line=12,
    ),
    a_break(
        Bucket.MISSING_IN_LEDGER, "re_gone", None,
        side(-5000, "JPY", 0, "refund", "2026-03-05T01:02:03Z"), line_kind="refund", line=14,
    ),
    a_break(Bucket.MISSING_AT_PROVIDER, "ch_lost", side(31050, "GBP", 930), None, file=""),
    a_break(
        Bucket.DUPLICATE_AT_PROVIDER, "ch_twice", None, side(12000, "JPY", 432, "charge"), line=16
    ),
    a_break(Bucket.DUPLICATE_IN_LEDGER, "ch_double", side(2000, "USD", 88), None, file=""),
    a_break(
        Bucket.UNKNOWN_KIND, HOSTILE, None, side(-100, "USD", 0, HOSTILE, HOSTILE), ("kind",),
        line_kind=HOSTILE, file=HOSTILE, line=17, detail=HOSTILE,
    ),
    a_break(
        Bucket.UNREADABLE, "", None, None, ("Amount",), line_kind="",
        file=HOSTILE, line=18, detail=f"'1e3' is not an amount. {HOSTILE}",
    ),
)  # fmt: skip

BREAKS += tuple(
    a_break(kind, f"ch_{kind}", side(1000, "USD"), side(1010, "USD", 0, "charge"), ("amount",))
    for kind in KINDS
    if kind not in {item.kind for item in BREAKS}
)
"""Every other kind by an example without traits of its own."""

_MATCHED = (("USD", 40, 412_345, 14_203), ("EUR", 6, 60_120, 2_011), ("JPY", 3, 45_000, 1_620))


def bucket_totals(breaks: Iterable[Break]) -> tuple[BucketTotal, ...]:
    """Matched and set-aside rows as the docstring says, and each break's sides in its bucket."""
    totals = [
        BucketTotal(Bucket.MATCHED, which, *row)
        for row in _MATCHED
        for which in ("expected", "reported")
    ]
    totals.append(BucketTotal(Bucket.OUTSIDE_PERIOD, "reported", "BHD", 1, 9_999, 250))
    totals.append(BucketTotal(Bucket.NOT_EXPECTED, "expected", "USD", 1, 5_500, 0))
    for item in breaks:
        for which, one in (("expected", item.expected), ("reported", item.reported)):
            if one:
                row = (one.currency, 1, one.amount_minor, one.fee_minor)
                totals.append(BucketTotal(item.kind, which, *row))
        if item.kind is Bucket.UNREADABLE:
            totals.append(BucketTotal(item.kind, "reported", "", 1, 0, 0))
    return tuple(totals)


def _control(totals: Iterable[BucketTotal], which: str) -> dict[str, tuple[int, int, int]]:
    sums: dict[str, tuple[int, int, int]] = {}
    for t in totals:
        if t.side == which and t.currency:
            rows, amount, fee = sums.get(t.currency, (0, 0, 0))
            sums[t.currency] = (rows + t.rows, amount + t.amount_minor, fee + t.fee_minor)
    return sums


def a_file(
    name: str, format: str, control: dict[str, tuple[int, int, int]], unreadable: int, residual: int
) -> InputFile:
    totals = tuple(
        ControlTotal(currency, *control[currency], residual if currency == "USD" else 0)
        for currency in sorted(control)
    )
    rows = sum(total.rows for total in totals) + unreadable
    period = ("2026-03-02T00:04:11Z", "2026-03-08T22:51:40Z")
    return InputFile(name, "ab" * 32, 14_336, format, rows, unreadable, totals, period)


def a_run(
    breaks: Iterable[Break],
    totals: tuple[BucketTotal, ...],
    inputs: tuple[InputFile, ...],
    hostile: str = "",
) -> Run:
    kinds = [item.kind for item in breaks]
    return Run(
        run_id="run_01k1m5xq8tabcdefghjkmnpqrstvwxyz0123",
        provider="stripe",
        account=f"acct_1ABCdef{hostile}",
        mode="test",
        period=Period(
            datetime(2026, 3, 1, 23, tzinfo=UTC),
            datetime(2026, 3, 8, 23, tzinfo=UTC),
            "Europe/Berlin",
        ),
        started_at=datetime(2026, 3, 9, 6, 30, tzinfo=UTC),
        inputs=inputs,
        expected_digest="cd" * 32,
        totals=totals,
        break_counts=tuple((kind, kinds.count(kind)) for kind in KINDS if kind in kinds),
        rules_digest="ef" * 32,
    )


def broken(breaks: tuple[Break, ...] = BREAKS) -> ReconciliationReport:
    """The run of the docstring."""
    totals = bucket_totals(breaks)
    reported = _control(totals, "reported")
    first = {code: reported.pop(code) for code in ("EUR", "JPY")}
    inputs = (
        a_file("ledger.csv", "ledger", _control(totals, "expected"), 0, 0),
        a_file("balance_history.csv", "stripe.balance_history", first, 0, 0),
        a_file(HOSTILE, "stripe.payout_reconciliation", reported, 1, -10),
    )
    run = a_run(breaks, totals, inputs, HOSTILE)
    return reconciliation_report(run, breaks, {**PASSES, HOSTILE: 0}, VERSION)


def agreed() -> ReconciliationReport:
    """Matched rows only, the ledger a database."""
    totals = tuple(
        BucketTotal(Bucket.MATCHED, which, *row)
        for row in _MATCHED
        for which in ("expected", "reported")
    )
    file = a_file("march.csv", "stripe.balance_history", _control(totals, "reported"), 0, 0)
    return reconciliation_report(a_run((), totals, (file,)), (), PASSES, VERSION)


def hostile_everywhere(text: str) -> ReconciliationReport:
    """Two breaks and a file, with `text` wherever a text can stand."""
    one = Side(100, 3, text, text, text)
    missing = Break(
        text,
        Bucket.MISSING_AT_PROVIDER,
        text,
        text,
        text,
        one,
        None,
        (text, "currency"),
        text,
        text,
        text,
        5,
        text,
    )
    unreadable = replace(missing, kind=Bucket.UNREADABLE, expected=None)
    totals = (
        BucketTotal(Bucket.MISSING_AT_PROVIDER, "expected", text, 1, 100, 3),
        BucketTotal(Bucket.UNREADABLE, "reported", "", 1, 0, 0),
    )
    control = (ControlTotal(text, 0, 0, 0, 7),)
    file = InputFile(text, text, 1, text, 1, 1, control, (text, text))
    run = replace(
        a_run((missing, unreadable), totals, (file,)),
        run_id=text, provider=text, account=text, mode=text, expected_digest=text,
        rules_digest=text,
    )  # fmt: skip
    run = replace(run, period=replace(run.period, timezone=text))
    return reconciliation_report(run, (missing, unreadable), {text: 1}, text)


def long(rows: int) -> ReconciliationReport:
    """The broken run with so many more lines missing in the ledger, 1.00 USD up to `rows` USD."""
    more = (
        a_break(
            Bucket.MISSING_IN_LEDGER, f"ch_{number:06}", None,
            side(100 * number, "USD", 0, "charge"), line=number,
        )
        for number in range(1, rows + 1)
    )  # fmt: skip
    return broken((*BREAKS, *more))
