"""Reconciliation runs and their breaks as documents: kept as they were found and never edited."""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text

from db.breaks import Breaks, break_of
from db.schema import run_breaks, runs
from domain.arrival import Arrival
from domain.audit import canonical
from domain.breaks import Break
from domain.buckets import Bucket
from domain.clock import from_micros, iso, to_micros
from domain.errors import NotFound
from domain.payout import payout_from
from domain.run import BalanceProof, BucketTotal, Period, Run
from domain.settlement import input_file_from

_BATCH = 2_000
_IN = 500

_LOCK = 7_420_117_803
"""Key of PostgreSQL's advisory lock around runs, breaks and files that are taken in; SQLite has one
writer anyway."""


class Runs:
    """The runs and run_breaks tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._breaks = Breaks(connection)

    def lock(self) -> None:
        """Let nobody else store a run, change breaks or take a file in until this transaction ends;
        what is decided by them is read after it."""
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

    def add(self, run: Run, fingerprint: str, found: Iterable[Break]) -> dict[str, list[str]]:
        """Insert a run with its breaks; breaks seen before keep their identity. Gives what has to
        be reversed, see `Breaks.keep_found`."""
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
        return self._breaks.keep_found(run, found)

    def starts(self, run_ids: Collection[str]) -> list[datetime]:
        """Where the periods of these runs begin."""
        names, found = sorted(run_ids), list[datetime]()
        for at in range(0, len(names), _IN):
            query = select(runs.c.start_at).where(runs.c.run_id.in_(names[at : at + _IN]))
            found += [
                from_micros(int(start)) for start in self._connection.execute(query).scalars()
            ]
        return found

    def breaks_of(self, run_id: str) -> Iterator[Break]:
        """The breaks of one run as they were found, in their order."""
        query = (
            select(run_breaks.c.document)
            .where(run_breaks.c.run_id == run_id)
            .order_by(run_breaks.c.ordinal)
        )
        for row in self._connection.execution_options(yield_per=_BATCH).execute(query):
            yield break_of(row.document)

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
        found = [(break_of(r.document), _run(r.run)) for r in self._connection.execute(query)]
        if not found:
            raise NotFound(f"There is no break {break_id}.", hint="See `tscli breaks list`.")
        return found


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
            "inputs": tuple(input_file_from(file) for file in values["inputs"]),
            "totals": tuple(
                BucketTotal(**t | {"bucket": Bucket(t["bucket"])}) for t in values["totals"]
            ),
            "break_counts": tuple((Bucket(kind), n) for kind, n in values["break_counts"]),
            "matches": tuple((name, n) for name, n in values["matches"]),
            "balances": tuple(BalanceProof(**proof) for proof in values["balances"]),
            "arrivals": tuple(Arrival(**one) for one in values["arrivals"]),
            "in_transit": tuple((code, minor) for code, minor in values["in_transit"]),
            "payouts": tuple(payout_from(proof) for proof in values["payouts"]),
        }
    )
