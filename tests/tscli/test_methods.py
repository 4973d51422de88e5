"""`tscli methods`: tokens in, tokens kept, never a number."""

import json

import pytest

from domain.errors import Unavailable
from tests.conftest import Cli
from tests.tscli.worlds import moved, open_world

JSON = ("--format", "json")


def add(cli: Cli, *more: str) -> dict[str, str]:
    """Keep a token."""
    ran = cli("methods", "add", "--token", "pm_card_visa", *more, *JSON)
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["schema"] == "tscli/methods.add/1"
    return dict(ran.data)


def test_a_token_is_kept_and_pays(cli: Cli) -> None:
    """Proves the life of a method: added for a customer, shown, used, removed, refused."""
    kept = add(cli, "--customer", "c1")
    assert (kept["type"], kept["brand"], kept["last4"]) == ("card", "visa", "4242")
    assert cli("methods", "show", kept["id"], *JSON).data["token"] == kept["token"]
    listed = cli("methods", "list", "--customer", "c1", *JSON).data
    assert [m["id"] for m in listed] == [kept["id"]]
    pay = ("payments", "create", "--amount", "10", "--currency", "USD", "--yes", *JSON)
    done = cli(*pay, "--method", kept["id"], "--customer", "c1")
    assert (done.exit_code, done.data["state"]) == (0, "succeeded")
    assert done.data["method"] == kept["token"]
    assert cli("methods", "remove", kept["id"], *JSON).data["removed_at"]
    assert cli("methods", "list", *JSON).data == []
    assert [m["id"] for m in cli("methods", "list", "--removed", *JSON).data] == [kept["id"]]
    refused = cli(*pay, "--method", kept["id"], "--customer", "c1")
    assert refused.exit_code == 2
    assert "removed" in refused.stderr
    assert moved() == [1_000]


def test_a_method_of_a_customer_pays_without_naming_them(cli: Cli) -> None:
    """Proves that a kept method brings its customer along."""
    kept = add(cli, "--customer", "c1")
    words = ("payments", "create", "--amount", "10", "--currency", "USD", "--yes", *JSON)
    done = cli(*words, "--method", kept["id"])
    assert (done.exit_code, done.data["state"]) == (0, "succeeded")


def test_removing_twice_is_removing_once(cli: Cli) -> None:
    """Proves that a repeated removal is no error and writes nothing more."""
    kept = add(cli, "--customer", "c1")
    first = cli("methods", "remove", kept["id"], *JSON).data
    assert cli("methods", "remove", kept["id"], *JSON).data == first
    records = cli("audit", "list", "--subject", kept["id"], *JSON).data
    assert [r["what"] for r in records] == ["payment_method.added", "payment_method.removed"]


def test_a_method_detached_elsewhere_can_be_removed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a removal that died after telling the provider is finished by the next one."""
    kept = add(cli, "--customer", "c1")

    def die(*_: object) -> None:
        raise Unavailable("the database is gone")

    with monkeypatch.context() as patch:
        patch.setattr("db.people.People.remove_method", die)
        assert cli("methods", "remove", kept["id"]).exit_code == 3
    assert cli("methods", "show", kept["id"], *JSON).data["removed_at"] is None
    assert cli("methods", "remove", kept["id"], *JSON).data["removed_at"]


def test_the_provider_does_not_know_it(cli: Cli) -> None:
    """Proves that a token nobody knows is refused and not kept."""
    assert cli("methods", "add", "--token", "pm_nobody").exit_code == 4
    assert cli("methods", "list", *JSON).data == []


@pytest.mark.parametrize(
    "words", [("show", "pm_x"), ("remove", "pm_x"), ("list", "--customer", "x")]
)
def test_what_is_not_there(cli: Cli, words: tuple[str, ...]) -> None:
    """Proves that unknown methods and customers are exit 2."""
    assert cli("methods", *words).exit_code == 2


def test_one_customer_is_made_once(cli: Cli) -> None:
    """Proves that the shop's reference stands for one customer, here and at the provider."""
    first, second = add(cli, "--customer", "c1"), add(cli, "--customer", "c1")
    assert first["customer_id"] == second["customer_id"]
    with open_world() as world:
        assert len({m.intent_id for m in world.movements()}) == 0
    records = cli("audit", "list", *JSON).data
    assert [r["what"] for r in records].count("customer.created") == 1


def test_the_audit_trail_knows_no_person(cli: Cli) -> None:
    """Proves that neither the customer's reference nor the card's digits enter the chain."""
    kept = add(cli, "--customer", "canary@shop.example")
    text = json.dumps(cli("audit", "list", *JSON).data)
    assert "canary" not in text
    assert kept["token"] not in text
    assert "4242" not in text
