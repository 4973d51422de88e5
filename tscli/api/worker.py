"""The thread that applies what was stored: new events at once, waiting ones when they are due."""

import asyncio
import threading
import time

from domain.errors import PaymentsError
from tscli.api.intake import Intake
from tscli.render.talk import say
from tscli.services.context import Context
from tscli.services.webhooks import apply_due

GIVE_WAY_SECONDS = 10
"""How long applying waits at most while deliveries keep coming."""
QUIET_SECONDS = 0.1
"""So long nothing may have been stored before it is called quiet."""

EVERY_SECONDS = 5
"""How often it looks for what is due when nothing new arrives."""


class Worker:
    """Use it as a context; it ends after the event it is at."""

    def __init__(self, context: Context, intake: Intake) -> None:
        self._context = context
        self._intake = intake
        self._stored = intake.stored
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)

    def __enter__(self) -> "Worker":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._stored.set()
        self._thread.join()

    def _give_way(self) -> None:
        """Let deliveries be stored first, but not for ever."""
        until = time.monotonic() + GIVE_WAY_SECONDS
        while time.monotonic() < until and not self._over.is_set():
            time.sleep(QUIET_SECONDS)
            if not self._intake.busy and not self._stored.is_set():
                return
            self._stored.clear()

    def _work(self) -> None:
        told = ""
        while not self._over.is_set():
            self._stored.clear()
            self._give_way()
            try:
                done = asyncio.run(apply_due(self._context, limit=50))
                told = ""
            except (PaymentsError, OSError) as error:
                done = []
                if str(error) != told:  # once, not every few seconds
                    say(f"Applying events waits: {error}")
                told = str(error)
            # The end is asked for again: giving way may have cleared the word of it.
            if not done and not self._over.is_set():
                self._stored.wait(EVERY_SECONDS)
