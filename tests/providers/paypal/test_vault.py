"""Payment methods kept at PayPal: begun, agreed to, used, removed; customers are named by us."""

import pytest

from domain.errors import OutcomeUnknown, Rejected
from domain.payment import Stage
from domain.provider import MethodView
from providers.sandbox.faults import Fault
from tests.providers.paypal.market import WALLET, Market


def test_a_wallet_is_kept_once_its_owner_agreed(market: Market) -> None:
    """Proves: a setup token becomes a method only after the yes, and the method pays."""
    customer = market.run(market.adapter.add_customer("cus_1", "k"))
    token, url = market.run(market.adapter.setup_method(customer, "setup.1"))
    assert url.endswith(f"/sandbox/approve/{token}")
    with pytest.raises(Rejected):
        market.run(market.adapter.add_method(token, customer))
    market.world.approve(token)
    kept = market.run(market.adapter.add_method(token, customer))
    assert (kept.type, kept.brand, kept.last4) == ("paypal", "", "")
    made = market.create(method=kept.token).provider_payment_id
    assert market.confirm(made, kept.token).stage is Stage.CAPTURED
    listed = market.send("GET", f"/v3/vault/payment-tokens?customer_id={customer}")
    assert [t["id"] for t in listed["payment_tokens"]] == [kept.token]


def test_a_card_shows_what_may_be_shown(market: Market) -> None:
    """Proves: brand, last digits and expiry of a vaulted card, never its number."""
    card = {"number": "4242424242424242", "expiry": "2034-12"}
    setup = market.send("POST", "/v3/vault/setup-tokens", {"payment_source": {"card": card}})
    kept = market.run(market.adapter.add_method(setup["id"], ""))
    assert kept == MethodView(kept.token, "card", "visa", "4242", "2034-12")
    assert market.run(market.adapter.add_method(kept.token, "")) == kept
    stored = market.world.core.store.all("SELECT body FROM records")
    assert not any("4242424242424242" in row[0] for row in stored)


def test_a_method_removed_pays_no_more(market: Market) -> None:
    """Proves: a removed method is refused before anything moves, and cannot be removed twice."""
    setup = market.send(
        "POST", "/v3/vault/setup-tokens",
        {"payment_source": {"card": {"number": "4242424242424242"}}},
    )  # fmt: skip
    kept = market.run(market.adapter.add_method(setup["id"], "")).token
    made = market.create(method=kept).provider_payment_id
    market.run(market.adapter.remove_method(kept))
    with pytest.raises(Rejected):
        market.confirm(made, kept)
    with pytest.raises(Rejected):
        market.run(market.adapter.remove_method(kept))
    assert market.moved() == []


def test_a_lost_answer_keeps_one_method(market: Market) -> None:
    """Proves: keeping a setup token again after a lost answer gives the method it made."""
    token, _ = market.run(market.adapter.setup_method("", "setup.1"))
    market.world.approve(token)
    market.fail(Fault.NONE, Fault.TIMEOUT_AFTER)
    with pytest.raises(OutcomeUnknown):
        market.run(market.adapter.add_method(token, ""))
    kept = market.run(market.adapter.add_method(token, ""))
    made = market.create(method=kept.token).provider_payment_id
    assert market.confirm(made, kept.token).stage is Stage.CAPTURED


def test_the_wallet_that_is_asked_is_no_kept_method(market: Market) -> None:
    """Proves: paying by the payer's own wallet needs nothing kept and nothing asked."""
    assert market.run(market.adapter.add_method(WALLET, "")) == MethodView(WALLET, WALLET)
    market.run(market.adapter.remove_method(WALLET))
    assert market.transport.log == []


def test_customers_are_named_by_us(market: Market) -> None:
    """Proves: the vault's customer id is a function of ours, short enough, and asks nobody."""
    names = [
        market.run(market.adapter.add_customer(c, "k")) for c in ("cus_a" * 9, "cus_b", "cus_b")
    ]
    assert names[1] == names[2] != names[0]
    assert all(7 <= len(n) <= 22 and n.isalnum() for n in names)
    assert market.transport.log == []


def test_an_unknown_token_is_rejected(market: Market) -> None:
    """Proves: a token PayPal never gave is refused and keeps nothing."""
    for odd in ("nobody", "a/b", "x" * 60):
        with pytest.raises(Rejected):
            market.run(market.adapter.add_method(odd, ""))
