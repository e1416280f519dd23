"""Another agent's program in the place of the loop: its output is shown, its end is the outcome of the turn."""

import contextlib
import os
import shutil
import threading
import time

from skerry_runtime import boot, files, shell, threads
from skerry_runtime.guard import TURN_SECONDS
from skerry_runtime.init import agent_environment
from skerry_runtime.pulse import Pulse
from skerry_runtime.wire import Gateway, Json, Outcome, Profile, Refused, Status, Turn, event, log_event
from skerry_runtime.workspace import Workspace

MESSAGE = "{message}"
SYNC_SECONDS = 10.0
PLACEHOLDER_KEY = "none-needed-in-a-sandbox"
PROBES = "skerry-probe"
_CALL = "agent"


class Program:
    """Runs the command of a profile, once for each turn and never a second time for the same."""

    def __init__(self, gateway: Gateway, workspace: Workspace, profile: Profile, turn: Turn, pulse: Pulse) -> None:
        self._gateway = gateway
        self._workspace = workspace
        self._command = list(profile["agent"]["command"])
        self._limit = profile["tool_output_bytes"]
        self._seconds = profile.get("max_turn_seconds", TURN_SECONDS)
        self._turn = turn
        self._pulse = pulse
        self._synced_at = time.monotonic()

    def run(self, port: int) -> Outcome:
        """How the program ended; model providers are at this port."""
        if self._turn["attempt"] > 1:
            return _outcome(
                "failed", "The sandbox ended while the agent's program ran; its outcome is unknown.", "interrupted"
            )
        name = os.path.basename(self._command[0])
        about: Json = {"turn": self._turn["id"], "call": _CALL, "name": name}
        self._gateway.emit(event("tool.started", {**about, "title": " ".join(self._command)[:120]}))
        started = time.monotonic()
        outcome = self._start(name, port)
        duration = round((time.monotonic() - started) * 1000)
        failed = outcome["status"] != "completed"
        summary = outcome["reason"] or "ended"
        finished = {**about, "is_error": failed, "duration_ms": duration, "summary": summary}
        self._gateway.emit(event("tool.finished", finished))
        return outcome

    def _start(self, name: str, port: int) -> Outcome:
        output = shell.Output(self._limit, os.path.join(self._workspace.root, files.TOOL_OUTPUT, f"{_CALL}.txt"))
        pieces = shell.Pieces(self._show)

        def take(data: bytes) -> None:
            output.append(data)
            pieces.append(data)

        def idle() -> None:
            pieces.flush(False)
            self._keep_files()

        said = os.memfd_create("message")
        try:
            os.pwrite(said, self._message().encode("utf-8", "replace"), 0)
            finished = shell.run(
                self._resolved(),
                self._workspace.root,
                self._seconds,
                self._pulse.cancelled,
                take,
                idle,
                environment=environment(self._workspace.root, port),
                stdin=said,
            )
        except OSError as failure:
            return _outcome("failed", f"{name} cannot be started: {failure.strerror}.", "agent_missing")
        finally:
            os.close(said)
            output.close()
        pieces.flush(True)
        return self._ended(finished, name, output.text(f"{files.TOOL_OUTPUT}/{_CALL}.txt").strip())

    def _ended(self, finished: shell.Finished, name: str, said: str) -> Outcome:
        if finished.cancelled:
            return _outcome("cancelled", said or "Cancelled.")
        if finished.timed_out:
            return _outcome("limit", f"{name} was ended after {self._seconds / 3600:g} hours.\n{said}", "deadline")
        if finished.code != 0:
            how = f"signal {-finished.code}" if finished.code < 0 else f"exit code {finished.code}"
            return _outcome("failed", f"{name} ended with {how}.\n{said}", "agent_failed")
        return _outcome("completed", said or f"{name} ended without a word.")

    def _message(self) -> str:
        return "\n".join(part["text"] for part in self._turn["input"] if part.get("type") == "text")

    def _resolved(self) -> list[str]:
        message = self._message()
        command = [message if part == MESSAGE else part.replace(MESSAGE, message) for part in self._command]
        if command[0] == PROBES and shutil.which(PROBES) is None:
            folder = os.path.dirname(os.path.dirname(__file__))
            command[:1] = boot.command(os.path.join(folder, "skerry_probe"))
        return command

    def _show(self, text: str) -> None:
        self._gateway.emit(event("tool.output", {"turn": self._turn["id"], "call": _CALL, "text": text}))

    def _keep_files(self) -> None:
        """Stores what there is every now and then, in a thread of its own so that output goes on."""
        if time.monotonic() - self._synced_at < SYNC_SECONDS:
            return
        self._synced_at = time.monotonic()
        with contextlib.suppress(RuntimeError):
            threads.start(threading.Thread(target=self._sync, name="sync", daemon=True))

    def _sync(self) -> None:
        try:
            self._workspace.sync(self._turn["id"])
        except (Refused, OSError) as failure:
            self._gateway.emit(log_event("warning", f"the workspace could not be stored yet: {failure}"))


def environment(workspace: str, port: int) -> dict[str, str]:
    """What the official SDKs look for; the keys are none, because SDKs insist on some."""
    base = f"http://127.0.0.1:{port}"
    return {
        **agent_environment(workspace),
        "OPENAI_BASE_URL": f"{base}/openai/v1",
        "OPENAI_API_BASE": f"{base}/openai/v1",
        "OPENAI_API_KEY": PLACEHOLDER_KEY,
        "ANTHROPIC_BASE_URL": f"{base}/anthropic",
        "ANTHROPIC_API_KEY": PLACEHOLDER_KEY,
    }


def _outcome(status: Status, result: str, reason: str | None = None) -> Outcome:
    return {"status": status, "result": result, "reason": reason, "files": []}
