"""The agent: ask the model, run what it wants, answer, until it is done."""

import sys
import threading
from collections.abc import Callable

from skerry_runtime.clock import LeaseProof
from skerry_runtime.guard import TURN_SECONDS, Guard, Limit
from skerry_runtime.ipc import GatewayGone, Interrupted
from skerry_runtime.program import Program
from skerry_runtime.pulse import Pulse
from skerry_runtime.tool import Mistake
from skerry_runtime.toolbox import Toolbox
from skerry_runtime.wire import (
    Answer,
    Assistant,
    Gateway,
    Outcome,
    Profile,
    Refused,
    Status,
    ToolCall,
    ToolResult,
    Turn,
    log_event,
    tool_result,
)
from skerry_runtime.workspace import Workspace

INTERRUPTED = "interrupted: outcome unknown"


class Stop(Exception):
    """The control plane wants this sandbox to end."""


class Loop:
    """Runs one turn at a time."""

    def __init__(
        self,
        gateway: Gateway,
        profile: Profile,
        workspace: Workspace,
        interrupt: Callable[[], None] = lambda: None,
        port: int = 0,
    ) -> None:
        """`port` is where a program finds its model providers, on the loopback."""
        self._gateway = gateway
        self._profile = profile
        self._workspace = workspace
        self._toolbox = Toolbox(gateway, profile, workspace)
        self._interrupt = interrupt
        self._port = port

    def run(self, turn: Turn, open_calls: list[ToolCall]) -> None:
        """Works on a turn until its outcome is recorded or it is over; raises `Stop` when told to end."""
        with Pulse(self._gateway, turn["id"], self._interrupt, self.flush) as pulse:
            try:
                outcome = self._work(turn, open_calls, pulse)
            except Interrupted:
                outcome = _outcome("cancelled", "Cancelled.")
            except Refused as refused:
                if refused.code == "turn_over":
                    return
                outcome = self._give_up(refused)
            except Exception as bug:
                sys.excepthook(*sys.exc_info())
                outcome = _outcome("failed", f"The runtime failed: {type(bug).__name__}.", "runtime_error")
            if pulse.why == "stop":
                raise Stop
            if pulse.why == "over":
                return
            self._record(turn["id"], outcome)

    def _work(self, turn: Turn, open_calls: list[ToolCall], pulse: Pulse) -> Outcome:
        if "agent" in self._profile:
            return Program(self._gateway, self._workspace, self._profile, turn, pulse).run(self._port)
        return _Turn(self._gateway, self._toolbox, self._workspace, self._profile, turn, pulse).run(open_calls)

    def cancel(self, turn: str) -> None:
        """Records that a turn is cancelled on which nobody works here."""
        self._record(turn, _outcome("cancelled", "Cancelled."))

    def flush(self, turn: str | None) -> bool:
        """Stores the workspace and says so; false if it could not be stored."""
        try:
            self._workspace.sync(turn)
            self._gateway.flushed()
            return True
        except (Refused, OSError) as failure:
            self._gateway.emit(log_event("error", f"the workspace could not be stored: {failure}"))
            return False

    def _give_up(self, refused: Refused) -> Outcome:
        if refused.code == "budget_exceeded":
            return _outcome("limit", "The budget is used up. " + refused.detail, "budget_reached")
        if refused.code == "model_error":
            return _outcome(
                "failed", "The model could not be asked: " + refused.detail, refused.reason or "model_error"
            )
        self._gateway.emit(log_event("error", f"a call was refused: {refused}"))
        return _outcome("failed", "The control plane refused a call: " + refused.detail, refused.code)

    def _record(self, turn: str, outcome: Outcome) -> None:
        try:
            self._workspace.sync(turn)
        except (Refused, OSError) as failure:
            if isinstance(failure, Refused) and failure.code == "turn_over":
                return
            self._gateway.emit(log_event("error", f"the workspace could not be stored: {failure}"))
        held = [self._workspace.holds(name) for name in outcome["files"]]
        outcome["files"] = list(dict.fromkeys(name for name in held if name is not None))
        try:
            self._gateway.outcome(turn, outcome)
        except Refused as refused:
            self._gateway.emit(log_event("warning", f"the outcome was not recorded: {refused}"))


