"""The reports of a day: every document in every configured format, in a folder with a manifest."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from domain.day import StepRecord
from tscli.services import documents, manifests
from tscli.services.day_plan import Found, Morning

if TYPE_CHECKING:
    from reports.document import Document
    from tscli.services.context import Context


def folder_of(morning: Morning, on: date) -> Path:
    """Where the reports of a business date are."""
    return morning.folder / on.isoformat()


def write_reports(
    context: "Context", morning: Morning, on: date, steps: Sequence[StepRecord], *, dry_run: bool
) -> Found:
    """Write the reports of a day; the same books give the same files.

    The manifest is written last, so that a folder without one, or with another one's files, was
    not finished.

    Raises:
        ConfigurationError: a package that a format needs is not installed.
        InvalidRequest: the folder cannot be written to, or no such locale.
    """
    from reports.formats import DOCUMENT_FORMATS, render_document

    # A run that was only tried is not kept, and has no report.
    runs = [] if dry_run else _runs(steps)
    files: dict[str, bytes] = {}
    with morning.progress(f"{on} reports") as advance:
        made = list(_documents(context, morning, on, runs))
        for number, document in enumerate(made):
            for form in morning.section.report_formats:
                content = render_document(document, form, locale=morning.section.locale)
                files[f"{document.slug}{DOCUMENT_FORMATS[form].suffix}"] = content
            advance(number + 1, len(made))
    folder = folder_of(morning, on)
    if not dry_run:
        _keep(context, morning, on, folder, runs, files)
    note = f"{len(files)} files in {folder}"
    return Found(note=note, facts={"files": len(files), "documents": len(made)})


def _runs(steps: Sequence[StepRecord]) -> list[str]:
    """Ids of the day's runs, in the order of its accounts."""
    found = [one.facts.get("run_id") for one in steps if one.step == "reconcile"]
    return list(dict.fromkeys(str(run) for run in found if run))


def _documents(
    context: "Context", morning: Morning, on: date, runs: Sequence[str]
) -> Iterator["Document"]:
    zone, mode, period = morning.section.timezone, morning.mode, morning.period(on)
    days = morning.section.calendar.covered(on)
    for day in days:
        yield documents.daily(context, day, mode, zone)
    for run in runs:
        yield documents.reconciliation(context, run)
    yield documents.breaks(context, mode)
    for owner in morning.owners:
        yield documents.bridge(context, owner, period.end_at, morning.bridge_data)
        yield documents.payouts(context, owner, period, morning.payout_data)
    for last in (day for day in days if (day + timedelta(days=1)).day == 1):
        yield documents.monthly(context, last.replace(day=1), mode, zone)


def _keep(
    context: "Context",
    morning: Morning,
    on: date,
    folder: Path,
    runs: Sequence[str],
    files: dict[str, bytes],
) -> None:
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    for name in _earlier(folder) - set(files):
        (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        morning.write(folder / name, content)
    period = morning.period(on)
    about = {
        "date": on.isoformat(),
        "mode": morning.mode,
        "environment": morning.environment,
        "period": {
            "from": period.start_at.isoformat(),
            "to": period.end_at.isoformat(),
            "timezone": period.timezone,
        },
        "runs": list(runs),
    }
    morning.write(folder / manifests.NAME, manifests.manifest(context, about, files))


def _earlier(folder: Path) -> set[str]:
    """Files that an earlier attempt wrote here by its own manifest; nothing else is removed."""
    if not (folder / manifests.NAME).is_file():
        return set()
    names = {str(one["name"]) for one in manifests.read(folder)["files"]}
    return {name for name in names if Path(name).name == name}
