"""P01 to P09: who the agent is and what the kernel refuses it."""

import ctypes
import os
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator

from skerry_probe import kernel
from skerry_probe.verdict import Surroundings, Verdict, in_child, listed

SU_SECONDS = 3
_NAMESPACES = {"user": 0x10000000, "mount": 0x00020000, "net": 0x40000000, "pid": 0x20000000, "uts": 0x04000000}
_SIGCHLD = 17
_FORBIDDEN_DEVICES = ("mem", "port", "kmem", "kmsg", "kvm", "fuse", "vhost-net", "vhost-vsock", "net/tun")
_NOT_OF_THE_IMAGE = ("/proc", "/sys", "/dev")
_AF_ALG, _AF_PACKET, _AF_VSOCK = 38, 17, 40


def user(around: Surroundings) -> Verdict:
    """P01: the agent is nobody special, and another user than the gateway."""
    uid, groups = os.getuid(), set(os.getgroups()) - {os.getgid()}
    if uid == 0 or os.getgid() == 0:
        return Verdict("fail", f"uid {uid}, gid {os.getgid()}")
    if groups:
        return Verdict("fail", f"uid {uid}, extra groups {sorted(groups)}")
    gateway = kernel.uid(around.gateway) if around.gateway else None
    if gateway is None and around.is_shared:
        return Verdict("fail", f"uid {uid}, and no gateway to be seen that would be another")
    return Verdict.holds(gateway != uid, f"uid {uid}, gateway {gateway or 'not to be seen'}, no extra groups")


def capabilities(_around: Surroundings) -> Verdict:
    """P02: all five capability sets are empty."""
    left = [f"{name} {value}" for name, value in kernel.status().items() if name.startswith("Cap") and int(value, 16)]
    return listed(left, "all five sets empty")


def new_privileges(_around: Surroundings) -> Verdict:
    """P03: no file gives anything."""
    value = kernel.status().get("NoNewPrivs", "absent")
    return Verdict.holds(value == "1", f"NoNewPrivs {value}")


def system_calls(_around: Surroundings) -> Verdict:
    """P04: a seccomp filter is in force."""
    value = kernel.status().get("Seccomp", "absent")
    return Verdict.holds(value == "2", f"Seccomp {value}")


def privileged_files(around: Surroundings) -> Verdict:
    """P05: no set-user-id or set-group-id file, and none with capabilities, on a mount that would honour it."""
    if around.is_shared and not around.in_full:
        return Verdict("fail", "not looked for at boot")
    folders = [*os.get_exec_path(), "/usr/libexec", "/opt", "/tmp", around.workspace]
    if around.in_full:
        folders = ["/"] if _is_listable("/") else ["/usr", "/etc", *folders]
    seen = 0
    found = []
    for path, status in _files(folders, around.in_full):
        seen += 1
        if gives_privileges(path, status) and not os.statvfs(path).f_flag & os.ST_NOSUID:
            found.append(path)
    return listed(found, f"none among {seen} files")


def _is_listable(folder: str) -> bool:
    try:
        return bool(os.listdir(folder))
    except OSError:
        return False


def gives_privileges(path: str, status: os.stat_result) -> bool:
    """Whether starting this file would change who one is."""
    if status.st_mode & stat.S_ISUID or status.st_mode & (stat.S_ISGID | stat.S_IXGRP) == stat.S_ISGID | stat.S_IXGRP:
        return True
    if not status.st_mode & 0o111:
        return False
    try:
        return bool(os.getxattr(path, "security.capability", follow_symlinks=False))
    except OSError:
        return False


def becoming_root(around: Surroundings) -> Verdict:
    """P06: neither setuid, nor su, nor a file in /etc makes the agent more than it is."""
    if os.getuid() == 0:
        return Verdict("fail", "is root already")
    worked = in_child(_become_root)
    assert isinstance(worked, list)
    su = shutil.which("su") if around.in_full else None
    if su and _says([su, "-c", "id -u"]) == "0":
        worked.append("su")
    for path in ("/etc/passwd", "/etc/shadow", "/etc/sudoers"):
        if _opens(path, os.O_WRONLY | os.O_APPEND):
            worked.append(f"writing {path}")
    return listed(worked, "setuid(0), setgid(0), su and writing /etc denied")


def _become_root() -> list[str]:
    worked = []
    attempts: dict[str, Callable[[], None]] = {
        "setgid(0)": lambda: os.setgid(0),
        "setgroups": lambda: os.setgroups([0]),
        "setuid(0)": lambda: os.setuid(0),
    }
    for name, attempt in attempts.items():
        try:
            attempt()
            worked.append(name)
        except OSError:
            continue
    return worked


