"""The manners of the API: keys, versions, forms, unknown words, pages, expansion, idempotency."""

import asyncio
import base64
from datetime import timedelta

import httpx2
import pytest

from providers.sandbox.stripe_face import stripe_face
from providers.sandbox.stripe_wire.errors import WireError
from providers.sandbox.stripe_wire.forms import decode

WISH = {"amount": 100, "currency": "usd"}
NO_TOKEN = {"type": "card", "card": {"token": "tok_none"}}


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer sk_test_1", 200),
        ("Bearer rk_test_1", 200),
        ("Basic " + base64.b64encode(b"sk_test_1:").decode(), 200),
        ("Bearer sk_live_1", 401),
        ("Basic " + base64.b64encode(b"sk_live_1:").decode(), 401),
        ("Basic !!!", 401),
        ("Bearer pk_test_1", 401),
        ("", 401),
    ],
)
def test_only_test_keys_open(api, header, status):
    """Proves: test keys pass either way, live and odd keys are 401 and never repeated."""
    response = api.send("GET", "/v1/balance", Authorization=header)
    assert response.status_code == status
    assert "live_1" not in response.text


def test_headers_name_the_request_and_the_version(api):
    """Proves: every answer has its own Request-Id and repeats the version asked for."""
    first = api.send("GET", "/v1/balance", **{"Stripe-Version": "2026-10-28.endive"})
    second = api.send("GET", "/v1/nothing")
    assert first.headers["stripe-version"] == "2026-10-28.endive"
    assert first.headers["request-id"] != second.headers["request-id"]
    assert second.headers["request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v1/nothing"),
        ("PUT", "/v1/payment_intents"),
        ("DELETE", "/v1/charges/ch_1"),
        ("GET", "/"),
    ],
)
def test_unknown_urls(api, verb, path):
    """Proves: a URL or method nobody knows is a 404 in the API's own shape."""
    response = api.send(verb, path)
    assert response.status_code == 404
    assert "Unrecognized request URL" in response.json()["error"]["message"]


def test_forms_nest_and_refuse_nonsense():
    """Proves: hashes, lists in both spellings and plus signs are read; contradictions refused."""
    assert decode("a[b][c]=1&l[0]=x&l[1]=y&m[]=p&m[]=q&t=a+b&e=") == {
        "a": {"b": {"c": "1"}}, "l": ["x", "y"], "m": ["p", "q"], "t": "a b", "e": "",
    }  # fmt: skip
    for text in (
        "a=1&a[b]=2",
        "[x]=1",
        "a[b=1",
        "a[1][2][3][4][5][6][7]=1",
        "&".join(["a[]=1"] * 1001),
    ):
        with pytest.raises(WireError):
            decode(text)


@pytest.mark.parametrize(
    ("path", "words", "code", "param"),
    [
        ("payment_intents", {**WISH, "x": 1}, "parameter_unknown", "x"),
        ("payment_intents", {"currency": "usd"}, "parameter_missing", "amount"),
        ("payment_intents", {**WISH, "confirm": "maybe"}, None, "confirm"),
        ("payment_intents", {**WISH, "capture_method": "x"}, None, "capture_method"),
        ("payment_intents", {**WISH, "metadata": {"k": "v" * 501}}, None, "metadata[k]"),
        ("refunds", {"charge": "", "amount": 1}, "parameter_invalid_empty", "charge"),
        ("payment_methods", {"type": "card"}, "parameter_missing", "card[number]"),
        ("payment_methods", NO_TOKEN, "resource_missing", "card[number]"),
    ],
)  # fmt: skip
def test_wrong_words_are_named(api, path, words, code, param):
    """Proves: each unknown, missing or malformed parameter is a 400 that names it."""
    error = api.post(path, words, ok=400)["error"]
    assert (error.get("code"), error["param"]) == (code, param)


def test_pages_walk_both_ways_without_loss(api):
    """Proves: newest first, cursors in both directions, has_more, and limits."""
    made = [api.post("customers", {"name": str(n)})["id"] for n in range(7)][::-1]
    seen, cursor = [], {}
    while True:
        page = api.get("customers", {"limit": 3, **cursor})
        seen += [c["id"] for c in page["data"]]
        if not page["has_more"]:
            break
        cursor = {"starting_after": seen[-1]}
    assert seen == made
    back = api.get("customers", {"limit": 2, "ending_before": made[4]})
    assert [c["id"] for c in back["data"]] == made[2:4]
    assert back["has_more"] is True
    assert api.get("customers", {"ending_before": made[0]})["data"] == []
    assert page["url"] == "/v1/customers"
    for words in ({"limit": 101}, {"limit": 0}, {"starting_after": "cus_none"},
                  {"starting_after": made[0], "ending_before": made[1]}):  # fmt: skip
        api.get("customers", words, ok=400)


