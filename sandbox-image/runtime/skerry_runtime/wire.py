"""The shapes of the gateway protocol, and the one interface behind which a control plane may stand."""

import time
from typing import Any, Literal, Protocol, TypedDict

Json = dict[str, Any]
Directive = Literal["flush", "cancel", "stop"]
Status = Literal["completed", "failed", "cancelled", "limit"]


class Probe(TypedDict):
    """One answer of the probe suite."""

    id: str
    result: Literal["pass", "fail", "unsupported"]
    detail: str


class ToolSpec(TypedDict):
    """A tool as the control plane pinned it when the session was created."""

    name: str
    description: str
    input_schema: Json


class AgentProgram(TypedDict):
    """A program that works in the place of the loop."""

    command: list[str]


class _Profile(TypedDict):
    """What every profile says."""

    name: str
    tools: list[ToolSpec]
    max_steps: int
    tool_output_bytes: int


class Profile(_Profile, total=False):
    """What this session may do."""

    max_turn_seconds: float
    agent: AgentProgram


class Session(TypedDict):
    """The answer to hello, without the token: that stays in the gateway."""

    session_id: str
    incarnation: int
    profile: Profile


class Turn(TypedDict):
    """One piece of work; `next_seq` is the number that its next model call must carry."""

    id: str
    attempt: int
    input: list[Json]
    next_seq: int


class ToolCall(TypedDict):
    """What the model asks to run."""

    id: str
    name: str
    arguments: Json


class FileEntry(TypedDict):
    """One file of the workspace."""

    path: str
    size: int
    sha256: str


class State(TypedDict):
    """Everything needed to go on after a death."""

    incarnation: int
    turn: Turn | None
    open_tool_calls: list[ToolCall]
    workspace: list[FileEntry]


class Next(TypedDict, total=False):
    """The answer to a poll: a turn, a directive, or neither."""

    turn: Turn
    directive: Directive


class ToolResult(TypedDict):
    """A message that answers one tool call."""

    role: Literal["tool"]
    tool_call_id: str
    content: list[Json]
    is_error: bool


class Assistant(TypedDict):
    """What the model said."""

    id: str
    role: Literal["assistant"]
    stop_reason: str
    content: list[Json]


class _Answer(TypedDict):
    """What every answer holds."""

    message: Assistant


class Answer(_Answer, total=False):
    """The authoritative answer to a model call."""

    budget: Json


class Event(TypedDict):
    """Something that people may want to see; its number is given when it is sent."""

    type: str
    at: str
    data: Json


class Outcome(TypedDict):
    """How a turn ended."""

    status: Status
    result: str
    reason: str | None
    files: list[str]


class Upload(TypedDict, total=False):
    """Where a file's bytes go, or that they are there already."""

    path: str
    have: bool
    url: str


class Download(TypedDict):
    """Where a file's bytes are."""

    path: str
    size: int
    sha256: str
    url: str


class Refused(Exception):
    """The control plane understood and said no; `code` is the protocol's stable code."""

    def __init__(self, status: int, code: str, detail: str, reason: str | None = None) -> None:
        super().__init__(f"{code} ({status}): {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.reason = reason
        self.retry_after = 0.0

    @staticmethod
    def of(status: int, problem: Json) -> "Refused":
        """The refusal that a problem document describes."""
        return Refused(
            int(problem.get("status") or status),
            str(problem.get("code") or "unknown"),
            str(problem.get("detail") or problem.get("title") or "no detail given"),
            problem.get("reason"),
        )


class Gateway(Protocol):
    """All that the loop may ask of the world outside. Every method may raise `Refused`."""

    def hello(self, probes: list[Probe]) -> Session:
        """Introduces this incarnation."""

    def state(self) -> State:
        """What the control plane remembers."""

    def next(self, wait: int) -> Next:
        """Waits up to `wait` seconds for something to do."""

    def llm(self, turn: str, seq: int, new_messages: list[ToolResult], tools: list[str]) -> Answer:
        """Asks the model; a repeat with the same turn and number costs nothing."""

    def emit(self, event: Event) -> None:
        """Queues an event and returns at once."""

    def heartbeat(self, turn: str | None) -> Directive | None:
        """Shows life, during a turn or before one."""

    def uploads(self, files: list[FileEntry]) -> list[Upload]:
        """Asks where to put these files."""

    def upload(self, url: str, size: int, descriptor: int) -> None:
        """Sends the first `size` bytes of an open file."""

    def downloads(self) -> list[Download]:
        """Where the stored workspace can be read."""

    def download(self, url: str, size: int, descriptor: int) -> None:
        """Writes `size` bytes into an open, empty file."""

    def manifest(self, turn: str | None, files: list[FileEntry]) -> int:
        """Declares the whole workspace as of now."""

    def relay(self, listener: int) -> None:
        """Offers the model providers to whoever connects to this socket."""

    def http(self, key: str, order: Json) -> Json:
        """Has a request to the world outside made, once for each key."""

    def flushed(self) -> None:
        """Says that the workspace is stored and this sandbox may be frozen."""

    def outcome(self, turn: str, outcome: Outcome) -> None:
        """Ends a turn."""


def event(kind: str, data: Json) -> Event:
    """An event that happened now."""
    now = time.time()
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
    return {"type": kind, "at": at, "data": data}


def log_event(level: str, text: str) -> Event:
    """A line for the operator."""
    return event("sandbox.log", {"level": level, "text": text})


def tool_result(call: str, text: str, is_error: bool) -> ToolResult:
    """The message that answers a call."""
    return {
        "role": "tool",
        "tool_call_id": call,
        "content": [{"type": "text", "text": text}],
        "is_error": is_error,
    }
