"""Reconciliation runs, their breaks, and the files that were taken in.

Runs and their breaks are documents: what was found is kept as it was found and never edited. The
`breaks` table holds one row per break over all runs, the part that lives.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from db.schema import breaks, files, run_breaks, runs
from domain.audit import canonical
from domain.breaks import Break, Side
from domain.buckets import Bucket
from domain.clock import from_micros, iso, to_micros
from domain.errors import NotFound
from domain.provider import ProviderAccount
from domain.run import BucketTotal, Period, Run
from domain.settlement import ControlTotal, InputFile

_BATCH = 2_000

_LOCK = 7_420_117_803
"""Key of PostgreSQL's advisory lock around storing a run; SQLite has one writer anyway."""


class Runs:
    """The runs, run_breaks, breaks and files tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self) -> None:
        """Let nobody else store a run until this transaction ends."""
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})

    def by_fingerprint(self, fingerprint: str) -> Run | None:
        """The run that compared exactly these inputs."""
        row = self._connection.execute(
            select(runs.c.document).where(runs.c.fingerprint == fingerprint)
        ).first()
        return _run(row.document) if row else None

    def get(self, run_id: str | None) -> Run:
        """One run, the latest when none is named.

        Raises:
            NotFound: there is none.
        """
        query = select(runs.c.document).order_by(runs.c.started_at.desc(), runs.c.run_id.desc())
        if run_id:
            query = query.where(runs.c.run_id == run_id)
        row = self._connection.execute(query.limit(1)).first()
        if row is None:
            raise NotFound(
                f"There is no run {run_id}." if run_id else "Nothing was reconciled yet.",
                hint="Start one with `tscli reconcile run`.",
            )
        return _run(row.document)

    def find(self, limit: int) -> list[Run]:
        """Runs, newest first."""
        query = select(runs.c.document).order_by(runs.c.started_at.desc(), runs.c.run_id.desc())
        return [_run(row.document) for row in self._connection.execute(query.limit(limit))]

    def add(self, run: Run, fingerprint: str, found: Iterable[Break]) -> None:
        """Insert a run with its breaks; breaks seen before keep their identity."""
        self._connection.execute(
            insert(runs).values(
                run_id=run.run_id,
                provider=run.provider,
                account=run.account,
                mode=run.mode,
                fingerprint=fingerprint,
                start_at=to_micros(run.period.start_at),
                end_at=to_micros(run.period.end_at),
                started_at=to_micros(run.started_at),
                breaks=run.break_count,
                unreadable=run.unreadable,
                document=_run_document(run),
            )
        )
        batch: list[tuple[int, Break]] = []
        for ordinal, item in enumerate(found):
            batch.append((ordinal, item))
            if len(batch) == _BATCH:
                self._add_breaks(run, batch)
                batch = []
        self._add_breaks(run, batch)

    def breaks_of(self, run_id: str) -> Iterator[Break]:
        """The breaks of one run as they were found, in their order."""
        query = (
            select(run_breaks.c.document)
            .where(run_breaks.c.run_id == run_id)
            .order_by(run_breaks.c.ordinal)
        )
        for row in self._connection.execution_options(yield_per=_BATCH).execute(query):
            yield _break(row.document)

    def breaks(
        self, *, kind: str | None, state: str | None, run_id: str | None, limit: int
    ) -> list[tuple[Break, str, str]]:
        """Breaks as last seen, with their state and the run that saw them last."""
        query = (
            select(run_breaks.c.document, breaks.c.state, run_breaks.c.run_id)
            .join_from(breaks, run_breaks, breaks.c.break_id == run_breaks.c.break_id)
            .where(run_breaks.c.run_id == (run_id or breaks.c.last_run_id))
            .order_by(breaks.c.kind, breaks.c.provider_reference, breaks.c.break_id)
            .limit(limit)
        )
        if kind:
            query = query.where(breaks.c.kind == kind)
        if state:
            query = query.where(breaks.c.state == state)
        rows = self._connection.execute(query)
        return [(_break(r.document), r.state, r.run_id) for r in rows]

    def break_history(self, break_id: str) -> list[tuple[Break, Run]]:
        """One break in every run that saw it, oldest first.

        Raises:
            NotFound: there is none.
        """
        query = (
            select(run_breaks.c.document, runs.c.document.label("run"))
            .join_from(run_breaks, runs, run_breaks.c.run_id == runs.c.run_id)
            .where(run_breaks.c.break_id == break_id)
            .order_by(runs.c.started_at, runs.c.run_id)
        )
        found = [(_break(r.document), _run(r.run)) for r in self._connection.execute(query)]
        if not found:
            raise NotFound(f"There is no break {break_id}.", hint="See `tscli breaks list`.")
        return found

    def file_seen(self, purpose: str, digest: str, owner: ProviderAccount) -> datetime | None:
        """When a file of this content was taken in for this purpose, if it was."""
        found = self._connection.execute(
            select(files.c.imported_at).where(
                files.c.purpose == purpose,
                files.c.digest == digest,
                files.c.provider == owner.provider,
                files.c.account == owner.account,
                files.c.mode == owner.mode,
            )
        ).scalar()
        return None if found is None else from_micros(int(found))

    def add_file(
        self, file_id: str, purpose: str, file: InputFile, owner: ProviderAccount, now: datetime
    ) -> None:
        """Remember a file by its content."""
        self._connection.execute(
            insert(files).values(
                file_id=file_id,
                purpose=purpose,
                digest=file.digest,
                name=file.name,
                provider=owner.provider,
                account=owner.account,
                mode=owner.mode,
                rows=file.rows,
                imported_at=to_micros(now),
            )
        )

    def _add_breaks(self, run: Run, batch: list[tuple[int, Break]]) -> None:
        if not batch:
            return
        names = [item.break_id for _, item in batch]
        seen = set(
            self._connection.execute(
                select(breaks.c.break_id).where(breaks.c.break_id.in_(names))
            ).scalars()
        )
        fresh = [_break_row(run, item) for _, item in batch if item.break_id not in seen]
        if fresh:
            self._connection.execute(insert(breaks), fresh)
        if seen:
            self._connection.execute(
                update(breaks)
                .where(breaks.c.break_id.in_(seen))
                .values(last_run_id=run.run_id, state="open")
            )
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


def _break_row(run: Run, item: Break) -> dict[str, object]:
    return {
        "break_id": item.break_id,
        "provider": run.provider,
        "account": run.account,
        "mode": run.mode,
        "kind": item.kind,
        "provider_reference": item.provider_reference,
        "currency": item.currency,
        "transaction_id": item.transaction_id,
        "payment_id": item.payment_id,
        "state": "open",
        "first_run_id": run.run_id,
        "last_run_id": run.run_id,
    }


def _break(document: str) -> Break:
    values: dict[str, Any] = json.loads(document)
    for side in ("expected", "reported"):
        values[side] = Side(**values[side]) if values[side] else None
    return Break(**values | {"kind": Bucket(values["kind"]), "fields": tuple(values["fields"])})


def _run_document(run: Run) -> str:
    values = asdict(run)
    values["started_at"] = iso(run.started_at)
    values["period"] |= {"start_at": iso(run.period.start_at), "end_at": iso(run.period.end_at)}
    return canonical(values).decode()


def _run(document: str) -> Run:
    values: dict[str, Any] = json.loads(document)
    period = values["period"]
    return Run(
        **values
        | {
            "started_at": datetime.fromisoformat(values["started_at"]),
            "period": Period(
                datetime.fromisoformat(period["start_at"]),
                datetime.fromisoformat(period["end_at"]),
                period["timezone"],
            ),
            "inputs": tuple(_input(file) for file in values["inputs"]),
            "totals": tuple(
                BucketTotal(**t | {"bucket": Bucket(t["bucket"])}) for t in values["totals"]
            ),
            "break_counts": tuple((Bucket(kind), n) for kind, n in values["break_counts"]),
            "matches": tuple((name, n) for name, n in values["matches"]),
        }
    )


def _input(file: dict[str, Any]) -> InputFile:
    totals = tuple(ControlTotal(**total) for total in file["totals"])
    period = tuple(file["period"]) if file["period"] else None
    return InputFile(**file | {"totals": totals, "period": period})
