"""The pretend world behind the command line, as seen from outside."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.clock import SystemClock
from providers.sandbox.world import World


def world_file() -> Path:
    """Where the commands of this test keep their world."""
    return Path(os.environ["XDG_DATA_HOME"]) / "tscli" / "sandbox.db"


@contextmanager
def open_world() -> Iterator[World]:
    """The world of this test's commands."""
    world = World.open(world_file(), SystemClock())
    try:
        yield world
    finally:
        world.close()


def moved(kind: str = "capture") -> list[int]:
    """What really moved in the world, in minor units."""
    with open_world() as world:
        return [m.amount_minor for m in world.movements() if m.kind == kind]


def everything(file: Path) -> list[str]:
    """Every row of an SQLite file, as text, but for the count of requests: looking is allowed."""
    connection = sqlite3.connect(file)
    try:
        return [line for line in connection.iterdump() if "counter:request" not in line]
    finally:
        connection.close()
