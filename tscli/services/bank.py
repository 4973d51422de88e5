"""The bank's side: statements taken in, and the payouts found in them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.database import Books
from domain.arrival import ARRIVES_WITHIN
from domain.audit import canonical
from domain.bank import BankFile, BankLine, identities
from domain.operator import Permission
from domain.payout import PayoutProof
from domain.provider import ProviderAccount
from tscli.services.permission import require
from tscli.services.statements import TakenIn, blocks_of

if TYPE_CHECKING:
    from reconcile.arrivals import Arrivals
    from reconcile.bank.csv_mapping import CsvMapping
    from tscli.services.context import Context

PURPOSE = "bank"
BANK = ProviderAccount("bank", "all", "live")
"""Whose files bank statements are: no provider's."""


def import_bank(
    context: "Context", path: Path, mapping: "CsvMapping | None", *, dry_run: bool = False
) -> TakenIn:
    """Keep a bank statement and its booked lines; what is there already changes nothing.

    Raises:
        UnreadableExport: the file as a whole cannot be read.
        InvalidRequest: it is no statement that can be told.
        ConfigurationError: a package its format needs is not installed.
    """
    require(context, Permission.RECONCILE)
    read = read_statement(path, mapping)
    with context.database.transaction(dry_run=dry_run) as books:
        books.runs.lock()
        return _keep(books, context, read, path)


def read_statement(path: Path, mapping: "CsvMapping | None") -> BankFile:
    """A bank file, taken out of whatever it is wrapped in.

    Raises:
        UnreadableExport: the file as a whole cannot be read, or is no statement we know.
        ConfigurationError: a package its format needs is not installed.
    """
    from reconcile.bank.reading import BYTES_MAX, read_bank_bytes
    from reconcile.intake.containers import unpacked

    origin = unpacked(path)
    with origin.path.open("rb") as stream:
        read = read_bank_bytes(stream.read(BYTES_MAX + 1), origin.name, mapping=mapping)
    if not origin.digest:
        return read
    return replace(read, file=replace(read.file, digest=origin.digest, size=origin.size))


def _keep(books: Books, context: "Context", read: BankFile, path: Path) -> TakenIn:
    file, rejects = read.file, read.rejects
    before = books.statements.file_id(PURPOSE, file.digest, BANK)
    if before is not None:
        return TakenIn(before, file, rejects, 0, file.rows - file.unreadable, already_done=True)
    file_id = context.ids.new("fil")
    document = {"file": asdict(file), "rejects": [asdict(r) for r in rejects], "timezone": "UTC"}
    books.statements.add_file(
        file_id, PURPOSE, file, BANK, context.clock.now(), canonical(document).decode()
    )
    books.statements.keep(file.digest, blocks_of(path, file))
    named = zip(read.lines, identities(read.statements), strict=True)
    booked = [(line, name) for line, name in named if not line.pending]
    added = books.statements.add_bank_lines(file_id, _rows(booked))
    books.record(
        context.actor,
        "bank_statement.imported",
        file_id,
        after={"digest": file.digest, "format": file.format, "added": added,
               "unreadable": file.unreadable},
    )  # fmt: skip
    return TakenIn(file_id, file, rejects, added, len(booked) - added, already_done=False)


def _rows(lines: Sequence[tuple[BankLine, str]]) -> Iterator[dict[str, Any]]:
    for ordinal, (line, identity) in enumerate(lines):
        yield {
            "ordinal": ordinal,
            "line": line.line,
            "bank_account": line.account,
            "identity": identity,
            "currency": line.currency,
            "amount_minor": line.amount_minor,
            "booked_on": line.booked_on.isoformat(),
            "valued_on": line.valued_on.isoformat() if line.valued_on else "",
            "reference": line.reference,
            "end_to_end": line.end_to_end,
            "counterparty": line.counterparty[:200],
            "remittance": line.text[:500],
        }


def arrivals_of(
    books: Books,
    owner: ProviderAccount,
    payouts: Sequence[PayoutProof],
    since: datetime,
    until: datetime,
) -> "Arrivals":
    """The payouts found at the bank before an instant; nothing without statements.

    `since` is where the payouts begin: a bank line of the first days after it may belong to an
    earlier one, and a payout of those days may have arrived on such a line, so neither is judged.
    """
    from reconcile.arrivals import Arrivals, find_arrivals
    from tscli.services.evaluation import scope_of

    judged_from = (since + ARRIVES_WITHIN).date()
    deposits = books.statements.deposits(judged_from.isoformat(), until.date().isoformat())
    if not deposits:
        return Arrivals()
    inside = [p for p in payouts if datetime.fromisoformat(p.occurred_at) < until]
    return find_arrivals(inside, deposits, owner.provider, scope_of(owner), judged_from)
