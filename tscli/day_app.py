"""The wiring of a day's run: settings become a `Morning`, and the doors to people's inboxes."""

from pathlib import Path
from typing import TYPE_CHECKING

from domain.notice import Notice, Sent
from domain.provider import ProviderAccount
from tscli.app import App, all_formats
from tscli.day_settings import RuleSection
from tscli.render import matching, talk
from tscli.render.progress import progress
from tscli.render.write import write_file
from tscli.services.day_plan import BANK, Morning

if TYPE_CHECKING:
    from tscli.services.heartbeat import Ping


def open_morning(app: App, mode: str | None = None) -> Morning:
    """What a day's run works with.

    Raises:
        ConfigurationError: a provider there is not.
        InvalidRequest: another mode than live or test.
    """
    section = app.settings.day
    meant = app.mode(mode)
    return Morning(
        section=section,
        mode=meant,
        owners=tuple(owner for owner in _owners(app) if owner.mode == meant),
        folder=report_folder(app),
        formats=all_formats(),
        owner_of=app.owner,
        mappings=app.bank_mapping,
        write=write_file,
        exit_of=talk.exit_code,
        progress=progress,
        tell=talk.say,
        bridge_data=matching.bridge_data,
        payout_data=matching.payout_data,
    )


def report_folder(app: App) -> Path:
    """Where a folder per day is made."""
    from tscli.settings import state_folder

    named = app.settings.day.report_folder
    return Path(named) if named else state_folder() / "days"


def written_folders(app: App) -> tuple[str, ...]:
    """Folders that the commands of a schedule write to, sorted."""
    settings = app.settings
    heartbeat, database = settings.day.heartbeat_file, settings.database_file
    folders = {report_folder(app)}
    folders |= {database.parent} if database is not None else set()
    folders |= {Path(heartbeat).parent} if heartbeat else set()
    if any(app.account_settings(owner.provider).sandbox for owner in _owners(app)):
        folders.add(Path(settings.sandbox_path).parent)
    return tuple(sorted(str(folder) for folder in folders))


def _owners(app: App) -> tuple[ProviderAccount, ...]:
    """The accounts of a day: the named ones, else those with keys, else the sandbox's."""
    from providers.registry import NAMES, check_name

    section = app.settings.day
    for name in (*section.providers, *(s.provider for s in section.sources if s.provider != BANK)):
        check_name(name)
    real = [name for name in NAMES if not app.account_settings(name).sandbox]
    names = section.providers or tuple(real) or NAMES
    return tuple(app.owner(name) for name in dict.fromkeys(names))


def send_notice(rule: RuleSection, notice: Notice) -> Sent:
    """Send a message to a rule's addresses.

    Raises:
        ConfigurationError: Apprise is not installed, or an address cannot be used.
    """
    from providers.notifier import send

    return send(rule.name, [url.get_secret_value() for url in rule.urls], notice)


def open_ping(app: App) -> "Ping":
    """What pings a heartbeat's address."""

    async def ping(url: str, body: bytes) -> str:
        from providers.notifier import ping as post

        return await post(url, body, app.settings.tls_minimum)

    return ping
