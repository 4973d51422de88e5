"""Any file that is handed in: a provider's export or a bank statement, told by its first rows."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from domain.provider import ProviderAccount
from domain.settlement import ExportFormat
from tscli.services.periods import check_zone
from tscli.services.statements import Progress, TakenIn, keep_statements, silent

if TYPE_CHECKING:
    from reconcile.bank.csv_mapping import CsvMapping
    from reconcile.intake.delivery import Delivery
    from tscli.services.context import Context

Mappings = Callable[[str], "CsvMapping"]


@dataclass(frozen=True, slots=True)
class Words:
    """What a person says about a file."""

    format_name: str = ""
    bank: str = ""
    """Name of a mapping for a bank's own CSV."""
    dates: str = ""
    timezone: str = "UTC"


def preview(
    formats: Sequence[ExportFormat], path: Path, words: Words, mappings: Mappings | None
) -> TakenIn:
    """What is in a file; nothing is kept, and no database is opened.

    Raises:
        UnreadableExport: the file as a whole cannot be read.
        InvalidRequest: an unknown time zone or format.
        ConfigurationError: no such mapping, or a package is not installed.
    """
    if _is_bank(path, words):
        from tscli.services.bank import read_statement

        read = read_statement(path, mappings(words.bank) if mappings and words.bank else None)
        return TakenIn("", read.file, read.rejects, 0, 0, already_done=False)
    with _handed_in(formats, path, words) as (given,):
        return TakenIn("", given.file, given.rejects, 0, 0, already_done=False)


def take_in(
    context: "Context",
    owner_of: Callable[[str], ProviderAccount],
    formats: Sequence[ExportFormat],
    path: Path,
    words: Words,
    mappings: Mappings | None,
    *,
    dry_run: bool = False,
    progress: Progress = silent,
) -> TakenIn:
    """Keep a file and its lines; what is there already changes nothing.

    Raises:
        UnreadableExport, InvalidRequest, ConfigurationError: see `preview`.
        NotPermitted: the operator may not.
    """
    if _is_bank(path, words):
        from tscli.services.bank import import_bank

        mapping = mappings(words.bank) if mappings and words.bank else None
        return import_bank(context, path, mapping, dry_run=dry_run)
    from domain.operator import Permission
    from tscli.services.permission import require

    require(context, Permission.RECONCILE)
    with _handed_in(formats, path, words) as (given,):
        provider = next(form.provider for form in formats if form.name == given.file.format)
        with context.database.transaction(dry_run=dry_run) as books:
            books.runs.lock()
            owner = owner_of(provider)
            (done,) = keep_statements(
                books, context, owner, [given], [path], words.timezone, progress
            )
            return done


def _is_bank(path: Path, words: Words) -> bool:
    if words.bank or words.format_name:
        return bool(words.bank)
    from reconcile.bank.sniffing import HEAD_BYTES, sniff
    from reconcile.intake.containers import unpacked

    with unpacked(path).path.open("rb") as stream:
        return sniff(stream.read(HEAD_BYTES), path.name) is not None


def _handed_in(
    formats: Sequence[ExportFormat], path: Path, words: Words
) -> "AbstractContextManager[list[Delivery]]":
    from reconcile.intake.delivery import deliveries
    from reconcile.intake.export import Choice

    check_zone(words.timezone)
    choice = Choice(words.format_name, words.dates)
    return deliveries([path], formats, ZoneInfo(words.timezone), choice=choice)
