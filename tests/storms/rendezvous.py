"""The places where a command stops and waits for the scheduler: messages over a pair of sockets.

A forked child says where it is and blocks; the scheduler answers, or kills it. So at any moment at
most one child runs, and every interleaving, fault and death is decided in one place.
"""

import os
import pickle
import select
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.storms.books import StormBooks

SILENT_SECONDS = 120
"""A child that says nothing for this long hangs."""

MOMENT_SECONDS = 0.02
"""Who says nothing for this long may be held up by a lock."""

_MESSAGE_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Message:
    """Where a child stands: a point's name, and what belongs to it."""

    point: str
    """`start`, `begin`, `busy`, `commit`, `committed`, `claims`, `call`, `sleep`, `print` or
    `bug`."""
    details: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """The scheduler's word: go on at that time, with an answer where one was asked for."""

    now_micros: int
    answer: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """A command to be carried out, by whom, with which chance, from which moment on."""

    command: Any
    operator: str
    seed: str
    now_micros: int


class ChildEnd:
    """The child's end; it also keeps the time, which only the scheduler moves."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.now_micros = 0

    def meet(self, point: str, *details: Any) -> tuple[Any, ...]:
        """Stop at a point until the scheduler says go; its answer, if it has one."""
        self._socket.send(pickle.dumps(Message(point, details)))
        reply: Reply = pickle.loads(self._socket.recv(_MESSAGE_MAX))
        self.now_micros = reply.now_micros
        return reply.answer

    def next_order(self) -> Order | None:
        """What to do next; nothing any more when the scheduler let go of us."""
        data = self._socket.recv(_MESSAGE_MAX)
        if not data:
            return None
        order: Order = pickle.loads(data)
        self.now_micros = order.now_micros
        return order


class Gone(Exception):
    """The child's end of the line was closed: it ended, whatever the reason."""


@dataclass
class Child:
    """A forked process as the scheduler sees it: it carries out one command after the other."""

    pid: int
    socket: socket.socket
    name: str = ""
    """Whose command it is, and the how manieth, such as `anna.2`."""
    at: Message = field(default_factory=lambda: Message("forked"))
    """Where it stands now."""
    waiting: bool = False
    """It met a locked database; only somebody else's progress can help it."""
    held_up: bool = False
    """It waits within the database, and goes on by itself as soon as it may."""
    served: int = 0
    """How many commands it was given."""

    def speaks(self) -> bool:
        """Whether it reaches its next point within a moment."""
        return bool(select.select([self.socket], [], [], MOMENT_SECONDS)[0])

    def listen(self) -> Message:
        """Let it run to its next point. Raises: Gone, TimeoutError."""
        data = self.socket.recv(_MESSAGE_MAX)
        if not data:
            raise Gone
        self.at = pickle.loads(data)
        return self.at

    def answer(self, reply: Reply | Order) -> None:
        """Let it go on."""
        self.socket.send(pickle.dumps(reply))

    def kill(self) -> None:
        """SIGKILL, and wait until it is certainly dead."""
        os.kill(self.pid, signal.SIGKILL)
        self.bury()

    def bury(self) -> None:
        """Let go of it and wait for its end."""
        self.socket.close()
        os.waitpid(self.pid, 0)


SERVED_MAX = 20
"""After so many commands a process ends, however well it does: it never collects its garbage."""


class Crew:
    """The processes that carry out commands: those without one wait for the next.

    Whatever survives between two commands of one process is what survived the fork: the command
    makes everything else anew. Sparing the fork is more than half of a storm's time.
    """

    def __init__(self, live: Callable[[ChildEnd, Order], None], books: StormBooks) -> None:
        self._live, self._books = live, books
        self._idle: list[Child] = []
        self._busy: list[Child] = []

    def hire(self, name: str, order: Order) -> Child:
        """Have a command carried out, up to its first point."""
        child = self._idle.pop() if self._idle else self._fork()
        child.name, child.waiting, child.held_up = name, False, False
        child.served += 1
        self._busy.append(child)
        child.answer(order)
        return child

    def listen(self, child: Child) -> None:
        """Let it run to its next point, or into somebody's lock. Raises: Gone, TimeoutError."""
        child.held_up = False
        until = time.monotonic() + SILENT_SECONDS
        while len(self._busy) > 1 and not child.speaks():
            if self._books.holds_up(child.pid):
                child.held_up = True
                return
            if time.monotonic() > until:
                raise TimeoutError
        child.listen()

    def dismiss(self, child: Child) -> None:
        """Its command has ended well."""
        self._busy.remove(child)
        if child.served < SERVED_MAX:
            self._idle.append(child)
        else:
            child.bury()

    def kill(self, child: Child) -> None:
        """Its command ends here."""
        self._busy.remove(child)
        child.kill()
        self._books.bury(child.pid)

    def disband(self) -> None:
        """End all."""
        for child in (*self._idle, *self._busy):
            child.kill()
        self._idle, self._busy = [], []

    def _fork(self) -> Child:
        self._books.let_go()  # no connection may be open across a fork
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                # A sibling's line that is held open here would never be seen to end.
                for line in (ours, *(c.socket for c in (*self._idle, *self._busy))):
                    line.close()
                end = ChildEnd(theirs)
                while (order := end.next_order()) is not None:
                    self._live(end, order)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        ours.settimeout(SILENT_SECONDS)
        return Child(pid, ours)
