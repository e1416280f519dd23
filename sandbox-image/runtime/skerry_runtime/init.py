"""The first process: starts the other two, reaps, forwards the signal to end, and leaves nothing running."""

import os
import resource
import signal
import socket
import sys
import time
from types import FrameType

from skerry_runtime import boot, exits, linux

GRACE_SECONDS = 5
SWEEP_SECONDS = 5.0
_SHUTDOWN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _GraceIsOver(Exception):
    """The agent did not end in time after it was asked to."""


def main(package: str, credentials: int) -> int:
    """Runs until the gateway or the agent ends and exits with that code; never reads the credentials."""
    linux.name_process("skerry-init")
    linux.forbid_inspection()
    linux.forbid_new_privileges()
    linux.adopt_orphans()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.pthread_sigmask(signal.SIG_BLOCK, _SHUTDOWN)
    agent_end, gateway_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    gateway = _spawn(package, "gateway", (gateway_end.fileno(), credentials), (), {}, signal.SIGKILL)
    os.close(credentials)
    agent = _spawn(package, "agent", (agent_end.fileno(),), (gateway,), agent_environment(os.getcwd()), signal.SIGTERM)
    agent_end.close()
    gateway_end.close()
    try:
        return _wait(agent, gateway)
    finally:
        _sweep()


def agent_environment(workspace: str) -> dict[str, str]:
    """All that the agent and its tools find in their environment."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": workspace,
        "LANG": "C.UTF-8",
    }


def _spawn(
    package: str,
    role: str,
    inherited: tuple[int, ...],
    arguments: tuple[int, ...],
    environment: dict[str, str],
    when_init_dies: signal.Signals,
) -> int:
    parent = os.getpid()
    child = os.fork()
    if child != 0:
        return child
    try:
        linux.die_with_parent(when_init_dies)
        if os.getppid() != parent:
            os._exit(exits.INTERNAL)
        for descriptor in inherited:
            os.set_inheritable(descriptor, True)
        os.execve(boot.interpreter(), boot.command(package, role, *inherited, *arguments), environment)
    finally:
        os._exit(exits.INTERNAL)


def _wait(agent: int, gateway: int) -> int:
    def forward(_number: int, _frame: FrameType | None) -> None:
        os.kill(agent, signal.SIGTERM)
        signal.alarm(GRACE_SECONDS)

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise _GraceIsOver

    signal.signal(signal.SIGALRM, give_up)
    for number in _SHUTDOWN:
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SHUTDOWN)
    try:
        while True:
            pid, status = os.wait()
            if pid in (agent, gateway):
                return _code(status)
    except _GraceIsOver:
        return exits.TERMINATED


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        print(f"skerry-runtime: a process of the runtime was ended by signal {-code}.", file=sys.stderr)
        return exits.INTERNAL
    return code


def _sweep() -> None:
    for number in (*_SHUTDOWN, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    deadline = time.monotonic() + SWEEP_SECONDS
    while linux.reap() and time.monotonic() < deadline:
        linux.kill({process.pid for process in linux.descendants(os.getpid())})
        time.sleep(0.005)
