"""What is stored of a workspace, and what never is."""

import contextlib
import io
import os
import threading
import unittest
from unittest import mock

from skerry_runtime import files, pulse, workspace
from skerry_runtime.direct import DirectGateway
from skerry_runtime.wire import FileEntry, Refused
from skerry_runtime.workspace import Workspace
from tests.support import SandboxTest, profile


class WorkspaceTest(SandboxTest):
    def setUp(self) -> None:
        self.gateway = DirectGateway(profile(), lambda _: [])
        self.root = self.folder()
        self.workspace = Workspace(self.root, self.gateway)

    def changes(self) -> list[tuple[str, str]]:
        found = [
            (each["data"]["path"], each["data"]["change"]) for each in self.gateway.events if "change" in each["data"]
        ]
        self.gateway.events.clear()
        return sorted(found)

    def stored(self) -> list[str]:
        return [entry["path"] for entry in self.gateway.workspace]


class Changes(WorkspaceTest):
    def test_tells_what_was_created_modified_and_deleted(self) -> None:
        self.write(self.root, "a.txt", "one")
        self.write(self.root, "b/c.txt", "one")
        self.workspace.scan()
        self.assertEqual(self.changes(), [("a.txt", "created"), ("b/c.txt", "created")])
        self.write(self.root, "a.txt", "two")
        os.utime(os.path.join(self.root, "b/c.txt"))
        self.workspace.scan()
        self.assertEqual(self.changes(), [("a.txt", "modified")])
        os.unlink(os.path.join(self.root, "a.txt"))
        self.workspace.scan()
        self.assertEqual(self.changes(), [("a.txt", "deleted")])

    def test_stores_again_only_when_something_changed(self) -> None:
        self.write(self.root, "a.txt", "one")
        self.workspace.sync("trn_1")
        self.assertEqual(self.gateway.content("a.txt"), b"one")
        self.gateway.workspace = []
        self.workspace.sync("trn_1")
        self.assertEqual(self.stored(), [])
        self.write(self.root, "a.txt", "two")
        self.workspace.sync("trn_1")
        self.assertEqual(self.gateway.content("a.txt"), b"two")

    def test_a_deleted_file_leaves_the_manifest(self) -> None:
        path = self.write(self.root, "a.txt", "one")
        self.workspace.sync(None)
        os.unlink(path)
        self.workspace.sync(None)
        self.assertEqual(self.stored(), [])

    def test_tries_again_when_a_file_changes_while_it_is_sent(self) -> None:
        path = self.write(self.root, "a.txt", "one")
        upload = self.gateway.upload

        def meddle(url: str, size: int, descriptor: int) -> None:
            self.write(self.root, os.path.relpath(path, self.root), "two!")
            self.gateway.upload = upload  # type: ignore[method-assign]
            upload(url, size, descriptor)

        self.gateway.upload = meddle  # type: ignore[method-assign]
        self.workspace.sync(None)
        self.assertEqual(self.gateway.content("a.txt"), b"two!")

    def test_gives_up_when_the_control_plane_will_not_have_it(self) -> None:
        self.write(self.root, "a.txt", "one")

        def refuse(_files: list[FileEntry]) -> None:
            raise Refused(413, "too_large", "too much")

        self.gateway.uploads = refuse  # type: ignore[method-assign, assignment]
        with self.assertRaises(Refused):
            self.workspace.sync(None)