class _Turn:
    """The state of one turn."""

    def __init__(
        self, gateway: Gateway, toolbox: Toolbox, workspace: Workspace, profile: Profile, turn: Turn, pulse: Pulse
    ) -> None:
        self._gateway = gateway
        self._toolbox = toolbox
        self._workspace = workspace
        self._most_steps = profile["max_steps"]
        self._guard = Guard(profile["max_steps"], profile.get("max_turn_seconds", TURN_SECONDS))
        self._id = turn["id"]
        self._seq = turn["next_seq"]
        self._pulse = pulse
        self._said = ""
        self._unsaved = False
        self._warning: str | None = None
        self._proof = LeaseProof(lambda: self._gateway.heartbeat(self._id))

    def run(self, open_calls: list[ToolCall]) -> Outcome:
        """How the turn ended; raises `Refused` and `Interrupted`."""
        results = [tool_result(call["id"], INTERRUPTED, True) for call in open_calls]
        if self._seq > 1 and not results:
            ending = self._last_words()
            if ending is not None:
                return ending
        while self._seq <= self._most_steps:
            is_last = self._seq == self._most_steps
            self._tell(results, self._guard.step(self._seq))
            message = self._step(results, is_last)
            calls = _calls(message)
            if not calls:
                return _ending(message)
            if is_last:
                return self._last_report(calls, Limit("max_steps", f"Stopped after {self._most_steps} steps."))
            results, ending = self._act(calls)
            if ending is not None:
                return ending
            limit = self._guard.limit()
            if limit is not None:
                return self._report(results, limit)
        return self._last_report([], Limit("max_steps", f"Stopped after {self._most_steps} steps."))

    def _step(self, results: list[ToolResult], is_last: bool) -> Assistant:
        answer = self._ask(results, ["done"] if is_last and "done" in self._toolbox.offered else self._toolbox.offered)
        self._proof.given()
        self._seq += 1
        self._said = _text(answer["message"]) or self._said
        self._warning = self._guard.answered(answer)
        return answer["message"]

    def _act(self, calls: list[ToolCall]) -> tuple[list[ToolResult], Outcome | None]:
        """Runs the calls, those at once that cannot get in each other's way, up to one that ends the turn."""
        results: list[ToolResult] = []
        for calls_together in self._toolbox.together(calls):
            if self._pulse.cancelled.is_set():
                return results, _outcome("cancelled", self._said or "Cancelled.")
            ending = self._end(calls_together[0])
            if ending is not None:
                return results, ending
            self._proof.demand()
            done, changes_files = self._toolbox.run_together(self._id, calls_together, self._pulse.cancelled)
            if changes_files:
                self._workspace.scan()
                self._unsaved = True
            for call, result in zip(calls_together, done, strict=True):
                self._tell([result], self._guard.acted(call, result))
                results.append(result)
        self._tell(results, self._warning)
        return results, None

    def _tell(self, results: list[ToolResult], note: str | None) -> None:
        """Says something to the model at the end of the last result, the only place where a sandbox can."""
        if note is not None and results:
            results[-1]["content"].append({"type": "text", "text": f"[{note}]"})

    def _end(self, call: ToolCall) -> Outcome | None:
        """The outcome that a call asks for; nothing if it is another call, or has to be corrected first."""
        if call["name"] not in ("done", "ask_user"):
            return None
        try:
            self._toolbox.check(call)
        except Mistake:
            return None
        if call["name"] == "ask_user":
            return _outcome("completed", call["arguments"]["question"], "question")
        named = [name for name in call["arguments"].get("files", []) if isinstance(name, str)]
        return _outcome("completed", call["arguments"]["result"], None, named)

    def _report(self, results: list[ToolResult], limit: Limit) -> Outcome:
        """Asks once more, for nothing but a report."""
        self._tell(results, f"{limit.text} Only done is left: say what is done and what is not.")
        return self._last_report(_calls(self._step(results, True)), limit)

    def _last_report(self, calls: list[ToolCall], limit: Limit) -> Outcome:
        for call in calls:
            ending = self._end(call)
            if ending is not None:
                return {**ending, "status": "limit", "reason": limit.reason}
        return _outcome("limit", f"{limit.text} {self._said or 'No result yet.'}", limit.reason)

    def _last_words(self) -> Outcome | None:
        """Asks for the stored last answer, at no cost: perhaps only its outcome was lost."""
        try:
            message = self._gateway.llm(self._id, self._seq - 1, [], self._toolbox.offered)["message"]
        except Refused as refused:
            if refused.status in (400, 422):
                return None
            raise
        return None if _calls(message) else _ending(message)

    def _ask(self, results: list[ToolResult], tools: list[str]) -> Answer:
        if self._pulse.cancelled.is_set():
            raise Interrupted
        saving = self._start_saving() if self._unsaved else None
        try:
            return self._gateway.llm(self._id, self._seq, results, tools)
        finally:
            if saving is not None:
                saving.join()

    def _start_saving(self) -> threading.Thread | None:
        saving = threading.Thread(target=self._save, name="save", daemon=True)
        try:
            saving.start()
        except RuntimeError:
            self._save()
            return None
        return saving

    def _save(self) -> None:
        """Stores the files while the model thinks, so that what it believes to exist survives this sandbox."""
        try:
            self._workspace.sync(self._id)
            self._unsaved = False
        except (Refused, OSError) as failure:
            self._gateway.emit(log_event("warning", f"the workspace could not be stored yet: {failure}"))
        except GatewayGone:
            return


def _ending(message: Assistant) -> Outcome:
    if message["stop_reason"] == "max_tokens":
        return _outcome("limit", _text(message) or "The model's answer was cut off.", "max_tokens")
    return _outcome("completed", _text(message) or "The model ended without a word.")


def _outcome(status: Status, result: str, reason: str | None = None, files: list[str] | None = None) -> Outcome:
    return {"status": status, "result": result, "reason": reason, "files": files or []}


def _text(message: Assistant) -> str:
    return "\n".join(part["text"] for part in message["content"] if part["type"] == "text").strip()


def _calls(message: Assistant) -> list[ToolCall]:
    return [
        {"id": part["id"], "name": part["name"], "arguments": part["arguments"]}
        for part in message["content"]
        if part["type"] == "tool_call"
    ]
