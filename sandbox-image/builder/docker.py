"""Hands the file system to a Docker Engine as an image of one layer; its id depends on nothing but its content."""

import contextlib
import hashlib
import io
import json
import subprocess
import tarfile
from datetime import datetime, timezone
from typing import IO

from builder import image, recipe
from builder.failure import Failure

NAME = "skerry/sandbox"
_ROOTFS = "dev.skerry.rootfs"
_RECIPE = "dev.skerry.recipe"
_ASK_SECONDS = 30
_SETTINGS = {
    "Entrypoint": list(recipe.ENTRYPOINT),
    "WorkingDir": recipe.WORKSPACE,
    "Env": ["PATH=/usr/sbin:/usr/bin"],
}


def known(order: image.Order, tag: str) -> dict[str, object] | None:
    """The image that the engine has from an earlier build of the same sources, by the name asked for."""
    _engine_architecture()
    listed = _docker("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={_RECIPE}={image.key(order)}")
    for identity in dict.fromkeys(listed.split()):
        digest = _untouched(identity)
        if digest:
            if _docker("image", "inspect", "--format", "{{.Id}}", tag) != identity:
                _docker("image", "tag", identity, tag)
            return {"docker": tag, "docker_id": identity, "digest": digest}
    return None


def _untouched(identity: str) -> str | None:
    """The digest of the image's file system; nothing for an image derived from ours, which has its labels too."""
    described = json.loads(_docker("image", "inspect", identity) or "[]")
    for each in described:
        config = each["Config"]
        digest = str(config["Labels"].get(_ROOTFS))
        settings = {name: config.get(name) or None for name in ("Cmd", "Entrypoint", "Env", "User", "WorkingDir")}
        is_ours = each["RootFS"]["Layers"] == [f"sha256:{digest}"] and each["Created"] == _created()
        if is_ours and settings == {"Cmd": None, "User": None, **_SETTINGS}:
            return digest
    return None


def load(rootfs: image.Rootfs, order: image.Order, tag: str) -> dict[str, object]:
    """Loads the image unless the engine has it; answers what it is called there."""
    labels = recipe.LABELS | {_ROOTFS: rootfs.digest, _RECIPE: image.key(order)}
    config = _config(rootfs, labels, _engine_architecture())
    identity = f"sha256:{hashlib.sha256(config).hexdigest()}"
    names = [f"{NAME}:{rootfs.digest[:12]}", tag]
    if not _has(identity, names):
        _stream(rootfs, config, names)
    return {"docker": names[-1], "docker_id": identity, "docker_names": names}


def _config(rootfs: image.Rootfs, labels: dict[str, str], architecture: str) -> bytes:
    config = {
        "architecture": architecture,
        "os": "linux",
        "created": _created(),
        "config": {
            **_SETTINGS,
            "Labels": labels,
        },
        "history": [{"created": _created(), "created_by": "sandbox-image/build docker"}],
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{rootfs.digest}"]},
    }
    return json.dumps(config, sort_keys=True).encode()


def _created() -> str:
    return datetime.fromtimestamp(image.timestamp(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stream(rootfs: image.Rootfs, config: bytes, names: list[str]) -> None:
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    layer_name = f"{rootfs.digest}/layer.tar"
    manifest = [{"Config": config_name, "RepoTags": names, "Layers": [layer_name]}]
    with subprocess.Popen(
        ["docker", "load", "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as engine:
        assert engine.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            with tarfile.open(fileobj=engine.stdin, mode="w|") as tar, open(rootfs.tar, "rb") as layer:
                _add(tar, config_name, io.BytesIO(config), len(config))
                _add(tar, layer_name, layer, rootfs.facts["bytes"])
                described = json.dumps(manifest).encode()
                _add(tar, "manifest.json", io.BytesIO(described), len(described))
            engine.stdin.close()
        engine.stdin = None
        _, told = engine.communicate()
    if engine.returncode != 0:
        raise Failure(f"The Docker Engine did not take the image: {told.decode(errors='replace').strip()}")


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, image.timestamp()
    tar.addfile(info, content)


def _has(identity: str, names: list[str]) -> bool:
    return all(_docker("image", "inspect", "--format", "{{.Id}}", name) == identity for name in names)


def _engine_architecture() -> str:
    architecture = _docker("version", "--format", "{{.Server.Arch}}")
    if not architecture:
        raise Failure("No Docker Engine answers. Start it, or set DOCKER_HOST; `docker version` says more.")
    return architecture


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise Failure("The docker command is missing. Install it (Debian: apt install docker.io).") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"The Docker Engine did not answer within {_ASK_SECONDS} s.") from None
    return done.stdout.strip() if done.returncode == 0 else ""
