"""The sign of life at the end of a run, for a monitor that notices when it stays away.

It names its environment, and the file of another environment is never overwritten: a staging
machine that is well cannot hide that production is not.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from domain.clock import iso
from domain.day import worst
from domain.errors import PaymentsError
from tscli.services.day_plan import Morning
from tscli.services.day_run import DayDone

if TYPE_CHECKING:
    from tscli.services.context import Context

SCHEMA = "tscli/heartbeat/1"
Ping = Callable[[str, bytes], Awaitable[str]]


def heartbeat(context: "Context", morning: Morning, done: Sequence[DayDone]) -> bytes:
    """The sign of life of the newest date of a command."""
    newest = max(done, key=lambda one: one.on)
    document = {
        "schema": SCHEMA,
        "environment": morning.environment,
        "mode": morning.mode,
        "date": newest.on.isoformat(),
        "outcome": newest.outcome,
        "exit_code": worst(one.exit_code for one in done),
        "at": iso(context.clock.now()),
        "host": context.actor.host,
    }
    return (json.dumps(document, sort_keys=True) + "\n").encode()


async def beat(
    context: "Context", morning: Morning, ping: Ping, done: Sequence[DayDone]
) -> list[str]:
    """Write the file and ping the address; what went wrong, in sentences. It never fails a run."""
    if not done:
        return []
    content, section, troubles = heartbeat(context, morning, done), morning.section, []
    if section.heartbeat_file:
        troubles.append(_write(morning, Path(section.heartbeat_file), content))
    url = section.heartbeat_url.get_secret_value()
    if url:
        try:
            said = await ping(url, content)
        except PaymentsError as error:
            said = error.message
        troubles.append(f"The heartbeat was not accepted: {said}" if said else "")
    return [trouble for trouble in troubles if trouble]


def _write(morning: Morning, path: Path, content: bytes) -> str:
    other = environment_of(path)
    if other not in ("", morning.environment):
        return (
            f"{path} is the heartbeat of {other!r}, this is {morning.environment!r}: it was left"
            " as it is. Give each environment a file of its own."
        )
    try:
        morning.write(path, content)
    except PaymentsError as error:
        return f"The heartbeat could not be written: {error.message}"
    return ""


def environment_of(path: Path) -> str:
    """Whose heartbeat a file is, empty when it is nobody's."""
    try:
        found = json.loads(path.read_bytes())["environment"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(found)
