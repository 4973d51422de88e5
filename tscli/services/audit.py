"""Proving the books: the audit chains and the seals over them, the ledger under them, and what the
payments say of it."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress

from db.database import Books
from domain.audit import AuditRecord, Flaw, first_flaw
from domain.audit_seal import AuditProof, Expected, Head, combined, seal_flaws
from domain.ledger import COUNTERPART, Account, entries_digest, entry_digest
from domain.settlement import LineStatus
from tscli.services.anchoring import Anchor, missing_anchor, resolve
from tscli.services.context import Context
from tscli.services.sealing import SEALED


def verify_audit(context: Context, anchor: Anchor | None = None) -> AuditProof:
    """Check every audit record against the one before, every ledger entry against its record, and
    that the chains go at least as far as every seal and the anchor say."""
    with context.database.read() as books:
        try:
            digests, entries = _ledger_digests(books)
        except ValueError as error:
            broken = Flaw(0, 0, "", f"a ledger row holds what it never can: {error}")
            return AuditProof(0, 0, "", broken)
        expected, seals = Expected(), list(books.audit_seals.all())
        for seal in seals:
            expected.add(seal.heads, f"seal {seal.number}")
        wanted = resolve(books, seals, anchor) if anchor else ()
        expected.add(wanted or (), "the anchor")
        counted = _Counted(books.audit.records(), expected)
        flaw = first_flaw(_with_ledger(counted, digests))
        for _ in counted:  # to the end, for the number of records and the heads
            pass
    heads = tuple(counted.heads.values())
    flaws = [
        *_first([flaw, counted.flaw]),
        *expected.missed(heads),
        *seal_flaws(seals, counted.sealed),
        *([missing_anchor(anchor)] if anchor and wanted is None else []),
        *_orphan(digests),
    ]
    first = flaws[0] if flaws else None
    return AuditProof(
        counted.count, entries, combined(heads), first, len(heads), len(seals),
        anchored=anchor is not None and first is None,
    )  # fmt: skip


def _first(flaws: Sequence[Flaw | None]) -> list[Flaw]:
    found = [flaw for flaw in flaws if flaw is not None]
    return sorted(found, key=lambda flaw: (flaw.chain, flaw.seq))


class _Counted:
    """The audit chains, remembering how far they went, what they tell of seals, and the first
    ledger flaw in them."""

    def __init__(self, records: Iterator[AuditRecord], expected: Expected) -> None:
        self._records = records
        self._expected = expected
        self.count = 0
        self.heads: dict[int, Head] = {}
        self.sealed: dict[int, str] = {}
        """Number -> hash of the seals that audit records tell of."""
        self.flaw: Flaw | None = None

    def __iter__(self) -> Iterator[AuditRecord]:
        for record in self._records:
            self.count += 1
            self.heads[record.chain] = Head(record.chain, record.seq, record.hash)
            self._expected.meet(record.chain, record.seq, record.hash, record.audit_id)
            if record.action == SEALED:
                with suppress(ValueError, KeyError, TypeError):  # changed: its own hash says so
                    told = json.loads(record.after)
                    self.sealed[int(told["number"])] = str(told["hash"])
            yield record


def _with_ledger(counted: _Counted, digests: dict[str, str]) -> Iterator[AuditRecord]:
    """Pass records on; note the first whose ledger entries are not those it was sealed with."""
    for record in counted:
        found = digests.pop(record.audit_id, "")
        if found != record.ledger_digest and counted.flaw is None:
            reason = "its ledger entries were changed"
            counted.flaw = Flaw(record.chain, record.seq, record.audit_id, reason)
        yield record


def _orphan(digests: dict[str, str]) -> Iterator[Flaw]:
    """Entries that no audit record knows of."""
    for audit_id in sorted(digests):
        yield Flaw(0, 0, audit_id, "ledger entries without an audit record")


def _ledger_digests(books: Books) -> tuple[dict[str, str], int]:
    """Digest of the stored entries by audit record, and their number."""
    by_record: dict[str, list[str]] = defaultdict(list)
    for audit_id, entry in books.ledger.all_entries():
        by_record[audit_id].append(entry_digest(entry))
    entries = sum(map(len, by_record.values()))
    return {audit_id: entries_digest(found) for audit_id, found in by_record.items()}, entries


def list_audit(context: Context, subject: str | None, limit: int) -> list[AuditRecord]:
    """The newest audit records, oldest of them first."""
    with context.database.read() as books:
        return list(books.audit.records(subject=subject, newest=limit))


def check_books(context: Context) -> list[str]:
    """Contradictions between payments, transactions and ledger, as sentences; empty when sound."""
    with context.database.read() as books:
        return [*_ledger_flaws(books), *_payment_flaws(books)]


def _ledger_flaws(books: Books) -> Iterator[str]:
    """Account balances recomputed from the transactions must be those of the entries."""
    expected: dict[tuple[str, ...], int] = defaultdict(int)
    for t in books.ledger.transactions():
        if t.status is not LineStatus.SUCCEEDED:
            continue
        owner = (t.provider, t.account, t.mode)
        fee = t.fee_minor or 0
        for account, minor in (
            (Account.PROVIDER_BALANCE, t.amount_minor - fee),
            (COUNTERPART[t.kind], -t.amount_minor),
            (Account.FEES, fee),
        ):
            expected[(*owner, account.value, t.currency)] += minor
    for row in books.ledger.trial_balance():
        name = (row.provider, row.account, row.mode, row.ledger_account.value, row.currency)
        wanted = expected.pop(name, 0)
        if wanted != row.balance_minor:
            yield (
                f"The ledger holds {row.balance_minor} on {'/'.join(name)},"
                f" its transactions say {wanted}."
            )
    for absent, wanted in sorted(expected.items()):
        if wanted:
            yield f"The ledger holds nothing on {'/'.join(absent)}, its transactions say {wanted}."


def _payment_flaws(books: Books) -> Iterator[str]:
    """The amounts stored on payments must be those of their transactions."""
    for payment_id, column, stored, counted in books.payments.contradictions():
        yield f"{payment_id} stores {column} {stored}, its transactions say {counted}."
