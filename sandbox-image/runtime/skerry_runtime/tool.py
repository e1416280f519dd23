"""What a tool is: what it takes, what it may use, what it answers."""

import hashlib
import threading
from collections.abc import Callable
from typing import NamedTuple

from skerry_runtime.wire import Gateway, Json
from skerry_runtime.workspace import Workspace

TITLE_CHARACTERS = 120


class Mistake(Exception):
    """The model asked for something that cannot be; the message says what can."""


class Result(NamedTuple):
    """What a tool answers; the summary is one line for people."""

    text: str
    summary: str
    is_error: bool = False


class Shell:
    """What one shell command leaves for the next: the folder, and whatever else a shell remembers."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.memory = b""


class Context(NamedTuple):
    """What one call may use."""

    turn: str
    call: str
    gateway: Gateway
    workspace: Workspace
    limit: int
    cancelled: threading.Event
    show: Callable[[str], None]
    shell: Shell

    @property
    def key(self) -> str:
        """A name for this call that is the same however often it is made."""
        return hashlib.sha256(f"{self.turn}/{self.call}".encode()).hexdigest()[:32]


class Parameter(NamedTuple):
    """One argument of a tool."""

    kind: type
    required: bool = True


class Tool(NamedTuple):
    """One tool, as the loop runs it."""

    parameters: dict[str, Parameter]
    run: Callable[[Context, Json], Result]
    title: Callable[[Json], str]
    changes_files: bool = False
    is_swift: bool = False
    """Starts no process and changes nothing, so that several can run at once."""


def one_line(text: str) -> str:
    """The first line that says something, shortened."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1] + "…"


def clip(text: str, limit: int) -> str:
    """The text, or as much of its beginning as the limit in bytes allows."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return text
    return encoded[:limit].decode("utf-8", "ignore") + f"\n[cut after {limit} of {len(encoded)} bytes]"
