"""Files that are put into a folder every day: found by their date, judged, and taken in when whole.

A file that is not whole is not taken in: what it holds would count, and the whole file that comes
after it would find its place taken.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from domain.day import Reason
from domain.errors import UnreadableExport
from tscli.day_settings import SourceSection
from tscli.services.day_plan import Morning
from tscli.services.intake import Words, preview, take_in
from tscli.services.periods import check_zone
from tscli.services.statements import TakenIn

if TYPE_CHECKING:
    from tscli.services.context import Context

_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload", ".partial")
"""Endings of files that are still being written."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file could not be taken in."""

    reason: Reason
    words: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """What became of the files of one source on one day."""

    taken: tuple[TakenIn, ...] = ()
    paths: tuple[Path, ...] = ()
    """The files that are whole."""
    troubles: tuple[Trouble, ...] = ()


def gather(
    context: "Context",
    morning: Morning,
    source: SourceSection,
    on: date,
    progress: Callable[[int, int], None],
    *,
    dry_run: bool,
) -> Gathered:
    """Find a source's files of a business date, judge them, and take the whole ones in.

    Raises:
        InvalidRequest: a file whose dates nobody can tell, or of another account.
        ConfigurationError: a mapping or a package is missing.
    """
    days = morning.section.calendar.covered(on) if source.every == "day" else [on]
    paths: list[Path] = []
    troubles: list[Trouble] = []
    for day in days:
        for pattern in source.patterns:
            found = _matching(source, pattern, day)
            paths += found
            if not found and source.required:
                troubles.append(_absent(context, morning, source, pattern, day))
    words = Words(
        source.format, source.bank, source.dates, source.timezone or morning.section.timezone
    )
    taken, sound = [], []
    for path in paths:
        trouble = judge(morning, source, path, words)
        if trouble is not None:
            troubles.append(trouble)
            continue
        sound.append(path)
        taken.append(
            take_in(
                context, morning.owner_of, morning.formats, path, words, morning.mappings,
                dry_run=dry_run, progress=progress,
            )
        )  # fmt: skip
    return Gathered(tuple(taken), tuple(sound), tuple(troubles))


def _matching(source: SourceSection, pattern: str, on: date) -> list[Path]:
    name = pattern.replace("{date}", on.isoformat()).replace("{yyyymmdd}", f"{on:%Y%m%d}")
    return sorted(
        path
        for path in Path(source.folder).glob(name)
        if path.is_file() and not path.name.startswith(".") and path.suffix not in _UNFINISHED
    )


def _absent(
    context: "Context", morning: Morning, source: SourceSection, pattern: str, on: date
) -> Trouble:
    """How long a file that is not there has been expected."""
    due = expected_at(on, source.expected_by, morning.section.timezone)
    now = context.clock.now()
    name = pattern.replace("{date}", on.isoformat()).replace("{yyyymmdd}", f"{on:%Y%m%d}")
    when = f"{due:%Y-%m-%d %H:%M} {morning.section.timezone}"
    if now < due:
        return Trouble(Reason.AWAITED, f"{name} is not there yet; it is expected by {when}")
    if now < due + _DAY:
        return Trouble(Reason.LATE, f"{name} is late: it was expected by {when}")
    return Trouble(Reason.MISSING, f"{name} is missing since {when}")


def expected_at(on: date, by: time, timezone: str) -> datetime:
    """When the file of a date has to be there: that time of the day after it."""
    return datetime.combine(on + _DAY, by, check_zone(timezone))


def judge(morning: Morning, source: SourceSection, path: Path, words: Words) -> Trouble | None:
    """What is wrong with a file as a whole; None when it can be taken in.

    Raises:
        InvalidRequest, ConfigurationError: see `gather`.
    """
    size = path.stat().st_size
    if size < source.bytes_min:
        least = source.bytes_min
        return Trouble(
            Reason.PARTIAL, f"{path.name} has {size} bytes, a whole one has at least {least}"
        )
    if source.ends_with and not _ends_with(path, source.ends_with):
        return Trouble(
            Reason.PARTIAL, f"{path.name} is cut off: it does not end with {source.ends_with!r}"
        )
    try:
        seen = preview(morning.formats, path, words, morning.mappings)
    except UnreadableExport as error:
        return Trouble(Reason.UNREADABLE, f"{path.name} cannot be read: {error.reason}")
    return next(_contradictions(path, seen), None)


def _ends_with(path: Path, ending: str) -> bool:
    """Whether a file ends with a text; blanks after a word do not count, those in it do."""
    wanted = ending.encode()
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - len(wanted) - 16))
        tail = stream.read()
    return (tail if ending.isspace() else tail.rstrip()).endswith(wanted)


def _contradictions(path: Path, seen: TakenIn) -> Iterator[Trouble]:
    """Where a file denies itself: its last row is half a row, or its figures are not its rows'."""
    for one in seen.file.stated:
        if one.difference:
            code = f" {one.currency}" if one.currency else ""
            yield Trouble(
                Reason.PARTIAL,
                f"{path.name} states {one.name}{code} {one.stated}, its rows come to {one.found}",
            )
    if seen.rejects and not _ends_with(path, "\n") and _is_last(path, seen):
        yield Trouble(Reason.PARTIAL, f"{path.name} is cut off in line {seen.rejects[-1].line}")


def _is_last(path: Path, seen: TakenIn) -> bool:
    """Whether the last unreadable row is the file's last line."""
    with path.open("rb") as stream:
        lines = sum(1 for _ in stream)
    return max(reject.line for reject in seen.rejects) >= lines


def worst_reason(troubles: Sequence[Trouble]) -> Reason:
    """The one reason that tells of several: what is broken before what only is not there."""
    order = (Reason.UNREADABLE, Reason.PARTIAL, Reason.MISSING, Reason.LATE, Reason.AWAITED)
    found = {one.reason for one in troubles}
    return next(reason for reason in order if reason in found)
