"""The few things that Linux offers and Python's standard library does not."""

import ctypes
import os
import signal
from typing import NamedTuple

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int | bytes) -> None:
    argument = ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_ulong(value)
    zero = ctypes.c_ulong(0)
    if _libc.prctl(ctypes.c_int(option), argument, zero, zero, zero) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl({option}): {os.strerror(error)}")


def name_process(name: str) -> None:
    """What `ps` shows, at most 15 bytes."""
    _prctl(_PR_SET_NAME, name.encode())


def die_with_parent(number: signal.Signals) -> None:
    """Has the kernel send this signal when the parent dies; survives exec, not fork."""
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Descendants whose parent died become children of this process instead of leaving the tree."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_inspection() -> None:
    """Closes memory, environment and descriptors to every other unprivileged process; does not survive exec."""
    _prctl(_PR_SET_DUMPABLE, 0)


def forbid_new_privileges() -> None:
    """No set-uid file gives anything to this process or its descendants any more."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


class Process(NamedTuple):
    """One process; the start time tells it from a later one with the same number."""

    pid: int
    parent: int
    started: int


def processes() -> list[Process]:
    """Every process that /proc shows."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                fields = stat.read().rpartition(b")")[2].split()
        except OSError:
            continue
        found.append(Process(int(name), int(fields[1]), int(fields[19])))
    return found


def descendants(root: int) -> set[Process]:
    """Every process below `root`, zombies included."""
    children: dict[int, list[Process]] = {}
    for process in processes():
        children.setdefault(process.parent, []).append(process)
    found: set[Process] = set()
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting.extend(process.pid for process in below)
    return found


def kill(pids: set[int]) -> None:
    """Ends these processes at once; those that are gone already do not matter."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def reap() -> bool:
    """Collects every dead child; true while a living one remains."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
