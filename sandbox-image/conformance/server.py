#!/usr/bin/env python3
"""A small control plane that keeps the gateway protocol to the letter, for tests and for trying a sandbox by hand.

    python3 sandbox-image/conformance/server.py --port 8085 --task "Write a haiku"

prints the line that starts a sandbox against it, plays a script as the model, and shows every event.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

Json = dict[str, Any]
Provider = Callable[[str, Json], tuple[str, Iterable[bytes]]]
Model = Callable[[list[Json]], list[Json]]

TOOLS = ("bash", "python", "read", "write", "edit", "ls", "glob", "grep", "http", "todo", "ask_user", "done")
EVENT_TYPES = ("tool.started", "tool.output", "tool.finished", "file.changed", "sandbox.log")
LLM_FIELDS = {"turn", "seq", "new_messages", "tools", "tool_choice"}
MOST_EVENTS = 100
MOST_EVENT_BYTES = 256 * 1024


def text(said: str) -> Json:
    """A piece of an answer."""
    return {"type": "text", "text": said}


def call(identifier: str, name: str, **arguments: Any) -> Json:
    """A tool call in an answer."""
    return {"type": "tool_call", "id": identifier, "name": name, "arguments": arguments}


def script(*answers: list[Json]) -> Model:
    """A model that says these things one after the other."""
    waiting = list(answers)

    def model(_conversation: list[Json]) -> list[Json]:
        return waiting.pop(0) if waiting else [text("I have nothing more to say.")]

    return model


class Problem(Exception):
    """A refusal."""

    def __init__(self, status: int, code: str, detail: str = "", **members: Any) -> None:
        super().__init__(code)
        self.status = status
        self.document = {
            "type": "about:blank",
            "title": code.replace("_", " "),
            "status": status,
            "detail": detail or code,
            "code": code,
            "request_id": "req_test",
            **members,
        }


class Token(NamedTuple):
    """Whom a bearer stands for."""

    incarnation: int
    is_boot: bool


class Turn:
    """One turn and what became of it."""

    def __init__(self, identifier: str, said: str) -> None:
        self.id = identifier
        self.input = [text(said)]
        self.attempt = 0
        self.given_to = 0
        self.answers: dict[int, Json] = {}
        self.asked: set[int] = set()
        self.open: list[Json] = []
        self.outcome: Json | None = None
        self.cancelled = False

    def give(self, incarnation: int) -> Json:
        """As an incarnation sees it; another one than the last makes another attempt."""
        if self.given_to != incarnation:
            self.given_to, self.attempt = incarnation, self.attempt + 1
        return self.document()

    def document(self) -> Json:
        """As the protocol shows it."""
        return {"id": self.id, "attempt": self.attempt, "input": self.input, "next_seq": len(self.answers) + 1}


class ControlPlane:
    """One session. All that a test wants to see or do is a method or a field; `changed` guards them."""

    def __init__(self, model: Model, max_steps: int = 50, tool_output_bytes: int = 65536, port: int = 0) -> None:
        self.session = "ses_conformance"
        self.model = model
        self.changed = threading.Condition()
        self.incarnation = 0
        self.lease_seconds = 60.0
        self.tokens: dict[str, Token] = {}
        self.greetings: dict[str, tuple[str, Json]] = {}
        self.hellos: list[Json] = []
        self.expired = False
        self.tolerated: set[str] = set()
        self.resuming = False
        self.ended = False
        self.is_gone = False
        self.turns: list[Turn] = []
        self.turn_prefix = "trn_"
        self.conversation: list[Json] = []
        self.model_calls = 0
        self.model_problem: Problem | None = None
        self.events: list[Json] = []
        self.event_numbers: dict[int, int] = {}
        self.directive: str | None = None
        self.flushes = 0
        self.heartbeats = 0
        self.workspace: list[Json] = []
        self.version = 0
        self.objects: dict[str, bytes] = {}
        self.tickets: dict[str, tuple[int, str]] = {}
        self.requests: list[str] = []
        self.answered_requests: dict[str, tuple[Json, Json]] = {}
        self.target: Target | None = None
        self.lose: list[str] = []
        self.busy: list[str] = []
        self.provider: Provider | None = None
        self.passed_on: list[Json] = []
        self.profile: Json = {
            "name": "default",
            "tools": [{"name": name, "description": name, "input_schema": {"type": "object"}} for name in TOOLS],
            "max_steps": max_steps,
            "tool_output_bytes": tool_output_bytes,
        }
        handler = type("_Handler", (_Handler,), {"plane": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stops answering."""
        self._server.shutdown()
        self._server.server_close()

    def end_answers(self) -> None:
        """Drops every connection from now on, also those of who waits."""
        with self.changed:
            self.is_gone = True
            self.changed.notify_all()

    def boot(self) -> dict[str, str]:
        """The three variables for a new incarnation."""
        with self.changed:
            self.incarnation += 1
            token = f"boot-{self.incarnation}-{os.urandom(16).hex()}"
            self.tokens[token] = Token(self.incarnation, True)
            self.changed.notify_all()
        return {"SESSION_TOKEN": token, "CONTROL_PLANE_URL": self.url, "SESSION_ID": self.session}

    def submit(self, said: str) -> Turn:
        """A message of the user."""
        with self.changed:
            turn = Turn(f"{self.turn_prefix}{len(self.turns) + 1}", said)
            self.turns.append(turn)
            self.conversation.append({"role": "user", "content": turn.input})
            self.changed.notify_all()
            return turn

    def direct(self, directive: str) -> None:
        """Queues a directive for the next poll or heartbeat."""
        with self.changed:
            self.directive = directive
            self.changed.notify_all()

    def expire(self) -> None:
        """The lease is over, as after a long freeze, and a resume is under way."""
        with self.changed:
            self.expired = True
            self.resuming = True
            self.changed.notify_all()

    def end(self) -> None:
        """The session is over."""
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        """Waits for something to become true; raises TimeoutError with what was seen."""
        with self.changed:
            if not self.changed.wait_for(holds, seconds):
                seen = f"not lost: {self.lose}; requests: {self.requests[-12:]}; events: {self.events[-4:]}"
                raise TimeoutError(f"not within {seconds} s; {seen}")

    def wait_for_news(self, seconds: float) -> None:
        """Waits for the next request that changes anything."""
        with self.changed:
            self.changed.wait(seconds)

    @property
    def running(self) -> Turn | None:
        """The first turn without an outcome."""
        return next((turn for turn in self.turns if turn.outcome is None), None)

    def event_data(self, kind: str) -> list[Json]:
        """The data of all events of a type."""
        return [event["data"] for event in self.events if event["type"] == kind]

    def authorise(self, bearer: str) -> Token:
        """Whom a session token stands for."""
        if self.ended:
            raise Problem(410, "session_ended")
        token = self.tokens.get(bearer)
        if token is None:
            raise Problem(401, "unauthorized")
        if token.is_boot:
            raise Problem(401, "token_spent" if bearer in self.greetings else "unauthorized")
        if token.incarnation < self.incarnation:
            raise Problem(409, "fenced")
        if self.expired:
            raise Problem(401, "lease_expired")
        return token

    def hello(self, bearer: str, body: Json) -> Json:
        """Exchanges a token, once for each nonce."""
        if self.ended:
            raise Problem(410, "session_ended")
        token = self.tokens.get(bearer)
        if token is None:
            raise Problem(401, "unauthorized")
        nonce = str(body.get("nonce"))
        if not re.fullmatch("[0-9a-f]{32}", nonce):
            raise Problem(422, "invalid_request", "nonce must be 32 lower-case hex characters")
        if bearer in self.greetings:
            before, answer = self.greetings[bearer]
            if before != nonce:
                raise Problem(401, "token_spent")
            return answer
        if token.incarnation < self.incarnation:
            raise Problem(409, "fenced")
        if not token.is_boot:
            if not self.resuming:
                raise Problem(401, "unauthorized")
            self.incarnation += 1
        if any(probe["result"] == "fail" and probe["id"] not in self.tolerated for probe in body["probes"]):
            raise Problem(403, "probe_failed")
        self.resuming = self.expired = False
        self.hellos.append(body)
        session_token = os.urandom(32).hex()
        self.tokens[session_token] = Token(self.incarnation, False)
        answer = {
            "session_token": session_token,
            "session_id": self.session,
            "incarnation": self.incarnation,
            "lease_seconds": self.lease_seconds,
            "profile": self.profile,
        }
        self.greetings[bearer] = (nonce, answer)
        return answer

    def state(self) -> Json:
        """All that is known."""
        turn = self.running
        return {
            "incarnation": self.incarnation,
            "turn": turn.give(self.incarnation) if turn else None,
            "open_tool_calls": turn.open if turn else [],
            "workspace": self.workspace,
            "budget": {"remaining_usd": 1.0},
        }

    def next(self, bearer: str, wait: float) -> Json | None:
        """A turn, a directive, or nothing in time."""
        deadline = time.monotonic() + min(wait, 30)
        while True:
            if self.is_gone:
                raise ConnectionAbortedError
            self.authorise(bearer)
            if self.directive is not None:
                directive, self.directive = self.directive, None
                return {"directive": directive}
            if self.running is not None:
                if self.running.cancelled:
                    return {"directive": "cancel"}
                return {"turn": self.running.give(self.incarnation)}
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.changed.wait(left)

    def find_turn(self, identifier: str) -> Turn:
        """The running turn of this name."""
        turn = next((turn for turn in self.turns if turn.id == identifier), None)
        if turn is None:
            raise Problem(422, "invalid_request", "no such turn")
        if turn.outcome is not None:
            raise Problem(409, "turn_over")
        turn.give(self.incarnation)
        return turn

    def accept_results(self, body: Json) -> tuple[Turn, Json | None]:
        """Stores the tool results of a model call, or answers what is stored for its number."""
        if not set(body) <= LLM_FIELDS:
            raise Problem(422, "invalid_request", f"a model call has {sorted(LLM_FIELDS)} and nothing else")
        turn, seq, results = self.find_turn(body["turn"]), body["seq"], body["new_messages"]
        if seq in turn.answers:
            return turn, turn.answers[seq]
        if seq in turn.asked:
            self.changed.wait_for(lambda: seq in turn.answers, 30)
            return turn, turn.answers[seq]
        if self.model_problem is not None:
            raise self.model_problem
        if seq != len(turn.answers) + 1:
            raise Problem(422, "invalid_request", f"seq must be {len(turn.answers) + 1}")
        if any(each["role"] != "tool" for each in results):
            raise Problem(422, "invalid_request", "tool results only")
        wanted = sorted(each["id"] for each in turn.open)
        if sorted(each["tool_call_id"] for each in results) != wanted:
            raise Problem(422, "invalid_request", f"one result for each of {wanted}")
        if not set(body.get("tools", TOOLS)) <= set(TOOLS):
            raise Problem(422, "invalid_request", "unknown tool")
        turn.open = []
        turn.asked.add(seq)
        self.conversation.extend(results)
        self.model_calls += 1
        return turn, None

    def store_answer(self, turn: Turn, seq: int, content: list[Json]) -> Json:
        """Keeps what the model said before anybody reads it."""
        turn.open = [{key: part[key] for key in ("id", "name", "arguments")} for part in content if "arguments" in part]
        message = {
            "id": f"msg_{turn.id}_{seq}",
            "role": "assistant",
            "stop_reason": "tool_use" if turn.open else "end_turn",
            "content": content,
        }
        self.conversation.append(message)
        turn.answers[seq] = {
            "message": message,
            "usage": {"input_tokens": 1, "output_tokens": 1, "cost_usd": 0.0001},
            "budget": {"remaining_usd": 1.0},
        }
        return turn.answers[seq]

    def accept_events(self, token: Token, body: Json) -> Json:
        """Takes events in order, and skips what it has."""
        batch = body["events"]
        if len(batch) > MOST_EVENTS or len(json.dumps(batch)) > MOST_EVENT_BYTES:
            raise Problem(413, "too_large")
        if any(event["type"] not in EVENT_TYPES for event in batch):
            raise Problem(422, "invalid_request", f"a sandbox may send {EVENT_TYPES}")
        for event in batch:
            last = self.event_numbers.get(token.incarnation, 0)
            if event["seq"] == last + 1:
                self.event_numbers[token.incarnation] = event["seq"]
                self.events.append(event)
            elif event["seq"] > last + 1:
                raise Problem(422, "invalid_request", f"seq {event['seq']} after {last}")
        return {"accepted_up_to": self.event_numbers.get(token.incarnation, 0)}

    def heartbeat(self, body: Json) -> Json:
        """Passes on a directive."""
        self.heartbeats += 1
        if body["turn"] is None:
            return {"directive": None}
        turn = self.find_turn(body["turn"])
        if turn.cancelled:
            return {"directive": "cancel"}
        directive, self.directive = self.directive, None
        return {"directive": directive}

    def offer_uploads(self, body: Json) -> Json:
        """A pinned URL for everything it does not have."""
        answers: list[Json] = []
        for file in body["files"]:
            check_path(file["path"])
            if file["sha256"] in self.objects:
                answers.append({"path": file["path"], "have": True})
                continue
            ticket = os.urandom(8).hex()
            self.tickets[ticket] = (file["size"], file["sha256"])
            answers.append({"path": file["path"], "url": f"/objects/{ticket}", "expires_at": "2099-01-01T00:00:00Z"})
        return {"files": answers}

    def accept_manifest(self, body: Json) -> Json:
        """The workspace as of now."""
        for file in body["files"]:
            check_path(file["path"])
            if file["sha256"] not in self.objects:
                raise Problem(422, "invalid_request", "not uploaded")
        self.workspace = body["files"]
        self.version += 1
        return {"version": self.version}

    def offer_downloads(self) -> Json:
        """Every file of the workspace."""
        return {"files": [{**file, "url": f"{self.url}/objects/{file['sha256']}"} for file in self.workspace]}

    def accept_outcome(self, identifier: str, body: Json) -> None:
        """Ends a turn, once."""
        turn = next((turn for turn in self.turns if turn.id == identifier), None)
        if turn is None:
            raise Problem(404, "not_found")
        if body["status"] not in ("completed", "failed", "cancelled", "limit"):
            raise Problem(422, "invalid_request")
        if turn.outcome is not None and turn.outcome["status"] != body["status"]:
            raise Problem(409, "conflict")
        turn.outcome = turn.outcome or body
        turn.open = []

    def broker(self, key: str | None, body: Json) -> Json:
        """Makes a request to the target, once for each key; every other address is refused."""
        if not key:
            raise Problem(422, "invalid_request", "a brokered request needs an Idempotency-Key")
        request, answer = self.answered_requests.get(key, (None, {}))
        if request is not None and request != body:
            raise Problem(422, "invalid_request", "this key stands for another request")
        if request is None:
            allowed = self.target is not None and str(body.get("url")).startswith(self.target.url + "/")
            if not allowed or body.get("method") not in ("GET", "POST"):
                raise Problem(403, "policy_denied", "no rule allows this request")
            answer = self.target.ask(body) if self.target else {}
            self.answered_requests[key] = (body, answer)
        return answer

    def store(self, path: str, data: bytes) -> None:
        """Puts a file into the stored workspace, as an earlier incarnation would have."""
        sha256 = hashlib.sha256(data).hexdigest()
        with self.changed:
            self.objects[sha256] = data
            self.workspace = [file for file in self.workspace if file["path"] != path]
            self.workspace.append({"path": path, "size": len(data), "sha256": sha256})

    def content(self, path: str) -> bytes:
        """The stored bytes of a file."""
        with self.changed:
            return self.objects[{file["path"]: file["sha256"] for file in self.workspace}[path]]


