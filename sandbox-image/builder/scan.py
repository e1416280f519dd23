"""Looks through an image without starting it: P05, S05, S06 and S07 of the probes, offline."""

import contextlib
import fnmatch
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

from builder import recipe
from builder.failure import Failure

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "runtime"))

from skerry_probe.loot import kinds_in

_SAVE_SECONDS = 300
_SHOWN = 5
_PRIVILEGES = 0o6000
_OTHERS = 0o077
_LEFTOVERS = (
    "*/.bash_history",
    "*/.python_history",
    "*/.cache/*",
    "*/.netrc",
    "*/.pypirc",
    "*/.git-credentials",
    "*/.ssh/*",
    "*/.aws/*",
    "*/.docker/config.json",
    "var/cache/apt/*.bin",
    "var/cache/apt/archives/*.deb",
    "var/lib/apt/lists/*_*",
)


class Finding(NamedTuple):
    """What a probe says of the image."""

    id: str
    result: str
    detail: str


class _Layer(NamedTuple):
    name: str
    tar: tarfile.TarFile


def scan(image: str) -> list[Finding]:
    """Every layer of an archive of a file system, or of an image that the Docker Engine has."""
    if os.path.isfile(image):
        return _archive(image)
    with tempfile.TemporaryDirectory() as folder:
        saved = os.path.join(folder, "image.tar")
        _save(image, saved)
        return _archive(saved)


def _archive(file: str) -> list[Finding]:
    """A file system, or an image as `docker save` writes it."""
    try:
        outer = tarfile.open(file)  # noqa: SIM115
    except tarfile.ReadError:
        raise Failure(f"{file} is not a tar archive.") from None
    with outer:
        if "manifest.json" not in outer.getnames():
            return _verdicts([_Layer(os.path.basename(file), outer)], {})
        manifest = json.load(_content(outer, "manifest.json"))[0]
        config = json.load(_content(outer, manifest["Config"]))
        with contextlib.ExitStack() as opened:
            layers = [
                _Layer(name[:19], opened.enter_context(tarfile.open(fileobj=_content(outer, name))))
                for name in manifest["Layers"]
            ]
            return _verdicts(layers, config)


def _verdicts(layers: list[_Layer], config: dict[str, Any]) -> list[Finding]:
    privileged: list[str] = []
    secrets: list[str] = []
    leftovers = [f"{kind} in the image's own description" for kind in kinds_in("", json.dumps(config).encode())]
    runtime: list[str] = []
    bytecode = 0
    for layer in layers:
        for member, content in _members(layer.tar):
            path = member.name.removeprefix("./")
            if member.isfile() and member.mode & _PRIVILEGES:
                privileged.append(f"{path} is set-uid or set-gid")
            if any("security.capability" in name for name in member.pax_headers):
                privileged.append(f"{path} has capabilities")
            secrets += [f"{kind} in {path}" for kind in kinds_in(f"/{path}", content)]
            if any(fnmatch.fnmatch(path, pattern) for pattern in _LEFTOVERS):
                leftovers.append(f"{path} in layer {layer.name}")
            if os.path.basename(path).startswith(".wh."):
                leftovers.append(f"{path} hides a file that the layers below still hold")
            if f"{path}/".startswith(f"{recipe.RUNTIME}/{recipe.SECRET}/"):
                runtime += _runtime(member, path)
                bytecode += path.endswith(".pyc")
    if not bytecode:
        runtime.append("there is no runtime")
    return [
        _finding("P05", privileged, "no file gives privileges"),
        _finding("S05", secrets, "no key material in any file"),
        _finding("S06", leftovers, f"{len(layers)} layer(s) without histories, caches, hidden files, keys"),
        _finding("S07", runtime, f"{bytecode} files of bytecode, root's alone, no sources"),
    ]


def _runtime(member: tarfile.TarInfo, path: str) -> Iterator[str]:
    if path.endswith(".py"):
        yield f"{path} is source"
    if member.uid != 0 or member.mode & _OTHERS:
        yield f"{path} is not root's alone (mode {member.mode:o}, owner {member.uid})"


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for member in tar:
        file = tar.extractfile(member) if member.isfile() else None
        yield member, file.read() if file else b""


def _finding(probe: str, wrong: list[str], fine: str) -> Finding:
    if not wrong:
        return Finding(probe, "pass", fine)
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return Finding(probe, "fail", "; ".join(wrong[:_SHOWN]) + more)


def _save(image: str, target: str) -> None:
    try:
        done = subprocess.run(
            ["docker", "save", "--output", target, image],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SAVE_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise Failure(f"{image} is no file, and the docker command is missing.") from None
    if done.returncode != 0:
        reason = done.stderr.strip()
        if "Cannot connect" in reason:
            raise Failure(f"{image} is no file, and no Docker Engine answers. Start it, or set DOCKER_HOST.")
        raise Failure(
            f"{image} is neither a file nor an image of the Docker Engine. `skerry image build --docker` makes one; "
            "`docker image ls` shows those that there are."
        )


def _content(outer: tarfile.TarFile, name: str) -> Any:
    found = outer.extractfile(name)
    if found is None:
        raise Failure(f"The saved image lacks {name}.")
    return found
