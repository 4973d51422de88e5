"""Connections that break around COMMIT: what a command says is true, and nothing happens twice."""

from collections.abc import Iterator

import pytest

from db import commit
from db.database import Database
from domain.audit import Actor
from domain.clock import SetClock
from domain.errors import OutcomeUnknown, Unavailable
from domain.ids import Ids
from tests.conftest import Cli
from tests.db.cut_storm import storm
from tests.servers.cutting import Cut, CuttingProxy
from tests.servers.postgres import PostgresServer
from tscli.app import App
from tscli.settings import load_settings


@pytest.fixture
def url(postgres: PostgresServer, template: str) -> Iterator[str]:
    """Empty books on PostgreSQL."""
    made = postgres.create_database(template)
    yield made
    postgres.drop_database(made)


@pytest.fixture
def proxy(url: str) -> Iterator[CuttingProxy]:
    """The proxy before it."""
    with CuttingProxy(url) as opened:
        yield opened


@pytest.fixture
def books(proxy: CuttingProxy, clock: SetClock) -> Iterator[Database]:
    """The books through the proxy, with a connection open already."""
    opened = Database(proxy.url, clock, Ids(clock))
    with opened.read():
        pass
    yield opened
    opened.close()


def record(books: Database, actor: Actor, subject: str) -> None:
    with books.transaction() as opened:
        opened.record(actor, "test.done", subject)


def recorded(books: Database, subject: str) -> int:
    with books.read() as opened:
        return len(list(opened.audit.records(subject=subject)))


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.WITHIN, Cut.SILENT])
def test_a_commit_that_never_arrived_is_certainly_not_done(
    books: Database, proxy: CuttingProxy, actor: Actor, cut: Cut
) -> None:
    """Proves that nothing is written, also where the server still waits with an open transaction,
    and that the error says so."""
    proxy.arm(cut)
    with pytest.raises(Unavailable, match="nothing was committed"):
        record(books, actor, "x")
    assert recorded(books, "x") == 0
    record(books, actor, "x")
    assert recorded(books, "x") == 1


def test_a_commit_whose_answer_was_lost_is_a_success(
    books: Database, proxy: CuttingProxy, actor: Actor
) -> None:
    """Proves that a committed transaction is found again and nobody is told of a failure."""
    proxy.arm(Cut.AFTER)
    record(books, actor, "x")
    assert proxy.cuts == [Cut.AFTER]
    assert recorded(books, "x") == 1


def test_a_commit_without_an_audit_record_is_resolved_as_well(
    books: Database, proxy: CuttingProxy, clock: SetClock
) -> None:
    """Proves that the server's own memory of transactions covers rows that are not audited."""
    for cut, holds in ((Cut.AFTER, True), (Cut.BEFORE, False)):
        proxy.arm(cut)
        try:
            with books.transaction() as opened:
                opened.leases.take([cut], "me", clock.now(), clock.now().replace(year=2030))
            said = True
        except Unavailable:
            said = False
        with books.read() as opened:
            held = opened.leases.holder(cut, clock.now()) == "me"
        assert (said, held) == (holds, holds)


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
def test_a_server_that_cannot_be_asked_leaves_the_outcome_unknown(
    books: Database,
    proxy: CuttingProxy,
    url: str,
    actor: Actor,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    cut: Cut,
) -> None:
    """Proves that without an answer neither success nor failure is claimed."""
    monkeypatch.setattr(commit, "PATIENCE_SECONDS", 0.3)
    proxy.arm(cut)
    proxy.refusing = True
    with pytest.raises(OutcomeUnknown, match="cannot be asked"):
        record(books, actor, "x")
    direct = Database(url, clock, Ids(clock))
    assert recorded(direct, "x") == (cut is Cut.AFTER)
    direct.close()