def test_long_lists_cross_batches(api, world):
    """Proves: lists longer than one read of the store are complete and in order."""
    with world.change() as core:
        for n in range(450):
            core.book("fee", -n - 1, "USD", description=f"fee {n}")
    seen, cursor = [], {}
    while True:
        page = api.get("balance_transactions", {"limit": 100, **cursor})
        seen += page["data"]
        if not page["has_more"]:
            break
        cursor = {"starting_after": seen[-1]["id"]}
    assert [t["amount"] for t in seen] == [-n for n in range(450, 0, -1)]


def test_created_filters(api, clock):
    """Proves: gt, gte, lt, lte and an exact instant select as they say."""
    stamps = []
    for _ in range(3):
        stamps.append(api.post("customers", {})["created"])
        clock.advance(timedelta(seconds=10))
    count = lambda words: len(api.get("customers", {"created": words})["data"])  # noqa: E731
    assert count({"gt": stamps[0]}) == 2
    assert count({"gte": stamps[0], "lt": stamps[2]}) == 2
    assert count({"lte": stamps[0]}) == 1
    assert count(stamps[1]) == 1
    api.get("customers", {"created": {"after": 1}}, ok=400)


def test_expansion(api):
    """Proves: ids become objects along dotted paths, in lists too; other paths are refused."""
    paid = api.pay(expand=["latest_charge.balance_transaction", "payment_method"])
    assert paid["latest_charge"]["balance_transaction"]["net"] == 9680
    assert paid["payment_method"]["card"]["last4"] == "4242"
    listed = api.get("charges", {"expand": ["data.balance_transaction", "data.payment_intent"]})
    assert listed["data"][0]["payment_intent"]["id"] == paid["id"]
    assert listed["data"][0]["balance_transaction"]["fee"] == 320
    api.get("charges", {"expand": ["data.colour"]}, ok=400)
    api.get("balance", {"expand": ["available.x"]}, ok=400)


def test_events_tell_what_happened_as_it_was(api, world, clock):
    """Proves: events keep the object of their time, name request and key, and go after 30 days."""
    paid = api.post("payment_intents", {"amount": 500, "currency": "usd"}, key="k-1")
    api.post(f"payment_intents/{paid['id']}/cancel")
    events = api.get("events")["data"]
    assert [e["type"] for e in events] == ["payment_intent.canceled", "payment_intent.created"]
    assert events[1]["data"]["object"]["status"] == "requires_payment_method"
    assert events[1]["request"]["idempotency_key"] == "k-1"
    assert events[0]["api_version"] == "2026-10-28.endive"
    assert api.get("events", {"types": ["payment_intent.created"]})["data"] == events[1:]
    clock.advance(timedelta(days=30, seconds=1))
    assert api.get("events")["data"] == []
    api.get(f"events/{events[0]['id']}", ok=404)


def test_search_lags_behind(api, world, clock):
    """Proves: what was just written is not found, what was found is shown as it is now."""
    paid = api.pay(700, metadata={"order": "o'1"})
    query = {"query": "metadata['order']:'o\\'1'"}
    assert api.get("payment_intents/search", query)["data"] == []
    clock.advance(timedelta(seconds=60))
    assert [i["id"] for i in api.get("payment_intents/search", query)["data"]] == [paid["id"]]
    world.set_search_lag(3600)
    assert api.get("payment_intents/search", query)["data"] == []
    world.set_search_lag(0)
    for text, hits in (
        ("amount>600 AND status:'succeeded'", 1), ("amount>700", 0), ("-currency:'usd'", 0),
        ("currency:'eur' OR amount<=700", 1), ("customer:null", 1), ("amount:700", 1),
    ):  # fmt: skip
        assert len(api.get("payment_intents/search", {"query": text})["data"]) == hits, text
    for text in ("", "nonsense", "colour:'red'", "amount>1 AND amount<2 OR amount>3", "amount>'x'"):
        api.get("payment_intents/search", {"query": text}, ok=400)
    with pytest.raises(ValueError, match="hour"):
        world.set_search_lag(3601)


def test_a_refused_request_leaves_nothing(api):
    """Proves: what was done before the refusal is undone: no intent, no method, no event."""
    words = {**WISH, "payment_method": "pm_card_visa", "confirm": True}
    assert api.post("payment_intents", words, ok=400)["error"]["param"] == "return_url"
    assert api.get("payment_intents")["data"] == []
    assert api.get("events")["data"] == []


