"""Breaks as they live over many runs: one row each, and everything that happened to it.

What a run found is a document and stays as it was found (`run_breaks`); this is the part that
changes.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from db.schema import break_events, breaks, run_breaks, transactions
from domain.audit import canonical
from domain.break_life import (
    BreakEvent,
    BreakFilter,
    BreakRecord,
    BreakState,
    Closing,
    effect_of,
    stays_closed,
)
from domain.breaks import Break, Side
from domain.buckets import Bucket
from domain.clock import from_micros, to_micros
from domain.errors import NotFound
from domain.provider import ProviderAccount
from domain.run import Run
from domain.settlement import LineStatus

Stand = tuple[str, ...]
"""How a break stands, as its columns say it."""

_BATCH = 2_000
_IN = 500
_STAND = [breaks.c[name] for name in ("break_id", "kind", "state", "closing", "effect")]


class Breaks:
    """The breaks, run_breaks and break_events tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, break_id: str) -> BreakRecord:
        """One break as it stands.

        Raises:
            NotFound: there is none.
        """
        found = self.known([break_id])
        if not found:
            raise NotFound(f"There is no break {break_id}.", hint="See `tscli breaks list`.")
        return found[break_id]

    def known(self, break_ids: Sequence[str]) -> dict[str, BreakRecord]:
        """Those of these breaks that were seen before."""
        found: dict[str, BreakRecord] = {}
        for start in range(0, len(break_ids), _IN):
            query = select(breaks).where(breaks.c.break_id.in_(break_ids[start : start + _IN]))
            found |= {row.break_id: _record(row) for row in self._connection.execute(query)}
        return found

    def open_of(self, owner: ProviderAccount, before: datetime) -> list[BreakRecord]:
        """The open breaks of a provider account that were first seen up to an instant."""
        query = select(breaks).where(
            breaks.c.provider == owner.provider,
            breaks.c.account == owner.account,
            breaks.c.mode == owner.mode,
            breaks.c.state == BreakState.OPEN,
            breaks.c.first_seen_at <= to_micros(before),
        )
        return [_record(row) for row in self._connection.execute(query.order_by("break_id"))]

    def stands(self, break_ids: Collection[str]) -> dict[str, Stand | None]:
        """Kind, state, closing and effect of breaks, which is what a run decides by; None of those
        that were never seen. Who has a break, and words beside it, are not among them."""
        names = sorted(break_ids)
        found: dict[str, Stand | None] = dict.fromkeys(names)
        for start in range(0, len(names), _IN):
            query = select(*_STAND).where(breaks.c.break_id.in_(names[start : start + _IN]))
            found |= {row[0]: tuple(row[1:]) for row in self._connection.execute(query)}
        return found

    def posted(self, break_id: str) -> list[str]:
        """Ids of the lines under a break's own name that stand in the ledger: what was posted for
        it by other reasons than that the provider reports it."""
        query = (
            select(transactions.c.transaction_id)
            .where(
                transactions.c.provider_reference == break_id,
                transactions.c.status != LineStatus.CANCELLED,
            )
            .order_by(transactions.c.transaction_id)
        )
        return list(self._connection.execute(query).scalars())

    def keep_found(self, run: Run, found: Iterable[Break]) -> dict[str, list[str]]:
        """Keep what a run found: new breaks open, known ones go on, or open again.

        Gives what stands posted for those that open again, by their ids: it has to be reversed in
        the same transaction.
        """
        again: dict[str, list[str]] = {}
        batch: list[tuple[int, Break]] = []
        for ordinal, item in enumerate(found):
            batch.append((ordinal, item))
            if len(batch) == _BATCH:
                again |= self._keep(run, batch)
                batch = []
        return again | self._keep(run, batch)

    def clear(self, run: Run, evidence: Mapping[str, str]) -> None:
        """Close open breaks that a run looked at and did not find any more; break id -> why. Those
        that somebody closed stay closed as they are."""
        for record in self.known(list(evidence)).values():
            if record.state is not BreakState.OPEN:
                continue
            self.change(
                replace(record, state=BreakState.RESOLVED, closing=Closing.CLEARED),
                BreakEvent(
                    run.started_at, "", "cleared", evidence[record.break_id], run.run_id
                ),
            )  # fmt: skip

    def change(self, record: BreakRecord, event: BreakEvent) -> BreakRecord:
        """Write a break as it stands now, and what happened to it."""
        newer = replace(record, version=record.version + 1)
        values = _values(newer)
        self._connection.execute(
            update(breaks).where(breaks.c.break_id == record.break_id).values(values)
        )
        self._happened(record.break_id, [event])
        return newer

    def events(self, break_id: str) -> list[BreakEvent]:
        """What happened to a break, oldest first."""
        query = (
            select(break_events)
            .where(break_events.c.break_id == break_id)
            .order_by(break_events.c.number)
        )
        return [
            BreakEvent(
                from_micros(row.at), row.operator, row.action, row.note, row.run_id,
                row.transaction_id,
            )
            for row in self._connection.execute(query)
        ]  # fmt: skip

    def posted_for_others(self, break_id: str, transaction_ids: Collection[str]) -> set[str]:
        """Those of these transactions that closing another break has posted."""
        if not transaction_ids:
            return set()
        e = break_events.c
        query = select(e.transaction_id).where(
            e.transaction_id.in_(transaction_ids), e.break_id != break_id
        )
        return set(self._connection.execute(query).scalars())

    def find(self, wanted: BreakFilter, limit: int | None) -> list[tuple[BreakRecord, Break, str]]:
        """Breaks as they stand, as they were last found, and the run that found them so."""
        query = (
            select(breaks, run_breaks.c.document, run_breaks.c.run_id.label("found_in"))
            .join_from(breaks, run_breaks, breaks.c.break_id == run_breaks.c.break_id)
            .where(run_breaks.c.run_id == (wanted.run_id or breaks.c.last_run_id))
            .order_by(breaks.c.kind, breaks.c.provider_reference, breaks.c.break_id)
            .limit(limit)
        )
        for name in ("kind", "state", "provider", "currency", "assignee"):
            value = getattr(wanted, name)
            if value is not None:
                query = query.where(breaks.c[name] == value)
        if wanted.break_ids:
            query = query.where(breaks.c.break_id.in_(wanted.break_ids))
        return [
            (_record(row), break_of(row.document), row.found_in)
            for row in self._connection.execute(query)
        ]

    def _keep(self, run: Run, batch: list[tuple[int, Break]]) -> dict[str, list[str]]:
        if not batch:
            return {}
        again: dict[str, list[str]] = {}
        before = self.known([item.break_id for _, item in batch])
        fresh = [_new_record(run, item) for _, item in batch if item.break_id not in before]
        if fresh:
            self._connection.execute(
                insert(breaks), [{"break_id": r.break_id, **_values(r)} for r in fresh]
            )
            self._opened(run, fresh)
        for _, item in batch:
            if item.break_id in before:
                again[item.break_id] = self._again(run, before[item.break_id], item)
        self._connection.execute(
            insert(run_breaks),
            [
                {
                    "run_id": run.run_id,
                    "ordinal": ordinal,
                    "break_id": item.break_id,
                    "document": canonical(asdict(item)).decode(),
                }
                for ordinal, item in batch
            ],
        )
        return {break_id: posted for break_id, posted in again.items() if posted}

    def _again(self, run: Run, record: BreakRecord, item: Break) -> list[str]:
        """Write a break that was found again; what was posted for it where it opens again."""
        seen = replace(
            _new_record(run, item),
            first_run_id=record.first_run_id,
            first_seen_at=record.first_seen_at,
            occurred_at=record.occurred_at,
            assignee=record.assignee,
            snoozed_until=record.snoozed_until,
            version=record.version,
        )
        if record.state is BreakState.RESOLVED and not stays_closed(record, item):
            return self._opens(run, record, seen)
        if record.state is BreakState.RESOLVED:
            self._write(replace(seen, state=record.state, closing=record.closing))
        elif (record.kind, dict(record.effect)) == (seen.kind, dict(seen.effect)):
            self._write(seen)
        else:
            note = f"{record.kind} became {seen.kind}"
            self.change(seen, BreakEvent(run.started_at, "", "changed", note, run.run_id))
        return []

    def _opens(self, run: Run, record: BreakRecord, seen: BreakRecord) -> list[str]:
        posted = self.posted(record.break_id)
        note = f"found again after it was {record.closing.replace('_', ' ')}"
        note += ", which is reversed" if posted else ""
        lines = " ".join(posted)
        self.change(seen, BreakEvent(run.started_at, "", "reopened", note, run.run_id, lines))
        return posted

    def _write(self, record: BreakRecord) -> None:
        self._connection.execute(
            update(breaks).where(breaks.c.break_id == record.break_id).values(_values(record))
        )

    def _opened(self, run: Run, fresh: list[BreakRecord]) -> None:
        event = {"number": 1, "at": to_micros(run.started_at), "operator": "", "action": "opened",
                 "note": "", "run_id": run.run_id, "transaction_id": ""}  # fmt: skip
        rows = [{"break_id": record.break_id, **event} for record in fresh]
        self._connection.execute(insert(break_events), rows)

    def _happened(self, break_id: str, events: Sequence[BreakEvent]) -> None:
        last = self._connection.execute(
            select(func.coalesce(func.max(break_events.c.number), 0)).where(
                break_events.c.break_id == break_id
            )
        ).scalar_one()
        for number, event in enumerate(events, int(last) + 1):
            values = asdict(event) | {"at": to_micros(event.at)}
            self._connection.execute(
                insert(break_events).values(break_id=break_id, number=number, **values)
            )


