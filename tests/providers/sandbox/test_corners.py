"""Less trodden paths: inline methods, late changes, broken stores, strange parameters."""

import sqlite3
from datetime import timedelta

import pytest

from providers.sandbox.truth.refusals import Missing

WISH = {"amount": 5000, "currency": "usd"}


class TestInlineMethods:
    """`payment_method_data` instead of a method's id."""

    def test_a_token_or_test_number_pays(self, api):
        """Proves: inline data makes a method of its own and pays with it."""
        for card in ({"token": "tok_mastercard"}, {"number": "5555555555554444"}):
            data = {"type": "card", "card": card, "billing_details": {"name": "Ada"}}
            words = {
                **WISH,
                "payment_method_data": data,
                "confirm": True,
                "return_url": "https://example.com",
            }
            paid = api.post("payment_intents", {**words, "expand": ["payment_method"]})
            assert paid["status"] == "succeeded"
            assert paid["payment_method"]["card"]["brand"] == "mastercard"
            assert paid["payment_method"]["billing_details"]["name"] == "Ada"

    @pytest.mark.parametrize(
        "words",
        [
            {"payment_method": "pm_card_visa", "payment_method_data": {"type": "card"}},
            {"payment_method_data": {"type": "card", "colour": "red"}},
            {"payment_method_data": {"type": "card", "card": {"number": "4111111111111111"}}},
            {"payment_method_data": {"type": "sepa_debit", "sepa_debit": {"iban": "DE00"}}},
            {"payment_method_data": {"type": "cheque"}},
            {"payment_method_data": "pm_card_visa"},
        ],
    )
    def test_contradictions_and_real_numbers_are_refused(self, api, words):
        """Proves: two methods, odd members and numbers that are no test numbers are 400s."""
        api.post("payment_intents", {**WISH, **words}, ok=400)
        assert api.get("payment_intents")["data"] == []


class TestIntentWords:
    """Parameters that change an intent on its way."""

    def test_capture_method_may_change_until_confirmed(self, api, never):
        """Proves: update and confirm both can turn an intent into one captured later."""
        for verb in ("", "/confirm"):
            made = api.post("payment_intents", {**WISH, **never, "payment_method": "pm_card_visa"})
            path = f"payment_intents/{made['id']}"
            api.post(f"{path}{verb}", {"capture_method": "manual"})
            if not verb:
                api.post(f"{path}/confirm")
            assert api.get(path)["status"] == "requires_capture"
            assert api.get(path)["capture_method"] == "manual"

    def test_words_given_at_capture_stay(self, api):
        """Proves: metadata and descriptor of a capture are on the intent, expansion works there."""
        held = api.pay(capture_method="manual")["id"]
        words = {"metadata": {"box": "7"}, "statement_descriptor_suffix": "BOX 7"}
        done = api.post(f"payment_intents/{held}/capture", {**words, "expand": ["latest_charge"]})
        assert (done["metadata"], done["statement_descriptor_suffix"]) == ({"box": "7"}, "BOX 7")
        assert done["latest_charge"]["captured"] is True

    def test_customers_can_be_named_later_if_they_exist(self, api, never):
        """Proves: an intent takes an existing customer and no other."""
        made = api.post("payment_intents", {**WISH, **never})["id"]
        api.post(f"payment_intents/{made}", {"customer": "cus_none"}, ok=400)
        owner = api.post("customers", {"payment_method": "pm_card_visa"})["id"]
        assert api.post(f"payment_intents/{made}", {"customer": owner})["customer"] == owner
        assert len(api.get(f"customers/{owner}/payment_methods")["data"]) == 1

    def test_named_types_need_no_way_back(self, api):
        """Proves: with card as the only type nothing redirects, so no return_url is needed."""
        words = {**WISH, "payment_method": "pm_card_visa", "confirm": True}
        for more in (
            {"allowed_payment_method_types": ["card"]},
            {"return_url": "https://shop.example", "confirmation_method": "manual"},
        ):
            assert api.post("payment_intents", {**words, **more})["status"] == "succeeded"

    @pytest.mark.parametrize(
        "words",
        [
            {"off_session": True},
            {"off_session": "sometimes", "confirm": True},
            {"automatic_payment_methods": {"allow_redirects": "never"}},
            {"metadata": {str(n): "v" for n in range(51)}},
            {"metadata": "text"},
            {"description": "x" * 5001},
            {"description": {"a": "b"}},
            {"expand": "latest_charge"},
            {"expand": ["payment_method.customer.source.charge.x"]},
        ],
    )
    def test_strange_parameters_are_refused(self, api, words):
        """Proves: each is a 400 and leaves no intent."""
        api.post("payment_intents", {**WISH, **words}, ok=400)
        assert api.get("payment_intents")["data"] == []


