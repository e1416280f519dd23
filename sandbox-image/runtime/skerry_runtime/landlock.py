"""Which files and whose signals a process may reach, restricted by itself, where the kernel has Landlock."""

import contextlib
import ctypes
import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from skerry_runtime import linux

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH, _NET_PORT = 1, 2

_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_FOLDER = 1 << 3
_CHANGE_FOLDERS = 0x1FF0
_REFER = 1 << 13
_TRUNCATE = 1 << 14
DEVICE_CONTROL = 1 << 15
_CONNECT_TCP = 1 << 1
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2

READ = _EXECUTE | _READ_FILE | _READ_FOLDER
WRITE = _WRITE_FILE | _CHANGE_FOLDERS | _REFER | _TRUNCATE | DEVICE_CONTROL
WRITE_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE | DEVICE_CONTROL
_ON_FILES = _EXECUTE | WRITE_FILES


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scope", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("folder", ctypes.c_int32))


class _Port(ctypes.Structure):
    _fields_ = (("access", ctypes.c_uint64), ("port", ctypes.c_uint64))


class Grant(NamedTuple):
    """What may be done with a path and everything below it; a path that does not exist grants nothing."""

    path: str
    access: int


def version() -> int:
    """What the kernel understands; 0 where it has no Landlock."""
    try:
        return linux.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    except OSError:
        return 0


def restrict(grants: Iterable[Grant], handled: int = READ | WRITE, only_port: int | None = None) -> bool:
    """Permits what is granted of what is handled, and signals only among this process and all it starts.

    Where a port is named, it is the only one that TCP connections are made to. False where the kernel has no Landlock;
    a kernel with an older one restricts what that one knows.
    """
    known = version()
    if known == 0:
        return False
    files = handled & _known_files(known)
    network = _CONNECT_TCP if only_port is not None and known >= 4 else 0
    scope = _ABSTRACT_SOCKETS | _SIGNALS if known >= 6 else 0
    attributes = _Ruleset(files, network, scope)
    size = 8 if known < 4 else 16 if known < 6 else 24
    ruleset = linux.syscall(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for grant in grants:
            with contextlib.suppress(FileNotFoundError, PermissionError, NotADirectoryError):
                _add(ruleset, grant, files)
        if network and only_port:
            port = _Port(network, only_port)
            linux.syscall(
                _ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_NET_PORT), ctypes.byref(port), ctypes.c_uint32(0)
            )
        linux.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return True


def _known_files(known: int) -> int:
    newer = (_REFER if known < 2 else 0) | (_TRUNCATE if known < 3 else 0) | (DEVICE_CONTROL if known < 5 else 0)
    return (READ | WRITE) & ~newer


def _add(ruleset: int, grant: Grant, handled: int) -> None:
    target = os.open(grant.path, os.O_PATH | os.O_CLOEXEC)
    try:
        access = grant.access & handled
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            access &= _ON_FILES
        if access:
            rule = _Beneath(access, target)
            linux.syscall(
                _ADD_RULE,
                ctypes.c_int(ruleset),
                ctypes.c_int(_PATH_BENEATH),
                ctypes.byref(rule),
                ctypes.c_uint32(0),
            )
    finally:
        os.close(target)
