"""The control plane over HTTP: tokens, leases, retries and errors as the protocol says."""

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit

from skerry_runtime import VERSION, exits
from skerry_runtime.clock import AwakeClock, BackOff, jitter
from skerry_runtime.event_queue import EventQueue
from skerry_runtime.http_client import Connections, Reader, Request, chunks, read_json, save, stream
from skerry_runtime.relay import Forwarded, Returned
from skerry_runtime.relay import serve as serve_models
from skerry_runtime.wire import (
    Answer,
    Directive,
    Download,
    Event,
    FileEntry,
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

CALL_SECONDS = 30.0
OBJECT_SECONDS = 60.0
BROKERED_SECONDS = 90.0
SILENCE_SECONDS = 120.0
BOOT_SECONDS = 60.0
ORDER_SECONDS = 2.0

_EXITS = {
    "unauthorized": exits.UNAUTHORIZED,
    "token_spent": exits.UNAUTHORIZED,
    "probe_failed": exits.PROBE_FAILED,
    "fenced": exits.FENCED,
    "session_ended": exits.ENDED,
}


class Abandoned(Exception):
    """Whoever asked is gone, so the answer is worth nothing."""


class _Call(NamedTuple):
    """One call of the protocol. `body` is built anew for each attempt; `url` calls carry no token."""

    method: str
    path: str
    body: Callable[[], Json] | None = None
    content: Callable[[], Iterator[bytes]] | None = None
    size: int = 0
    read: Reader = read_json
    timeout: float = CALL_SECONDS
    accept: str = "application/json"
    bearer: bool = True
    renew: bool = True
    interruptible: bool = False
    key: str | None = None


class ControlPlaneGateway:
    """Holds the session token, and is the only thing in a sandbox that does."""

    def __init__(
        self,
        url: str,
        session: str,
        boot_token: str,
        driver: str,
        end: Callable[[int], NoReturn],
        is_abandoned: Callable[[], bool] = lambda: False,
    ) -> None:
        """`end` leaves the process with an exit code: some refusals are final."""
        self._connections = Connections(url)
        self._base = urlsplit(url).path.rstrip("/") + "/sandbox/v1/"
        self._session = session
        self._token = boot_token
        self._driver = driver
        self._probes: list[Probe] = []
        self._end = end
        self._is_abandoned = is_abandoned
        self._renewal = threading.Lock()
        self._clock = AwakeClock(self._connections.drop)
        self._lease = BOOT_SECONDS
        self._answered = 0.0
        self._events = EventQueue(self._send_events)

    def start(self) -> None:
        """Starts the threads that count time and send events."""
        self._clock.start()
        self._events.start()

    def hello(self, probes: list[Probe]) -> Session:
        """Exchanges the boot token, repeating the same nonce until an answer arrives."""
        self._probes = probes
        return self._introduce()

    def state(self) -> State:
        """What the control plane remembers."""
        state: State = self._call(_Call("GET", "state"))
        return state

    def next(self, wait: int) -> Next:
        """Waits up to `wait` seconds for something to do."""
        answer: Next | None = self._call(_Call("GET", f"next?wait={wait}", timeout=wait + 10.0, interruptible=True))
        return answer or {}

    def llm(self, turn: str, seq: int, new_messages: list[ToolResult], tools: list[str]) -> Answer:
        """Asks the model, after the events so far; the control plane publishes deltas, so only the last counts."""
        self._events.drain(ORDER_SECONDS)
        body = {"turn": turn, "seq": seq, "new_messages": new_messages, "tools": tools, "tool_choice": "auto"}
        answer: Answer = self._call(
            _Call(
                "POST", "llm", lambda: body, read=self._read_stream, timeout=SILENCE_SECONDS, accept="text/event-stream"
            )
        )
        return answer

    def emit(self, event: Event) -> None:
        """Queues an event and returns at once."""
        self._events.append(event)

    def heartbeat(self, turn: str | None) -> Directive | None:
        """Shows life, during a turn or before one."""
        answer = self._call(_Call("POST", "heartbeat", lambda: {"turn": turn})) or {}
        directive: Directive | None = answer.get("directive")
        return directive

    def uploads(self, files: list[FileEntry]) -> list[Upload]:
        """Asks where to put these files."""
        uploads: list[Upload] = self._call(_Call("POST", "files/uploads", lambda: {"files": files}))["files"]
        return uploads

    def upload(self, url: str, size: int, descriptor: int) -> None:
        """Sends the first `size` bytes of an open file."""
        self._call(
            _Call("PUT", url, content=lambda: chunks(descriptor, size), size=size, bearer=False, timeout=OBJECT_SECONDS)
        )

    def downloads(self) -> list[Download]:
        """Where the stored workspace can be read."""
        downloads: list[Download] = self._call(_Call("POST", "files/downloads", lambda: {"paths": None}))["files"]
        return downloads

    def download(self, url: str, size: int, descriptor: int) -> None:
        """Writes `size` bytes into an open, empty file."""
        self._call(
            _Call(
                "GET", url, read=lambda response: save(response, size, descriptor), bearer=False, timeout=OBJECT_SECONDS
            )
        )

    def manifest(self, turn: str | None, files: list[FileEntry]) -> int:
        """Declares the whole workspace as of now."""
        return int(self._call(_Call("PUT", "files/manifest", lambda: {"turn": turn, "files": files}))["version"])

    def relay(self, listener: int) -> None:
        """Offers the model providers to whoever connects to this socket."""
        own = socket.socket(fileno=os.dup(listener))
        threading.Thread(target=serve_models, args=(own, self._forward), name="relay", daemon=True).start()

    def _forward(self, call: Forwarded) -> Returned:
        """Passes a program's call on with the token; one that is no longer good is renewed, or ends all this."""
        returned = self._connections.open(self._outgoing(call))
        if returned.status in (401, 409, 410):
            self.state()
            returned = self._connections.open(self._outgoing(call))
        self._answered = self._clock.now()
        return returned

    def _outgoing(self, call: Forwarded) -> Request:
        headers = {**call.headers, "Authorization": f"Bearer {self._token}"}
        return Request(call.method, f"{self._base}llm{call.path}", call.body, headers, SILENCE_SECONDS, False)

    def http(self, key: str, order: Json) -> Json:
        """Has a request to the world outside made, once for each key."""
        answer: Json = self._call(_Call("POST", "http", lambda: order, timeout=BROKERED_SECONDS, key=key))
        return answer

    def flushed(self) -> None:
        """Says that the workspace is stored and this sandbox may be frozen."""
        self._events.drain(ORDER_SECONDS)
        self._call(_Call("POST", "flushed", dict))

    def outcome(self, turn: str, outcome: Outcome) -> None:
        """Ends a turn, after its events."""
        self._events.drain(ORDER_SECONDS)
        self._call(_Call("POST", f"turns/{turn}/outcome", lambda: dict(outcome)))

    def _send_events(self, batch: Callable[[], list[Json]]) -> int:
        return int(self._call(_Call("POST", "events", lambda: {"events": batch()}))["accepted_up_to"])

    def _introduce(self) -> Session:
        nonce = os.urandom(16).hex()
        body = {
            "nonce": nonce,
            "runtime_version": VERSION,
            "driver": self._driver,
            "probes": self._probes,
        }
        answer = self._call(_Call("POST", "hello", lambda: body, renew=False))
        if answer["session_id"] != self._session:
            self._leave(exits.UNAUTHORIZED, "the control plane answered for another session")
        self._events.restart_numbering()
        self._token = answer["session_token"]
        self._lease = float(answer["lease_seconds"])
        return {
            "session_id": answer["session_id"],
            "incarnation": answer["incarnation"],
            "profile": answer["profile"],
        }

    def _renew(self, stale: str) -> None:
        with self._renewal:
            if self._token == stale:
                self._introduce()

    def _call(self, call: _Call) -> Any:
        back_off = BackOff()
        while True:
            if self._is_abandoned():
                raise Abandoned
            token = self._token
            try:
                answer = self._connections.exchange(self._request(call, token), call.read)
                self._answered = self._clock.now()
                return answer
            except Refused as refused:
                wait = self._judge(call, refused, token, back_off)
            except (OSError, HTTPException, EOFError, ValueError) as failure:
                self._check_lease(type(failure).__name__)
                wait = back_off.next()
            self._clock.sleep(wait)

    def _request(self, call: _Call, token: str) -> Request:
        headers = {"Accept": call.accept}
        payload: bytes | Iterator[bytes] | None = None
        if call.body is not None:
            payload = json.dumps(call.body(), ensure_ascii=False).encode("utf-8", "replace")
            headers["Content-Type"] = "application/json"
        elif call.content is not None:
            payload = call.content()
            headers["Content-Length"] = str(call.size)
            headers["Content-Type"] = "application/octet-stream"
        if call.key is not None:
            headers["Idempotency-Key"] = call.key
        path = call.path
        if call.bearer:
            headers["Authorization"] = f"Bearer {token}"
            path = self._base + path
        return Request(call.method, path, payload, headers, call.timeout, call.interruptible)

    def _judge(self, call: _Call, refused: Refused, token: str, back_off: BackOff) -> float:
        """The seconds to wait before another attempt; raises when the answer is no, leaves when it is final."""
        if call.bearer and refused.code == "lease_expired" and call.renew:
            self._renew(token)
            return 0.0
        if call.bearer and (refused.status == 401 or refused.code in _EXITS):
            self._leave(_EXITS.get(refused.code, exits.UNAUTHORIZED), str(refused))
        if refused.status in (429, 503):
            self._answered = self._clock.now()
            return max(jitter(refused.retry_after), back_off.next())
        if refused.status >= 500 and refused.code != "model_error":
            self._check_lease(str(refused))
            return back_off.next()
        self._answered = self._clock.now()
        raise refused

    def _check_lease(self, failure: str) -> None:
        if self._clock.now() - self._answered > self._lease:
            self._leave(exits.UNREACHABLE, f"no answer for {self._lease:.0f} seconds, last failure: {failure}")

    def _leave(self, code: int, why: str) -> NoReturn:
        print(f"skerry-runtime: leaving with {code}: {why}", file=sys.stderr, flush=True)
        self._end(code)

    def _read_stream(self, response: HTTPResponse) -> Any:
        if "text/event-stream" not in (response.getheader("Content-Type") or ""):
            return read_json(response)
        for kind, data in stream(response):
            if self._is_abandoned():
                raise Abandoned
            if kind == "message":
                return json.loads(data)
            if kind == "error":
                return Refused.of(500, json.loads(data))
        raise EOFError("the stream ended without an answer")
