"""Writes entries as archives: same entries, same bytes."""

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterable
from typing import IO, NamedTuple, Protocol

from builder.tree import Entry

_TYPES = {stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE, stat.S_IFREG: tarfile.REGTYPE}


def write_tar(entries: Iterable[Entry], time: int, out: IO[bytes]) -> None:
    """A tar archive; hard links become files."""
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.path)
            info.type = _TYPES[entry.kind]
            info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.owner, entry.owner, time
            info.linkname = entry.target
            if entry.file is None:
                tar.addfile(info)
            else:
                with open(entry.file, "rb") as content:
                    info.size = os.fstat(content.fileno()).st_size
                    tar.addfile(info, content)


class Device(NamedTuple):
    """A character device that must exist before anything can make one."""

    path: str
    mode: int
    major: int
    minor: int


class Output(Protocol):
    """Where bytes go, compressed or not."""

    def write(self, data: bytes, /) -> object:
        """Takes all of them."""


def write_cpio(entries: Iterable[Entry], devices: Iterable[Device], time: int, out: Output) -> None:
    """An archive that a Linux kernel unpacks into its first file system."""
    number = 0
    for entry in entries:
        number += 1
        content = entry.target.encode()
        if entry.file is not None:
            with open(entry.file, "rb") as file:
                content = file.read()
        head = _Head(number, entry.kind | entry.mode, entry.owner, time)
        _record(out, head, entry.path, content)
    for device in devices:
        number += 1
        head = _Head(number, stat.S_IFCHR | device.mode, 0, time, device.major, device.minor)
        _record(out, head, device.path, b"")
    _record(out, _Head(0, 0, 0, 0), "TRAILER!!!", b"")


class _Head(NamedTuple):
    number: int
    mode: int
    owner: int
    time: int
    major: int = 0
    minor: int = 0


def _record(out: Output, head: _Head, path: str, content: bytes) -> None:
    name = os.fsencode(path) + b"\0"
    links = 2 if stat.S_ISDIR(head.mode) else 1
    file = (head.number, head.mode, head.owner, head.owner, links, head.time, len(content))
    fields = (*file, 0, 0, head.major, head.minor, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    out.write(header + b"\0" * (-len(header) % 4))
    out.write(content + b"\0" * (-len(content) % 4))


def sha256(path: str) -> str:
    """The digest of a file's content."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
