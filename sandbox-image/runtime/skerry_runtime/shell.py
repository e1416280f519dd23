"""Runs a command of the model in a session of its own, and leaves none of it behind when told to stop."""

import codecs
import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, NamedTuple

from skerry_runtime import linux, threads

PIECE_CHARACTERS = 2048
PIECE_SECONDS = 0.1
MOST_PIECES = 200
SPILL_BYTES = 64 * 1024 * 1024
_LOOK_SECONDS = 0.05
_ROUNDS = 200
_LINGER_SECONDS = 0.2
_LONGEST_STEP_SECONDS = 1.0


class Output:
    """Keeps the head and the tail of what a command printed, and all of it in a file once it is too long."""

    def __init__(self, limit: int, spill: str) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._spill = spill
        self._file: int | None = None
        self._spilled = 0
        self.total = 0

    def append(self, data: bytes) -> None:
        """Takes another piece."""
        if self._file is None and self.total <= 2 * self._half < self.total + len(data):
            self._open()
        self._write(data)
        self.total += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[max(0, room) :]
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    def close(self) -> None:
        """Closes the spill file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def text(self, name: str) -> str:
        """What the model reads; `name` is how it can reach the rest."""
        if self.total <= 2 * self._half:
            return (self._head + self._tail).decode("utf-8", "replace")
        tail = self._tail[-self._half :]
        left_out = self.total - len(self._head) - len(tail)
        kept = "the full text" if self._spilled == self.total else f"the first {self._spilled} bytes"
        note = f"\n[... {left_out} of {self.total} bytes left out; {kept}: {name} ...]\n"
        return self._head.decode("utf-8", "replace") + note + tail.decode("utf-8", "replace")

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            os.makedirs(os.path.dirname(self._spill), exist_ok=True)
            self._file = os.open(self._spill, flags, 0o644)
        except OSError:
            return
        self._write(bytes(self._head + self._tail))

    def _write(self, data: bytes) -> None:
        if self._file is None:
            return
        try:
            self._spilled += os.write(self._file, data[: SPILL_BYTES - self._spilled])
        except OSError:
            self.close()


class Pieces:
    """Passes on output as it comes, in pieces that nobody drowns in."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting = ""
        self._due = 0.0
        self._shown = 0

    def append(self, data: bytes) -> None:
        """Takes output; keeps only the newest when there is too much."""
        self._waiting = (self._waiting + self._decoder.decode(data))[-PIECE_CHARACTERS:]
        self.flush(False)

    def flush(self, at_once: bool) -> None:
        """Shows what waits, if it is time."""
        now = time.monotonic()
        if self._waiting and (at_once or now >= self._due) and self._shown < MOST_PIECES:
            self._show(self._waiting)
            self._waiting = ""
            self._due = now + PIECE_SECONDS
            self._shown += 1


class Finished(NamedTuple):
    """How a command ended; `code` is negative after a signal."""

    code: int
    timed_out: bool
    cancelled: bool


def run(
    command: Sequence[str],
    folder: str,
    timeout: float,
    cancelled: threading.Event,
    take: Callable[[bytes], None],
    idle: Callable[[], None],
    inherited: Sequence[int] = (),
    environment: dict[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> Finished:
    """Runs to the end, the timeout in seconds or the cancellation; the two latter end every process it started.

    A process left in the background by a command that ended by itself goes on.
    """
    before = linux.descendants(os.getpid())
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=stdin,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=inherited,
        bufsize=0,
    )
    linux.sacrifice(os.getpid(), before)
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    is_over = False
    try:
        is_over = _pump(process, pipe, timeout, cancelled, take, idle)
        timed_out = not is_over and not cancelled.is_set()
    finally:
        if not is_over:
            _end_all(process, before)
        _release(process)
    linux.reap()
    return Finished(process.returncode, timed_out, not is_over and not timed_out)


def _pump(
    process: subprocess.Popen[bytes],
    pipe: int,
    left: float,
    cancelled: threading.Event,
    take: Callable[[bytes], None],
    idle: Callable[[], None],
) -> bool:
    """True when the command ended by itself, false when it has to be ended; frozen time does not count."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    ended_at: float | None = None
    is_open = True
    now = time.monotonic()
    while True:
        before, now = now, time.monotonic()
        left -= min(now - before, _LONGEST_STEP_SECONDS)
        if ended_at is None and process.poll() is not None:
            ended_at = now
        if ended_at is not None and (not is_open or now >= ended_at + _LINGER_SECONDS):
            return True
        if ended_at is None and (left <= 0 or cancelled.is_set()):
            return False
        if not is_open:
            time.sleep(_LOOK_SECONDS / 10)
        elif poll.poll(_LOOK_SECONDS * 1000):
            data = os.read(pipe, 64 * 1024)
            is_open = bool(data)
            take(data)
        elif ended_at is not None:
            return True
        idle()


def _end_all(process: subprocess.Popen[bytes], before: set[linux.Process]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(_ROUNDS):
        linux.reap()
        left = {each.pid for each in linux.descendants(os.getpid()) - before}
        if not left:
            return
        linux.stop(left)
        linux.kill(left)
        time.sleep(0.005)


def _release(process: subprocess.Popen[bytes]) -> None:
    """Keeps reading for a background process that still holds the pipe, so that it does not die of writing."""
    assert process.stdout is not None
    pipe = process.stdout
    if select.select([pipe], [], [], 0)[0] and not os.read(pipe.fileno(), 64 * 1024):
        pipe.close()
        return
    try:
        threads.start(threading.Thread(target=_drain, args=(pipe,), name="drain", daemon=True))
    except RuntimeError:
        pipe.close()


def _drain(pipe: IO[bytes]) -> None:
    while os.read(pipe.fileno(), 64 * 1024):
        continue
    pipe.close()
