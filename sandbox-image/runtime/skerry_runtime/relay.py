"""A loopback address at which any agent program finds its model providers; the token is added on the way out."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from skerry_runtime import threads

MOST_BODY_BYTES = 32 * 1024 * 1024
MOST_LINE_BYTES = 64 * 1024
MOST_AT_ONCE = 32
SILENCE_SECONDS = 600.0
PATHS = {
    "POST": ("/openai/v1/chat/completions", "/openai/v1/responses", "/anthropic/v1/messages"),
    "GET": ("/openai/v1/models",),
}
_TO_PROVIDER = ("accept", "content-type", "anthropic-version", "anthropic-beta", "user-agent", "idempotency-key")
_FROM_PROVIDER = ("content-type", "retry-after", "request-id", "x-request-id", "x-should-retry")


class Forwarded(NamedTuple):
    """A call on its way to the control plane; whatever the program sent as a key stays behind."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Returned(NamedTuple):
    """The beginning of an answer, and its body as it arrives."""

    status: int
    headers: list[tuple[str, str]]
    body: Iterator[bytes]


Forward = Callable[[Forwarded], Returned]


def serve(listener: socket.socket, forward: Forward) -> None:
    """Answers whoever connects, for as long as this process lives."""
    listener.listen(MOST_AT_ONCE)
    free = threading.Semaphore(MOST_AT_ONCE)
    while True:
        free.acquire()
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threads.start(threading.Thread(target=_handle, args=(connection, forward, free), name="relay", daemon=True))


def _handle(connection: socket.socket, forward: Forward, free: threading.Semaphore) -> None:
    try:
        with connection, connection.makefile("rb") as asked, connection.makefile("wb") as answered:
            connection.settimeout(SILENCE_SECONDS)
            while _answer(asked, answered, forward):
                continue
    except (OSError, http.client.HTTPException):
        return
    finally:
        free.release()


def _answer(asked: BinaryIO, answered: BinaryIO, forward: Forward) -> bool:
    """Answers one request; true if the connection can be used for another."""
    words = asked.readline(MOST_LINE_BYTES).decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return False
    headers = http.client.parse_headers(asked)
    method, path = words[0], words[1].partition("?")[0]
    length = headers.get("Content-Length", "0")
    if headers.get("Transfer-Encoding") or not length.isdigit() or int(length) > MOST_BODY_BYTES:
        return _refuse(answered, 413, f"A request must say its length, {MOST_BODY_BYTES} bytes at most.")
    if headers.get("Expect", "").lower() == "100-continue":
        answered.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        answered.flush()
    body = asked.read(int(length))
    if len(body) < int(length):
        return False
    if path not in PATHS.get(method, ()):
        return _refuse(answered, 404, f"There is no {ascii(method)[:20]} {ascii(path)[:200]} here.")
    kept = {name: value for name in _TO_PROVIDER if (value := headers.get(name)) is not None}
    try:
        returned = forward(Forwarded(method, path, kept, body))
    except (OSError, http.client.HTTPException):
        return _refuse(answered, 503, "The control plane does not answer.")
    _pass_back(answered, returned)
    return words[2] == "HTTP/1.1" and headers.get("Connection", "").lower() != "close"


def _pass_back(answered: BinaryIO, returned: Returned) -> None:
    lines = [f"HTTP/1.1 {returned.status} {http.client.responses.get(returned.status, '')}"]
    lines += [f"{name}: {value}" for name, value in returned.headers if name.lower() in _FROM_PROVIDER]
    answered.write("\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode("latin-1"))
    answered.flush()
    for piece in returned.body:
        answered.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        answered.flush()
    answered.write(b"0\r\n\r\n")
    answered.flush()


def _refuse(answered: BinaryIO, status: int, message: str) -> bool:
    content = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": message}}).encode()
    head = f"HTTP/1.1 {status} {http.client.responses[status]}\r\nContent-Type: application/json\r\n"
    answered.write(f"{head}Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode() + content)
    answered.flush()
    return False
