"""S01 to S08: that there is nothing to steal, and no way to those who have it."""

import contextlib
import ctypes
import os
import re
import resource
import stat
import time
from collections.abc import Iterator
from typing import NamedTuple

from skerry_probe import kernel
from skerry_probe.verdict import Surroundings, Verdict, in_child, listed

SEARCH_SECONDS = 6.0
BOOT_SEARCH_BYTES = 1024 * 1024
MOST_FILE_BYTES = 4 * 1024 * 1024

_TOKEN_VARIABLE = b"SESSION_TOKEN="


class Secret(NamedTuple):
    """How a kind of secret looks; `marks` are parts that are quick to look for and without which it cannot be there."""

    marks: tuple[bytes, ...]
    form: re.Pattern[bytes]

    def is_in(self, content: bytes) -> bool:
        """Whether the content holds one."""
        return any(mark in content for mark in self.marks) and self.form.search(content) is not None


KEY_MATERIAL = {
    "cloud access key": Secret(
        (b"AKIA", b"ASIA"), re.compile(rb"(?<![A-Za-z0-9/+=])(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9/+=])")
    ),
    "API key": Secret(
        (b"sk-", b"sk_"), re.compile(rb"(?<![A-Za-z0-9_-])sk[-_](?=[\w-]{0,60}[0-9])(?=[\w-]{0,60}[A-Z])[\w-]{20,200}")
    ),
    "code host token": Secret(
        (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), re.compile(rb"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{36}")
    ),
    "private key": Secret(
        (b"PRIVATE KEY-----",), re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}")
    ),
    "JSON web token": Secret((b".eyJ",), re.compile(rb"(?<![A-Za-z0-9_-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")),
    "session token": Secret(
        (b"SESSION_TOKEN=", b"skb1."),
        re.compile(rb"SESSION_TOKEN=[\w.-]{16}|skb1\.[a-z0-9]{1,16}\.ses_[0-9A-Z]{26}\.[0-9]+\.[\w-]{43}"),
    ),
}
_PUBLISHED = re.compile(r"/libgnutls\.so\.[0-9.]+$")
"""A library of the distribution that carries the private keys with which it tests itself."""
_LIKELY = ("/etc", "/root", "/home", "/run", "/tmp", "/opt", "/srv", "/var", "/mnt", "/usr/local", "/")
_NOT_OF_THE_IMAGE = ("/proc", "/sys", "/dev")
_SOCKETS = (
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/snapd.socket",
    "/run/systemd/private",
    "/run/dbus/system_bus_socket",
)
_ACCOUNTS = ("/var/run/secrets/kubernetes.io", "/run/secrets", "/var/lib/cloud", "/root/.aws", "/root/.config/gcloud")
_FOREIGN_FILE_SYSTEMS = frozenset(("9p", "virtiofs", "nfs", "nfs4", "cifs", "fuse", "fuse.sshfs", "vboxsf"))
_BOUND_BY_ENGINES = frozenset(("/etc/resolv.conf", "/etc/hostname", "/etc/hosts"))
_DISKS = frozenset(("ext4", "ext3", "xfs", "btrfs", "zfs", "f2fs"))


def environments(around: Surroundings) -> Verdict:
    """S01: no environment that can be read holds a token."""
    own = {os.getpid(), *around.holders}
    looked_at = own if around.is_shared else set(kernel.processes())
    readable = 0
    for pid in looked_at:
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                block = environ.read()
        except OSError:
            continue
        readable += 1
        if _TOKEN_VARIABLE in block or any(each.is_in(block) for each in KEY_MATERIAL.values()):
            return Verdict("fail", f"the environment of process {pid} holds a token or a key")
    scope = "the runtime's own processes" if around.is_shared else "all processes"
    return Verdict("pass", f"looked at {scope}: {readable} of {len(looked_at)} readable, none holds a token")


def memory(around: Surroundings) -> Verdict:
    """S02: nobody looks into the process that holds the token, nor into the one that started it."""
    if not around.gateway:
        if around.is_shared:
            return Verdict("fail", "no gateway process found to try")
        return Verdict("pass", "the gateway's process is not even to be seen")
    opened = [f"{name} of {pid}" for pid in around.holders for name in _looks_into(pid)]
    return listed(opened, "memory, environment, maps, descriptors, folder and tracing of gateway and init denied")


