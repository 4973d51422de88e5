"""Reports: stored results become frozen report data and then bytes of a format."""

from domain.breaks import Break
from domain.run import Run
from tscli import __version__
from tscli.services.context import Context


def reconciliation_report(context: Context, run_id: str | None, form: str) -> tuple[Run, bytes]:
    """The report of one run, the latest when none is named, in a format of `reports.formats`.

    Raises:
        NotFound: there is no such run.
        InvalidRequest: no such format.
    """
    with context.database.read() as books:
        run = books.runs.get(run_id)
        breaks = list(books.runs.breaks_of(run.run_id))
    return run, render_run(run, breaks, form)


def render_run(run: Run, breaks: list[Break], form: str) -> bytes:
    """The report of a run and its breaks.

    Raises:
        InvalidRequest: no such format.
    """
    from reports.formats import render
    from reports.reconciliation import reconciliation_report as build

    return render(build(run, breaks, dict(run.matches), __version__), form)


def file_name(run: Run, suffix: str) -> str:
    """The stable name of a run's report in a folder."""
    start, end = run.period.start_at.date(), run.period.end_at.date()
    return f"reconciliation-{run.provider}-{run.account}-{run.mode}-{start}-{end}{suffix}"
