"""Chains that grow side by side, sealed together: what is cut off, moved or forged is found."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.database import Database
from domain.audit import Actor
from domain.clock import SetClock
from domain.errors import InvalidRequest
from domain.ids import Ids
from tests.db.attacks import Shell, shell
from tests.servers.postgres import PostgresServer
from tests.tscli.shop import Shop
from tscli.render.audit import heads_data
from tscli.services.anchoring import Anchor, read_anchor
from tscli.services.audit import verify_audit
from tscli.services.sealing import audit_head, seal_audit


@pytest.fixture
def shop(seeded_url: str, clock: SetClock) -> Iterator[Shop]:
    """The seeded books with records on three chains where there can be several, sealed twice."""
    database = Database(seeded_url, clock, Ids(clock))
    for number in range(4):
        _note(database, f"before {number}")
    opened = Shop(database, clock)
    seal_audit(opened.context)
    for number in range(4):
        _note(database, f"between {number}")
    seal_audit(opened.context)
    yield opened
    database.close()


def _note(database: Database, subject: str) -> None:
    with database.transaction() as books:
        books.record(Actor("ops", "test"), "break.commented", subject, after={"note": "x"})


@pytest.fixture
def intruder(shop: Shop, seeded_url: str) -> Iterator[Shell]:
    """Somebody with a shell who dropped the triggers."""
    assert verify_audit(shop.context).flaw is None
    with shell(seeded_url) as opened:
        if opened.kind == "sqlite":
            opened.run("PRAGMA foreign_keys = OFF")
        opened.drop_triggers()
        yield opened


def _reason(shop: Shop, anchor: Anchor | None = None) -> str:
    flaw = verify_audit(shop.context, anchor).flaw
    return flaw.reason if flaw else ""


def _cut_tail(intruder: Shell) -> tuple[int, int]:
    """Cut the last record that the newest seal covers; its chain and number."""
    heads = json.loads(intruder.one("SELECT heads FROM audit_seals ORDER BY number DESC LIMIT 1"))
    chain, seq, _ = heads[0]
    intruder.run("DELETE FROM audit WHERE chain = ? AND seq >= ?", chain, seq)
    return chain, seq


def test_a_chain_cut_off_at_its_end_is_missed_by_the_seal(shop: Shop, intruder: Shell) -> None:
    """Proves that what a chain alone cannot tell, the seal over its head does."""
    chain, seq = _cut_tail(intruder)
    flaw = verify_audit(shop.context).flaw
    assert flaw is not None
    assert (flaw.chain, flaw.seq) == (chain, seq)


@pytest.mark.parametrize("number", [1, 2])
def test_a_seal_that_is_taken_away_is_missed(shop: Shop, intruder: Shell, number: int) -> None:
    """Proves that the last seal is missed as well: an audit record tells of each."""
    intruder.run("DELETE FROM audit_seals WHERE number = ?", number)
    assert _reason(shop) == "it is missing"


@pytest.mark.parametrize(
    ("column", "value"),
    [("sealed_at", 5), ("heads", "[]"), ("previous", "f" * 64), ("hash", "f" * 64)],
)
def test_any_edit_of_a_seal_is_named(
    shop: Shop, intruder: Shell, column: str, value: object
) -> None:
    """Proves that a seal cannot be moved to fit a chain that was cut."""
    intruder.change("audit_seals", column, value, "number = 2")
    assert _reason(shop)


def test_a_forged_seal_is_one_that_no_record_tells_of(shop: Shop, intruder: Shell) -> None:
    """Proves that cutting a chain and sealing anew by hand is found."""
    intruder.copy("audit_seals", number=3, previous="f" * 64, hash="e" * 64)
    assert _reason(shop)


def test_the_whole_end_cut_off_with_its_seals_is_missed_by_an_anchor(
    shop: Shop, intruder: Shell, tmp_path: Path
) -> None:
    """Proves the one attack that the books alone cannot see: everything after an instant, records
    and seals, is gone; a head kept elsewhere tells, as a hash or as a file."""
    kept = tmp_path / "head.json"
    kept.write_text(json.dumps({"data": heads_data(audit_head(shop.context))}))
    anchor = read_anchor(str(kept))
    assert _reason(shop, anchor) == ""
    first = json.loads(intruder.one("SELECT heads FROM audit_seals WHERE number = 1"))
    ends = {chain: seq for chain, seq, _ in first}
    for (chain,) in intruder.run("SELECT DISTINCT chain FROM audit"):
        intruder.run("DELETE FROM audit WHERE chain = ? AND seq > ?", chain, ends.get(chain, 0))
    intruder.run("DELETE FROM audit_seals")
    assert _reason(shop) == ""
    assert "the anchor says" in _reason(shop, anchor)
    assert "what it covered is gone" in _reason(shop, read_anchor(anchor.hash))


def test_an_anchor_that_was_changed_is_refused(shop: Shop, tmp_path: Path) -> None:
    """Proves that nobody makes books pass by lowering the file they are held against."""
    data = heads_data(audit_head(shop.context))
    data["heads"][0]["hash"] = "f" * 64
    kept = tmp_path / "head.json"
    kept.write_text(json.dumps({"data": data}))
    with pytest.raises(InvalidRequest, match="contradicts itself"):
        read_anchor(str(kept))


def test_records_moved_to_another_chain_are_found(shop: Shop, intruder: Shell) -> None:
    """Proves that a record belongs to its chain."""
    chain = intruder.one("SELECT max(chain) FROM audit")
    intruder.run("UPDATE audit SET chain = 77 WHERE chain = ? AND seq = 1", chain)
    assert _reason(shop)


def test_records_that_change_places_are_found(shop: Shop, intruder: Shell) -> None:
    """Proves that the order within a chain cannot be another one."""
    chain = intruder.one("SELECT chain FROM audit GROUP BY chain HAVING count(*) > 1 LIMIT 1")
    for old, new in ((1, 901), (2, 1), (901, 2)):
        intruder.run("UPDATE audit SET seq = ? WHERE chain = ? AND seq = ?", new, chain, old)
    flaw = verify_audit(shop.context).flaw
    assert flaw is not None
    assert (flaw.chain, flaw.seq) == (chain, 1)


def test_a_whole_chain_that_is_gone_is_missed(shop: Shop, intruder: Shell) -> None:
    """Proves that a seal knows how many chains there were: one without any record left breaks no
    other."""
    if intruder.kind != "sqlite":
        intruder.run("ALTER TABLE entries DROP CONSTRAINT entries_audit_id_fkey")
    for (chain,) in intruder.run("SELECT DISTINCT chain FROM audit WHERE action <> 'audit.sealed'"):
        kept = intruder.run("SELECT * FROM audit WHERE chain = ?", chain)
        intruder.run("DELETE FROM audit WHERE chain = ?", chain)
        flaw = verify_audit(shop.context).flaw
        assert flaw is not None
        assert (flaw.chain, flaw.seq) == (chain, 1)
        marks = ", ".join("?" * len(kept[0]))
        for row in kept:
            intruder.run(f"INSERT INTO audit VALUES ({marks})", *row)
        assert _reason(shop) == ""


def test_the_newest_seal_gone_with_its_record_is_missed_by_an_anchor(
    shop: Shop, intruder: Shell
) -> None:
    """Proves that a seal's own hash, kept elsewhere, tells that the seal and its trace are gone."""
    kept = Anchor(intruder.one("SELECT hash FROM audit_seals WHERE number = 2"))
    assert _reason(shop, kept) == ""
    for (chain,) in intruder.run("SELECT chain FROM audit WHERE subject = 'seal 2'"):
        seq = intruder.one("SELECT seq FROM audit WHERE subject = 'seal 2'")
        intruder.run("DELETE FROM audit WHERE chain = ? AND seq >= ?", chain, seq)
    intruder.run("DELETE FROM audit_seals WHERE number = 2")
    assert "what it covered is gone" in _reason(shop, kept)


def test_writers_do_not_wait_for_one_another(
    postgres: PostgresServer, template: str, clock: SetClock
) -> None:
    """Proves on PostgreSQL that a transaction which wrote an audit record and is not committed
    keeps nobody from writing one and committing it; and that no record is lost by it."""
    url = postgres.create_database(template)
    slow = Database(url, clock, Ids(clock))
    done = threading.Event()

    def quick() -> None:
        other = Database(url, clock, Ids(clock))
        for number in range(20):
            _note(other, f"quick {number}")
        other.close()
        done.set()

    with slow.transaction() as books:
        books.record(Actor("ops", "test"), "break.commented", "slow", after={"note": "x"})
        thread = threading.Thread(target=quick)
        thread.start()
        assert done.wait(20), "twenty commits waited for one that was not made"
    thread.join()
    shop = Shop(slow, clock)
    proof = verify_audit(shop.context)
    assert (proof.flaw, proof.records) == (None, 21)
    assert proof.chains == 2
    slow.close()
    postgres.drop_database(url)
