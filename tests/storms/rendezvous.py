"""The places where a command stops and waits for the scheduler: messages over a pair of sockets.

A forked child says where it is and blocks; the scheduler answers, or kills it. So at any moment at
most one child runs, and every interleaving, fault and death is decided in one place.
"""

import os
import pickle
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

SILENT_SECONDS = 120
"""A child that says nothing for this long hangs."""

_MESSAGE_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Message:
    """Where a child stands: a point's name, and what belongs to it."""

    point: str
    """`start`, `begin`, `busy`, `commit`, `committed`, `call`, `sleep`, `print` or `bug`."""
    details: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """The scheduler's word: go on at that time, with an answer where one was asked for."""

    now_micros: int
    answer: tuple[Any, ...] = ()


class ChildEnd:
    """The child's end; it also keeps the time, which only the scheduler moves."""

    def __init__(self, sock: socket.socket, now_micros: int) -> None:
        self._socket = sock
        self.now_micros = now_micros

    def meet(self, point: str, *details: Any) -> tuple[Any, ...]:
        """Stop at a point until the scheduler says go; its answer, if it has one."""
        self._socket.send(pickle.dumps(Message(point, details)))
        reply: Reply = pickle.loads(self._socket.recv(_MESSAGE_MAX))
        self.now_micros = reply.now_micros
        return reply.answer


class Gone(Exception):
    """The child's end of the line was closed: it ended, whatever the reason."""


@dataclass
class Child:
    """A running command as the scheduler sees it."""

    name: str
    """The actor and the number of the command, such as `anna.2`."""
    pid: int
    _socket: socket.socket
    at: Message = field(default_factory=lambda: Message("forked"))
    """Where it stands now."""
    waiting: bool = False
    """It met a locked database; only somebody else's progress can help it."""
    told: list[Any] = field(default_factory=list)
    """What it printed."""

    def listen(self) -> Message:
        """Let it run to its next point. Raises: Gone, TimeoutError."""
        data = self._socket.recv(_MESSAGE_MAX)
        if not data:
            raise Gone
        self.at = pickle.loads(data)
        return self.at

    def answer(self, reply: Reply) -> None:
        """Let it go on."""
        self._socket.send(pickle.dumps(reply))

    def kill(self) -> None:
        """SIGKILL, and wait until it is certainly dead."""
        os.kill(self.pid, signal.SIGKILL)
        self.bury()

    def bury(self) -> int:
        """Wait for its end; the exit status."""
        self._socket.close()
        return os.waitpid(self.pid, 0)[1]


def fork(name: str, now_micros: int, live: Callable[[ChildEnd], None]) -> Child:
    """A child that runs `live` and nothing else; no exit handler of ours runs in it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            ours.close()
            live(ChildEnd(theirs, now_micros))
            status = 0
        finally:
            os._exit(status)
    theirs.close()
    ours.settimeout(SILENT_SECONDS)
    return Child(name, pid, ours)