def _looks_into(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            os.readlink(f"/proc/{pid}/fd/{descriptor}")
            yield f"descriptor {descriptor}"
            break
    for name in ("mem", "environ", "maps", "auxv", "stack", "syscall"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as file:
            if name == "mem" or file.read(1):
                yield name
    for name in ("cwd", "exe", "root"):
        with contextlib.suppress(OSError):
            os.readlink(f"/proc/{pid}/{name}")
            yield name
    tried = in_child(lambda: _traces(pid))
    assert isinstance(tried, list)
    yield from tried


def _traces(pid: int) -> list[str]:
    attach, detach = 16, 17
    worked = []
    if not _fails("ptrace", attach, pid, 0, 0):
        os.waitpid(pid, 0)
        kernel.call("ptrace", detach, pid, 0, 0)
        worked.append("ptrace")
    buffer = ctypes.create_string_buffer(16)
    here, there = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 16), (ctypes.c_size_t * 2)(0x400000, 16)
    if not kernel.is_denied("process_vm_readv", pid, here, 1, there, 1, 0):
        worked.append("process_vm_readv")
    with contextlib.suppress(OSError):
        handle = kernel.call("pidfd_open", pid, 0)
        worked += ["pidfd_getfd" for number in range(8) if not _fails("pidfd_getfd", handle, number, 0)][:1]
    return worked


def core_dumps(_around: Surroundings) -> Verdict:
    """S03: a crash writes no memory to a file."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    return Verdict.holds(limits == (0, 0), f"core limit {limits[0]}, at most {limits[1]}")


def signals(around: Surroundings) -> Verdict:
    """S04: the agent cannot end the gateway or init."""
    reached = []
    for pid in around.holders or ([] if around.is_shared else [1]):
        if not _fails_to_signal(pid):
            reached.append(f"process {pid}")
        with contextlib.suppress(OSError):
            handle = kernel.call("pidfd_open", pid, 0)
            if not _fails("pidfd_send_signal", handle, 0, None, 0):
                reached.append(f"process {pid} by handle")
            os.close(handle)
    if around.is_shared and not around.holders:
        return Verdict("fail", "no gateway process found to try")
    return listed(reached, "gateway and init cannot be signalled")


def _fails_to_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return False
    except OSError:
        return True


def key_material(around: Surroundings) -> Verdict:
    """S05: no key, token or certificate's secret in any file."""
    if around.is_shared and not around.in_full:
        return Verdict("fail", "not looked for at boot")
    ends = time.monotonic() + SEARCH_SECONDS
    seen = seen_bytes = 0
    found = []
    for path, size in _readable_files(around):
        if time.monotonic() > ends or (not around.in_full and seen_bytes > BOOT_SEARCH_BYTES):
            break
        kinds = _kinds_in(path)
        found += [f"{kind} in {path}" for kind in kinds]
        seen, seen_bytes = seen + 1, seen_bytes + size
    return listed(found, f"none in {seen} files, {seen_bytes // 1024} KiB")


def _kinds_in(path: str) -> list[str]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(MOST_FILE_BYTES)
    except OSError:
        return []
    return kinds_in(path, content)


def kinds_in(path: str, content: bytes) -> list[str]:
    """Which kinds of secrets a file of that name holds, but for keys that everybody has."""
    found = [kind for kind, secret in KEY_MATERIAL.items() if secret.is_in(content)]
    is_published = content.startswith(b"\x7fELF") and _PUBLISHED.search(path) is not None
    return [kind for kind in found if kind != "private key" or not is_published]


def _readable_files(around: Surroundings) -> Iterator[tuple[str, int]]:
    """First where keys usually lie, all of it in full; at boot only small files near the top of those folders."""
    depth = 64 if around.in_full else 2
    for folder in (around.workspace, *_LIKELY):
        yield from _walk(folder, 0 if folder == "/" and not around.in_full else depth, around)


def _walk(folder: str, depth: int, around: Surroundings) -> Iterator[tuple[str, int]]:
    most = MOST_FILE_BYTES if around.in_full else 64 * 1024
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                nested = folder == "/" and entry.path in (*_NOT_OF_THE_IMAGE, *_LIKELY, around.workspace)
                if depth > 0 and not nested:
                    yield from _walk(entry.path, depth - 1, around)
            elif entry.is_file(follow_symlinks=False):
                size = entry.stat(follow_symlinks=False).st_size
                if 0 < size <= most:
                    yield entry.path, size
        except OSError:
            continue


def runtime_files(around: Surroundings) -> Verdict:
    """S07: the agent neither reads nor changes the runtime, which brings no sources."""
    if not around.runtime:
        return Verdict("fail", "the runtime's folder is not known")
    found = []
    try:
        names = os.listdir(around.runtime)
        found.append(f"{around.runtime} can be listed")
        found += [f"{name} is a source" for name in names if name.endswith(".py")]
    except OSError:
        pass
    for name in ("__main__.pyc", "__main__.py", "init.pyc", "init.py"):
        with contextlib.suppress(OSError), open(os.path.join(around.runtime, name), "rb"):
            found.append(f"{name} can be read")
    for folder in (around.runtime, os.path.dirname(around.runtime)):
        path = os.path.join(folder, f".skerry-probe-{os.getpid()}")
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
            os.unlink(path)
            found.append(f"{folder} can be written")
    return listed(found, "no part of the runtime can be listed, read or written")


def host_doors(_around: Surroundings) -> Verdict:
    """S08: no engine's socket, no folder of the host, no account of an orchestrator."""
    found = [path for path in _SOCKETS if _is_socket(path)]
    for path in _ACCOUNTS:
        with contextlib.suppress(OSError):
            if os.listdir(path):
                found.append(path)
    return listed(found + list(_host_mounts()), "no engine socket, host folder or service account")


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode) and os.access(path, os.W_OK)
    except OSError:
        return False


def _host_mounts() -> Iterator[str]:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            left, _, right = line.partition(" - ")
            where, kind = left.split()[4], right.split()[0]
            if where in _BOUND_BY_ENGINES or where == "/":
                continue
            if kind in _FOREIGN_FILE_SYSTEMS or (kind in _DISKS and left.split()[3] != "/"):
                yield f"{where} ({kind})"


def _fails(name: str, *arguments: object) -> bool:
    try:
        kernel.call(name, *arguments)
        return False
    except OSError:
        return True
