"""Group commit: deliveries that arrive together are stored in one transaction, and answered after.

One thread writes, so that many deliveries share one durable commit; nobody is told that an event
was received before it is.
"""

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from domain.errors import PaymentsError, Unavailable
from domain.provider import ProviderAccount
from domain.stored_event import Source, StoredEvent
from domain.webhook import Proof, ProviderEvent
from tscli.services.context import Context
from tscli.services.inbox import arrived

WAITING_MAX: Final = 2_000
"""Most deliveries that wait for their commit; further ones are told to come again."""

_BATCH_MAX = 250
_STOP = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """One verified delivery."""

    owner: ProviderAccount
    event: ProviderEvent
    body: bytes
    proof: Proof


_Item = tuple[Delivered, "Future[StoredEvent]"] | None


class Intake:
    """The thread that stores; use it as a context."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._queue: queue.Queue[_Item] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)
        self.stored = threading.Event()
        """Set whenever something new was stored."""

    def __enter__(self) -> "Intake":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._queue.put(_STOP)
        self._thread.join()

    @property
    def busy(self) -> bool:
        """Whether deliveries wait to be stored: they go before everything else."""
        return not self._queue.empty()

    def submit(self, delivered: Delivered) -> "Future[StoredEvent]":
        """Have a delivery stored; the future ends when it is durable.

        Raises:
            Unavailable: too many wait already.
        """
        done: Future[StoredEvent] = Future()
        try:
            self._queue.put_nowait((delivered, done))
        except queue.Full:
            raise Unavailable("Too many deliveries are waiting to be stored.") from None
        return done

    def _work(self) -> None:
        while (first := self._queue.get()) is not _STOP:
            batch, over = [first], False
            while len(batch) < _BATCH_MAX:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is _STOP:
                    over = True
                    break
                batch.append(following)
            self._store([item for item in batch if item is not None])
            if over:
                return

    def _store(self, batch: "list[tuple[Delivered, Future[StoredEvent]]]") -> None:
        try:
            rows = [
                (
                    arrived(self._context, d.owner, d.event, d.body, d.proof, Source.DELIVERY),
                    d.body,
                )
                for d, _ in batch
            ]
            stored = self._context.database.run(lambda books: books.inbox.add_all(rows))
        except (PaymentsError, OSError) as error:
            for _, done in batch:
                done.set_exception(error)
            return
        for (_, done), event in zip(batch, stored, strict=True):
            done.set_result(event)
        self.stored.set()
