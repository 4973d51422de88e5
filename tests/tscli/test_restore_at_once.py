"""A backup that is put back while others begin to work: one of them has the database."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from db import backup as copies
from db.database import Database
from domain.clock import SetClock
from domain.errors import AlreadyExists, CircuitOpen
from domain.ids import Ids
from tests.tscli.shop import Shop
from tests.tscli.waiting import Beside, until_waiting
from tscli.services import backups
from tscli.services.context import Context
from tscli.services.doctor import Finding

Open = Callable[[str], Shop]


@pytest.fixture
def open_at(clock: SetClock) -> Iterator[Open]:
    """Opens shops that are closed at the end, each in a world of its own."""
    seeds = iter(range(1, 100))
    with ExitStack() as stack:

        def opened(url: str) -> Shop:
            shop = Shop(Database(url, clock, Ids(clock)), clock, seed=next(seeds))
            stack.callback(shop.database.close)
            stack.callback(shop.world.close)
            return shop

        yield opened


@pytest.fixture
def file(open_at: Open, database: Database, database_url: str, tmp_path: Path) -> Path:
    """A backup of books with one payment."""
    open_at(database_url).create(order_reference="kept")
    path = tmp_path / "copy.backup"
    path.touch()
    database.copy_to(path)
    return path


def test_books_that_were_made_while_the_backup_was_examined_stay(
    open_at: Open, file: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a database is filled only if it holds nothing at that moment: what another
    command took meanwhile is kept, and its books can be worked with."""
    examine = backups.verify_backup

    def examined(context: Context, looked_at: Path) -> Iterator[Finding]:
        yield from examine(context, looked_at)
        other = open_at(empty_url)
        other.database.upgrade()
        other.create("77.00", order_reference="meanwhile")

    monkeypatch.setattr(backups, "verify_backup", examined)
    with pytest.raises(AlreadyExists, match="not empty"):
        backups.restore_backup(open_at(empty_url).context, file, [])
    there = open_at(empty_url)
    assert [p.order_reference for p in there.payments()] == ["meanwhile"]
    there.create("1.00", order_reference="afterwards")


def test_who_comes_while_a_file_is_filled_finds_all_of_it(
    open_at: Open, file: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that a command which comes between the look and the copy waits, and charges nothing
    in books that were put back."""
    if not empty_url.startswith("sqlite"):
        pytest.skip("a server keeps everybody out until it is committed")
    hold, late, came = copies._hold_empty, open_at(empty_url), list[Beside]()

    def held(connection: sqlite3.Connection) -> None:
        hold(connection)
        came.append(Beside(lambda: late.create("77.00", order_reference="late")))
        until_waiting(empty_url, 1)

    monkeypatch.setattr(copies, "_hold_empty", held)
    backups.restore_backup(open_at(empty_url).context, file, [late.owner])
    assert [type(one.end()) for one in came] == [CircuitOpen]
    assert late.moved() == []
    assert [p.order_reference for p in late.payments()] == ["kept"]
