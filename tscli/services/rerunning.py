"""Runs looked at again: why a row ended where it did, what changed between two runs, and whether
the same inputs still give the same bytes."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from db.database import Books
from domain.audit import canonical
from domain.break_life import BreakRecord
from domain.breaks import Break
from domain.errors import InvalidRequest, NotFound
from domain.matching import Certificate, Tolerance
from domain.provider import ProviderAccount
from domain.run import Run
from domain.settlement import ExportFormat, LineKind
from reconcile.scratch import scratch_folder
from tscli.services.evaluation import evaluate, rejects_of
from tscli.services.statements import Kept, kept_files

if TYPE_CHECKING:
    from reconcile.comparison import Comparison
    from reconcile.frames import Known
    from reconcile.rules import Rules
    from tscli.services.context import Context


@dataclass(frozen=True, slots=True)
class RunDifference:
    """What one run found that another did not."""

    first: Run
    second: Run
    new: tuple[Break, ...]
    changed: tuple[tuple[Break, Break], ...]
    cleared: tuple[tuple[Break, str], ...]
    """With the evidence by which they went, where it is known."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """Whether the same inputs gave the same bytes."""

    run: Run
    same: bool
    differences: tuple[str, ...]


def explain(context: "Context", name: str, run_id: str | None) -> tuple[Run, list[Certificate]]:
    """The evidence for every row that goes by a name, as a run's period stands now.

    Raises:
        NotFound: there is no run, or no row of that name in it.
    """
    from reconcile.certificate import certificates

    with (
        scratch_folder() as folder,
        context.database.read() as books,
    ):
        run = _run_of(books, name, run_id)
        owner = ProviderAccount(run.provider, run.account, run.mode)
        found = evaluate(books, owner, run.period, context.matching, folder, asked={name})
    made = certificates(found.comparison, name)
    if not made:
        raise NotFound(
            f"{name} names no row and no break around the period of {run.run_id}.",
            hint="Name another run with --run; see `tscli reconcile show`.",
        )
    return run, made


def _run_of(books: Books, name: str, run_id: str | None) -> Run:
    """The run that is asked about: a break's own, else the latest."""
    if run_id is None and name.startswith("brk_"):
        run_id = books.breaks.get(name).last_run_id
    return books.runs.get(run_id)


def difference(context: "Context", first_id: str, second_id: str) -> RunDifference:
    """What changed from one run to another of the same provider account.

    Raises:
        NotFound: one of them does not exist.
        InvalidRequest: they are about different accounts.
    """
    with context.database.read() as books:
        first, second = books.runs.get(first_id), books.runs.get(second_id)
        owners = {(run.provider, run.account, run.mode) for run in (first, second)}
        if len(owners) > 1:
            raise InvalidRequest("The runs are about different provider accounts.")
        before = {item.break_id: item for item in books.runs.breaks_of(first.run_id)}
        after = {item.break_id: item for item in books.runs.breaks_of(second.run_id)}
        gone = [item for name, item in before.items() if name not in after]
        evidence = [(item, _why(books, item)) for item in gone]
    return RunDifference(
        first=first,
        second=second,
        new=tuple(item for name, item in after.items() if name not in before),
        changed=tuple(
            (before[name], item)
            for name, item in after.items()
            if name in before and _told(before[name]) != _told(item)
        ),
        cleared=tuple(evidence),
    )


def _why(books: Books, item: Break) -> str:
    record: BreakRecord = books.breaks.get(item.break_id)
    events = [e for e in books.breaks.events(item.break_id) if e.action in ("cleared", "resolved")]
    return events[-1].note if events else f"not found by that run; it is {record.state} now"


def _told(item: Break) -> dict[str, Any]:
    """What a break says, without where its lines stand."""
    return {k: v for k, v in asdict(item).items() if k not in ("file", "line", "detail")}


def rerun(
    context: "Context", formats_of: Callable[[str], Sequence[ExportFormat]], run_id: str
) -> Rerun:
    """Compare a run's own inputs again: its files as they were taken in, its ledger side as it was.

    Raises:
        NotFound: there is no such run.
        InvalidRequest: its inputs were not kept.
    """
    from reconcile.gathering import Held, gather

    with (
        scratch_folder() as folder,
        context.database.read() as books,
    ):
        run = books.runs.get(run_id)
        owner = ProviderAccount(run.provider, run.account, run.mode)
        before = list(books.runs.breaks_of(run.run_id))
        inputs = json.loads(run.rules) if run.rules else {}
        ours = _our_side(books, run, inputs, folder)
        files = kept_files(books, owner)
        held = Held(
            ours=ours,
            theirs=_lines_again(books, owner, files, inputs, formats_of(run.provider), folder),
            files={name: files[name].file for name in inputs["files"]},
            known=_told_then(inputs["known"]),
            named=inputs["files"],
            rejects=rejects_of(files, inputs["rejecting"]),
        )
        rows = sum(total.rows for total in run.totals)
        sides = gather(held, rows, context.matching.rows_in_memory, folder)
        rules = _rules(inputs["rules"])
        comparison = sides.compare(rules)
    said = list(_differences(run, before, comparison))
    if rules.digest != run.rules_digest:
        said.append("the passes are not the ones of the run: another version of this program")
    return Rerun(run, not said, tuple(said))