def break_of(document: str) -> Break:
    """A break from the document it was kept as."""
    values: dict[str, Any] = json.loads(document)
    for side in ("expected", "reported"):
        values[side] = Side(**values[side]) if values[side] else None
    return Break(**values | {"kind": Bucket(values["kind"]), "fields": tuple(values["fields"])})


def _new_record(run: Run, item: Break) -> BreakRecord:
    sides = [side for side in (item.expected, item.reported) if side and side.occurred_at]
    instants = [datetime.fromisoformat(side.occurred_at) for side in sides]
    return BreakRecord(
        break_id=item.break_id,
        provider=run.provider,
        account=run.account,
        mode=run.mode,
        kind=item.kind,
        provider_reference=item.provider_reference,
        currency=item.currency,
        transaction_id=item.transaction_id,
        payment_id=item.payment_id,
        state=BreakState.OPEN,
        closing=Closing.NONE,
        effect=effect_of(item),
        occurred_at=min(instants, default=run.period.end_at),
        first_run_id=run.run_id,
        last_run_id=run.run_id,
        first_seen_at=run.period.end_at,
        last_seen_at=run.period.end_at,
    )


def _values(record: BreakRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _PLAIN}
    snoozed = record.snoozed_until
    return values | {
        "effect": canonical(dict(record.effect)).decode(),
        "occurred_at": to_micros(record.occurred_at),
        "first_seen_at": to_micros(record.first_seen_at),
        "last_seen_at": to_micros(record.last_seen_at),
        "snoozed_until": to_micros(snoozed) if snoozed else 0,
    }


def _record(row: Row[Any]) -> BreakRecord:
    return BreakRecord(
        **{name: getattr(row, name) for name in ("break_id", *_PLAIN)}
        | {
            "kind": Bucket(row.kind),
            "state": BreakState(row.state),
            "closing": Closing(row.closing),
            "effect": json.loads(row.effect),
            "occurred_at": from_micros(row.occurred_at),
            "first_seen_at": from_micros(row.first_seen_at),
            "last_seen_at": from_micros(row.last_seen_at),
            "snoozed_until": from_micros(row.snoozed_until) if row.snoozed_until else None,
        }
    )


_PLAIN = (
    "provider", "account", "mode", "kind", "provider_reference", "currency", "transaction_id",
    "payment_id", "state", "closing", "first_run_id", "last_run_id", "assignee", "version",
)  # fmt: skip
