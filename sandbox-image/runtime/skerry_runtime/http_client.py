"""HTTP/1.1 with kept connections: one exchange at a time, bounded, and cut loose after a freeze."""

import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from skerry_runtime.relay import Returned
from skerry_runtime.wire import Json, Refused

LONGEST_RETRY_AFTER = 30.0
MOST_ANSWER_BYTES = 32 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
FINISH_SECONDS = 0.2

Reader = Callable[[http.client.HTTPResponse], Any]


class Request(NamedTuple):
    """One request; `path` is absolute on the origin, or a whole URL. `timeout` is for each read, in seconds."""

    method: str
    path: str
    payload: bytes | Iterator[bytes] | None
    headers: dict[str, str]
    timeout: float
    interruptible: bool


class Connections:
    """Keeps connections open between calls, and can drop all of them at once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not a URL like http://host:port : {parts.scheme}://{parts.hostname}")
        self._origin = (parts.scheme, parts.hostname, parts.port)
        self._idle: list[http.client.HTTPConnection] = []
        self._waiting: set[http.client.HTTPConnection] = set()
        self._others: dict[str, Connections] = {}
        self._lock = threading.Lock()

    def exchange(self, request: Request, read: Reader) -> Any:
        """Sends, and answers what `read` makes of the response; raises `Refused`, OSError or HTTPException."""
        if not request.path.startswith("/"):
            return self._elsewhere(request, read)
        connection = self._take(request)
        reusable = False
        try:
            if connection.sock is None:
                _connect(connection)
            connection.request(request.method, request.path, request.payload, request.headers)
            response = connection.getresponse()
            answer = _refusal(response) if response.status >= 300 else read(response)
            reusable = _finish(connection, response)
        finally:
            self._give_back(connection, reusable)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def open(self, request: Request) -> Returned:
        """Sends over a connection of its own, and answers with a body that is read as it arrives."""
        connection = self._new()
        connection.timeout = request.timeout
        try:
            connection.request(request.method, request.path, request.payload, request.headers)
            response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        return Returned(response.status, response.getheaders(), _pieces(connection, response))

    def _elsewhere(self, request: Request, read: Reader) -> Any:
        """A whole URL; connections of one origin are never used for another."""
        parts = urlsplit(request.path)
        origin = f"{parts.scheme}://{parts.netloc}"
        there = Connections(origin)
        with self._lock:
            there = self if there._origin == self._origin else self._others.setdefault(origin, there)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return there.exchange(request._replace(path=target), read)

    def _take(self, request: Request) -> http.client.HTTPConnection:
        with self._lock:
            connection = self._idle.pop() if self._idle else self._new()
            connection.timeout = request.timeout
            if connection.sock is not None:
                connection.sock.settimeout(request.timeout)
            if request.interruptible:
                self._waiting.add(connection)
            return connection

    def _give_back(self, connection: http.client.HTTPConnection, reusable: bool) -> None:
        with self._lock:
            self._waiting.discard(connection)
            if reusable and connection.sock is not None:
                self._idle.append(connection)
                return
        connection.close()

    def drop(self) -> None:
        """Closes what is idle and cuts what only waits: after a freeze the other side forgot both."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()
            self._others.clear()
            for connection in self._waiting:
                if connection.sock is not None:
                    try:
                        connection.sock.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        continue

    def _new(self) -> http.client.HTTPConnection:
        scheme, host, port = self._origin
        return (http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection)(host, port)


def _connect(connection: http.client.HTTPConnection) -> None:
    """Has the kernel ask for life: after a standby the other side may have forgotten whom this side waits for."""
    connection.connect()
    connected: socket.socket = connection.sock
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 2), (socket.TCP_KEEPCNT, 4)):
        connected.setsockopt(socket.IPPROTO_TCP, option, value)


def _pieces(connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while piece := response.read1(CHUNK_BYTES):
            yield piece
    finally:
        connection.close()


def stream(response: http.client.HTTPResponse) -> Iterator[tuple[str, str]]:
    """The server-sent events of a response as kind and data; an empty kind stands for a comment or the like."""
    kind, size = "message", 0
    data: list[str] = []
    while line := response.readline(MOST_ANSWER_BYTES):
        size += len(line)
        if size > MOST_ANSWER_BYTES:
            raise Refused(413, "too_large", "the model's answer is larger than this runtime accepts")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text.startswith("event:"):
            kind = text[6:].strip()
        elif text.startswith("data:"):
            data.append(text[5:].removeprefix(" "))
        elif not text:
            yield (kind if data else ""), "\n".join(data)
            kind, data = "message", []


def _finish(connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> bool:
    """Reads what little is left, which is due at once; true if the connection can be used again."""
    if connection.sock is None or response.will_close:
        return False
    if not response.isclosed():
        connection.sock.settimeout(FINISH_SECONDS)
        try:
            response.read(CHUNK_BYTES)
        except (OSError, http.client.HTTPException):
            return False
    return response.isclosed()


def read_json(response: http.client.HTTPResponse) -> Any:
    """The body as JSON; nothing for an empty body."""
    raw = response.read(MOST_ANSWER_BYTES)
    if not response.isclosed() and response.read(1):
        raise Refused(413, "too_large", "the answer is larger than this runtime accepts")
    return json.loads(raw) if raw else None


def _refusal(response: http.client.HTTPResponse) -> Refused:
    raw = response.read(MOST_ANSWER_BYTES)
    try:
        problem: Json | None = json.loads(raw)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"HTTP {response.status} without a problem document"}
    refused = Refused.of(response.status, problem)
    refused.retry_after = _retry_after(response)
    return refused


def _retry_after(response: http.client.HTTPResponse) -> float:
    try:
        return min(float(response.getheader("Retry-After") or 0), LONGEST_RETRY_AFTER)
    except ValueError:
        return 1.0


def chunks(descriptor: int, size: int) -> Iterator[bytes]:
    """The first `size` bytes of an open file."""
    offset = 0
    while offset < size:
        chunk = os.pread(descriptor, min(CHUNK_BYTES, size - offset), offset)
        if not chunk:
            raise Refused(422, "invalid_request", "the file became shorter while it was sent")
        offset += len(chunk)
        yield chunk


def save(response: http.client.HTTPResponse, size: int, descriptor: int) -> None:
    """Writes a body of exactly `size` bytes into an open file."""
    os.ftruncate(descriptor, 0)
    offset = 0
    while chunk := response.read(CHUNK_BYTES):
        if offset + len(chunk) > size:
            raise Refused(422, "invalid_request", "the stored file is larger than announced")
        os.pwrite(descriptor, chunk, offset)
        offset += len(chunk)
    if offset != size:
        raise EOFError("the stored file is shorter than announced")
