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


class LeaseProof:
    """Before something is done to the world: that this sandbox was not frozen since it last heard that it may act.

    A sandbox that slept may have been replaced meanwhile. Time that passed unnoticed is the sign.
    """

    def __init__(self, ask: Callable[[], object]) -> None:
        """`ask` raises, or ends the process, when this sandbox may act no longer."""
        self._ask = ask
        self._given_at = _clocks()

    def given(self) -> None:
        """The control plane has just answered."""
        self._given_at = _clocks()

    def demand(self) -> None:
        """Asks if it is too long ago that the control plane answered."""
        passed = (now - then for now, then in zip(_clocks(), self._given_at, strict=True))
        if any(not -FREEZE_SECONDS < each < FREEZE_SECONDS for each in passed):
            self._ask()
            self.given()


def _clocks() -> tuple[float, float, float]:
    """What runs on during a freeze differs from one kind of sandbox to the next."""
    return time.monotonic(), time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
