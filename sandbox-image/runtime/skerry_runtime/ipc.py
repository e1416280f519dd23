"""How the agent reaches the gateway: one inherited socket, over which each call hands a socket of its own.

Nothing but the two processes that `init` started holds an end, so nothing else can speak.
"""

import json
import os
import socket
import struct
import sys
import threading
from typing import Any

from skerry_runtime import threads
from skerry_runtime.wire import (
    Answer,
    Directive,
    Download,
    Event,
    FileEntry,
    Gateway,
    Json,
    Next,
    Outcome,
    Probe,
    Refused,
    Session,
    State,
    ToolResult,
    Upload,
)

MOST_CALL_BYTES = 32 * 1024 * 1024
MOST_EVENT_BYTES = 60 * 1024
_CALL = b"C"
_EVENT = b"E"
_READ_BYTES = 256 * 1024
_CREDENTIALS = struct.Struct("3i")
_VERBS = frozenset(
    ("hello", "state", "next", "llm", "heartbeat", "uploads", "downloads", "manifest", "http", "flushed", "outcome")
)
_VERBS_WITH_FILE = frozenset(("upload", "download", "relay"))

_this_thread = threading.local()


class GatewayGone(BaseException):
    """The gateway process ended; nothing but `init`, which is about to end this one too, can handle that."""


class Interrupted(Exception):
    """The call was given up by another thread."""


def caller_is_gone() -> bool:
    """True in a thread that works for a caller who no longer listens."""
    connection: socket.socket | None = getattr(_this_thread, "caller", None)
    if connection is None:
        return False
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


class _Callers:
    """Whom the gateway listens to: the process of the agent's user that spoke first, before it ran anything."""

    def __init__(self, uid: int) -> None:
        self._uid = uid
        self._pid: int | None = None

    def admit(self, connection: socket.socket) -> bool:
        """Whether the process that made this socket, as the kernel remembers it, is the agent."""
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(credentials)
        if uid != self._uid or pid != (self._pid or pid):
            print(f"skerry-runtime: process {pid} of user {uid} was not let in.", file=sys.stderr, flush=True)
            return False
        self._pid = pid
        return True


def serve(control: socket.socket, gateway: Gateway, uid: int) -> None:
    """Answers the agent, who is this user: the verbs of the protocol and nothing else, until it is gone."""
    callers = _Callers(uid)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MOST_EVENT_BYTES + 1, 2)
        if not message:
            return
        if message[:1] == _EVENT:
            gateway.emit(json.loads(message[1:]))
        elif message == _CALL and descriptors:
            _admit(callers, descriptors, gateway)


def _admit(callers: _Callers, descriptors: list[int], gateway: Gateway) -> None:
    connection = socket.socket(fileno=descriptors[0])
    if callers.admit(connection):
        arguments = (connection, descriptors[1:], gateway)
        threads.start(threading.Thread(target=_serve_call, args=arguments, daemon=True))
        return
    connection.close()
    for file in descriptors[1:]:
        os.close(file)


def _serve_call(connection: socket.socket, files: list[int], gateway: Gateway) -> None:
    _this_thread.caller = connection
    try:
        with connection:
            reply = _reply(json.loads(_receive_line(connection)), files, gateway)
            connection.sendall(json.dumps(reply).encode())
    except (OSError, ValueError):
        return
    finally:
        for file in files:
            os.close(file)


def _reply(call: Json, files: list[int], gateway: Gateway) -> Json:
    verb, arguments = call.get("verb"), call.get("arguments")
    allowed = _VERBS_WITH_FILE if files else _VERBS
    if verb not in allowed or not isinstance(arguments, list):
        return {"bug": "the gateway knows no such call"}
    try:
        return {"answer": getattr(gateway, verb)(*arguments, *files)}
    except Refused as refused:
        return {"refused": [refused.status, refused.code, refused.detail, refused.reason]}
    except Exception as failure:
        print(f"skerry-runtime: the gateway failed in {verb}: {failure!r}", file=sys.stderr, flush=True)
        return {"bug": f"{verb}: {type(failure).__name__}"}


def _receive_line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        chunk = connection.recv(_READ_BYTES)
        if not chunk or len(received) > MOST_CALL_BYTES:
            raise ValueError("the caller left before it asked")
        received += chunk
    return bytes(received)


