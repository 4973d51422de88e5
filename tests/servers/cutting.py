"""A proxy before PostgreSQL that cuts connections around COMMIT; it knows just enough of the
protocol to see one pass.

It listens on a Unix socket of its own. One cut is armed at a time and falls on the n-th COMMIT seen
from then on.
"""

import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Self

from sqlalchemy.engine import URL, make_url

from tests.servers.postgres import TMP

_SOCKET = ".s.PGSQL.5432"
_CHUNK = 65_536


class Cut(StrEnum):
    """Where a connection breaks."""

    BEFORE = "before"
    """COMMIT never reaches the server."""
    WITHIN = "within"
    """Half of the message does."""
    DURING = "during"
    """COMMIT arrives, and both sides are cut at once: whoever is faster."""
    AFTER = "after"
    """The server has committed and said so; its word is lost."""
    SILENT = "silent"
    """COMMIT is swallowed, and the server goes on waiting for a client that is gone."""


class CuttingProxy:
    """The proxy; `url` stands for the address of the same database through it."""

    def __init__(self, url: str) -> None:
        self._upstream = make_url(url)
        self._folder = tempfile.TemporaryDirectory(prefix="tscli-cut-", dir=TMP)
        self.url = _with_host(url, self._folder.name)
        self._listener = socket.socket(socket.AF_UNIX)
        self._lock = threading.Lock()
        self._armed: tuple[Cut, int] | None = None
        self._open: set[socket.socket] = set()
        self.commits = 0
        """COMMITs seen so far."""
        self.cuts: list[Cut] = []
        """What was cut so far."""
        self.refusing = False
        """Whether new connections are closed at once."""
        self.cuts_reads = False
        """Whether the COMMITs of transactions that only read count as well."""

    def __enter__(self) -> Self:
        self._listener.bind(str(Path(self._folder.name) / _SOCKET))
        self._listener.listen()
        threading.Thread(target=self._accept, name="cutting-proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        _shut(self._listener)
        with self._lock:
            for each in self._open:
                _shut(each)
        self._folder.cleanup()

    def arm(self, cut: Cut, commits: int = 1) -> None:
        """Cut at the n-th COMMIT from now on."""
        with self._lock:
            self._armed = (cut, commits)

    def disarm(self) -> None:
        """Let everything pass."""
        with self._lock:
            self._armed = None
        self.refusing = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            server = _connect(self._upstream)
            with self._lock:
                self._open |= {client, server}
            link = _Link(self, client, server)
            for work in (link.upwards, link.downwards):
                threading.Thread(target=work, name="cutting-proxy", daemon=True).start()

    def due(self) -> Cut | None:
        """Count a COMMIT; the cut that falls on it."""
        with self._lock:
            self.commits += 1
            if self._armed is None:
                return None
            cut, left = self._armed
            self._armed = (cut, left - 1) if left > 1 else None
            if left > 1:
                return None
            self.cuts.append(cut)
            return cut

    def closed(self, *ends: socket.socket) -> None:
        """Close ends and forget them."""
        with self._lock:
            self._open -= set(ends)
        for end in ends:
            _shut(end)


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._drop_answer = threading.Event()
        self._keep_server = False
        self._reading = False

    def upwards(self) -> None:
        """Client to server, message by message."""
        with suppress(OSError, struct.error):
            for message in _messages(self._client):
                if not self._counts(message):
                    self._server.sendall(message)
                    continue
                cut = self._proxy.due()
                if cut is None:
                    self._server.sendall(message)
                elif cut is Cut.AFTER:
                    self._drop_answer.set()
                    self._server.sendall(message)
                else:
                    self._cut(cut, message)
                    return
        if not self._drop_answer.is_set():
            self._end()

    def _counts(self, message: bytes) -> bool:
        """Whether a message is a COMMIT of which it matters whether it arrives."""
        if message[:1] not in (b"Q", b"P"):
            return False
        words = message[5:].upper()
        if b"BEGIN" in words[:20]:
            self._reading = b"READ ONLY" in words
        return b"COMMIT" in words[:20] and (self._proxy.cuts_reads or not self._reading)

    def downwards(self) -> None:
        """Server to client, as it comes; an answer that is to be lost is lost whole."""
        with suppress(OSError):
            while data := self._server.recv(_CHUNK):
                if self._drop_answer.is_set():
                    break
                self._client.sendall(data)
        self._end()

    def _cut(self, cut: Cut, message: bytes) -> None:
        if cut is Cut.WITHIN:
            self._server.sendall(message[: len(message) // 2])
        elif cut is Cut.DURING:
            self._server.sendall(message)
        if cut is Cut.SILENT:
            self._keep_server = True
            self._proxy.closed(self._client)
        else:
            self._end()

    def _end(self) -> None:
        if self._keep_server:
            return
        self._proxy.closed(self._client, self._server)


def _messages(client: socket.socket) -> Iterator[bytes]:
    """Whole messages of a client: the first ones have a length and no type."""
    while True:
        head = _exactly(client, 4)
        body = _exactly(client, struct.unpack("!i", head)[0] - 4)
        yield head + body
        if struct.unpack("!i", body[:4])[0] == 3 << 16:  # the start, no question about encryption
            break
    while True:
        head = _exactly(client, 5)
        yield head + _exactly(client, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            raise OSError("the client hung up")
        data += more
    return data


def _connect(url: URL) -> socket.socket:
    folder = str(url.query.get("host", ""))
    if not folder.startswith("/"):
        return socket.create_connection((url.host or "127.0.0.1", url.port or 5432))
    server = socket.socket(socket.AF_UNIX)
    server.connect(str(Path(folder) / _SOCKET))
    return server


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def _with_host(url: str, host: str) -> str:
    parsed = make_url(url)
    query = {**parsed.query, "host": host, "port": "5432"}
    through = parsed.set(host=None, port=None, query=query)
    return through.render_as_string(hide_password=False)
