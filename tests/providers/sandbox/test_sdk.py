"""The provider's own Python library takes the face for the real thing."""

import asyncio

import httpx2
import pytest
import stripe

from providers.sandbox.stripe_face import stripe_face


class Http(stripe.HTTPClient):
    """The library's HTTP seam over our HTTP client."""

    name = "httpx2"

    def __init__(self, app):
        super().__init__()
        self.client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app))

    async def request_async(self, method, url, headers, post_data=None):
        response = await self.client.request(method, url, headers=dict(headers), content=post_data)
        return response.content, response.status_code, response.headers

    async def sleep_async(self, secs):
        await asyncio.sleep(0)

    async def close_async(self):
        await self.client.aclose()


def using(world, scenario, key="sk_test_1"):
    """Run a coroutine function with the library's client on this world."""

    async def go():
        http = Http(stripe_face(world))
        client = stripe.StripeClient(key, http_client=http, max_network_retries=0)
        try:
            return await scenario(client.v1)
        finally:
            await http.close_async()

    return asyncio.run(go())


NEVER = {"enabled": True, "allow_redirects": "never"}


def test_a_payment_with_its_refund_and_lists(world):
    """Proves: create, confirm, expand, refund, page and read back through the library."""

    async def scenario(v1):
        made = await v1.payment_intents.create_async(
            {"amount": 10000, "currency": "usd", "payment_method": "pm_card_visa",
             "automatic_payment_methods": NEVER, "metadata": {"order": "o1"}},
            {"idempotency_key": "k1"},
        )  # fmt: skip
        done = await v1.payment_intents.confirm_async(
            made.id, {"expand": ["latest_charge.balance_transaction"]}
        )
        assert done.latest_charge.balance_transaction.fee == 320
        assert done.metadata["order"] == "o1"
        refund = await v1.refunds.create_async({"payment_intent": made.id, "amount": 2500})
        assert refund.status == "succeeded"
        for _ in range(12):
            await v1.customers.create_async({"name": "x"})
        customers = await v1.customers.list_async({"limit": 5})
        assert len([c.id async for c in customers.auto_paging_iter()]) == 12
        balance = await v1.balance.retrieve_async()
        assert balance.pending[0].amount == 9680
        return refund.last_response.request_id

    assert using(world, scenario).startswith("req_")


def test_errors_become_the_librarys_own(world):
    """Proves: each kind of refusal raises the class the library documents for it."""

    async def scenario(v1):
        words = {"amount": 500, "currency": "usd", "confirm": True,
                 "automatic_payment_methods": NEVER}  # fmt: skip
        with pytest.raises(stripe.CardError) as declined:
            await v1.payment_intents.create_async(
                {**words, "payment_method": "pm_card_chargeDeclined"}
            )
        assert declined.value.code == "card_declined"
        assert declined.value.error.decline_code == "generic_decline"
        assert declined.value.error.payment_intent["status"] == "requires_payment_method"
        with pytest.raises(stripe.InvalidRequestError) as unknown:
            await v1.payment_intents.retrieve_async("pi_none")
        assert (unknown.value.http_status, unknown.value.code) == (404, "resource_missing")
        await v1.customers.create_async({"name": "a"}, {"idempotency_key": "k"})
        with pytest.raises(stripe.IdempotencyError):
            await v1.customers.create_async({"name": "b"}, {"idempotency_key": "k"})

    using(world, scenario)


def test_a_live_key_is_refused(world):
    """Proves: a live key is an authentication error."""

    async def scenario(v1):
        with pytest.raises(stripe.AuthenticationError):
            await v1.balance.retrieve_async()

    using(world, scenario, key="sk_live_1")
