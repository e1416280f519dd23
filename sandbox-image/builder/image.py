"""Builds what is missing: the packages' tree once, the runtime on top of it, and says what came out."""

import fcntl
import glob
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from builder import archive, bill, bytecode, debian, recipe, tree

_HERE = os.path.dirname(os.path.realpath(__file__))
_SOURCES = os.path.dirname(_HERE)
_KEPT = 3
_BASE_MAKERS = ("bytecode.py", "debian.py", "recipe.py", "tree.py")
_MAKERS = (*_BASE_MAKERS, "archive.py", "bill.py", "docker.py", "image.py")


class Order(NamedTuple):
    """What to build and where the results are kept."""

    output: str
    suite: str
    mirror: str | None
    packages: tuple[str, ...]
    fresh: bool


class Rootfs(NamedTuple):
    """A finished file system, ready to be packed for whoever runs it."""

    folder: str
    digest: str
    facts: dict[str, Any]

    @property
    def tar(self) -> str:
        """The file system as an archive."""
        return os.path.join(self.folder, "rootfs.tar")


def build(order: Order, tell: Callable[[str], None]) -> Rootfs:
    """The file system for this recipe and runtime; from the cache when it was made before."""
    os.makedirs(order.output, exist_ok=True)
    with _alone(order.output):
        base_key = _key(order, base=True)
        folder = os.path.join(order.output, f"rootfs-{key(order)}")
        if order.fresh:
            shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(os.path.join(folder, "image.json")):
            base = _base(order, base_key, tell)
            _rootfs(base, folder, tell)
            _forget(order.output, folder, base)
        with open(os.path.join(folder, "image.json"), encoding="utf-8") as file:
            facts = json.load(file)
    os.utime(folder)
    return Rootfs(folder, facts["digest"], facts)


def entries(rootfs: Rootfs, order: Order) -> list[tree.Entry]:
    """Everything in the file system, for packing it in another form."""
    base = os.path.join(order.output, f"base-{_key(order, base=True)}", "tree")
    if not os.path.isdir(base):
        build(order._replace(fresh=True), lambda _line: None)
    return tree.overlaid(tree.entries(base), tree.entries(os.path.join(rootfs.folder, "tree")))


def key(order: Order) -> str:
    """Names the result before it is made: it changes when anything that goes into it does."""
    return _key(order, base=False)


def timestamp() -> int:
    """The time that every file bears."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", recipe.EPOCH))


def _base(order: Order, key: str, tell: Callable[[str], None]) -> str:
    folder = os.path.join(order.output, f"base-{key}")
    if order.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.exists(os.path.join(folder, "packages.json")):
        return folder
    with _fresh(folder) as made:
        tell("reading the package index")
        source = debian.Archive(os.path.join(order.output, "apt"), order.suite, order.mirror)
        wanted = [each for each in source.closure(recipe.PACKAGES) if each.partition("=")[0] not in recipe.LEFT_OUT]
        if order.packages:
            wanted = sorted({*wanted, *source.closure(order.packages)})
        tell(f"fetching {len(wanted)} packages")
        packages = source.fetch(wanted)
        tell("unpacking")
        root = os.path.join(made, "tree")
        tree.lay_out(root)
        for package in packages:
            debian.unpack(package, root)
        tree.configure(root)
        tell("compiling Python's library")
        bytecode.compile_library(root)
        _write_json(os.path.join(made, "packages.json"), packages)
    return folder


def _rootfs(base: str, folder: str, tell: Callable[[str], None]) -> None:
    tell("compiling the runtime")
    with open(os.path.join(base, "packages.json"), encoding="utf-8") as file:
        packages = [debian.Package(*each) for each in json.load(file)]
    with _fresh(folder) as made, tempfile.TemporaryDirectory() as sources:
        root = os.path.join(made, "tree")
        for name in _runtime_files():
            target = os.path.join(sources, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(os.path.join(_SOURCES, "runtime", name), target)
        os.makedirs(os.path.join(root, recipe.RUNTIME))
        bytecode.compile_program(os.path.join(base, "tree"), sources, root, recipe.RUNTIME)
        tell("packing")
        tar = os.path.join(made, "rootfs.tar")
        with open(tar, "wb") as out:
            archive.write_tar(
                tree.overlaid(tree.entries(os.path.join(base, "tree")), tree.entries(root)), timestamp(), out
            )
        digest = archive.sha256(tar)
        _write_json(os.path.join(made, "sbom.spdx.json"), bill.spdx(packages, digest, timestamp()))
        _write_json(
            os.path.join(made, "image.json"),
            {
                "digest": digest,
                "bytes": os.path.getsize(tar),
                "packages": len(packages),
                "entrypoint": recipe.ENTRYPOINT,
                "workspace": recipe.WORKSPACE,
                "users": {each.name: each.number for each in recipe.IDENTITIES},
            },
        )


def _runtime_files() -> list[str]:
    with open(os.path.join(_SOURCES, "runtime", "FILES"), encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]


def _key(order: Order, *, base: bool) -> str:
    """A name for the result that changes when anything that goes into it does."""
    digest = hashlib.sha256(repr((order.suite, order.mirror, order.packages, timestamp())).encode())
    files = [os.path.join(_HERE, name) for name in (_BASE_MAKERS if base else _MAKERS)]
    if not base:
        files += [os.path.join(_SOURCES, "runtime", name) for name in _runtime_files()]
    for path in files:
        with open(path, "rb") as file:
            content = file.read()
        digest.update(f"{os.path.relpath(path, _SOURCES)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


@contextmanager
def _fresh(folder: str) -> Iterator[str]:
    """A new folder that gets its name only when everything in it is there."""
    made = f"{folder}.new"
    shutil.rmtree(made, ignore_errors=True)
    os.makedirs(made)
    yield made
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(made, folder)


@contextmanager
def _alone(output: str) -> Iterator[None]:
    with open(os.path.join(output, ".lock"), "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another build of the image", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget(output: str, *used: str) -> None:
    """Removes what earlier recipes left, but for the last few."""
    for kind in ("base-*", "rootfs-*"):
        found = sorted(glob.glob(os.path.join(output, kind)), key=os.path.getmtime, reverse=True)
        for folder in found[_KEPT:]:
            if folder not in used:
                shutil.rmtree(folder, ignore_errors=True)


def _write_json(path: str, value: object | Sequence[object]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True)
        file.write("\n")
