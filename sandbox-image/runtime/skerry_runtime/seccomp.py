"""The system calls that no tool of a developer needs and many an escape begins with, refused by the kernel."""

import ctypes
import errno
import platform
import socket
from typing import NamedTuple

from skerry_runtime import linux

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000

_LOAD = 0x20
_EQUAL = 0x15
_GREATER_OR_EQUAL = 0x35
_ANY_OF = 0x45
_AND = 0x54
_RETURN = 0x06

_OFFSET_NUMBER = 0
_OFFSET_ARCHITECTURE = 4
_OFFSET_ARGUMENTS = 16

_NEWEST_KNOWN = 467

_NAMESPACES = 0x7E020000
_TIOCSTI = 0x5412
_TIOCLINUX = 0x541C
_TYPE = 0xF
_NETLINK_ROUTE = 0
_QUERY_PERSONALITY = 0xFFFFFFFF
_NO_RANDOM_ADDRESSES = 0x0040000

_REFUSED = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
}
_REFUSED_ON_X86 = (172, 173, 154, 134, 174, 177, 178, 156, 139)


class _Machine(NamedTuple):
    """What differs between processors."""

    architecture: int
    column: int
    also_refused: tuple[int, ...]
    socket: int
    socketpair: int
    ioctl: int
    clone: int
    personality: int
    executions: tuple[int, ...]


_CLONE3 = 435
_MACHINES = {
    "x86_64": _Machine(0xC000003E, 0, _REFUSED_ON_X86, 41, 53, 16, 56, 135, (59, 322)),
    "aarch64": _Machine(0xC00000B7, 1, (), 198, 199, 29, 220, 92, (221, 281)),
}


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


Instructions = list[tuple[int, int, int, int]]


def restrict(may_execute: bool = True) -> None:
    """Puts the filter in force for this thread and all it starts, for good; raises OSError where that cannot be."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise OSError(errno.ENOSYS, f"no system call filter is known for {platform.machine()}")
    code = program(machine, may_execute)
    instructions = (_Instruction * len(code))(*(_Instruction(*each) for each in code))
    loaded = _Program(len(code), instructions)
    linux.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(loaded))


def program(machine: _Machine, may_execute: bool) -> Instructions:
    """The filter: other architectures and unknown calls do not exist, the listed ones are not permitted."""
    code: Instructions = [
        (_LOAD, 0, 0, _OFFSET_ARCHITECTURE),
        (_EQUAL, 1, 0, machine.architecture),
        _refuse(errno.EPERM),
        (_LOAD, 0, 0, _OFFSET_NUMBER),
        (_GREATER_OR_EQUAL, 0, 1, _NEWEST_KNOWN),
        _refuse(errno.ENOSYS),
        (_EQUAL, 0, 1, _CLONE3),
        _refuse(errno.ENOSYS),
    ]
    refused = [numbers[machine.column] for numbers in _REFUSED.values()] + list(machine.also_refused)
    if not may_execute:
        refused += machine.executions
    for number in refused:
        code += [(_EQUAL, 0, 1, number), _refuse(errno.EPERM)]
    code += _when(machine.clone, [(_LOAD, 0, 0, _argument(0)), (_ANY_OF, 0, 1, _NAMESPACES), _refuse(errno.EPERM)])
    code += _when(
        machine.ioctl,
        [
            (_LOAD, 0, 0, _argument(1)),
            (_EQUAL, 1, 0, _TIOCSTI),
            (_EQUAL, 0, 1, _TIOCLINUX),
            _refuse(errno.EPERM),
        ],
    )
    code += _when(
        machine.personality,
        [
            (_LOAD, 0, 0, _argument(0)),
            (_EQUAL, 3, 0, 0),
            (_EQUAL, 2, 0, _QUERY_PERSONALITY),
            (_EQUAL, 1, 0, _NO_RANDOM_ADDRESSES),
            _refuse(errno.EPERM),
        ],
    )
    for number in (machine.socket, machine.socketpair):
        code += _when(number, _sockets())
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _sockets() -> Instructions:
    """Local sockets, plain TCP and UDP, and the question which addresses this machine has."""
    return [
        (_LOAD, 0, 0, _argument(0)),
        (_EQUAL, 10, 0, socket.AF_UNIX),
        (_EQUAL, 4, 0, socket.AF_INET),
        (_EQUAL, 3, 0, socket.AF_INET6),
        (_EQUAL, 0, 6, socket.AF_NETLINK),
        (_LOAD, 0, 0, _argument(2)),
        (_EQUAL, 5, 4, _NETLINK_ROUTE),
        (_LOAD, 0, 0, _argument(1)),
        (_AND, 0, 0, _TYPE),
        (_EQUAL, 2, 0, socket.SOCK_STREAM),
        (_EQUAL, 1, 0, socket.SOCK_DGRAM),
        _refuse(errno.EPERM),
    ]


def _when(number: int, then: Instructions) -> Instructions:
    """Applies instructions to one call; every path through them that does not return goes on after them."""
    allowed = (_RETURN, 0, 0, _ALLOW)
    return [(_EQUAL, 0, len(then) + 1, number), *then, allowed]


def _argument(index: int) -> int:
    """Where the low half of an argument is; both machines are little-endian."""
    return _OFFSET_ARGUMENTS + 8 * index


def _refuse(error: int) -> tuple[int, int, int, int]:
    return _RETURN, 0, 0, _ERRNO | error
