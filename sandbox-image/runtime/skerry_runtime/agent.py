"""The process that works: waits for turns, runs them, and ends when it is told to."""

import os
import signal
import socket
import sys
import time
from types import FrameType

from skerry_probe import suite
from skerry_runtime import confine, exits, identity, linux, renewal
from skerry_runtime.ipc import GatewayGone, RemoteGateway
from skerry_runtime.loop import Loop, Stop
from skerry_runtime.wire import Probe, Refused, State, Turn
from skerry_runtime.workspace import Workspace

WAIT_SECONDS = 25
RESTORE_ATTEMPTS = 3
PAUSE_SECONDS = 1.0


class _Terminated(BaseException):
    """`init` wants this process to end, or is dead."""


def main(package: str, control: int, gateway_pid: int, own: str, waiting: tuple[int, int] | None = None) -> int:
    """Runs until told to stop; the exit code says why it ended.

    With `waiting` it first tries everything for practice, closes the second pipe, and goes on when the first ends.
    """
    linux.name_process("skerry-agent")
    linux.adopt_orphans()
    driver = identity.driver(os.getppid())
    listener = confine.agent(identity.parse(own), os.getcwd(), package, driver)
    if waiting is not None:
        suite.at_boot(os.getppid(), gateway_pid, driver, package, os.getcwd())
        _await_the_word(*waiting)
    report = suite.at_boot(os.getppid(), gateway_pid, driver, package, os.getcwd())
    agent = _Agent(RemoteGateway(socket.socket(fileno=control)), report, listener)
    code = exits.INTERNAL
    try:
        _on_termination_raise()
        code = agent.run()
    except _Terminated:
        code = exits.TERMINATED
        agent.leave()
    except GatewayGone:
        _wait_for_the_end()
    except Refused as refused:
        print(f"skerry-runtime: the control plane refused what this runtime needs: {refused}", file=sys.stderr)
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        linux.kill({process.pid for process in linux.descendants(os.getpid())})
        sys.stderr.flush()
    os._exit(code)


def _await_the_word(go: int, ready: int) -> None:
    os.close(ready)
    os.read(go, 1)
    os.close(go)
    renewal.of_this_process()


class _Agent:
    """What the agent process knows."""

    def __init__(self, gateway: RemoteGateway, report: list[Probe], listener: socket.socket) -> None:
        self._gateway = gateway
        self._report = report
        self._listener = listener
        self._workspace = Workspace(os.getcwd(), gateway)

    def run(self) -> int:
        """From hello to stop."""
        profile = self._gateway.hello(self._report)["profile"]
        if "agent" in profile:
            self._gateway.relay(self._listener.fileno())
        port = int(self._listener.getsockname()[1])
        self._listener.close()
        loop = Loop(self._gateway, profile, self._workspace, self._gateway.interrupt, port)
        try:
            self._resume(loop, self._restore())
            while True:
                self._step(loop)
        except Stop:
            return exits.STOPPED

    def leave(self) -> None:
        """Ends every tool, then stores what can still be stored; `init` limits the time."""
        linux.kill({process.pid for process in linux.descendants(os.getpid())})
        try:
            self._workspace.sync(None)
        except (Refused, OSError, GatewayGone):
            return

    def _restore(self) -> State:
        attempt = 1
        while True:
            state = self._gateway.state()
            try:
                self._workspace.restore(state["workspace"])
                return state
            except OSError as failure:
                print(f"skerry-runtime: the workspace could not be fetched: {failure}", file=sys.stderr)
                if attempt == RESTORE_ATTEMPTS:
                    raise
                attempt += 1

    def _resume(self, loop: Loop, state: State) -> None:
        if state["turn"] is not None:
            loop.run(state["turn"], state["open_tool_calls"])

    def _step(self, loop: Loop) -> None:
        answer = self._gateway.next(WAIT_SECONDS)
        turn = answer.get("turn")
        if turn is not None:
            self._start(loop, turn)
            return
        match answer.get("directive"):
            case "stop":
                raise Stop
            case "flush":
                if not loop.flush(None):
                    time.sleep(PAUSE_SECONDS)
            case "cancel":
                self._cancel(loop)

    def _cancel(self, loop: Loop) -> None:
        """Ends a turn that was cancelled before this process saw it, unless it is another by now."""
        turn = self._gateway.state()["turn"]
        try:
            if turn is not None and self._gateway.heartbeat(turn["id"]) == "cancel":
                loop.cancel(turn["id"])
        except Refused as refused:
            print(f"skerry-runtime: a turn was not cancelled: {refused}", file=sys.stderr)
        time.sleep(PAUSE_SECONDS)

    def _start(self, loop: Loop, turn: Turn) -> None:
        if turn["next_seq"] > 1:
            self._resume(loop, self._gateway.state())
        else:
            loop.run(turn, [])


def _on_termination_raise() -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise _Terminated

    signal.signal(signal.SIGTERM, handle)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))


def _wait_for_the_end() -> None:
    """The gateway's exit code is the one that counts; `init` has it by now."""
    try:
        signal.pause()
    except _Terminated:
        return
