"""Vault v3: methods kept at PayPal behind their owner's agreement; tokens here, never numbers.

A setup token becomes one payment token: the request id is a function of it, and a repeat after a
lost answer is told the token that was made.
"""

from hashlib import sha256
from typing import Any

from domain.errors import Rejected
from domain.ids import encode
from domain.provider import MethodView, ProviderAccount
from providers.paypal.client import PayPalClient, segment
from providers.paypal.errors import reading
from providers.paypal.snapshots import check_owner, method

_TOKENS, _SETUPS = "/v3/vault/payment-tokens", "/v3/vault/setup-tokens"

_CUSTOMER_CHARS = 22
"""Longest customer id the vault takes."""


async def begin(
    client: PayPalClient, owner: ProviderAccount, page: dict[str, str], customer: str, key: str
) -> tuple[str, str]:
    """Begin to keep a wallet: (setup token, link at which its owner agrees)."""
    wallet = {"experience_context": page, "usage_type": "MERCHANT"}
    body = _with_customer({"payment_source": {"paypal": wallet}}, customer)
    made = await client.tell("POST", _SETUPS, key, body)
    with reading(asking=False):
        check_owner(made, owner)
        links = {str(link["rel"]): str(link["href"]) for link in made.get("links") or ()}
        return str(made["id"]), links.get("approve", "")


async def keep(
    client: PayPalClient, owner: ProviderAccount, token: str, customer: str
) -> MethodView:
    """The vaulted method of a payment token, or of a setup token whose owner agreed.

    Raises:
        Rejected: PayPal knows no such token, or its owner has not agreed.
    """
    try:
        return await look_up(client, owner, token)
    except Rejected as error:
        if error.reason == "mode_mismatch":
            raise
    source = {"token": {"id": token, "type": "SETUP_TOKEN"}}
    body = _with_customer({"payment_source": source}, customer)
    made = await client.tell("POST", _TOKENS, f"vault.{token}", body)
    with reading(asking=False):
        check_owner(made, owner)
        return method(made)


async def look_up(client: PayPalClient, owner: ProviderAccount, token: str) -> MethodView:
    """The vaulted method of a payment token.

    Raises:
        Rejected: PayPal knows no such token.
    """
    found = await client.ask(f"{_TOKENS}/{segment(token)}")
    with reading(asking=True):
        check_owner(found, owner)
        return method(found)


async def remove(client: PayPalClient, token: str) -> None:
    """Make a payment token useless.

    Raises:
        Rejected: PayPal knows no such token.
    """
    await client.tell("DELETE", f"{_TOKENS}/{segment(token)}")


def customer_name(customer_id: str) -> str:
    """Our customer as the vault may name them: a function of our id, within its length.

    >>> customer_name("cus_1") == customer_name("cus_1") != customer_name("cus_2")
    True
    """
    digest = int.from_bytes(sha256(customer_id.encode()).digest()[:14])
    return encode(digest >> 2, _CUSTOMER_CHARS)


def _with_customer(body: dict[str, Any], customer: str) -> dict[str, Any]:
    return {**body, "customer": {"id": customer}} if customer else body
