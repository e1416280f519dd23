"""A gateway without a control plane: a scripted model and everything else in memory, for tests and evaluations."""

import hashlib
import os
from collections.abc import Callable

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
    Profile,
    Refused,
    Session,
    State,
    ToolCall,
    ToolResult,
    Turn,
    Upload,
)

Model = Callable[[list[Json]], list[Json]]


class DirectGateway:
    """Asks `model`, which sees the conversation and answers with content, as the control plane would ask a provider."""

    def __init__(self, profile: Profile, model: Model) -> None:
        self._profile = profile
        self._model = model
        self._turns: list[Turn] = []
        self._open: list[ToolCall] = []
        self._answers: dict[tuple[str, int], Answer] = {}
        self._objects: dict[str, bytes] = {}
        self.conversation: list[Json] = []
        self.events: list[Event] = []
        self.tools: list[list[str]] = []
        self.workspace: list[FileEntry] = []
        self.outcomes: dict[str, Outcome] = {}

    def submit(self, turn: str, text: str) -> Turn:
        """Adds a turn with a message of the user."""
        content: list[Json] = [{"type": "text", "text": text}]
        self.conversation.append({"role": "user", "content": content})
        made: Turn = {"id": turn, "attempt": 1, "input": content, "next_seq": 1}
        self._turns.append(made)
        return made

    def content(self, path: str) -> bytes:
        """The stored bytes of a file; raises KeyError."""
        return self._objects[{entry["path"]: entry["sha256"] for entry in self.workspace}[path]]

    def hello(self, probes: list[Probe]) -> Session:
        """Always welcome."""
        return {"session_id": "ses_direct", "incarnation": 1, "profile": self._profile}

    def state(self) -> State:
        """What is known."""
        turn = self._turns[0] if self._turns else None
        return {"incarnation": 1, "turn": turn, "open_tool_calls": self._open, "workspace": self.workspace}

    def next(self, wait: int) -> Next:
        """The next turn, or the end."""
        return {"turn": self._turns[0]} if self._turns else {"directive": "stop"}

    def llm(self, turn: str, seq: int, new_messages: list[ToolResult], tools: list[str]) -> Answer:
        """Asks the model once for each number."""
        self.tools.append(tools)
        if (turn, seq) in self._answers:
            return self._answers[turn, seq]
        if {message["tool_call_id"] for message in new_messages} != {call["id"] for call in self._open}:
            raise Refused(422, "invalid_request", "one result for each open tool call, and nothing else")
        self.conversation.extend({**message} for message in new_messages)
        content = self._model(self.conversation)
        self._open = [
            {"id": part["id"], "name": part["name"], "arguments": part["arguments"]}
            for part in content
            if part["type"] == "tool_call"
        ]
        self.conversation.append({"role": "assistant", "content": content})
        answer: Answer = {
            "message": {
                "id": f"msg_{len(self.conversation)}",
                "role": "assistant",
                "stop_reason": "tool_use" if self._open else "end_turn",
                "content": content,
            }
        }
        self._answers[turn, seq] = answer
        for waiting in self._turns:
            if waiting["id"] == turn:
                waiting["next_seq"] = seq + 1
        return answer

    def emit(self, event: Event) -> None:
        """Keeps the event."""
        self.events.append(event)

    def heartbeat(self, turn: str | None) -> Directive | None:
        """Nobody interferes."""
        return None

    def uploads(self, files: list[FileEntry]) -> list[Upload]:
        """Takes what it does not have."""
        return [
            {"path": file["path"], "have": True}
            if file["sha256"] in self._objects
            else {"path": file["path"], "url": f"/{file['sha256']}"}
            for file in files
        ]

    def upload(self, url: str, size: int, descriptor: int) -> None:
        """Stores the bytes that the URL pins."""
        data = os.pread(descriptor, size, 0)
        sha256 = hashlib.sha256(data).hexdigest()
        if url != f"/{sha256}":
            raise Refused(422, "invalid_request", "other bytes than announced")
        self._objects[sha256] = data

    def downloads(self) -> list[Download]:
        """Where the stored files are."""
        return [{**entry, "url": f"/{entry['sha256']}"} for entry in self.workspace]

    def download(self, url: str, size: int, descriptor: int) -> None:
        """Writes the stored bytes."""
        os.pwrite(descriptor, self._objects[url[1:]], 0)

    def manifest(self, turn: str | None, files: list[FileEntry]) -> int:
        """Replaces the workspace."""
        if any(file["sha256"] not in self._objects for file in files):
            raise Refused(422, "invalid_request", "a file was not uploaded")
        self.workspace = files
        return 1

    def relay(self, listener: int) -> None:
        """There are no providers here."""

    def http(self, key: str, order: Json) -> Json:
        """There is no way out of here."""
        raise Refused(403, "policy_denied", f"No rule allows {order['method']} {order['url']}.")

    def flushed(self) -> None:
        """Nothing is ever frozen here."""

    def outcome(self, turn: str, outcome: Outcome) -> None:
        """Ends the turn."""
        self._turns = [waiting for waiting in self._turns if waiting["id"] != turn]
        self._open = []
        self.outcomes[turn] = outcome
