"""A corpus as the files in which it comes: ledgers, exports, a settlement report, a statement."""

import csv
import io
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

from domain.money import exponent, format_minor
from tests.corpus.ledgers import END, START, Corpus, Deposit, Ours, Side, Theirs

STRIPE = (
    "balance_transaction_id", "created_utc", "currency", "gross", "fee", "net",
    "reporting_category", "source_id", "charge_id", "automatic_payout_id",
    "payment_metadata[payment_id]", "description",
)  # fmt: skip
PAYPAL = (
    "Transaction ID", "Invoice ID", "PayPal Reference ID", "PayPal Reference ID Type",
    "Transaction Event Code", "Transaction Initiation Date", "Transaction Completion Date",
    "Transaction Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency",
    "Fee Debit or Credit", "Fee Amount", "Fee Currency", "Custom Field", "Consumer ID",
    "Payment Tracking ID", "Store ID", "Bank Reference ID",
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """Where a corpus lies."""

    ledgers: dict[str, Path]
    statements: dict[str, list[Path]]
    bank: Path


def write(corpus: Corpus, folder: Path, *, parts: int = 1, shuffle: int | None = None) -> Written:
    """Write a corpus; `parts` splits Stripe's files, `shuffle` puts all rows in another order."""
    dice = random.Random(shuffle)
    ledgers, statements = {}, {}
    for name, side in corpus.sides.items():
        ours, theirs = list(side.ours), list(side.theirs)
        if shuffle is not None:
            dice.shuffle(ours)
            dice.shuffle(theirs)
        ledgers[name] = folder / f"{name}_ledger.csv"
        ledgers[name].write_text(ledger(ours))
        writing = _stripe if name == "stripe" else _paypal
        statements[name] = writing(side, theirs, folder, parts)
    bank = folder / "bank.xml"
    deposits = list(corpus.bank)
    if shuffle is not None:
        dice.shuffle(deposits)
    bank.write_text(camt(deposits))
    return Written(ledgers, statements, bank)


def ledger(lines: Iterable[Ours]) -> str:
    """Our lines as a ledger file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        (
            "transaction_id",
            "payment_id",
            "kind",
            "provider_reference",
            "amount",
            "currency",
            "fee",
            "status",
            "occurred_at",
        )
    )
    for line in lines:
        writer.writerow(
            (line.name, line.payment, line.kind, line.reference,
             format_minor(line.amount, line.currency), line.currency,
             format_minor(line.fee, line.currency), line.status, f"{line.at:%Y-%m-%dT%H:%M:%SZ}")
        )  # fmt: skip
    return out.getvalue()


def _stripe(side: Side, lines: Sequence[Theirs], folder: Path, parts: int) -> list[Path]:
    found = []
    size = -(-len(lines) // parts)
    # Lines that are alike have to stay in one file: in two files they are one line.
    ordered = sorted(lines, key=lambda line: line.reference) if parts > 1 else list(lines)
    pieces = [ordered[at : at + size] for at in range(0, len(ordered), size)]
    for number in range(len(pieces) - 1, 0, -1):
        while pieces[number][0].reference == pieces[number - 1][-1].reference:
            pieces[number - 1].append(pieces[number].pop(0))
    for number, piece in enumerate([*pieces, side.second_file]):
        path = folder / f"stripe_{number}.csv"
        path.write_text(_stripe_text(piece))
        found.append(path)
    return found


def _stripe_text(lines: Iterable[Theirs]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(STRIPE)
    for line in lines:
        code = line.currency
        payout = "" if line.payout == "-" else line.payout
        writer.writerow(
            (line.reference, f"{line.at:%Y-%m-%d %H:%M:%S}", code.lower(),
             line.raw or format_minor(line.amount, code), format_minor(line.fee, code),
             format_minor(line.net, code), line.kind, line.source, line.parent, payout, line.ours,
             "Order")
        )  # fmt: skip
    return out.getvalue()


def _paypal(side: Side, lines: Sequence[Theirs], folder: Path, parts: int) -> list[Path]:
    path = folder / "paypal_settlement.csv"
    path.write_text(_paypal_text(lines, side.footer_lies))
    if not side.second_file:
        return [path]
    second = folder / "paypal_again.csv"
    second.write_text("\n".join([_row("CH", *PAYPAL), *map(_sb, side.second_file), ""]))
    return [path, second]


def _paypal_text(lines: Sequence[Theirs], lies: dict[str, int]) -> str:
    readable = [line for line in lines if not line.raw]
    footers = [
        _footer(code, [ln for ln in readable if ln.currency == code], lies)
        for code in sorted({line.currency for line in readable})
    ]
    count = len(readable)
    return "\n".join(
        [
            _row("RH", f"{END:%Y/%m/%d} 02:00:00 +0000", "X", "CORPUS1234567", "009"),
            _row("FH", "01"),
            _row(
                "SH",
                f"{START:%Y/%m/%d} 00:00:00 +0000",
                "2026/03/31 23:59:59 +0000",
                "CORPUS1234567",
                "",
            ),
            _row("CH", *PAYPAL),
            *map(_sb, lines),
            *(_row("SF", *footer) for footer in footers),
            _row("SC", count),
            *(_row("RF", *footer) for footer in footers),
            _row("RC", count),
            _row("FF", count),
            "",
        ]
    )


def _sb(line: Theirs) -> str:
    at = f"{line.at:%Y/%m/%d %H:%M:%S} +0000"
    fee = [_flag(-line.fee), abs(line.fee), line.currency] if line.fee else ["", "", ""]
    return _row(
        "SB", line.reference, "", line.parent, "TXN", line.kind, at, at, _flag(line.amount),
        line.raw or _scaled(abs(line.amount), line.currency), line.currency, *fee, line.ours,
        "", "", "", line.bank,
    )  # fmt: skip


def _footer(code: str, lines: Sequence[Theirs], lies: dict[str, int]) -> list[object]:
    sums = [
        sum(max(ln.amount, 0) for ln in lines) + lies.get(f"credits {code}", 0),
        sum(max(-ln.amount, 0) for ln in lines),
        sum(max(-ln.fee, 0) for ln in lines),
        sum(max(ln.fee, 0) for ln in lines),
    ]
    end = sum(line.net for line in lines) + lies.get(f"closing {code}", 0)
    balance = [_flag(end), abs(end)]
    return [code, *sums, "CR", 0, *balance, "CR", 0, *balance, "CR", 0, "CR", 0, len(lines)]


def _flag(minor: int) -> str:
    return "DR" if minor < 0 else "CR"


def _scaled(minor: int, currency: str) -> int:
    return minor * 100 if exponent(currency) == 0 else minor


def _row(*cells: object) -> str:
    return ",".join(str(cell) for cell in cells)


def camt(deposits: Iterable[Deposit]) -> str:
    """A statement per currency, from nothing to what its entries come to."""
    lines = list(deposits)
    return (
        '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        "<BkToCstmrStmt>"
        + "".join(_statement(lines, code) for code in sorted({line.currency for line in lines}))
        + "</BkToCstmrStmt></Document>"
    )


def _statement(deposits: Sequence[Deposit], currency: str) -> str:
    own = [line for line in deposits if line.currency == currency]
    ends = ((0, "OPBD"), (sum(line.amount for line in own), "CLBD"))
    return (
        f"<Stmt><Id>{currency}</Id><Acct><Id><IBAN>DE89370400440532013000</IBAN></Id>"
        f"<Ccy>{currency}</Ccy></Acct>"
        + "".join(_balance(minor, kind, currency) for minor, kind in ends)
        + "".join(map(_entry, own))
        + "</Stmt>"
    )


def _balance(minor: int, kind: str, currency: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{format_minor(abs(minor), currency)}</Amt>'
        f"<CdtDbtInd>{'DBIT' if minor < 0 else 'CRDT'}</CdtDbtInd>"
        f"<Dt><Dt>{_day(START if kind == 'OPBD' else END)}</Dt></Dt></Bal>"
    )


def _entry(line: Deposit) -> str:
    amount = format_minor(abs(line.amount), line.currency)
    return (
        f'<Ntry><Amt Ccy="{line.currency}">{amount}</Amt>'
        f"<CdtDbtInd>{'DBIT' if line.amount < 0 else 'CRDT'}</CdtDbtInd>"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{_day(line.at)}</Dt></BookgDt>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{escape(line.reference) or 'NOTPROVIDED'}"
        f"</EndToEndId></Refs><RmtInf><Ustrd>{escape(line.text)}</Ustrd></RmtInf></TxDtls>"
        "</NtryDtls></Ntry>"
    )


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
