"""What the gateway and the agent give up before they do anything, so that a hijacked one finds nothing to take."""

import contextlib
import fcntl
import os
import resource
import signal
import socket
import struct
import sys

from skerry_runtime import landlock, linux, seccomp
from skerry_runtime.identity import Identity
from skerry_runtime.landlock import Grant

MOST_FILE_BYTES = 4 * 1024**3
MOST_DESCRIPTORS = 4096
MOST_PROCESSES = 1024
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/proc", "/sys")
_DEVICES = ("null", "zero", "full", "tty", "ptmx", "pts")
_RANDOM = ("random", "urandom")
_SET_INTERFACE_FLAGS = 0x8914
_INTERFACE_UP = 0x1


def gateway(identity: Identity | None) -> None:
    """Leaves the gateway its memory and the way to the control plane: nothing to write, nothing to start."""
    if identity is not None:
        identity.become()
    linux.die_with_parent(signal.SIGKILL)
    linux.empty_the_bounding_set()
    linux.keep_capabilities()
    linux.forbid_new_privileges()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        landlock.restrict((), handled=landlock.WRITE)
    with contextlib.suppress(OSError):
        seccomp.restrict(may_execute=False)
    linux.forbid_inspection()


def agent(identity: Identity | None, workspace: str, package: str, driver: str) -> socket.socket:
    """Leaves the agent, and with it every tool, a folder to work in and a system to read.

    Answers with a socket at a loopback address that it may connect to, even where it may connect to nothing else.
    """
    has_own_network = _leave_network()
    if identity is not None:
        identity.become()
    if not has_own_network:
        has_own_network = _leave_network_as_nobody()
    linux.empty_the_bounding_set()
    linux.keep_capabilities()
    linux.forbid_new_privileges()
    _limit(driver)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    shares_network = driver in ("plain", "bubblewrap") and not has_own_network
    with contextlib.suppress(OSError):
        port = listener.getsockname()[1]
        landlock.restrict(_grants(workspace, package, driver), only_port=port if shares_network else None)
    with contextlib.suppress(OSError):
        seccomp.restrict()
    linux.forbid_inspection()
    linux.die_with_parent(signal.SIGTERM)
    return listener


def _leave_network() -> bool:
    """A network of its own with nothing but a loopback: the agent speaks to the gateway, and to nobody else."""
    try:
        linux.unshare(linux.CLONE_NEWNET)
    except OSError:
        return False
    _raise_loopback()
    return True


def _leave_network_as_nobody() -> bool:
    """The same for a user without rights, by way of a user namespace that knows only this user."""
    uid, gid = os.getuid(), os.getgid()
    linux.allow_inspection()
    try:
        linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWNET)
    except OSError:
        return False
    for name, content in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(content)
    _raise_loopback()
    return True


def _raise_loopback() -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_INTERFACE_FLAGS, struct.pack("16sh14x", b"lo", _INTERFACE_UP))


def _limit(driver: str) -> None:
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MOST_DESCRIPTORS),
        (resource.RLIMIT_FSIZE, MOST_FILE_BYTES),
    ]
    if driver == "vm":
        limits.append((resource.RLIMIT_NPROC, MOST_PROCESSES))
    for kind, most in limits:
        hard = resource.getrlimit(kind)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (value, value))


def _grants(workspace: str, package: str, driver: str) -> list[Grant]:
    machine = (*_SYSTEM, sys.base_prefix, os.path.dirname(package))
    grants = [Grant(path, landlock.READ) for path in (machine if driver == "plain" else ("/",))]
    grants += [Grant(path, landlock.READ | landlock.WRITE) for path in (workspace, "/tmp", "/dev/shm")]
    grants += [Grant(f"/dev/{name}", landlock.WRITE_FILES | landlock.READ) for name in _DEVICES]
    grants += [Grant(f"/dev/{name}", landlock.WRITE_FILES & ~landlock.DEVICE_CONTROL) for name in _RANDOM]
    if os.getuid() != 0:
        grants.append(Grant("/proc", landlock.WRITE_FILES))
    return grants
