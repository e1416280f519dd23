"""The first process: starts the other two, reaps, forwards the signal to end, and leaves nothing running."""

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from types import FrameType

from skerry_runtime import boot, exits, identity, linux
from skerry_runtime.identity import Identities

GRACE_SECONDS = 5
SWEEP_SECONDS = 5.0
_SHUTDOWN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _GraceIsOver(Exception):
    """The agent did not end in time after it was asked to."""


def main(package: str, credentials: int, waiting: tuple[int, ...] = ()) -> int:
    """Runs until the gateway or the agent ends and exits with that code; never reads the credentials.

    `waiting` are the two pipes of a start in two halves: one whose end is the word to go on, one to close when ready.
    """
    linux.name_process("skerry-init")
    linux.forbid_inspection()
    linux.forbid_new_privileges()
    linux.adopt_orphans()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.pthread_sigmask(signal.SIG_BLOCK, _SHUTDOWN)
    agent_end, gateway_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    users = identity.separate()
    _give_workspace(os.getcwd(), users)
    who = tuple(identity.argument(each) for each in users or (None, None))
    for_gateway = (gateway_end.fileno(), credentials, *waiting[1:])
    gateway = _spawn(package, "gateway", for_gateway, who, {}, signal.SIGKILL)
    os.close(credentials)
    for_agent = (agent_end.fileno(), *waiting)
    arguments = (str(gateway), who[1])
    agent = _spawn(package, "agent", for_agent, arguments, agent_environment(os.getcwd()), signal.SIGTERM)
    for descriptor in waiting:
        os.close(descriptor)
    agent_end.close()
    gateway_end.close()
    linux.keep_capabilities(linux.effective_capabilities() & 1 << linux.CAP_KILL)
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


def _give_workspace(workspace: str, users: Identities | None) -> None:
    """A fresh workspace belongs to root, who may lack the right to give it away; then the image has to."""
    if users is not None and os.stat(workspace).st_uid != users.agent.uid:
        with contextlib.suppress(PermissionError):
            os.chown(workspace, users.agent.uid, users.agent.gid)


def _spawn(
    package: str,
    role: str,
    inherited: tuple[int, ...],
    arguments: tuple[str, ...],
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