class TestLists:
    """Filters of the lists."""

    def test_balance_transactions_by_source_currency_and_type(self, api):
        """Proves: each filter selects what it names."""
        charge = api.pay(1000)["latest_charge"]
        api.pay(1000, "eur")
        api.post("refunds", {"charge": charge})
        count = lambda **words: len(api.get("balance_transactions", words)["data"])  # noqa: E731
        assert count(source=charge) == 1
        assert count(currency="eur") == 1
        assert count(currency="usd") == 2
        assert count(type="refund") == 1
        assert count(type="payout") == 0

    def test_search_pages_and_counts(self, api, world):
        """Proves: search pages by token, counts on demand, refuses odd tokens."""
        world.set_search_lag(0)
        made = [api.pay(1000)["id"] for _ in range(5)][::-1]
        words = {"query": "currency~'us'", "limit": 3}
        first = api.get("payment_intents/search", {**words, "expand": ["total_count"]})
        assert first["total_count"] == 5
        rest = api.get("payment_intents/search", {**words, "page": first["next_page"]})
        assert [i["id"] for i in first["data"] + rest["data"]] == made
        assert rest["has_more"] is False
        api.get("payment_intents/search", {**words, "page": "x"}, ok=400)

    @pytest.mark.parametrize(
        "words", [{"type": "a", "types": ["b"]}, {"types": [f"t.{n}" for n in range(21)]}]
    )
    def test_event_types_are_named_one_way(self, api, words):
        """Proves: type and types exclude each other, and types are at most 20."""
        api.get("events", words, ok=400)

    @pytest.mark.parametrize(
        "path",
        ["files/file_none", "files/file_none/contents", "reporting/report_types/magic.1",
         "reporting/report_runs/frr_none", "balance_transactions/txn_none", "disputes/dp_none",
         "payouts/po_none", "refunds/re_none", "customers/cus_none", "payment_methods/pm_none",
         "events/evt_none", "charges/ch_none"],
    )  # fmt: skip
    def test_strangers_are_404(self, api, path):
        """Proves: whatever is not there is a 404 resource_missing."""
        assert api.get(path, ok=404)["error"]["code"] == "resource_missing"


class TestTime:
    """What the clock brings, and what it does not."""

    def test_pending_card_refunds_settle(self, api, clock):
        """Proves: the pending refund card is pending for a day."""
        paid = api.pay(method="pm_card_pendingRefund")["id"]
        refund = api.post("refunds", {"payment_intent": paid})
        assert (refund["status"], refund["destination_details"]["card"]["type"]) == (
            "pending", "pending",
        )  # fmt: skip
        clock.advance(timedelta(days=1))
        assert api.get(f"refunds/{refund['id']}")["status"] == "succeeded"

    def test_things_happen_when_they_were_due(self, api, world, clock):
        """Proves: a long absence dates each fact at its own due time, in order."""
        api.pay(1000, "eur", "pm_sepaDebit_success")
        api.pay(1000, "usd", "pm_usBankAccount_success")
        start = world.core.now()
        clock.advance(timedelta(days=90))
        assert world.tick() == 2
        days = [(line.created_at - start) // 86400 for line in world.balance_lines()]
        assert days == [3, 5]

    def test_a_captured_payment_does_not_expire(self, api, world, clock):
        """Proves: the expiry of an authorisation spares what was captured in time."""
        held = api.pay(capture_method="manual")["id"]
        api.post(f"payment_intents/{held}/capture")
        clock.advance(timedelta(days=8))
        assert world.tick() == 1
        assert api.get(f"payment_intents/{held}")["status"] == "succeeded"


def test_methods_once_let_go_are_of_no_use(api):
    """Proves: deleting a customer detaches their methods; a detached one pays no more."""
    owner = api.post("customers", {"payment_method": "pm_card_visa"})["id"]
    card = api.get(f"customers/{owner}/payment_methods")["data"][0]["id"]
    api.send("DELETE", f"/v1/customers/{owner}")
    assert api.get(f"payment_methods/{card}")["customer"] is None
    api.pay(method=card, ok=400)
    api.post(f"payment_methods/{card}/detach", ok=400)
    api.get(f"customers/{owner}/payment_methods", ok=404)
    api.send("DELETE", f"/v1/customers/{owner}")
    api.post(f"customers/{owner}", {"name": "again"}, ok=404)


def test_forint_by_hand_are_whole(api, clock):
    """Proves: a payout by hand in a whole-unit currency must be a multiple of 100."""
    api.pay(2_000_000, "huf")
    clock.advance(timedelta(days=2))
    error = api.post("payouts", {"amount": 10050, "currency": "huf"}, ok=400)["error"]
    assert error["param"] == "amount"
    api.post("payouts", {"amount": 10000, "currency": "huf"})


def test_a_bug_of_ours_does_not_keep_the_key(api, world):
    """Proves: when the world itself breaks, the change is undone and the key can be used again."""
    words = {
        **WISH,
        "payment_method": "pm_card_visa",
        "confirm": True,
        "return_url": "https://example.com",
    }
    world.core.store.run("ALTER TABLE movements RENAME TO away")
    with pytest.raises(sqlite3.OperationalError):
        api.post("payment_intents", words, key="k")
    world.core.store.run("ALTER TABLE away RENAME TO movements")
    assert world.intents() == []
    assert api.post("payment_intents", words, key="k")["status"] == "succeeded"
    assert len(world.movements()) == 1


def test_a_huge_request_is_refused(api):
    """Proves: more than a megabyte is not even read as a form."""
    api.post("customers", {"name": "x" * 1_100_000}, ok=400)


def test_lines_are_found_by_id_only(world):
    """Proves: an unknown line is named."""
    with pytest.raises(Missing, match="txn_none"):
        world.core.line("txn_none")