class Target:
    """A server that brokered requests may be made to; counts them."""

    def __init__(self) -> None:
        self.hits = 0
        handler = type("_TargetHandler", (_TargetHandler,), {"target": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def ask(self, body: Json) -> Json:
        """The answer as the protocol shows it."""
        content, headers = (body.get("body") or "").encode(), body.get("headers") or {}
        request = Request(body["url"], content, headers, method=body["method"])
        with urlopen(request, timeout=10) as response:
            return {"status": response.status, "headers": {}, "body": response.read().decode(), "truncated": False}

    def close(self) -> None:
        """Stops answering."""
        self._server.shutdown()
        self._server.server_close()


class _TargetHandler(BaseHTTPRequestHandler):
    """Answers everything with a count."""

    target: ClassVar[Target]

    def do_GET(self) -> None:
        self._count()

    def do_POST(self) -> None:
        self._count()

    def log_message(self, format: str, *_arguments: Any) -> None:  # noqa: A002
        """Quiet."""

    def _count(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.target.hits += 1
        data = f"hit {self.target.hits}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def check_path(path: str) -> None:
    """The protocol's rule for paths."""
    segments = path.split("/")
    controls = any(ord(c) < 32 or ord(c) == 127 for c in path)
    if len(path.encode()) > 1024 or controls or not {"", ".", ".."}.isdisjoint(segments):
        raise Problem(422, "invalid_request", "bad path")


class _Server(ThreadingHTTPServer):
    """Threads for each connection; a sandbox that was killed is no news."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tells only of what is not a broken connection."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """HTTP around the control plane."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    plane: ClassVar[ControlPlane]

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def log_message(self, format: str, *_arguments: Any) -> None:  # noqa: A002
        """Quiet."""

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        self._body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
        try:
            if parts.path.startswith("/objects/"):
                self._object(parts.path.rpartition("/")[2])
                return
            route = parts.path.removeprefix("/sandbox/v1/")
            name = f"{self.command} {route}"
            with self.plane.changed:
                self.plane.requests.append(name)
                self.plane.changed.notify_all()
                if self.plane.is_gone:
                    raise ConnectionAbortedError
                if name in self.plane.busy:
                    self.plane.busy.remove(name)
                    raise Problem(503, "busy")
            if name == "POST llm":
                self._llm(name)
            elif route.startswith("llm/"):
                self._pass_on(name)
            else:
                wait = float(parse_qs(parts.query).get("wait", ["0"])[0])
                with self.plane.changed:
                    try:
                        answer = self._route(name, route, wait)
                    finally:
                        self.plane.changed.notify_all()
                self._send(name, 204 if answer is None else 200, answer)
        except Problem as problem:
            self._send("", problem.status, problem.document, "application/problem+json")
        except ConnectionError:
            self.close_connection = True

    def _route(self, name: str, route: str, wait: float) -> Json | None:
        plane, bearer = self.plane, self._bearer()
        body = json.loads(self._body) if self._body else {}
        if name == "POST hello":
            return plane.hello(bearer, body)
        token = plane.authorise(bearer)
        if body.get("session_id", plane.session) != plane.session:
            raise Problem(403, "policy_denied", "the session is that of the token")
        match name:
            case "GET state":
                return plane.state()
            case "GET next":
                return plane.next(bearer, wait)
            case "POST events":
                return plane.accept_events(token, body)
            case "POST heartbeat":
                return plane.heartbeat(body)
            case "POST flushed":
                plane.flushes += 1
                return None
            case "POST files/uploads":
                return plane.offer_uploads(body)
            case "POST files/downloads":
                return plane.offer_downloads()
            case "PUT files/manifest":
                return plane.accept_manifest(body)
            case "POST http":
                return plane.broker(self.headers.get("Idempotency-Key"), body)
        if name.startswith("POST turns/") and route.endswith("/outcome"):
            plane.accept_outcome(route.split("/")[1], body)
            return None
        raise Problem(404, "not_found")

    def _pass_on(self, name: str) -> None:
        """A call in a provider's own form, answered piece by piece."""
        with self.plane.changed:
            self.plane.authorise(self._bearer())
            self.plane.passed_on.append({key.lower(): value for key, value in self.headers.items()})
        if self.plane.provider is None:
            raise Problem(404, "not_found")
        kind, pieces = self.plane.provider(name, json.loads(self._body) if self._body else {})
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Set-Cookie", "stays=here")
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()
        self.close_connection = True

    def _llm(self, name: str) -> None:
        plane, body = self.plane, json.loads(self._body)
        with plane.changed:
            plane.authorise(self._bearer())
            turn, answer = plane.accept_results(body)
            conversation = list(plane.conversation)
            plane.changed.notify_all()
        streamed = "text/event-stream" in self.headers.get("Accept", "")
        if streamed:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._chunk(": keep-alive\n\n")
            self._event("delta", {"text": "…"})
        if answer is None:
            content = plane.model(conversation)
            with plane.changed:
                answer = plane.store_answer(turn, body["seq"], content)
                plane.changed.notify_all()
        if self._is_lost(name):
            return
        if streamed:
            self._event("message", answer)
            self.wfile.write(b"0\r\n\r\n")
        else:
            self._send(name, 200, answer)

    def _object(self, name: str) -> None:
        with self.plane.changed:
            if self.command == "GET":
                data = self.plane.objects.get(name)
            else:
                size, sha256 = self.plane.tickets.get(name, (-1, ""))
                if len(self._body) != size or hashlib.sha256(self._body).hexdigest() != sha256:
                    raise Problem(422, "invalid_request", "other bytes than pinned")
                self.plane.objects[sha256] = self._body
                data = b""
        if data is None:
            raise Problem(404, "not_found")
        self.send_response(200 if self.command == "GET" else 204)
        if self.command == "GET":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _bearer(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _is_lost(self, name: str) -> bool:
        with self.plane.changed:
            if name not in self.plane.lose:
                return False
            self.plane.lose.remove(name)
            self.plane.changed.notify_all()
        self.close_connection = True
        return True

    def _event(self, kind: str, data: Json) -> None:
        self._chunk(f"event: {kind}\ndata: {json.dumps(data)}\n\n")

    def _chunk(self, said: str) -> None:
        data = said.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _send(self, name: str, status: int, answer: Json | None, kind: str = "application/json") -> None:
        if self._is_lost(name):
            return
        data = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
        if status in (429, 503):
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(data)


def main() -> int:
    """Runs one session by hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8085)
    parser.add_argument("--task", default="Write a haiku about islands into haiku.txt.")
    parser.add_argument("--script", help="a JSON file: a list of answers, each a list of content parts")
    arguments = parser.parse_args()
    answers: list[list[Json]] = [
        [
            text("I write it down."),
            call("call_1", "bash", command="echo 'one small island' > haiku.txt; cat haiku.txt"),
        ],
        [call("call_2", "done", result="The haiku is in haiku.txt.", files=["haiku.txt"])],
    ]
    if arguments.script:
        with open(arguments.script, encoding="utf-8") as file:
            answers = json.load(file)
    plane = ControlPlane(script(*answers), port=arguments.port)
    turn = plane.submit(arguments.task)
    variables = " ".join(f"{name}={value}" for name, value in plane.boot().items())
    runtime = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "runtime", "skerry_runtime")
    print(f"In an empty folder: env -i {variables} {sys.executable} -B -I {os.path.normpath(runtime)}", flush=True)
    shown = 0
    while turn.outcome is None:
        plane.wait_for_news(3600)
        for event in plane.events[shown:]:
            print(json.dumps(event), flush=True)
            shown += 1
    print(json.dumps(turn.outcome), flush=True)
    plane.direct("stop")
    plane.wait(lambda: plane.directive is None)
    time.sleep(0.2)
    plane.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
