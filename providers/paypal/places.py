"""Where PayPal's signing certificates may come from, and the roots their chains must end in."""

import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx2

HOSTS = {
    "live": frozenset({"api.paypal.com", "api-m.paypal.com"}),
    "test": frozenset({"api.sandbox.paypal.com", "api-m.sandbox.paypal.com"}),
}
"""Mode -> hosts that serve the certificates of its deliveries."""

_PATH = r"/v1/notifications/certs/[A-Za-z0-9_-]{1,128}"


@dataclass(frozen=True, slots=True)
class Places:
    """Where certificates may come from, and what is trusted."""

    origins: frozenset[str]
    """Scheme and host of each; the sandbox's own address may be plain http on this machine."""
    roots: Callable[[], Sequence[bytes]]
    """The roots trusted as DER, asked for when first needed."""
    transport: httpx2.AsyncBaseTransport | None = None
    """Another way to reach the origins, for a world in this process."""

    def pattern(self) -> re.Pattern[str]:
        """What a whole address looks like: nothing before, between or after."""
        origins = "|".join(re.escape(origin) for origin in sorted(self.origins))
        return re.compile(rf"(?P<origin>{origins})(?::443)?(?P<path>{_PATH})", re.ASCII)


def real_places(mode: str) -> Places:
    """PayPal's hosts of a mode, and this system's roots."""
    return Places(frozenset(f"https://{host}" for host in HOSTS[mode]), system_roots)


def system_roots() -> list[bytes]:
    """The roots this system trusts for the web."""
    return ssl.create_default_context().get_ca_certs(binary_form=True)
