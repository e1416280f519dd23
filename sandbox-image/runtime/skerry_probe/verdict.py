"""What a probe is told and what it answers."""

import json
import os
import signal
from collections.abc import Callable
from typing import Literal, NamedTuple, TypedDict

CHILD_SECONDS = 5
MOST_DETAIL = 480

Result = Literal["pass", "fail", "unsupported"]


class Answer(TypedDict):
    """One line of the report."""

    id: str
    result: Result
    detail: str


class Verdict(NamedTuple):
    """What was found; `result` is unsupported only for what cannot be had or tried here, and says why."""

    result: Result
    detail: str

    @staticmethod
    def holds(holds: bool, detail: str) -> "Verdict":
        """A verdict on something that could be tried."""
        return Verdict("pass" if holds else "fail", detail)


class Target(NamedTuple):
    """Somewhere that must not be reached; the kind is tcp, udp, sandbox or internal."""

    kind: str
    host: str
    port: int


class Surroundings(NamedTuple):
    """What a probe looks at; a process id of 0 stands for a process that is not to be seen."""

    init: int
    gateway: int
    driver: str
    runtime: str
    workspace: str
    targets: tuple[Target, ...] = ()
    in_full: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether the sandbox lives on a machine, and with a user, that are not its own."""
        return self.driver in ("plain", "bubblewrap")

    @property
    def holders(self) -> list[int]:
        """The processes that know the token, or knew it."""
        return [pid for pid in (self.gateway, self.init) if pid]


def in_child(work: Callable[[], object]) -> object:
    """What `work` gives in a process of its own, so that what it changes does not last; raises OSError."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.alarm(CHILD_SECONDS)
            os.write(writing, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    if not said:
        raise OSError("the process that tried it died")
    return json.loads(said)


def listed(found: list[str], otherwise: str) -> Verdict:
    """Passes when nothing was found."""
    return Verdict.holds(not found, some(found) if found else otherwise)


def some(found: list[str]) -> str:
    """The first few."""
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    return ", ".join(found[:8]) + more
