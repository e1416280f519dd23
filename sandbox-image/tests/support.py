"""A sandbox as a real process in a folder of its own, against a control plane in the test's process."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable, Sequence

from server import TOOLS, ControlPlane, Json, Model, call, script, text
from skerry_runtime import linux
from skerry_runtime.wire import Profile
from tests import RUNTIME

__all__ = [
    "RUNTIME",
    "ControlPlane",
    "Json",
    "Sandbox",
    "SandboxTest",
    "call",
    "eventually",
    "json_lines",
    "linux",
    "profile",
    "script",
    "text",
]


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Waits for something that no event tells of; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not become true")
        time.sleep(0.01)


def profile(**changes: int) -> Profile:
    """What a control plane would grant."""
    made: Profile = {
        "name": "test",
        "tools": [{"name": name, "description": name, "input_schema": {}} for name in TOOLS],
        "max_steps": changes.get("max_steps", 50),
        "tool_output_bytes": changes.get("tool_output_bytes", 65536),
    }
    return made


COMMAND = (sys.executable, "-B", "-I", os.path.join(RUNTIME, "skerry_runtime"))
OWN_MACHINE = ("/usr/bin/unshare", "--fork", "--pid", "--mount", "--mount-proc")


def json_lines(printed: str) -> list[Json]:
    """One document a line."""
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


class Sandbox:
    """The runtime, started with exactly three variables."""

    def __init__(self, variables: dict[str, str], workspace: str, command: Sequence[str] = COMMAND) -> None:
        self.workspace = workspace
        self.log = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            command,
            cwd=workspace,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.pid = self.process.pid

    def wait(self, seconds: float = 10.0) -> int:
        """The exit code."""
        return self.process.wait(seconds)

    def output(self) -> str:
        """What it has printed so far; leaves alone where it goes on to print."""
        return os.pread(self.log.fileno(), 1 << 20, 0).decode()

    def processes(self) -> dict[int, str]:
        """Every process of it, by command line."""
        found = {}
        for pid in {self.pid} | {process.pid for process in linux.descendants(self.pid)}:
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as line:
                    found[pid] = line.read().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def freeze(self) -> None:
        """Stops every process, as a hypervisor would."""
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets every process go on."""
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        """Ends what a failed test left."""
        for pid in self.processes() if self.process.poll() is None else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


class SandboxTest(unittest.TestCase):
    """Starts control planes and sandboxes, and cleans up."""

    def plane(self, model: Model, max_steps: int = 50, tool_output_bytes: int = 65536) -> ControlPlane:
        """A control plane with a model."""
        plane = ControlPlane(model, max_steps, tool_output_bytes)
        self.addCleanup(plane.close)
        return plane

    def folder(self) -> str:
        """An empty folder."""
        folder = os.path.realpath(tempfile.mkdtemp(prefix="skerry-test-"))
        self.addCleanup(shutil.rmtree, folder, True)
        return folder

    def sandbox(self, plane: ControlPlane, workspace: str | None = None) -> Sandbox:
        """A new incarnation."""
        sandbox = Sandbox(plane.boot(), workspace or self.folder())
        self.addCleanup(sandbox.close)
        return sandbox

    def machine(
        self,
        plane: ControlPlane,
        prepare: Callable[[str], None] = lambda _: None,
        variables: dict[str, str] | None = None,
    ) -> Sandbox:
        """A new incarnation that is the first process of its own system, as in a container or a virtual machine."""
        copy = os.path.join(self.folder(), "runtime")
        shutil.copytree(RUNTIME, copy, ignore=shutil.ignore_patterns("__pycache__"))
        os.chmod(os.path.join(copy, "skerry_runtime"), 0o700)
        workspace = self.folder()
        for folder in (os.path.dirname(copy), copy, workspace):
            os.chmod(folder, 0o755)
        self.runtime = copy
        prepare(workspace)
        plane.tolerated = {"F01", "F02", "F08", "P05", "P09", "S05", "S07", "S08"}
        python = os.path.realpath("/usr/bin/python3")
        command = (*OWN_MACHINE, python, "-B", "-I", os.path.join(copy, "skerry_runtime"))
        sandbox = Sandbox(plane.boot() if variables is None else variables, workspace, command)
        self.addCleanup(sandbox.close)
        return sandbox

    def write(self, folder: str, path: str, content: str) -> str:
        """Makes a file."""
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(content)
        return full
