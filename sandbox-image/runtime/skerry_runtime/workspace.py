"""The folder the agent works in, kept the same as the control plane's copy."""

import contextlib
import os
import threading
from typing import NamedTuple

from skerry_runtime import files
from skerry_runtime.files import Stamp
from skerry_runtime.pulse import SignsOfLife
from skerry_runtime.wire import FileEntry, Gateway, Refused, event, log_event

MOST_FILES = 10_000
MOST_FILE_BYTES = 256 * 1024 * 1024
MOST_BYTES = 2 * 1024 * 1024 * 1024
ATTEMPTS = 3
BATCH = 500


class Known(NamedTuple):
    """A file as it was when it was last read."""

    stamp: Stamp
    sha256: str


class Workspace:
    """Finds what changed, tells it, and stores it before anybody relies on it."""

    def __init__(self, root: str, gateway: Gateway) -> None:
        self.root = os.path.realpath(root)
        self._gateway = gateway
        self._known: dict[str, Known] = {}
        self._stored: dict[str, str] = {}
        self._left_out: set[str] = set()
        self._lock = threading.RLock()

    def resolve(self, path: str) -> str:
        """The absolute path that a relative one means, links resolved; raises `Escape` outside the workspace."""
        full = os.path.realpath(os.path.join(self.root, path))
        if full != self.root and not full.startswith(self.root.rstrip("/") + "/"):
            raise files.Escape(f"{path} leads out of the workspace. Use a path inside it, relative to {self.root}.")
        return full

    def relative(self, full: str) -> str:
        """How people and the protocol name a file."""
        return os.path.relpath(full, self.root)

    def restore(self, entries: list[FileEntry]) -> None:
        """Fetches the stored files that are not here with the same content; raises OSError if one cannot be had."""
        with SignsOfLife(self._gateway):
            self._restore(entries)

    def _restore(self, entries: list[FileEntry]) -> None:
        self._stored = {entry["path"]: entry["sha256"] for entry in entries}
        self._scan()
        missing = {
            path
            for path, sha256 in self._stored.items()
            if path not in self._known or self._known[path].sha256 != sha256
        }
        if not missing:
            return
        for download in self._gateway.downloads():
            if download["path"] in missing:
                self._fetch(download["path"], download["size"], download["sha256"], download["url"])
                missing.discard(download["path"])
        if missing:
            raise OSError(f"{len(missing)} stored files have no download")
        self._scan()

    def scan(self) -> None:
        """Tells of every file that was created, modified or deleted since the last scan."""
        with self._lock:
            before = dict(self._known)
            self._scan()
            for path, known in self._known.items():
                if path not in before:
                    self._tell(path, known.stamp.size, "created")
                elif before[path].sha256 != known.sha256:
                    self._tell(path, known.stamp.size, "modified")
            for path in before.keys() - self._known.keys():
                self._tell(path, 0, "deleted")

    def sync(self, turn: str | None) -> None:
        """Stores the workspace as of now; raises `Refused` if the control plane will not have it."""
        with self._lock:
            for attempt in range(1, ATTEMPTS + 1):
                self.scan()
                now = {path: known.sha256 for path, known in self._known.items()}
                if now == self._stored:
                    return
                try:
                    entries = [self._entry(path) for path in sorted(now)]
                    self._upload([entry for entry in entries if self._stored.get(entry["path"]) != entry["sha256"]])
                    self._gateway.manifest(turn, entries)
                    self._stored = now
                    return
                except (Refused, OSError) as failure:
                    if attempt == ATTEMPTS or (isinstance(failure, Refused) and failure.status != 422):
                        raise

    def holds(self, path: str) -> str | None:
        """The stored name of a file that the model named, or nothing if there is no such file."""
        try:
            name = self.relative(self.resolve(path))
        except (files.Escape, ValueError):
            return None
        return name if name in self._known else None

    def _scan(self) -> None:
        found: dict[str, Known] = {}
        total = 0
        for path, status in files.walk(self.root):
            stamp = files.stamp(status)
            if len(found) >= MOST_FILES or total + stamp.size > MOST_BYTES or not self._fits(path, stamp):
                self._leave_out(path)
                continue
            known = self._known.get(path)
            if known is None or known.stamp != stamp:
                known = self._read(path)
            if known is not None:
                found[path] = known
                total += known.stamp.size
        self._known = found

    @staticmethod
    def _fits(path: str, stamp: Stamp) -> bool:
        return stamp.size <= MOST_FILE_BYTES and files.is_portable(path)

    def _read(self, path: str) -> Known | None:
        try:
            descriptor = files.open_beneath(self.root, path)
        except OSError:
            return None
        try:
            stamp = files.stamp(os.fstat(descriptor))
            size, sha256 = files.digest(descriptor)
            return Known(stamp._replace(size=size), sha256)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def _entry(self, path: str) -> FileEntry:
        known = self._known[path]
        return {"path": path, "size": known.stamp.size, "sha256": known.sha256}

    def _upload(self, entries: list[FileEntry]) -> None:
        for start in range(0, len(entries), BATCH):
            batch = entries[start : start + BATCH]
            sizes = {entry["path"]: entry["size"] for entry in batch}
            for upload in self._gateway.uploads(batch):
                if upload.get("have"):
                    continue
                descriptor = files.open_beneath(self.root, upload["path"])
                try:
                    self._gateway.upload(upload["url"], sizes[upload["path"]], descriptor)
                finally:
                    os.close(descriptor)

    def _fetch(self, path: str, size: int, sha256: str, url: str) -> None:
        if not files.is_portable(path) or not files.is_synced(path):
            raise OSError("the control plane named a file that no workspace may hold")
        folder = files.open_parent(self.root, path)
        name = path.rpartition("/")[2]
        partial = files.PARTIAL + os.urandom(8).hex()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(partial, flags, 0o644, dir_fd=folder)
            try:
                self._gateway.download(url, size, descriptor)
                if files.digest(descriptor) != (size, sha256):
                    raise OSError(f"{path} arrived with other bytes than announced")
            finally:
                os.close(descriptor)
            os.rename(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial, dir_fd=folder)
            raise
        finally:
            os.close(folder)

    def _tell(self, path: str, size: int, change: str) -> None:
        self._gateway.emit(event("file.changed", {"path": path, "size": size, "change": change}))

    def _leave_out(self, path: str) -> None:
        if path not in self._left_out and len(self._left_out) < MOST_FILES:
            self._left_out.add(path)
            if len(self._left_out) <= 20:
                text = (
                    f"not stored: {ascii(path)[:300]} (name, size or number of files is beyond what a workspace holds)"
                )
                self._gateway.emit(log_event("warning", text))
