"""Taking statements in: files are kept as they are, and every line once."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.database import Books
from db.statements import PURPOSE
from domain.audit import canonical
from domain.errors import InvalidRequest
from domain.provider import ProviderAccount
from domain.settlement import InputFile, Reject, input_file_from

if TYPE_CHECKING:
    from reconcile.intake.delivery import Delivery
    from tscli.services.context import Context

Progress = Callable[[int, int], None]
Columns = dict[str, list[Any]]

_BLOCK_BYTES = 1 << 20


def silent(_done: int, _total: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of one file."""

    file_id: str
    file: InputFile
    rejects: tuple[Reject, ...]
    added: int
    """Lines that were new."""
    known: int
    """Lines that an earlier file had."""
    already_done: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that was taken in, as it is remembered."""

    file_id: str
    file: InputFile
    rejects: tuple[Reject, ...]
    timezone: str
    dates: str
    """What a person said of its dates, see `reconcile.intake.export.Choice`."""


def keep_statements(
    books: Books,
    context: "Context",
    owner: ProviderAccount,
    given: "Sequence[Delivery]",
    paths: Sequence[Path],
    timezone: str,
    progress: Progress = silent,
) -> list[TakenIn]:
    """Keep files that were read, within a transaction; `progress` is told (lines kept, in all)."""
    return [
        _keep(books, context, owner, delivery, path, timezone, progress)
        for delivery, path in zip(given, paths, strict=True)
    ]


def _ahead(pool: Executor, stretches: Iterator[Columns]) -> Iterator[Columns]:
    """The same columns, each made ready while the database works on what comes before it; the first
    from now on."""
    first = pool.submit(next, stretches, None)

    def following() -> Iterator[Columns]:
        coming = first
        while (columns := coming.result()) is not None:
            coming = pool.submit(next, stretches, None)
            yield columns

    return following()


def _told(stretches: Iterable[Columns], total: int, progress: Progress) -> Iterator[Columns]:
    """The same columns, while `progress` is told how many rows there were."""
    rows = 0
    for columns in stretches:
        yield columns
        rows += len(columns["line"])
        progress(rows, total)


def _keep(
    books: Books,
    context: "Context",
    owner: ProviderAccount,
    delivery: "Delivery",
    path: Path,
    timezone: str,
    progress: Progress,
) -> TakenIn:
    from reconcile.intake.identity import as_taken_in

    file, rejects = delivery.file, delivery.rejects
    before = books.statements.file_id(PURPOSE, file.digest, owner)
    if before is not None:
        return TakenIn(before, file, rejects, 0, delivery.rows, already_done=True)
    file_id = context.ids.new("fil")
    document = {"file": asdict(file), "rejects": [asdict(r) for r in rejects], "timezone": timezone,
                "dates": delivery.dates}  # fmt: skip
    books.statements.add_file(
        file_id, PURPOSE, file, owner, context.clock.now(), canonical(document).decode()
    )
    with ThreadPoolExecutor(1) as pool:
        ready = _told(_ahead(pool, delivery.stretches()), delivery.rows, progress)
        books.statements.keep(file.digest, blocks_of(path, file))
        added = books.statements.add_lines(owner, file_id, ready, as_taken_in)
    known = delivery.rows - added
    books.record(
        context.actor,
        "statement.imported",
        file_id,
        after={
            "file": file.name, "digest": file.digest, "format": file.format, "added": added,
            "known": known, "unreadable": file.unreadable,
        },
    )  # fmt: skip
    return TakenIn(file_id, file, rejects, added, known, already_done=False)


def kept_files(books: Books, owner: ProviderAccount) -> dict[str, Kept]:
    """Every statement of a provider account by its file id."""
    found = {}
    for file_id, document in books.statements.documents(owner):
        values = json.loads(document)
        rejects = tuple(Reject(**reject) for reject in values["rejects"])
        file, dates = input_file_from(values["file"]), values.get("dates", "")
        found[file_id] = Kept(file_id, file, rejects, values["timezone"], dates)
    return found


def blocks_of(path: Path, file: InputFile) -> Iterator[bytes]:
    """The bytes of a file that was read before.

    Raises:
        InvalidRequest: it has changed since.
    """
    sha = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            sha.update(block)
            yield block
    if sha.hexdigest() != file.digest:
        raise InvalidRequest(
            f"{file.name} changed while it was being read.", hint="Run the command again."
        )
