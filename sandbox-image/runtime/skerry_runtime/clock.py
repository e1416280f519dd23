"""Time as a sandbox should feel it: frozen hours did not happen."""

import os
import threading
import time
from collections.abc import Callable

TICK_SECONDS = 0.2
FREEZE_SECONDS = 3.0
LEAST_SLEEP_SECONDS = 0.01


class AwakeClock:
    """Counts only the time in which this process could run, and tells when it was frozen."""

    def __init__(self, on_thaw: Callable[[], None]) -> None:
        self._on_thaw = on_thaw
        self._awake = 0.0
        self._thawed = threading.Event()

    def start(self) -> None:
        """Starts the thread that ticks."""
        threading.Thread(target=self._tick, name="clock", daemon=True).start()

    def now(self) -> float:
        """Seconds awake since the start, as of the last tick."""
        return self._awake

    def sleep(self, seconds: float) -> None:
        """Sleeps, unless a thaw makes waiting pointless."""
        time.sleep(min(seconds, LEAST_SLEEP_SECONDS))
        self._thawed.wait(max(0.0, seconds - LEAST_SLEEP_SECONDS))

    def _tick(self) -> None:
        monotonic, wall = time.monotonic(), time.time()
        while True:
            time.sleep(TICK_SECONDS)
            before_monotonic, before_wall = monotonic, wall
            monotonic, wall = time.monotonic(), time.time()
            gap = max(monotonic - before_monotonic, wall - before_wall)
            self._awake += min(monotonic - before_monotonic, 5 * TICK_SECONDS)
            if gap >= FREEZE_SECONDS:
                self._thawed.set()
                self._on_thaw()
            else:
                self._thawed.clear()


class BackOff:
    """Waiting times that double from 100 ms to 5 s, spread so that many sandboxes do not return at once."""

    def __init__(self) -> None:
        self._next = 0.1

    def next(self) -> float:
        """The seconds to wait before the next attempt."""
        delay, self._next = self._next, min(self._next * 2, 5.0)
        return jitter(delay)


def jitter(seconds: float) -> float:
    """Between three quarters and five quarters of the given time."""
    return seconds * (0.75 + os.urandom(1)[0] / 510)
