"""Two people: roles at the command line, and what needs a second person's word."""

import os
import pwd
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from db.database import Database
from domain.approval import ApprovalState
from domain.clock import SetClock
from domain.errors import PaymentsError, StaleVersion
from domain.ids import Ids
from domain.operator import Operator, Operators, Role
from tests.conftest import Cli, Ran
from tests.tscli.test_sweep import stuck_refund
from tests.tscli.waiting import Beside, until_waiting
from tscli.services.approvals import agree, request
from tscli.services.context import Context
from tscli.services.four_eyes import ACTIONS

CONFIG = """
[operators.vera]
role = "viewer"
[operators.otto]
role = "operator"
[operators.olga]
role = "operator"
[operators.anna]
role = "approver"
[operators.adam]
role = "admin"
[operators.tess]
role = "admin"
[operators.root_only]
role = "admin"
system_user = "nobody-of-that-name"
[operators.own]
role = "operator"
system_user = "{user}"
[approvals.refund_above]
USD = "50.00"
"""

As = Callable[..., Ran]


@pytest.fixture
def acting(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> As:
    """The command line with operators configured; the first word says who acts."""
    file = home / "people.toml"
    file.write_text(CONFIG.format(user=pwd.getpwuid(os.getuid()).pw_name))
    monkeypatch.setenv("TSCLI_CONFIG", str(file))

    def run(name: str, *words: str) -> Ran:
        monkeypatch.setenv("TSCLI_OPERATOR", name)
        return cli(*words)

    return run


def paid(acting: As, amount: str = "100.00") -> str:
    """A captured payment."""
    words = ("--amount", amount, "--currency", "USD", "--method", "pm_card_visa", "--yes")
    return str(acting("otto", "payments", "create", *words, "--format", "json").data["id"])


CREATE = ("payments", "create", "--amount", "1", "--currency", "USD", "--method", "pm_card_visa")
WRITES: dict[str, tuple[str, ...]] = {
    "create": (*CREATE, "--yes"),
    "capture": ("payments", "capture", "PAY", "--yes"),
    "cancel": ("payments", "cancel", "PAY", "--yes"),
    "refund": ("payments", "refund", "PAY", "--amount", "1", "--yes"),
    "refresh": ("payments", "show", "PAY", "--refresh"),
    "add a method": ("methods", "add", "--token", "pm_card_visa"),
    "sweep": ("recover", "sweep"),
    "orphans": ("recover", "orphans"),
    "retry": ("recover", "retry", "PAY", "--reason", "x", "--yes"),
    "call off": ("recover", "cancel", "PAY", "--reason", "x", "--yes"),
    "pause": ("providers", "pause", "paypal", "--reason", "x"),
    "resume": ("providers", "resume", "paypal"),
    "upgrade": ("db", "upgrade"),
}
ADMIN_ONLY = ("pause", "resume", "upgrade")


@pytest.mark.parametrize("name", WRITES)
def test_a_viewer_changes_nothing(acting: As, name: str) -> None:
    """Proves for every command that changes something that a viewer is refused, with a trace, and
    that whoever may is not."""
    pay = paid(acting)
    words = [pay if w == "PAY" else w for w in WRITES[name]]
    refused = acting("vera", *words)
    assert refused.exit_code == 4, refused.stderr
    assert "not_permitted" in refused.stderr
    if name != "upgrade":
        whats = [r["what"] for r in acting("vera", "audit", "list", "--format", "json").data]
        assert "permission.refused" in whats
    if name in ADMIN_ONLY:
        assert acting("anna", *words).exit_code == 4
        assert acting("adam", *words).exit_code == 0
    else:
        assert "not_permitted" not in acting("otto", *words).stderr


def test_who_may_act_under_a_name(acting: As) -> None:
    """Proves that a stranger is refused even a look, and a name can belong to one system user."""
    assert acting("mallory", "payments", "list").exit_code == 4
    assert acting("mallory", *CREATE, "--yes").exit_code == 4
    assert acting("root_only", *CREATE, "--yes").exit_code == 4
    assert acting("own", *CREATE, "--yes").exit_code == 0
    assert len(acting("vera", "operators", "list", "--format", "json").data) == 8
    shown = acting("otto", "operators", "show", "--format", "json").data
    assert (shown["operator"], shown["role"]) == ("otto", "operator")


def test_a_refund_above_the_limit_needs_two(acting: As) -> None:
    """Proves that it is asked for once, agreed to by somebody else, and found by its key again."""
    pay = paid(acting)
    refund = (
        "payments", "refund", pay, "--amount", "60.00", "--reason", "broken", "--yes",
        "--idempotency-key", "k", "--format", "json",
    )  # fmt: skip
    dry = acting("otto", *refund, "--dry-run")
    assert dry.exit_code == 4
    assert acting("otto", "approvals", "list", "--format", "json").data == []
    for _ in range(2):
        asked = acting("otto", *refund)
        assert asked.exit_code == 4
        assert "approval_required" in asked.stderr
    (item,) = acting("anna", "approvals", "list", "--format", "json").data
    apr = item["id"]
    assert apr in asked.stderr
    assert item["words"] == f"refund 60.00 USD of {pay}"
    own = acting("otto", "approvals", "approve", apr, "--yes")
    assert own.exit_code == 4, "an operator may not approve at all"
    assert (
        acting("vera", "payments", "show", pay, "--format", "json").data["refunded"]["minor"] == 0
    )
    assert acting("anna", "approvals", "approve", apr, "--dry-run").exit_code == 0
    done = acting("anna", "approvals", "approve", apr, "--yes", "--format", "json")
    assert (done.exit_code, done.data["state"]) == (0, "approved"), done.stderr
    assert done.data["operation"]["state"] == "done"
    again = acting("otto", *refund)
    assert (again.exit_code, again.data["replayed"]) == (0, True)
    assert again.data["refunded"]["value"] == "60.00"
    assert acting("anna", "approvals", "approve", apr, "--yes").exit_code == 5
    assert acting("adam", "audit", "verify").exit_code == 0


def test_nobody_approves_their_own_request(acting: As) -> None:
    """Proves that even an approver cannot, that it is audited, and that small parts add up."""
    pay = paid(acting)
    assert acting("anna", "payments", "refund", pay, "--amount", "30", "--yes").exit_code == 0
    split = ("payments", "refund", pay, "--amount", "30", "--yes", "--idempotency-key", "two")
    assert acting("anna", *split).exit_code == 4, "two halves are one whole"
    (item,) = acting("anna", "approvals", "list", "--format", "json").data
    own = acting("anna", "approvals", "approve", item["id"], "--yes")
    assert own.exit_code == 4
    assert "self_approval" in own.stderr
    whats = [r["what"] for r in acting("vera", "audit", "list", "--format", "json").data]
    assert "permission.refused" in whats
    assert acting("adam", "approvals", "approve", item["id"], "--yes").exit_code == 0
    shown = acting("vera", "payments", "show", pay, "--format", "json").data
    assert shown["refunded"]["value"] == "60.00"


def test_a_stale_plan_is_refused(acting: As) -> None:
    """Proves that an agreement to what has changed meanwhile does nothing and ends the request."""
    pay = paid(acting)
    assert acting("otto", "payments", "refund", pay, "--amount", "60", "--yes").exit_code == 4
    assert acting("olga", "payments", "refund", pay, "--amount", "10", "--yes").exit_code == 0
    (item,) = acting("anna", "approvals", "list", "--format", "json").data
    stale = acting("anna", "approvals", "approve", item["id"], "--yes")
    assert stale.exit_code == 5, stale.stderr
    shown = acting("anna", "approvals", "show", item["id"], "--format", "json").data
    assert shown["state"] == "stale"
    refunded = acting("vera", "payments", "show", pay, "--format", "json").data["refunded"]
    assert refunded["value"] == "10.00"


def test_a_request_is_rejected_with_a_reason(acting: As) -> None:
    """Proves that a no is final and carries why, and that the requester may take it back."""
    pay = paid(acting)
    acting("otto", "payments", "refund", pay, "--amount", "60", "--yes")
    (item,) = acting("anna", "approvals", "list", "--format", "json").data
    assert acting("anna", "approvals", "reject", item["id"]).exit_code == 2
    assert acting("olga", "approvals", "reject", item["id"], "--reason", "x").exit_code == 4
    done = acting("otto", "approvals", "reject", item["id"], "--reason", "mine", "--format", "json")
    assert (done.exit_code, done.data["state"]) == (0, "rejected")
    assert acting("anna", "approvals", "approve", item["id"], "--yes").exit_code == 5


def test_alone_there_is_nobody_to_agree(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that a limit without operators refuses, and says how to configure them."""
    monkeypatch.setenv("TSCLI_APPROVALS__REFUND_ABOVE", '{"USD": "5.00"}')
    pay = cli(*CREATE[:3], "20.00", *CREATE[4:], "--yes", "--format", "json").data["id"]
    assert cli("payments", "refund", pay, "--amount", "5", "--yes").exit_code == 0
    ran = cli("payments", "refund", pay, "--amount", "5", "--yes")
    assert ran.exit_code == 4
    assert "Two people" in ran.stderr
    assert cli("approvals", "list", "--format", "json").data == []
    monkeypatch.setenv("TSCLI_APPROVALS__REFUND_ABOVE", '{"USD": "5.000"}')
    assert cli("payments", "refund", pay, "--amount", "5", "--yes").exit_code == 2


@pytest.mark.parametrize(
    ("finding", "code", "refunded"), [("not_done", 0, "0.00"), ("done", 0, "60.00")]
)
def test_what_was_found_out_by_hand_needs_two(
    acting: As, database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch,
    finding: str, code: int, refunded: str,
) -> None:  # fmt: skip
    """Proves that a review is resolved by two people: released, or booked under its reference."""
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    world = os.path.join(os.getcwd(), "world.db")
    monkeypatch.setenv("TSCLI_SANDBOX__PATH", world)
    pay = stuck_refund(database, clock, world)
    assert acting("otto", "recover", "sweep").exit_code == 1
    (item,) = acting("otto", "recover", "queue", "--format", "json").data
    words = ["recover", "resolve", item["id"], "--as", finding, "--ticket", "T-7"]
    assert acting("otto", *words).exit_code == 2, "a reason is needed"
    words += ["--reason", "seen in the dashboard"]
    if finding == "done":
        assert acting("otto", *words).exit_code == 2, "a deed needs its reference"
        words += ["--reference", "re_by_hand"]
    assert acting("otto", *words, "--dry-run").exit_code == 0
    asked = acting("otto", *words, "--format", "json")
    assert asked.exit_code == code, asked.stderr
    done = acting("anna", "approvals", "approve", asked.data["id"], "--yes")
    assert done.exit_code == 0, done.stderr
    shown = acting("vera", "payments", "show", pay, "--format", "json").data
    assert shown["refunded"]["value"] == refunded
    assert acting("otto", "recover", "queue", "--format", "json").data == []
    assert acting("otto", "recover", "sweep").exit_code == 0
    assert acting("vera", "audit", "verify").exit_code == 0
    assert acting("vera", "doctor").exit_code == 0


def test_a_payment_that_changes_while_somebody_agrees_is_looked_at_again(
    acting: As, database: Database, database_url: str, clock: SetClock, context: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Proves that what was found out about a payment is not carried out on another state of it:
    the agreement waits for whoever holds the payment, and compares then."""
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    world = os.path.join(os.getcwd(), "world.db")
    monkeypatch.setenv("TSCLI_SANDBOX__PATH", world)
    pay = stuck_refund(database, clock, world)
    acting("otto", "recover", "sweep")
    (item,) = acting("otto", "recover", "queue", "--format", "json").data
    words = ("recover", "resolve", item["id"], "--as", "not_done", "--reason", "seen")
    asked = acting("otto", *words, "--format", "json").data["id"]
    own = Database(database_url, clock, Ids(clock))
    people = Operators({name: Operator(name, Role.APPROVER) for name in ("otto", "anna")})
    anna = replace(
        context, database=own, operators=people, actor=replace(context.actor, operator="anna")
    )
    with database.transaction() as books:
        payment = books.payments.get(pay, lock=True)
        agreed = Beside(lambda: agree(anna, ACTIONS, asked))
        until_waiting(database_url, 1)
        books.payments.save(payment, replace(payment, description="known by now"))
    assert isinstance(agreed.end(), StaleVersion)
    assert len(acting("otto", "recover", "queue", "--format", "json").data) == 1
    own.close()


def test_two_approvers_at_once_have_one_effect(
    database: Database, database_url: str, clock: SetClock, context: Context
) -> None:
    """Proves with two connections that one request is begun once."""
    people = Operators({n: Operator(n, Role.APPROVER) for n in ("otto", "anna", "berta")})
    done: list[str] = []
    actions = {"note": type(ACTIONS["refund"])(lambda b, p: 1, lambda b, c, a, p: "")}
    asking = replace(context, operators=people, actor=replace(context.actor, operator="otto"))
    with database.transaction() as books:
        asked = request(books, asking, "note", "x", {"a": 1}, 1, key="k")
    start = threading.Barrier(2)

    def approver(name: str) -> None:
        own = Database(database_url, clock, Ids(clock))
        actor = replace(context.actor, operator=name)
        mine = replace(asking, database=own, actor=actor)
        start.wait(timeout=20)
        try:
            done.append(agree(mine, actions, asked.approval_id).decided_by)
        except PaymentsError as error:
            done.append(error.code)
        own.close()

    threads = [threading.Thread(target=approver, args=(n,)) for n in ("anna", "berta")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(done)[1] == "conflict" or sorted(done)[-1] == "conflict"
    with database.read() as books:
        assert books.approvals.get(asked.approval_id).state is ApprovalState.APPROVED
        approved = [r for r in books.audit.records(subject="x") if r.action == "approval.approved"]
    assert len(approved) == 1


@pytest.fixture
def context(database: Database, clock: SetClock, actor: object) -> Context:
    """The surroundings of a service that asks no provider."""
    return Context(database, clock, Ids(clock), actor, None)  # type: ignore[arg-type]