def _differences(run: Run, before: Sequence[Break], comparison: "Comparison") -> Iterator[str]:
    """Where a comparison's bytes are not those of the run."""
    lines = {item.break_id: item for item in before if not item.is_whole}
    again = {item.break_id: item for item in comparison.iter_breaks()}
    for name in sorted(lines.keys() | again.keys()):
        old, new = lines.get(name), again.get(name)
        if old is None or new is None:
            yield f"{name}: found {'only by the run' if new is None else 'only now'}"
        elif canonical(asdict(old)) != canonical(asdict(new)):
            yield f"{name}: says something else"
    if canonical([asdict(total) for total in run.totals]) != canonical(
        [asdict(total) for total in comparison.totals]
    ):
        yield "the totals by bucket are other ones"


def _rules(values: Mapping[str, Any]) -> "Rules":
    from reconcile.rules import Rules

    tolerances = tuple(
        Tolerance(**{**t, "kind": LineKind(t["kind"]) if t["kind"] else None})
        for t in values["tolerances"]
    )
    made = {"tolerances": tolerances, "carried": frozenset(values["carried"])}
    return Rules(**{**values, **made, "period": tuple(values["period"])})


def _our_side(
    books: Books, run: Run, inputs: Mapping[str, Any], folder: Path
) -> Iterator[Mapping[str, Any]]:
    """The run's ledger side as it was kept, stretch by stretch."""
    from reconcile.snapshot import stretches_of

    place = folder / "expected"
    with place.open("wb") as stream:
        for block in books.statements.kept(f"expected:{run.run_id}"):
            stream.write(block)
    if not place.stat().st_size or not inputs:
        raise InvalidRequest(
            f"The inputs of {run.run_id} were not kept.",
            hint="Only runs since statements are kept can be compared again.",
        )
    return stretches_of(place)


def _told_then(told: Mapping[str, str]) -> "Known":
    """What the run was told of our older payments."""

    def known(names: Collection[str]) -> dict[str, str]:
        return {name: told[name] for name in names if name in told}

    return known


def _lines_again(
    books: Books,
    owner: ProviderAccount,
    files: Mapping[str, Kept],
    inputs: Mapping[str, Any],
    formats: Sequence[ExportFormat],
    folder: Path,
) -> Iterator[Mapping[str, Sequence[Any]]]:
    """The lines the run could see, read anew from the bytes of the files that were taken in; which
    of its lines a file was the first to have, and what later ones said of them, the books say."""
    first, last = inputs["window"]
    tellers = frozenset(inputs.get("tellers", ()))
    for file_id in sorted({*inputs["files"], *inputs["rejecting"]}):
        for part in _stretches_again(books, files[file_id], formats, folder):
            ordinals, instants = part["ordinal"], part["occurred_at"]
            fresh = books.statements.fresh(file_id, ordinals[0], ordinals[-1])
            rows = [
                row
                for row, (ordinal, at) in enumerate(zip(ordinals, instants, strict=True))
                if ordinal in fresh and first <= at < last
            ]
            if rows:
                chosen = {name: [values[row] for row in rows] for name, values in part.items()}
                names = [fresh[ordinals[row]] for row in rows]
                told = books.statements.facts(owner, names, tellers)
                yield chosen | _with_facts(chosen, names, told) | {"file": [file_id] * len(rows)}


def _with_facts(
    columns: Mapping[str, Sequence[Any]], names: Sequence[str], told: Mapping[tuple[str, str], str]
) -> dict[str, list[Any]]:
    """The columns in which a later file's word stands where the line's own said nothing."""
    return {
        field: [
            value or told.get((name, field), "")
            for name, value in zip(names, columns[field], strict=True)
        ]
        for field in {field for _, field in told}
    }


def _stretches_again(
    books: Books, kept: Kept, formats: Sequence[ExportFormat], folder: Path
) -> Iterator[Mapping[str, Sequence[Any]]]:
    """The rows of a file from the bytes that were kept of it."""
    from reconcile.intake.delivery import deliveries
    from reconcile.intake.export import Choice

    place = folder / kept.file.digest / kept.file.name
    place.parent.mkdir()
    with place.open("wb") as stream:
        for block in books.statements.kept(kept.file.digest):
            stream.write(block)
    choice = Choice(kept.file.format, kept.dates)
    with deliveries([place], formats, ZoneInfo(kept.timezone), choice=choice) as (given,):
        yield from given.stretches()
