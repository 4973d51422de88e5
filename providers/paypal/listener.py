"""Our side of PayPal's webhook: one listener, verified by certificate or by asking PayPal.

Nothing of the libraries behind certificates is imported before a delivery has passed every check
that costs nothing.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from domain.clock import Clock
from domain.errors import InvalidSignature, Unavailable
from domain.webhook import Proof
from providers.event_body import parse
from providers.paypal.client import PayPalClient
from providers.paypal.places import Places
from providers.paypal.webhooks import Transmission, read_headers, verify_by_asking

if TYPE_CHECKING:
    from providers.paypal.certificates import Certificates

POSTBACK = "postback"


class Listener:
    """One webhook of ours, as PayPal knows it by its id."""

    def __init__(
        self, webhook_id: str, how: str, places: Places, client: PayPalClient, clock: Clock
    ) -> None:
        self._webhook_id = webhook_id
        self._how = how
        self._places = places
        self._pattern = places.pattern()
        self._client = client
        self._clock = clock
        self._certificates: Certificates | None = None

    def must_ask(self, headers: Mapping[str, str], body: bytes) -> bool:
        """See `Provider.must_ask`."""
        if self._how != POSTBACK:
            return False
        self._inspect(headers)
        parse(body)
        return True

    async def verify(self, headers: Mapping[str, str], body: bytes) -> Proof:
        """See `Provider.verify_webhook`."""
        sent = self._inspect(headers)
        if self._how == POSTBACK:
            return await verify_by_asking(sent, body, self._webhook_id, self._client)
        return await self._known().verify(sent, body, self._webhook_id)

    async def aclose(self) -> None:
        """Close the connections to where certificates are."""
        if self._certificates is not None:
            await self._certificates.aclose()

    def _inspect(self, headers: Mapping[str, str]) -> Transmission:
        """What the headers say, as far as it can be judged without anybody's help."""
        if not self._webhook_id:
            raise Unavailable(
                "No webhook id is configured to verify PayPal's webhooks with.",
                hint="Set TSCLI_PAYPAL__WEBHOOK_ID to the webhook's id in PayPal's dashboard.",
                reason="configuration",
            )
        sent = read_headers(headers, self._clock)
        if not self._pattern.fullmatch(sent.cert_url):
            raise InvalidSignature("The certificate's address is none of PayPal's.")
        return sent

    def _known(self) -> "Certificates":
        if self._certificates is None:
            from providers.paypal.certificates import Certificates

            self._certificates = Certificates(self._places, self._clock)
        return self._certificates
