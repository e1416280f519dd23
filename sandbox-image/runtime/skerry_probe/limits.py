"""F01 to F08: what the agent cannot write, and what it cannot use up."""

import contextlib
import fcntl
import os
import resource
import signal
import struct
import time
from collections.abc import Iterator

from skerry_probe import kernel
from skerry_probe.verdict import Surroundings, Verdict, in_child, listed, some

MOST_PROCESSES = 4200
FORK_SECONDS = 4.0
LARGEST_BYTES = 64 * 1024**3
_SYSTEM = ("/", "/etc", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/lib", "/opt", "/var", "/root", "/home", "/boot")
_KERNEL_FILES = (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/hostname",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/vm/drop_caches",
    "/proc/sysrq-trigger",
    "/proc/kcore",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/power/state",
    "/sys/fs/cgroup/cgroup.procs",
    "/sys/fs/cgroup/cgroup.subtree_control",
)
_CONTROL_GROUPS = "/sys/fs/cgroup"
_PROCESSES = ("pids.max", "pids/pids.max")
_MEMORY = ("memory.max", "memory/memory.limit_in_bytes")
_COUNT_ENTROPY = 0x80045200


def system_folders(_around: Surroundings) -> Verdict:
    """F01: no system folder takes a new file."""
    written = [folder for folder in _SYSTEM if _takes_a_file(folder)]
    return listed([f"{each} writable" for each in written], "no system folder takes a new file")


def mounts(around: Surroundings) -> Verdict:
    """F02: the folders that can be written give no privileges and no devices, and end somewhere."""
    lax = []
    root = os.stat("/").st_dev
    for path in (around.workspace, "/tmp"):
        found = os.statvfs(path)
        if not found.f_flag & os.ST_NOSUID or not found.f_flag & os.ST_NODEV:
            lax.append(f"{path} without nosuid and nodev")
        if os.stat(path).st_dev == root or found.f_blocks * found.f_frsize > LARGEST_BYTES:
            lax.append(f"{path} without a size of its own")
    return listed(lax, "nosuid, nodev and limited in size")


def exhaustion(around: Surroundings) -> Verdict:
    """F04: processes, descriptors, memory and disk of the agent end before those of the machine do."""
    open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    lax = [] if open_files <= 65536 else [f"{open_files} descriptors"]
    if around.is_shared:
        return Verdict("fail", some([*lax, "processes and memory are the machine's"]))
    if _limit(_MEMORY) is None and around.driver != "vm":
        lax.append("memory has no limit")
    set_limits = [_limit(_PROCESSES), resource.getrlimit(resource.RLIMIT_NPROC)[1]]
    low = [limit for limit in set_limits if limit is not None and 0 < limit <= MOST_PROCESSES]
    if not low:
        return listed([*lax, "no limit of processes to be seen"], "")
    most = in_child(_count_processes)
    assert isinstance(most, int)
    if most > min(low):
        lax.append(f"{most} processes in spite of a limit of {min(low)}")
    return listed(lax, f"{most} more processes, {min(low)} at most; {open_files} descriptors; memory limited")


def _count_processes() -> int:
    """How many can be started; all of them are ended again before this returns."""
    os.setpgid(0, 0)
    signal.alarm(0)
    started: list[int] = []
    ends = time.monotonic() + FORK_SECONDS
    try:
        while len(started) < MOST_PROCESSES and time.monotonic() < ends:
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            started.append(child)
    except OSError:
        pass
    count = len(started)
    for child in started:
        os.kill(child, signal.SIGKILL)
    for child in started:
        os.waitpid(child, 0)
    return count


def kernel_files(_around: Surroundings) -> Verdict:
    """F05: nothing of the kernel or of a control group can be set."""
    written = []
    for path in _KERNEL_FILES:
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
            written.append(path)
    for folder in (_CONTROL_GROUPS, *_own_groups()):
        path = os.path.join(folder, f"skerry-probe-{os.getpid()}")
        with contextlib.suppress(OSError):
            os.mkdir(path)
            os.rmdir(path)
            written.append(folder)
    return listed(written, "writing /proc/sys, /sys and control groups denied")


def other_processes(around: Surroundings) -> Verdict:
    """F06: processes of other users are not to be seen."""
    own = os.getuid()
    others = [pid for pid in kernel.processes() if kernel.uid(pid) not in (own, None)]
    if not others and around.is_shared and own == kernel.uid(around.init):
        return Verdict("unsupported", "all processes are this user's")
    if others:
        return Verdict("unsupported", f"/proc shows {len(others)} processes of other users: it hides none here")
    return Verdict("pass", "processes of other users are hidden")


def landlock(_around: Surroundings) -> Verdict:
    """F07: Landlock is in force."""
    version = kernel.landlock_version()
    if version == 0:
        return Verdict("unsupported", "this kernel has no Landlock, or does not allow it")
    if version < 5:
        return Verdict("unsupported", f"Landlock {version} gives no way to see from inside whether it is in force")
    try:
        with open("/dev/urandom", "rb") as device:
            fcntl.ioctl(device, _COUNT_ENTROPY, struct.pack("i", 0))
        return Verdict("fail", f"Landlock {version} is there, but not in force")
    except PermissionError:
        return Verdict("pass", f"Landlock {version} in force")


def leftovers(around: Surroundings) -> Verdict:
    """F08: nothing of an earlier session lies about."""
    started = _started(around.init)
    found = []
    for folder in ("/tmp", "/dev/shm", "/var/tmp"):
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.stat(follow_symlinks=False).st_ctime < started - 5:
                    found.append(entry.path)
    return listed(found, "no file is older than this sandbox")


def _started(init: int) -> float:
    """When the sandbox began, or the oldest process in it that can be seen, in seconds of the wall clock."""
    ticks = []
    for pid in [init] if init else kernel.processes():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stat:
            ticks.append(int(stat.read().rpartition(b")")[2].split()[19]))
    with open("/proc/uptime", encoding="ascii") as uptime:
        up = float(uptime.read().split()[0])
    return time.time() - up + min(ticks) / os.sysconf("SC_CLK_TCK")


def _takes_a_file(folder: str) -> bool:
    path = os.path.join(folder, f".skerry-probe-{os.getpid()}")
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError:
        return False
    with contextlib.suppress(OSError):
        os.unlink(path)
    return True


def _own_groups() -> Iterator[str]:
    with contextlib.suppress(OSError), open("/proc/self/cgroup", encoding="utf-8") as groups:
        for line in groups:
            _, controllers, path = line.strip().split(":", 2)
            name = controllers.removeprefix("name=") or ""
            yield os.path.join(_CONTROL_GROUPS, name, path.lstrip("/"))


def _limit(names: tuple[str, ...]) -> int | None:
    """A control group's limit, if it has one that is one."""
    for folder in (_CONTROL_GROUPS, *_own_groups()):
        for name in names:
            with contextlib.suppress(OSError, ValueError), open(f"{folder}/{name}", encoding="ascii") as file:
                value = int(file.read())
                if value < 1 << 60:
                    return value
    return None