def namespaces(_around: Surroundings) -> Verdict:
    """P07: no namespace in which the agent would be root."""
    worked = in_child(_leave_namespaces)
    assert isinstance(worked, list)
    return listed(worked, "unshare and clone of user, mount, net, pid and uts namespaces denied")


def _leave_namespaces() -> list[str]:
    worked = []
    for name, flag in _NAMESPACES.items():
        if _clones(flag):
            worked.append(f"clone {name}")
        if not kernel.is_denied("unshare", flag):
            worked.append(f"unshare {name}")
    return worked


def _clones(flag: int) -> bool:
    try:
        child = kernel.call("clone", flag | _SIGCHLD, 0, 0, 0, 0)
    except OSError:
        return False
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return True


def escapes(_around: Surroundings) -> Verdict:
    """P08: the calls and sockets that escapes begin with."""
    worked = in_child(_try_escapes)
    assert isinstance(worked, list)
    return listed(
        worked,
        "mount, bpf, ptrace, process_vm_readv, keyctl, perf_event_open, userfaultfd, io_uring, modules, "
        "packet, vsock, crypto and raw sockets denied",
    )


def _try_escapes() -> list[str]:
    buffer = ctypes.create_string_buffer(256)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 16)
    other = (ctypes.c_size_t * 2)(ctypes.addressof(buffer) + 32, 16)
    perf = (ctypes.c_uint64 * 16)(1 | 128 << 32, 0)
    array = (ctypes.c_uint32 * 16)(2, 4, 4, 1)
    attempts = {
        "bpf": (0, array, 64),
        "ptrace": (0, 0, 0, 0),
        "process_vm_readv": (os.getpid(), vector, 1, other, 1, 0),
        "keyctl": (0, -3, 1),
        "perf_event_open": (perf, 0, -1, -1, 0),
        "userfaultfd": (1,),
        "io_uring_setup": (1, buffer),
        "init_module": (buffer, 256, ctypes.c_char_p(b"")),
    }
    worked = [name for name, arguments in attempts.items() if not kernel.is_denied(name, *arguments)]
    return worked + [name for name, works in _other_escapes() if works]


def _other_escapes() -> Iterator[tuple[str, bool]]:
    with open("/dev/null", "rb") as null:
        yield "finit_module", not kernel.is_denied("finit_module", null.fileno(), ctypes.c_char_p(b""), 0)
    yield "mount", _mounts()
    yield "packet socket", _makes_socket(_AF_PACKET, socket.SOCK_RAW)
    yield "vsock socket", _makes_socket(_AF_VSOCK, socket.SOCK_STREAM)
    yield "crypto socket", _makes_socket(_AF_ALG, socket.SOCK_SEQPACKET)
    yield "raw IPv4 socket", _makes_socket(socket.AF_INET, socket.SOCK_RAW, 1)
    yield "raw IPv6 socket", _makes_socket(socket.AF_INET6, socket.SOCK_RAW, 58)


def _mounts() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        nowhere, kind = ctypes.c_char_p(b"none"), ctypes.c_char_p(b"tmpfs")
        where = ctypes.c_char_p(os.fsencode(folder))
        if kernel.is_denied("mount", nowhere, where, kind, 0, None):
            return False
        kernel.call("umount2", where, 2)
        return True


def _makes_socket(family: int, kind: int, protocol: int = 0) -> bool:
    try:
        socket.socket(family, kind, protocol).close()
        return True
    except OSError as failure:
        return failure.errno not in kernel.DENIED and failure.errno != 93


def devices(_around: Surroundings) -> Verdict:
    """P09: no disk, and nothing that reaches the kernel's or the machine's memory."""
    found = [f"/dev/{name}" for name in _FORBIDDEN_DEVICES if _opens(f"/dev/{name}", os.O_RDONLY)]
    for folder, _, names in os.walk("/dev"):
        for name in names:
            path = os.path.join(folder, name)
            try:
                is_block = stat.S_ISBLK(os.lstat(path).st_mode)
            except OSError:
                continue
            if is_block and _opens(path, os.O_RDONLY):
                found.append(path)
    return listed(found, "no block device, /dev/mem, /dev/kmsg, /dev/kvm or the like can be opened")


def _files(folders: list[str], deep: bool) -> Iterator[tuple[str, os.stat_result]]:
    """Regular files of the image; below a folder only when looking in full."""
    waiting = list(dict.fromkeys(os.path.realpath(folder) for folder in folders))
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    if deep and entry.path not in _NOT_OF_THE_IMAGE:
                        waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield entry.path, entry.stat(follow_symlinks=False)
            except OSError:
                continue


def _opens(path: str, flags: int) -> bool:
    try:
        os.close(os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY))
        return True
    except OSError:
        return False


def _says(command: list[str]) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SU_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
