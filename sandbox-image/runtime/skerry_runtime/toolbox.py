"""Runs the tools of a session, tells people about it, and turns every mistake into an answer for the model."""

import threading
import time

from skerry_runtime import files, tools
from skerry_runtime.tools import Context, Mistake, Result, Tool
from skerry_runtime.wire import Gateway, Json, Profile, ToolCall, ToolResult, event, tool_result
from skerry_runtime.workspace import Workspace

FAILURES_BEFORE_NUDGE = 5
_NUDGE = (
    f"\n[{FAILURES_BEFORE_NUDGE} tool calls in a row have failed. Stop and think about what is wrong before the next, "
    "or end with done and say what could not be done.]"
)


class Toolbox:
    """The tools that both the profile and this runtime know."""

    def __init__(self, gateway: Gateway, profile: Profile, workspace: Workspace) -> None:
        self._gateway = gateway
        self._limit = profile["tool_output_bytes"]
        self._workspace = workspace
        self._folder = [workspace.root]
        self._failures = 0
        self.offered = [spec["name"] for spec in profile["tools"] if spec["name"] in tools.TOOLS]

    def check(self, call: ToolCall) -> Tool:
        """The tool that a call names; raises `Mistake`."""
        return tools.check(call["name"], call["arguments"], self.offered)

    def run(self, turn: str, call: ToolCall, cancelled: threading.Event) -> tuple[ToolResult, bool]:
        """The answer to a call, and whether files may have changed."""
        about: Json = {"turn": turn, "call": call["id"], "name": call["name"]}
        started = time.monotonic()
        changes_files = False
        try:
            tool = self.check(call)
            changes_files = tool.changes_files
            title = tools.title(tool, call["arguments"])
            self._gateway.emit(event("tool.started", {**about, "title": title}))
            result = tool.run(self._context(about, cancelled), call["arguments"])
        except (Mistake, files.Escape) as mistake:
            result = Result(str(mistake), tools.one_line(str(mistake)), True)
        except (OSError, ValueError) as failure:
            reason = getattr(failure, "strerror", None) or str(failure)
            result = Result(f"{call['name']} failed: {reason}", tools.one_line(reason), True)
        duration = round((time.monotonic() - started) * 1000)
        finished = {**about, "is_error": result.is_error, "duration_ms": duration, "summary": result.summary}
        self._gateway.emit(event("tool.finished", finished))
        return tool_result(call["id"], result.text + self._nudge(result), result.is_error), changes_files

    def _context(self, about: Json, cancelled: threading.Event) -> Context:
        def show(text: str) -> None:
            self._gateway.emit(event("tool.output", {"turn": about["turn"], "call": about["call"], "text": text}))

        return Context(about["call"], self._workspace, self._limit, cancelled, show, self._folder)

    def _nudge(self, result: Result) -> str:
        self._failures = self._failures + 1 if result.is_error else 0
        return _NUDGE if self._failures and self._failures % FAILURES_BEFORE_NUDGE == 0 else ""
