"""System calls by number, to try those that no library offers."""

import ctypes
import errno
import os
import platform
from typing import Any

_NUMBERS = {
    "x86_64": {
        "clone": 56,
        "ptrace": 101,
        "mount": 165,
        "umount2": 166,
        "init_module": 175,
        "finit_module": 313,
        "keyctl": 250,
        "unshare": 272,
        "perf_event_open": 298,
        "process_vm_readv": 310,
        "bpf": 321,
        "userfaultfd": 323,
    },
    "aarch64": {
        "clone": 220,
        "ptrace": 117,
        "mount": 40,
        "umount2": 39,
        "init_module": 105,
        "finit_module": 273,
        "keyctl": 219,
        "unshare": 97,
        "perf_event_open": 241,
        "process_vm_readv": 270,
        "bpf": 280,
        "userfaultfd": 282,
    },
}
_ANYWHERE = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "pidfd_open": 434,
    "clone3": 435,
    "pidfd_getfd": 438,
    "landlock_create_ruleset": 444,
}
DENIED = frozenset((errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EAFNOSUPPORT, errno.ESOCKTNOSUPPORT))

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: Any) -> int:
    """The answer of a system call; raises OSError."""
    number = _ANYWHERE.get(name) or _NUMBERS.get(platform.machine(), {}).get(name)
    if number is None:
        raise LookupError(f"the number of {name} on {platform.machine()} is not known")
    converted = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *converted))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def is_denied(name: str, *arguments: Any) -> bool:
    """Whether the kernel refuses this call, rather than carrying it out or finding fault with what it was asked."""
    try:
        call(name, *arguments)
        return False
    except OSError as failure:
        return failure.errno in DENIED


def landlock_version() -> int:
    """0 where the kernel has no Landlock."""
    try:
        return call("landlock_create_ruleset", None, ctypes.c_size_t(0), 1)
    except OSError:
        return 0


def status() -> dict[str, str]:
    """What the kernel says about this process."""
    with open("/proc/self/status", encoding="utf-8") as lines:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def processes() -> list[int]:
    """Every process that can be seen."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def uid(pid: int) -> int | None:
    """Whose process this is, if it can be seen; the files in /proc are root's where inspection is forbidden."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("Uid:"))
    except OSError:
        return None
