"""Sends events in order and in batches, so that showing progress never slows the work."""

import json
import sys
import threading
from collections import deque
from collections.abc import Callable

from skerry_runtime import threads
from skerry_runtime.wire import Event, Json, Refused

GATHER_SECONDS = 0.05
MOST_EVENTS = 100
MOST_BYTES = 250 * 1024
CROWDED = 2000


class EventQueue:
    """Numbers events within an incarnation and forgets each only when it was accepted."""

    def __init__(self, send: Callable[[Callable[[], list[Json]]], int]) -> None:
        """`send` may ask for the numbered batch again: a lease renewed on the way changes the numbers."""
        self._send = send
        self._waiting: deque[Event] = deque()
        self._accepted = 0
        self._numbering = 0
        self._sent_as = 0
        self._awaited = 0
        self._changed = threading.Condition()

    def start(self) -> None:
        """Starts the thread that sends."""
        threads.start(threading.Thread(target=self._run, name="events", daemon=True))

    def append(self, event: Event) -> None:
        """Queues; pieces of output are dropped while far too many events wait."""
        with self._changed:
            if len(self._waiting) >= CROWDED and event["type"] == "tool.output":
                return
            self._waiting.append(event)
            self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Sends at once and waits until all is sent; false when that took too long."""
        with self._changed:
            self._awaited += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: not self._waiting, seconds)
            finally:
                self._awaited -= 1

    def restart_numbering(self) -> None:
        """A new incarnation counts from 1."""
        with self._changed:
            self._accepted = 0
            self._numbering += 1

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                self._changed.wait_for(lambda: self._awaited > 0 or len(self._waiting) >= MOST_EVENTS, GATHER_SECONDS)
                batch = self._batch()
            accepted = self._deliver(batch)
            with self._changed:
                for _ in batch:
                    self._waiting.popleft()
                if accepted is not None and self._sent_as == self._numbering:
                    self._accepted = accepted
                self._changed.notify_all()

    def _deliver(self, batch: list[Event]) -> int | None:
        try:
            return self._send(lambda: self._numbered(batch))
        except Refused as refused:
            print(f"skerry-runtime: {len(batch)} events were refused: {refused}", file=sys.stderr)
            return None

    def _batch(self) -> list[Event]:
        batch: list[Event] = []
        size = 0
        for event in self._waiting:
            size += len(json.dumps(event)) + 32
            if batch and (size > MOST_BYTES or len(batch) == MOST_EVENTS):
                break
            batch.append(event)
        return batch

    def _numbered(self, batch: list[Event]) -> list[Json]:
        with self._changed:
            self._sent_as = self._numbering
            return [{"seq": self._accepted + offset, **event} for offset, event in enumerate(batch, 1)]