def test_a_server_that_comes_back_is_asked_then(
    books: Database, proxy: CuttingProxy, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that the question is asked again until somebody answers."""
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        proxy.refusing = len(paused) < 4

    monkeypatch.setattr("db.commit.time.sleep", pause)
    proxy.arm(Cut.AFTER)
    proxy.refusing = True
    record(books, actor, "x")
    assert len(paused) == 4
    assert recorded(books, "x") == 1


@pytest.mark.parametrize("crashed", [False, True])
def test_in_another_life_the_audit_record_decides(
    url: str, clock: SetClock, actor: Actor, *, crashed: bool
) -> None:
    """Proves that transaction numbers of another history, or from before a crash, are not trusted:
    what counts is what this server holds, and what left no record stays unknown."""
    books = Database(url, clock, Ids(clock))
    with books.transaction() as opened:
        kept = opened.record(actor, "test.done", "x").audit_id
        xid = opened._connection.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one()
        ask = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"
        timeline = str(opened._connection.exec_driver_sql(ask).scalar_one())
    engine, other = books._engine, timeline if crashed else "FFFFFFFF"
    told = {
        audit_id: commit.fate(engine, commit.Ticket(str(xid), 1, other, "before", audit_id))
        for audit_id in (kept, "aud_lost", "")
    }
    books.close()
    assert told == {
        kept: commit.Fate.COMMITTED,
        "aud_lost": commit.Fate.ABORTED,
        "": commit.Fate.UNKNOWN,
    }


def test_sixty_cut_commits(
    url: str, proxy: CuttingProxy, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves over payments of every kind that no cut loses or doubles one: who was told success is
    in the books once, who was told failure comes to one end with the same key, and the ledger is
    the provider's."""
    monkeypatch.setattr("tscli.services.drive._PAUSE_SECONDS", 0)
    tally = storm(url, proxy, clock, 60, seed=1)
    assert tally.cut.total() == 60
    assert set(tally.cut) == set(Cut)
    assert tally.succeeded > 5
    assert tally.failed > 5


@pytest.mark.parametrize("cut", list(Cut))
def test_what_was_read_stays_read(
    sqlite_cli: Cli, proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch, cut: Cut
) -> None:
    """Proves that a connection that breaks when a view of the books ends takes nothing from it."""
    monkeypatch.setenv("TSCLI_DATABASE_URL", proxy.url)
    made = sqlite_cli("payments", "create", "--amount", "10.00", "--currency", "USD", "--yes",
                      "--method", "pm_card_visa", "--format", "json").data  # fmt: skip
    proxy.cuts_reads = True
    proxy.arm(cut)
    listed = sqlite_cli("payments", "list", "--format", "json")
    assert (listed.exit_code, [p["id"] for p in listed.data]) == (0, [made["id"]]), listed.stderr
    assert proxy.cuts == [cut]


@pytest.mark.parametrize(("cut", "exit_code"), [(Cut.BEFORE, 3), (Cut.AFTER, 0), (Cut.SILENT, 3)])
def test_a_command_behind_a_cut_commit(
    sqlite_cli: Cli,
    proxy: CuttingProxy,
    monkeypatch: pytest.MonkeyPatch,
    cut: Cut,
    exit_code: int,
) -> None:
    """Proves through the command line, for each commit of a payment, that a lost answer is no
    failure, and that after a failure the same words and key lead to the one payment.

    Once the payment is begun, a request may have left: then nothing but `unknown` (6) is true."""
    monkeypatch.setenv("TSCLI_DATABASE_URL", proxy.url)
    for number in (1, 2, 3):
        words = ("payments", "create", "--amount", "10.00", "--currency", "USD", "--yes",
                 "--method", "pm_card_visa", "--idempotency-key", f"k{number}",
                 "--format", "json")  # fmt: skip
        proxy.arm(cut, number)
        first = sqlite_cli(*words)
        begun = number > 1 and exit_code
        assert first.exit_code == (6 if begun else exit_code), first.stderr
        assert not exit_code or f"k{number}" in first.stderr or "words and key" in first.stderr
        again = sqlite_cli(*words)
        assert (again.exit_code, again.data["state"]) == (0, "succeeded"), again.stderr
    assert len(proxy.cuts) == 3
    listed = sqlite_cli("payments", "list", "--format", "json").data
    assert [p["state"] for p in listed] == ["succeeded"] * 3
    assert sqlite_cli("doctor").exit_code == 0
    world = App(load_settings()).open_world("stripe")
    assert [m.amount_minor for m in world.movements() if m.kind == "capture"] == [1_000] * 3
    world.close()
