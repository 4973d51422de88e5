"""Messages to people through Apprise, and the ping of a heartbeat.

Addresses carry tokens: none is ever logged, printed or repeated in an error. A message that was not
accepted is a value, never an exception.
"""

import logging
import re
import warnings
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from domain.errors import ConfigurationError, OutcomeUnknown, Unavailable
from domain.notice import Notice, Sent

_IN_THE_CLEAR = frozenset({"json", "xml", "form", "mailto"})
"""Services that go unencrypted, under an `s` at the end encrypted; the others are always."""
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})
_STATUS = re.compile(r"error=([1-5][0-9]{2})\b")
_TYPES = {"info": "INFO", "warning": "WARNING", "critical": "FAILURE"}
_DEADLINE_SECONDS = 10.0


def send(rule: str, urls: Sequence[str], notice: Notice) -> Sent:
    """Send one message to every address of a rule.

    Raises:
        ConfigurationError: see `check_addresses`.
    """
    services = [_service(rule, number, url) for number, url in enumerate(urls, 1)]
    refused = [text for one in services if (text := _refusal(one, notice))]
    accepted = f"{len(services) - len(refused)} of {len(services)} accepted it"
    return Sent(rule, not refused, "; ".join([accepted, *refused]))


def _refusal(service: Any, notice: Notice) -> str:
    """Why a service did not take a message, empty when it did; without its address."""
    import apprise

    capture: Any = apprise.LogCapture  # the package types its values, not its parameters
    kind = getattr(apprise.NotifyType, _TYPES[notice.severity])
    name = str(service.service_name)
    try:
        with capture(level=logging.WARNING) as log:
            if service.notify(title=notice.title, body=notice.body, notify_type=kind):
                return ""
            status = _STATUS.search(log.getvalue())
    except Exception as error:  # whatever a plugin does, the run goes on, and its text stays here
        return f"{name} failed ({type(error).__name__})"
    return f"{name} answered {status[1]}" if status else f"{name} did not take it"


def _service(rule: str, number: int, url: str) -> Any:
    service = _instance(url.strip())
    if service is None:
        raise ConfigurationError(
            f"Address {number} of the notification rule {rule} is none that Apprise knows.",
            hint="Write it as Apprise does, such as mailtos://… or slack://…",
        )
    scheme = url.strip().partition(":")[0].lower()
    if scheme in _IN_THE_CLEAR and not service.secure and service.host not in _LOCAL:
        raise ConfigurationError(
            f"Address {number} of the notification rule {rule} would go unencrypted.",
            hint=f"Write {scheme}s:// instead of {scheme}://.",
        )
    return service


def _instance(url: str) -> Any:
    """Apprise's service for an address, None when it is none."""
    with warnings.catch_warnings():
        # Its plugins are loaded here, old standard modules among what they try.
        warnings.simplefilter("ignore")
        try:
            import apprise
        except ImportError:
            raise ConfigurationError(
                "Notifications need a package that is not installed.",
                hint="Install tradesense-payments[notify].",
            ) from None
        try:
            return apprise.Apprise.instantiate(url)
        except Exception:  # a plugin that chokes on an address would repeat it
            return None


def check_ping(url: str) -> None:
    """Let a heartbeat's address pass.

    Raises:
        ConfigurationError: it is neither https nor on this machine.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    if not safe or not parts.hostname or "@" in parts.netloc:
        raise ConfigurationError(
            "day.heartbeat_url is neither https nor on this machine.",
            hint="Write it with https://, and without a name and a password in it.",
        )


async def ping(url: str, body: bytes, tls_minimum: str = "1.3") -> str:
    """Post a heartbeat; what went wrong in words, empty when nothing did.

    Raises:
        ConfigurationError: see `check_ping`.
    """
    from providers.http import HttpClient

    check_ping(url)
    parts = urlsplit(url)
    client = HttpClient(
        f"{parts.scheme}://{parts.netloc}",
        frozenset({str(parts.hostname)}),
        deadline_seconds=_DEADLINE_SECONDS,
        body_max_bytes=1 << 16,
        tls_minimum=tls_minimum,
    )
    try:
        path = url.partition("://")[2].partition("/")[2]
        address = f"{client.base_url}/{path}"
        answer = await client.send("POST", address, {"Content-Type": "application/json"}, body)
    except (Unavailable, OutcomeUnknown) as error:
        return error.message.replace("The provider", "It")
    finally:
        await client.aclose()
    return "" if answer.status < 400 else f"It answered {answer.status}."
