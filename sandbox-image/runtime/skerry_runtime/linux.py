"""The few things that Linux offers and Python's standard library does not."""

import contextlib
import ctypes
import os
import signal
from typing import NamedTuple

CAP_KILL = 5
CAP_SETGID = 6
CAP_SETUID = 7
CAP_SETPCAP = 8

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_MOST_CAPABILITIES = 64
_LOOKS = 20

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int | bytes, second: int = 0) -> None:
    """Sets something about this process; raises OSError."""
    argument = ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_ulong(value)
    zero = ctypes.c_ulong(0)
    if _libc.prctl(ctypes.c_int(option), argument, ctypes.c_ulong(second), zero, zero) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl({option}): {os.strerror(error)}")


def syscall(number: int, *arguments: object) -> int:
    """A system call that the C library has no name for; raises OSError."""
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"system call {number}: {os.strerror(error)}")
    return result


def name_process(name: str) -> None:
    """What `ps` shows, at most 15 bytes."""
    prctl(_PR_SET_NAME, name.encode())


def die_with_parent(number: signal.Signals) -> None:
    """Has the kernel send this signal when the parent dies; survives exec, not fork."""
    prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Descendants whose parent died become children of this process instead of leaving the tree."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_inspection() -> None:
    """Closes memory, environment and descriptors to every other unprivileged process; does not survive exec."""
    prctl(_PR_SET_DUMPABLE, 0)


def allow_inspection() -> None:
    """Lets this process write its own files in /proc, until it forbids inspection again."""
    prctl(_PR_SET_DUMPABLE, 1)


def forbid_new_privileges() -> None:
    """No set-uid file gives anything to this process or its descendants any more."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def effective_capabilities() -> int:
    """The capabilities in force, as a bit set."""
    with open("/proc/self/status", encoding="utf-8") as status:
        return next((int(line.split()[1], 16) for line in status if line.startswith("CapEff:")), 0)


def empty_the_bounding_set() -> None:
    """No file gives a capability any more; does what can be done where the right to do so is missing."""
    for capability in range(_MOST_CAPABILITIES):
        try:
            if _libc.prctl(_PR_CAPBSET_READ, ctypes.c_ulong(capability)) == 1:
                prctl(_PR_CAPBSET_DROP, capability)
        except PermissionError:
            return


def keep_capabilities(kept: int = 0) -> None:
    """Gives up every capability that is not in the bit set, for good; nothing is inheritable or ambient."""
    with contextlib.suppress(OSError):
        prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    low, high = kept & 0xFFFFFFFF, kept >> 32
    sets = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    if _libc.capset(header, sets) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"capset: {os.strerror(error)}")


def unshare(flags: int) -> None:
    """Leaves namespaces that are shared with others; raises OSError."""
    if _libc.unshare(ctypes.c_int(flags)) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"unshare: {os.strerror(error)}")


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


def sacrifice(root: int, spared: set[Process]) -> None:
    """Has the kernel end what is below `root`, and what that starts, before others when memory runs out.

    A process that was started before its parent was marked is marked in the next look.
    """
    seen = set(spared)
    for _ in range(_LOOKS):
        found = descendants(root) - seen
        if not found:
            return
        for process in found:
            _mark_first_to_go(process.pid)
        seen |= found


def _mark_first_to_go(pid: int) -> None:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w", encoding="ascii") as file:
        file.write("800")


def stop(pids: set[int]) -> None:
    """Halts these processes, so that they start no others while they are ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGSTOP)


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