class RemoteGateway:
    """The gateway as the agent sees it."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._lock = threading.Lock()
        self._waiting: socket.socket | None = None
        self._interrupted = False

    def interrupt(self) -> None:
        """Gives up the model call or poll that waits in another thread, if any."""
        with self._lock:
            if self._waiting is not None:
                self._interrupted = True
                self._waiting.shutdown(socket.SHUT_RDWR)

    def hello(self, probes: list[Probe]) -> Session:
        """Introduces this incarnation."""
        session: Session = self._call("hello", probes)
        return session

    def state(self) -> State:
        """What the control plane remembers."""
        state: State = self._call("state")
        return state

    def next(self, wait: int) -> Next:
        """Waits up to `wait` seconds for something to do."""
        answer: Next = self._call("next", wait)
        return answer

    def llm(self, turn: str, seq: int, new_messages: list[ToolResult], tools: list[str]) -> Answer:
        """Asks the model; `interrupt` ends the wait."""
        answer: Answer = self._call("llm", turn, seq, new_messages, tools, interruptible=True)
        return answer

    def emit(self, event: Event) -> None:
        """Queues an event; the order among events and later calls is kept."""
        message = _EVENT + json.dumps(event).encode()
        if len(message) <= MOST_EVENT_BYTES:
            self._send(message, [])

    def heartbeat(self, turn: str | None) -> Directive | None:
        """Shows life, during a turn or before one."""
        directive: Directive | None = self._call("heartbeat", turn)
        return directive

    def uploads(self, files: list[FileEntry]) -> list[Upload]:
        """Asks where to put these files."""
        uploads: list[Upload] = self._call("uploads", files)
        return uploads

    def upload(self, url: str, size: int, descriptor: int) -> None:
        """Lends the open file to the gateway, which sends it."""
        self._call("upload", url, size, file=descriptor)

    def downloads(self) -> list[Download]:
        """Where the stored workspace can be read."""
        downloads: list[Download] = self._call("downloads")
        return downloads

    def download(self, url: str, size: int, descriptor: int) -> None:
        """Lends the open file to the gateway, which fills it."""
        self._call("download", url, size, file=descriptor)

    def manifest(self, turn: str | None, files: list[FileEntry]) -> int:
        """Declares the whole workspace as of now."""
        return int(self._call("manifest", turn, files))

    def relay(self, listener: int) -> None:
        """Lends the socket to the gateway, which answers whoever connects."""
        self._call("relay", file=listener)

    def http(self, key: str, order: Json) -> Json:
        """Has a request to the world outside made, once for each key."""
        answer: Json = self._call("http", key, order)
        return answer

    def flushed(self) -> None:
        """Says that the workspace is stored and this sandbox may be frozen."""
        self._call("flushed")

    def outcome(self, turn: str, outcome: Outcome) -> None:
        """Ends a turn."""
        self._call("outcome", turn, outcome)

    def _call(self, verb: str, *arguments: Any, file: int | None = None, interruptible: bool = False) -> Any:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._send(_CALL, [theirs.fileno()] + ([] if file is None else [file]))
            if interruptible:
                self._watch(ours)
            try:
                raw = self._ask(ours, {"verb": verb, "arguments": arguments})
            finally:
                interrupted = self._unwatch() if interruptible else False
        if interrupted:
            raise Interrupted
        if not raw:
            raise GatewayGone
        reply = json.loads(raw)
        if "refused" in reply:
            raise Refused(*reply["refused"])
        if "bug" in reply:
            raise RuntimeError(reply["bug"])
        return reply["answer"]

    def _ask(self, connection: socket.socket, call: Json) -> bytes:
        received = bytearray()
        try:
            connection.sendall(json.dumps(call).encode() + b"\n")
            while chunk := connection.recv(_READ_BYTES):
                received += chunk
        except OSError:
            return b""
        return bytes(received)

    def _watch(self, connection: socket.socket) -> None:
        with self._lock:
            self._waiting, self._interrupted = connection, False

    def _unwatch(self) -> bool:
        with self._lock:
            self._waiting = None
            return self._interrupted

    def _send(self, message: bytes, descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._control, [message], descriptors)
        except OSError as failure:
            raise GatewayGone from failure
