"""The image builder: the same bytes every time, and nothing in them that must not be there."""

import io
import json
import os
import sys
import tarfile
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from builder import archive, debian, docker, recipe, scan, tree
from builder.failure import Failure

_MODULE = f"{recipe.RUNTIME}/{recipe.SECRET}/loop.pyc"


class Layout(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = os.path.join(self.folder.name, "tree")
        tree.lay_out(self.root)
        tree.configure(self.root)

    def write(self, path: str, mode: int = 0o644) -> None:
        file = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8") as out:
            out.write(path)
        os.chmod(file, mode)

    def packed(self) -> bytes:
        out = io.BytesIO()
        archive.write_tar(tree.entries(self.root), 1, out)
        return out.getvalue()

    def members(self) -> dict[str, tarfile.TarInfo]:
        with tarfile.open(fileobj=io.BytesIO(self.packed())) as tar:
            return {member.name: member for member in tar}

    def test_times_and_owners_of_the_building_machine_do_not_matter(self) -> None:
        self.write("usr/bin/tool", 0o755)
        before = self.packed()
        os.utime(os.path.join(self.root, "usr/bin/tool"), (5, 5))
        os.chmod(os.path.join(self.root, "usr/bin/tool"), 0o775)
        self.assertEqual(self.packed(), before)

    def test_no_file_keeps_a_set_uid_bit(self) -> None:
        self.write("usr/bin/su", 0o6755)
        self.assertEqual(self.members()["usr/bin/su"].mode, 0o755)

    def test_the_runtime_is_roots_alone_and_the_workspace_the_agents(self) -> None:
        self.write(_MODULE, 0o644)
        members = self.members()
        self.assertEqual((members[_MODULE].mode, members[_MODULE].uid), (0o400, 0))
        self.assertEqual(members[os.path.dirname(_MODULE)].mode, 0o700)
        self.assertEqual(members["workspace"].uid, recipe.AGENT)


class Sources(unittest.TestCase):
    def test_a_mirror_is_taken_instead_of_the_machines_own(self) -> None:
        self.assertIn(" http://mirror.internal/debian bookworm main", debian._sources("bookworm", "http://mirror.internal/debian"))

    def test_a_release_that_the_machine_does_not_install_from_is_said(self) -> None:
        with self.assertRaisesRegex(Failure, "--mirror"):
            debian._sources("no-such-release", None)


class Scan(unittest.TestCase):
    def failed(self, path: str, content: bytes = b"x", mode: int = 0o644) -> list[str]:
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                for name, body, bits in ((_MODULE, b"code", 0o400), (path, content, mode)):
                    info = tarfile.TarInfo(name)
                    info.size, info.mode = len(body), bits
                    tar.addfile(info, io.BytesIO(body))
            file.flush()
            return [finding.id for finding in scan.scan(file.name) if finding.result == "fail"]

    def test_a_clean_image_passes(self) -> None:
        self.assertEqual(self.failed("etc/motd"), [])

    def test_each_sabotage_is_caught_by_exactly_its_probe(self) -> None:
        key = b"aws = " + b"AKIA" + b"Q3EGZ7XKPLW2MNB5"
        module = _MODULE.removesuffix("c")
        for probe, failed in {
            "P05": self.failed("usr/bin/su", mode=0o4755),
            "S05": self.failed("etc/app.conf", key),
            "S06": self.failed("home/dev/.bash_history"),
            "S07": self.failed(module, mode=0o400),
        }.items():
            self.assertEqual(failed, [probe])

    def test_the_keys_with_which_a_library_tests_itself_are_nobodys_and_those_beside_it_are(self) -> None:
        key = b"-----BEGIN " + b"PRIVATE KEY-----\n" + b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj" + b"\n"
        library = "usr/lib/x86_64-linux-gnu/libgnutls.so.30.34.3"
        self.assertEqual(self.failed(library, b"\x7fELF" + key), [])
        self.assertEqual(self.failed(library, key), ["S05"])
        self.assertEqual(self.failed("usr/lib/other.so.1", b"\x7fELF" + key), ["S05"])

    def test_a_readable_runtime_is_caught(self) -> None:
        self.assertEqual(self.failed(_MODULE.replace("loop", "gateway"), mode=0o444), ["S07"])

    def test_a_file_that_a_later_layer_hides_is_caught(self) -> None:
        self.assertEqual(self.failed("etc/.wh.secrets"), ["S06"])


class KnownImages(unittest.TestCase):
    def untouched(self, **changes: object) -> str | None:
        config = {**docker._SETTINGS, "Labels": {"dev.skerry.rootfs": "d1"}, "User": "", "Cmd": None}
        created = changes.pop("created", docker._created())
        layers = changes.pop("layers", ["sha256:d1"])
        described = {"Created": created, "Config": config | changes, "RootFS": {"Layers": layers}}
        with mock.patch.object(docker, "_docker", return_value=json.dumps([described])):
            return docker._untouched("sha256:1")

    def test_an_image_of_the_same_sources_is_used_again(self) -> None:
        self.assertEqual(self.untouched(), "d1")

    def test_an_image_derived_from_it_is_not_though_it_has_the_same_labels(self) -> None:
        self.assertIsNone(self.untouched(layers=["sha256:d1", "sha256:d2"]))
        self.assertIsNone(self.untouched(Entrypoint=["/bin/sh"]))
        self.assertIsNone(self.untouched(User="agent"))
        self.assertIsNone(self.untouched(created="2026-01-01T00:00:00Z"))
        self.assertIsNone(self.untouched(Env=["PATH=/usr/bin", "KEY=x"]))


if __name__ == "__main__":
    unittest.main()
