"""Shows life while a turn runs or there is much to fetch before one, and hears when a turn should not go on."""

import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Literal

from skerry_runtime import threads
from skerry_runtime.ipc import GatewayGone
from skerry_runtime.wire import Gateway, Refused

BEAT_SECONDS = 2.0

Why = Literal["cancel", "stop", "over"]


class SignsOfLife:
    """A thread for as long as this process is busy with what is no turn.

    One may have been given to it already, and whoever waits for that must not take it for dead.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._ended = threading.Event()

    def __enter__(self) -> "SignsOfLife":
        threads.start(threading.Thread(target=self._run, name="signs of life", daemon=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                self._gateway.heartbeat(None)
            except GatewayGone:
                return
            except Refused as refused:
                print(f"skerry-runtime: heartbeat refused: {refused}", file=sys.stderr)


class Pulse:
    """A thread for as long as a turn runs. `cancelled` is set when the turn must end; `why` says for what reason."""

    def __init__(
        self, gateway: Gateway, turn: str, interrupt: Callable[[], None], flush: Callable[[str | None], bool]
    ) -> None:
        self._gateway = gateway
        self._turn = turn
        self._interrupt = interrupt
        self._flush = flush
        self._ended = threading.Event()
        self.cancelled = threading.Event()
        self.why: Why | None = None

    def __enter__(self) -> "Pulse":
        threads.start(threading.Thread(target=self._run, name="pulse", daemon=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()

    def end_turn(self, why: Why) -> None:
        """Has the loop stop at once, also in the middle of a model call."""
        if self.why is None:
            self.why = why
        self.cancelled.set()
        if not self._ended.is_set():
            self._interrupt()

    def _run(self) -> None:
        while not self._ended.wait(BEAT_SECONDS) and not self.cancelled.is_set():
            try:
                self._beat()
            except GatewayGone:
                return
            except Refused as refused:
                if refused.code == "turn_over":
                    self.end_turn("over")
                else:
                    print(f"skerry-runtime: heartbeat refused: {refused}", file=sys.stderr)

    def _beat(self) -> None:
        directive = self._gateway.heartbeat(self._turn)
        if directive == "cancel":
            self.end_turn("cancel")
        elif directive == "stop":
            self.end_turn("stop")
        elif directive == "flush":
            self._flush(self._turn)
