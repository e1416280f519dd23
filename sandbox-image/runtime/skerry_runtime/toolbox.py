"""Runs the tools of a session, tells people about it, and turns every mistake into an answer for the model."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from skerry_runtime import files, tools
from skerry_runtime.tool import Context, Mistake, Result, Shell, Tool, one_line
from skerry_runtime.wire import Gateway, Json, Profile, ToolCall, ToolResult, event, tool_result
from skerry_runtime.workspace import Workspace

FAILURES_BEFORE_NUDGE = 5
AT_ONCE = 4
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
        self._shell = Shell(workspace.root)
        self._failures = 0
        self.offered = [spec["name"] for spec in profile["tools"] if spec["name"] in tools.TOOLS]

    def check(self, call: ToolCall) -> Tool:
        """The tool that a call names; raises `Mistake`."""
        return tools.check(call["name"], call["arguments"], self.offered)

    def together(self, calls: list[ToolCall]) -> list[list[ToolCall]]:
        """The calls in order, in groups: neighbours that start nothing and change nothing go together."""
        groups: list[list[ToolCall]] = []
        for call in calls:
            if self._is_swift(call) and groups and len(groups[-1]) < AT_ONCE and self._is_swift(groups[-1][-1]):
                groups[-1].append(call)
            else:
                groups.append([call])
        return groups

    def run_together(
        self, turn: str, calls: list[ToolCall], cancelled: threading.Event
    ) -> tuple[list[ToolResult], bool]:
        """The answers to a group of calls in their order, and whether files may have changed."""
        if len(calls) == 1:
            result, changes_files = self.run(turn, calls[0], cancelled)
            return [result], changes_files
        with ThreadPoolExecutor(len(calls)) as pool:
            done = list(pool.map(lambda call: self.run(turn, call, cancelled), calls))
        return [result for result, _ in done], any(changes_files for _, changes_files in done)

    @staticmethod
    def _is_swift(call: ToolCall) -> bool:
        tool = tools.TOOLS.get(call["name"])
        return tool is not None and tool.is_swift

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
            result = Result(str(mistake), one_line(str(mistake)), True)
        except (OSError, ValueError) as failure:
            reason = getattr(failure, "strerror", None) or str(failure)
            result = Result(f"{call['name']} failed: {reason}", one_line(reason), True)
        duration = round((time.monotonic() - started) * 1000)
        finished = {**about, "is_error": result.is_error, "duration_ms": duration, "summary": result.summary}
        self._gateway.emit(event("tool.finished", finished))
        return tool_result(call["id"], result.text + self._nudge(result), result.is_error), changes_files

    def _context(self, about: Json, cancelled: threading.Event) -> Context:
        def show(text: str) -> None:
            self._gateway.emit(event("tool.output", {"turn": about["turn"], "call": about["call"], "text": text}))

        return Context(
            about["turn"], about["call"], self._gateway, self._workspace, self._limit, cancelled, show, self._shell
        )

    def _nudge(self, result: Result) -> str:
        self._failures = self._failures + 1 if result.is_error else 0
        return _NUDGE if self._failures and self._failures % FAILURES_BEFORE_NUDGE == 0 else ""
