"""Names and bytes of the workspace: what may be synced, and how it is opened without following a link."""

import hashlib
import itertools
import os
import stat
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

TOOL_OUTPUT = ".tool-output"
IGNORED = frozenset(("__pycache__", "node_modules", ".venv", ".cache", ".npm"))
PARTIAL = ".skerry-partial-"
MOST_PATH_BYTES = 1024
MOST_NAMES = 100_000
_CHUNK_BYTES = 1024 * 1024


class Escape(Exception):
    """A path that leads out of the workspace."""


class Stamp(NamedTuple):
    """What changes when a file does; cheap to read."""

    inode: int
    size: int
    modified: int
    changed: int


def is_portable(path: str) -> bool:
    """Whether the protocol can carry this relative path."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return False
    if not encoded or len(encoded) > MOST_PATH_BYTES:
        return False
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in path):
        return False
    return all(segment not in ("", ".", "..") for segment in path.split("/"))


def is_synced(path: str) -> bool:
    """Whether a file of this name belongs to the workspace that outlives the sandbox."""
    segments = path.split("/")
    if segments[0] == TOOL_OUTPUT or segments[-1].startswith(PARTIAL):
        return False
    return IGNORED.isdisjoint(segments[:-1])


def walk(root: str) -> Iterator[tuple[str, os.stat_result]]:
    """Regular files below `root` that are synced, by relative path; links, pipes and devices are not files.

    Looks at a bounded number of names, those near the top first.
    """
    waiting = deque([""])
    seen = 0
    while waiting and seen < MOST_NAMES:
        folder = waiting.popleft()
        try:
            with os.scandir(os.path.join(root, folder)) as found:
                entries = list(itertools.islice(found, MOST_NAMES - seen))
        except OSError:
            continue
        seen += len(entries)
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in IGNORED and path != TOOL_OUTPUT:
                        waiting.append(path)
                elif entry.is_file(follow_symlinks=False) and is_synced(path):
                    yield path, entry.stat(follow_symlinks=False)
            except OSError:
                continue


def stamp(status: os.stat_result) -> Stamp:
    """The stamp of a file."""
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def open_regular(path: str, folder: int | None = None) -> int:
    """Opens a regular file for reading; raises OSError for everything else, also for a link to one."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    return descriptor


def open_beneath(root: str, path: str) -> int:
    """Opens a regular file below `root` for reading; raises OSError if any part of the path is a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    *folders, name = path.split("/")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for segment in folders:
            below = os.open(segment, flags, dir_fd=folder)
            os.close(folder)
            folder = below
        return open_regular(name, folder)
    finally:
        os.close(folder)


def digest(descriptor: int) -> tuple[int, str]:
    """Size and SHA-256 of an open file, from its beginning."""
    sha256 = hashlib.sha256()
    offset = 0
    while chunk := os.pread(descriptor, _CHUNK_BYTES, offset):
        sha256.update(chunk)
        offset += len(chunk)
    return offset, sha256.hexdigest()


def open_parent(root: str, path: str) -> int:
    """Opens the folder of `path`, making what is missing; a link on the way is replaced, not followed."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for segment in path.split("/")[:-1]:
        try:
            try:
                below = os.open(segment, flags, dir_fd=folder)
            except NotADirectoryError:
                os.unlink(segment, dir_fd=folder)
                raise FileNotFoundError from None
        except FileNotFoundError:
            os.mkdir(segment, 0o755, dir_fd=folder)
            below = os.open(segment, flags, dir_fd=folder)
        finally:
            os.close(folder)
        folder = below
    return folder