class TestIdempotency:
    """The rules of keys."""

    def test_a_key_is_answered_once_for_all(self, api, world):
        """Proves: the same words give the same bytes, marked as a replay, and change nothing."""
        words = {"amount": 900, "currency": "usd", "payment_method": "pm_card_visa",
                 "confirm": True, "return_url": "https://shop.example"}  # fmt: skip
        first = api.send("POST", "/v1/payment_intents", words, key="k")
        before = "\n".join(world.core.store._db.iterdump()).replace("counter:request", "")
        again = api.send("POST", "/v1/payment_intents", words, key="k")
        assert again.text == first.text
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["original-request"] == first.headers["request-id"]
        assert "idempotent-replayed" not in first.headers
        after = "\n".join(world.core.store._db.iterdump()).replace("counter:request", "")
        changed = set(after.splitlines()) ^ set(before.splitlines())
        assert all("facts" in line for line in changed)
        assert len(world.movements()) == 1

    def test_declines_and_refusals_are_kept(self, api):
        """Proves: 402 and 400 of the execution are stored; a new key is needed to try again."""
        words = {"amount": 900, "currency": "usd", "payment_method": "pm_card_chargeDeclined",
                 "confirm": True, "return_url": "https://shop.example"}  # fmt: skip
        first = api.post("payment_intents", words, key="k", ok=402)
        assert api.post("payment_intents", words, key="k", ok=402) == first
        paid = api.pay()["id"]
        refused = api.post(f"payment_intents/{paid}/cancel", key="c", ok=400)
        assert api.post(f"payment_intents/{paid}/cancel", key="c", ok=400) == refused

    def test_failed_validation_is_not_kept(self, api):
        """Proves: after a 400 of validation the same key may carry the corrected words."""
        api.post("payment_intents", {"amount": 10, "currency": "usd"}, key="k", ok=400)
        api.post("payment_intents", {"amount": 100, "currency": "usd", "x": 1}, key="k", ok=400)
        api.post("payment_intents", {"amount": 100, "currency": "usd"}, key="k")

    def test_other_words_or_another_endpoint_are_a_mismatch(self, api):
        """Proves: a key belongs to one endpoint and one set of words."""
        api.post("payment_intents", {"amount": 100, "currency": "usd"}, key="k")
        for path, words in (
            ("payment_intents", {"amount": 101, "currency": "usd"}),
            ("customers", {}),
        ):
            error = api.post(path, words, key="k", ok=400)["error"]
            assert error["type"] == "idempotency_error"

    def test_keys_are_forgotten_after_a_day(self, api, clock):
        """Proves: 24 hours later the same key makes a new request."""
        words = {"amount": 100, "currency": "usd"}
        first = api.post("payment_intents", words, key="k")["id"]
        clock.advance(timedelta(hours=23, minutes=59))
        assert api.post("payment_intents", words, key="k")["id"] == first
        clock.advance(timedelta(minutes=1))
        assert api.post("payment_intents", words, key="k")["id"] != first

    def test_two_at_once_are_a_conflict(self, world):
        """Proves: while the first request runs, the second is 409 and nothing happens twice."""

        async def race():
            transport = httpx2.ASGITransport(app=stripe_face(world))
            async with httpx2.AsyncClient(
                transport=transport, base_url="https://example.com"
            ) as client:
                return await asyncio.gather(
                    *(
                        client.post(
                            "/v1/payment_intents",
                            data={"amount": "100", "currency": "usd"},
                            headers={"Idempotency-Key": "k", "Authorization": "Bearer sk_test_1"},
                        )
                        for _ in range(3)
                    )
                )

        answers = asyncio.run(race())
        assert sorted(r.status_code for r in answers) == [200, 409, 409]
        busy = next(r for r in answers if r.status_code == 409)
        assert busy.json()["error"]["code"] == "idempotency_key_in_use"
        assert len(world.intents()) == 1

    def test_reads_take_no_notice_of_keys(self, api):
        """Proves: a key on a GET neither replays nor conflicts."""
        assert api.send("GET", "/v1/balance", key="k").status_code == 200
        assert api.send("GET", "/v1/customers", key="k").status_code == 200

    def test_too_long_a_key_is_refused(self, api):
        """Proves: 255 characters pass, 256 do not."""
        api.post("customers", {}, key="k" * 255)
        api.post("customers", {}, key="k" * 256, ok=400)

    def test_a_poisoned_key_answers_500_for_good_though_the_money_moved(self, api, world):
        """Proves: the effect stands, the key replays the error, the intent can still be read."""
        words = {"amount": 100, "currency": "usd"}
        made = api.post("payment_intents", words, key="k")["id"]
        assert world.poison("k") is True
        assert world.poison("other") is False
        for _ in range(2):
            api.post("payment_intents", words, key="k", ok=500)
        assert api.get(f"payment_intents/{made}")["id"] == made