class HostileNames(WorkspaceTest):
    def test_only_portable_regular_files_are_stored(self) -> None:
        outside = self.write(self.folder(), "secret", "secret")
        self.write(self.root, "good.txt", "good")
        os.symlink(outside, os.path.join(self.root, "link"))
        os.symlink(os.path.dirname(outside), os.path.join(self.root, "folder"))
        os.symlink(self.root, os.path.join(self.root, "loop"))
        os.mkfifo(os.path.join(self.root, "pipe"))
        for name in (b"new\nline", b"not-utf8-\xff", b"bell\x07"):
            with open(os.path.join(os.fsencode(self.root), name), "wb") as file:
                file.write(b"x")
        for path in (".tool-output/c.txt", "node_modules/m/i.js", "a/__pycache__/x.pyc", ".cache/x"):
            self.write(self.root, path, "x")
        self.workspace.sync(None)
        self.assertEqual(self.stored(), ["good.txt"])
        warnings = [each for each in self.gateway.events if each["type"] == "sandbox.log"]
        self.assertEqual(len(warnings), 3)

    def test_portable_is_what_the_protocol_says(self) -> None:
        for path in ("a", "a/b", "ä.txt", "a b", "...", "a" * 1024):
            self.assertTrue(files.is_portable(path), path)
        for path in ("", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\nb", "a\x7f", "ä" * 513, "a\udcff"):
            self.assertFalse(files.is_portable(path), path)


    def test_never_follows_a_folder_that_became_a_link(self) -> None:
        outside = self.folder()
        self.write(outside, "shown.txt", "secret")
        self.write(self.root, "a/shown.txt", "mine")
        self.workspace.scan()
        os.rename(os.path.join(self.root, "a"), os.path.join(self.root, "b"))
        os.symlink(outside, os.path.join(self.root, "a"))
        with self.assertRaises(OSError):
            files.open_beneath(self.root, "a/shown.txt")
        self.workspace.sync(None)
        self.assertEqual(self.stored(), ["b/shown.txt"])
        self.assertEqual(self.gateway.content("b/shown.txt"), b"mine")

    def test_more_names_than_anybody_wants_do_not_stop_the_work(self) -> None:
        for number in range(300):
            self.write(self.root, f"many/{number}", "x")
        self.write(self.root, "kept.txt", "kept")
        with mock.patch.object(files, "MOST_NAMES", 50), mock.patch.object(workspace, "MOST_FILES", 20):
            self.workspace.sync(None)
        self.assertEqual(len(self.stored()), 20)
        self.assertIn("kept.txt", self.stored())

    def test_a_folder_with_more_names_than_are_looked_at_is_walked_to_the_limit_and_no_further(self) -> None:
        most_links = 50_000
        os.makedirs(os.path.join(self.root, "many"))
        for number in range(files.MOST_NAMES + 20_000):
            path = os.path.join(self.root, "many", str(number))
            if number % most_links == 0:
                first = path
                self.write(self.root, f"many/{number}", "x")
            else:
                os.link(first, path)
        self.assertEqual(sum(1 for _ in files.walk(self.root)), files.MOST_NAMES - 1)

    def test_a_workspace_has_an_end(self) -> None:
        for number in range(4):
            self.write(self.root, f"{number}.bin", "x" * 1000)
        with mock.patch.object(workspace, "MOST_BYTES", 2500):
            self.workspace.sync(None)
        self.assertEqual(len(self.stored()), 2)
        self.assertIn("beyond what a workspace holds", str(self.gateway.events))


class Restore(WorkspaceTest):
    def entry(self, path: str, data: bytes) -> FileEntry:
        source = self.write(self.folder(), "data", data.decode())
        descriptor = os.open(source, os.O_RDONLY)
        size, sha256 = files.digest(descriptor)
        self.gateway.upload(f"/{sha256}", size, descriptor)
        os.close(descriptor)
        return {"path": path, "size": size, "sha256": sha256}

    def restore(self, *entries: FileEntry) -> None:
        self.gateway.workspace = list(entries)
        self.workspace.restore(list(entries))

    def content(self, path: str) -> str:
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def test_fetches_files_and_tells_nothing(self) -> None:
        self.restore(self.entry("a/b.txt", b"stored"), self.entry("c.txt", b""))
        self.assertEqual((self.content("a/b.txt"), self.content("c.txt")), ("stored", ""))
        self.workspace.scan()
        self.assertEqual(self.changes(), [])

    def test_shows_life_while_a_download_takes_long(self) -> None:
        beats: list[str | None] = []
        twice = threading.Event()
        download = self.gateway.download

        def slow(url: str, size: int, descriptor: int) -> None:
            self.assertTrue(twice.wait(10))
            download(url, size, descriptor)

        def heartbeat(turn: str | None) -> None:
            beats.append(turn)
            if len(beats) == 1:
                raise Refused(422, "invalid_request", "not known here")
            twice.set()

        self.gateway.download = slow  # type: ignore[method-assign]
        self.gateway.heartbeat = heartbeat  # type: ignore[method-assign]
        with mock.patch.object(pulse, "BEAT_SECONDS", 0.01), contextlib.redirect_stderr(io.StringIO()):
            self.restore(self.entry("a.txt", b"stored"))
        self.assertEqual(self.content("a.txt"), "stored")
        self.assertEqual(set(beats), {None})

    def test_never_follows_a_link(self) -> None:
        outside = self.folder()
        self.write(outside, "b.txt", "mine")
        os.symlink(outside, os.path.join(self.root, "a"))
        os.symlink(os.path.join(outside, "b.txt"), os.path.join(self.root, "c.txt"))
        self.restore(self.entry("a/b.txt", b"stored"), self.entry("c.txt", b"stored"))
        with open(os.path.join(outside, "b.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")
        self.assertEqual((self.content("a/b.txt"), self.content("c.txt")), ("stored", "stored"))

    def test_refuses_names_that_lead_elsewhere(self) -> None:
        for path in ("../a.txt", "/tmp/a.txt", "a/../../b", ".tool-output/x"):
            with self.subTest(path), self.assertRaises(OSError):
                self.restore(self.entry(path, b"stored"))
        self.assertEqual(os.listdir(self.root), [])

    def test_keeps_nothing_of_a_file_with_other_bytes(self) -> None:
        entry = self.entry("a.txt", b"stored")
        entry["size"] += 1
        with self.assertRaises(OSError):
            self.restore(entry)
        self.assertEqual(os.listdir(self.root), [])


if __name__ == "__main__":
    unittest.main()
