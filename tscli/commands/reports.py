"""`tscli reports`: results as documents that can be handed on."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import InvalidRequest
from domain.ids import check_id
from tscli.render import matching
from tscli.render.documents import deliver
from tscli.render.talk import FINDINGS
from tscli.render.view import Column, Format, View, show
from tscli.words import FormatOption, OutputOption, ProviderOption, day, open_app

if TYPE_CHECKING:
    from domain.run import Period
    from reports.document import Document
    from tscli.app import App

commands = typer.Typer(
    help="Documents for people who forward them. Exit codes: 0 all is well, 1 there are findings.",
    no_args_is_help=True,
)


class Form(StrEnum):
    """The formats of a report."""

    TABLE = "table"
    HTML = "html"
    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    MD = "md"


FormOption = Annotated[
    Form | None,
    typer.Option(
        "--format",
        help="Kind of document; told by the ending of --output, else a table.",
        rich_help_panel="Output",
    ),
]
PlaceOption = Annotated[
    Path | None,
    typer.Option(
        "--output", help="File, or folder for a stable file name.", rich_help_panel="Output"
    ),
]
LocaleOption = Annotated[
    str,
    typer.Option(
        "--locale",
        help="How amounts and dates are written for people, such as de or en_GB.",
        rich_help_panel="Output",
    ),
]
ZoneOption = Annotated[
    str, typer.Option("--timezone", help="Zone of the days, such as Europe/Berlin.")
]
ModeOption = Annotated[
    str | None,
    typer.Option("--mode", help="live or test; live where a live account is configured."),
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="First day; 30 days back otherwise.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="First day that is out; today otherwise.")
]


@commands.command()
def daily(
    ctx: typer.Context,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="The day; yesterday otherwise.")
    ] = None,
    timezone: ZoneOption = "UTC",
    mode: ModeOption = None,
    form: FormOption = None,
    output: PlaceOption = None,
    locale: LocaleOption = "en",
) -> None:
    """Tell a day: what moved, what agrees, what is open, how payments went."""
    from tscli.services import documents

    app = open_app(ctx)
    on = day(date) if date else _today(app, timezone) - timedelta(days=1)
    made = documents.daily(app.context(), on, app.mode(mode), timezone)
    deliver(made, form, output, locale)


@commands.command()
def monthly(
    ctx: typer.Context,
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="The last one otherwise.")
    ] = None,
    timezone: ZoneOption = "UTC",
    mode: ModeOption = None,
    form: FormOption = None,
    output: PlaceOption = None,
    locale: LocaleOption = "en",
) -> None:
    """Tell a month, day by day: it is the sum of its days."""
    from tscli.services import documents

    app = open_app(ctx)
    first = _month(month) if month else _last_month(_today(app, timezone))
    made = documents.monthly(app.context(), first, app.mode(mode), timezone)
    deliver(made, form, output, locale)


@commands.command()
def reconciliation(
    ctx: typer.Context,
    run: Annotated[str | None, typer.Option(help="A run's id; the latest when left out.")] = None,
    form: FormOption = None,
    output: PlaceOption = None,
    locale: LocaleOption = "en",
) -> None:
    """Tell a reconciliation run: verdict, totals, every break with both sides."""
    from tscli.services import documents

    if run is not None:
        check_id(run, "run")
    deliver(documents.reconciliation(open_app(ctx).context(), run), form, output, locale)


@commands.command()
def breaks(
    ctx: typer.Context,
    mode: ModeOption = None,
    form: FormOption = None,
    output: PlaceOption = None,
    locale: LocaleOption = "en",
) -> None:
    """List every open break with its age, its value and who has it."""
    from tscli.services import documents

    app = open_app(ctx)
    deliver(documents.breaks(app.context(), app.mode(mode)), form, output, locale)


@commands.command()
def bridge(
    ctx: typer.Context,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="Up to and without this day; now otherwise."),
    ] = None,
    provider: ProviderOption = "stripe",
    form: FormOption = None,
    output: PlaceOption = None,
    locale: LocaleOption = "en",
) -> None:
    """Lead from our ledger's balance to the provider's and to the bank, by named open items.

    Exit codes: 0 every currency ties to zero, 1 one does not, or the provider states another
    balance.
    """
    from tscli.services import documents

    app = open_app(ctx)
    context = app.context()
    at = datetime.combine(day(as_of), time(), UTC) if as_of else context.clock.now()
    made = documents.bridge(context, app.owner(provider), at, matching.bridge_data)
    deliver(made, form, output, locale)


@commands.command()
def payouts(
    ctx: typer.Context,
    start: FromOption = None,
    end: ToOption = None,
    provider: ProviderOption = "stripe",
    timezone: ZoneOption = "UTC",
    form: FormOption = None,
    output: PlaceOption = None,
    locale: LocaleOption = "en",
) -> None:
    """Show what every payout consists of, and whether it adds up.

    Exit codes: 0 every payout closes to zero, 1 one does not, or nobody can say.
    """
    from tscli.services import documents

    app = open_app(ctx)
    period = _period(app, start, end, timezone)
    made = documents.payouts(app.context(), app.owner(provider), period, matching.payout_data)
    deliver(made, form, output, locale)


def _over_period(name: str, told: str, make: Callable[["App", "Period", str], "Document"]) -> None:
    """Add a report over a period of one mode; they all take the same words."""

    def tell(
        ctx: typer.Context,
        start: FromOption = None,
        end: ToOption = None,
        timezone: ZoneOption = "UTC",
        mode: ModeOption = None,
        form: FormOption = None,
        output: PlaceOption = None,
        locale: LocaleOption = "en",
    ) -> None:
        app = open_app(ctx)
        made = make(app, _period(app, start, end, timezone), app.mode(mode))
        deliver(made, form, output, locale)

    commands.command(name, help=told)(tell)


def _providers(app: "App", period: "Period", mode: str) -> "Document":
    from tscli.services import documents

    return documents.providers(app.context(), app.owners, period, mode)


def _recovery(app: "App", period: "Period", mode: str) -> "Document":
    from tscli.services import documents

    return documents.recovery(app.context(), period, mode)


def _webhooks(app: "App", period: "Period", mode: str) -> "Document":
    from tscli.services import documents

    return documents.webhooks(app.context(), period, mode)


def _audit(app: "App", period: "Period", mode: str) -> "Document":
    from tscli.services import documents

    return documents.audit(app.context(), period, mode)


def _security(app: "App", period: "Period", mode: str) -> "Document":
    from tscli.services import documents

    return documents.security(app.context(), period, mode, app.settings.database_file)


_over_period("providers", "Hold providers side by side: success, latency, fees.", _providers)
_over_period("recovery", "Tell what is not settled, and what waits for a person.", _recovery)
_over_period("webhooks", "Tell what was delivered, how late, and what was not believed.", _webhooks)
_over_period("audit", "Tell who did what, and prove that the whole trail is there.", _audit)
_over_period("security", "Tell what was refused, and whether every safeguard stands.", _security)


def _period(app: "App", start: str | None, end: str | None, timezone: str) -> "Period":
    from tscli.services.periods import period_of

    last = day(end) if end else _today(app, timezone)
    return period_of(day(start) if start else last - timedelta(days=30), last, timezone)


def _today(app: "App", timezone: str) -> date:
    from tscli.services.periods import check_zone

    return app.clock.now().astimezone(check_zone(timezone)).date()


def _last_month(today: date) -> date:
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def _month(text: str) -> date:
    try:
        if len(text) != len("2026-01"):
            raise ValueError
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise InvalidRequest(f"{text!r} is no month: write YYYY-MM.") from None


@commands.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="A folder that `day run` wrote.")],
    form: FormatOption = Format.TABLE,
    output: OutputOption = None,
) -> None:
    """Hold a day's folder against its manifest; exit code 1 names every file that is not as it was.

    Whoever may change the reports may change the manifest: keep its digest elsewhere.
    """
    from tscli.services.manifests import verify as changes_of

    manifest, changes = changes_of(folder)
    rows = [{"file": one.file, "what": one.what} for one in changes]
    told = f"{manifest['date']}: {len(manifest['files'])} files, {len(rows)} not as written."
    if form is Format.JSON:
        shown = {"folder": str(folder), "manifest": manifest, "changes": rows}
        show(View("reports.verify", shown), form, output)
    else:
        columns = (Column("file", "file"), Column("what", "what became of it"))
        show(View("reports.verify", rows, columns, notes=(told,)), form, output)
    if rows:
        raise typer.Exit(FINDINGS)
