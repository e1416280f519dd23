"""Threads of the runtime, started also when a tool has taken every process that the sandbox may have."""

import threading
import time

ROOM_SECONDS = 60.0
_STEP_SECONDS = 0.02


def start(thread: threading.Thread, patience: float = ROOM_SECONDS) -> None:
    """Starts the thread, waiting for room: processes that a tool multiplied end, or are ended with the tool."""
    deadline = time.monotonic() + patience
    while True:
        try:
            thread.start()
            return
        except RuntimeError:
            if thread.ident is not None or time.monotonic() > deadline:
                raise
        time.sleep(_STEP_SECONDS)
