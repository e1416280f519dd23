"""The file system as a list of entries: owners, modes and times are decided here, not by the machine that builds."""

import fnmatch
import glob
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from builder import recipe

_NOT_FOR_EVERYBODY = 0o022
_PLAIN = 0o777


class Entry(NamedTuple):
    """A file, folder or link of the image; `file` is where its content lies, `target` where a link points."""

    path: str
    kind: int
    mode: int
    owner: int
    file: str | None = None
    target: str = ""


def lay_out(tree: str) -> None:
    """What stands before any package is unpacked: one /usr, everything else a link into it."""
    for folder in ("usr/bin", "usr/lib", "usr/lib64", "usr/sbin"):
        os.makedirs(os.path.join(tree, folder), exist_ok=True)
    for link in ("bin", "lib", "lib64", "sbin"):
        os.symlink(recipe.LINKS[link], os.path.join(tree, link))


def configure(tree: str) -> None:
    """What an installation would have done."""
    for pattern in recipe.PRUNED:
        for path in glob.glob(os.path.join(tree, pattern)):
            _remove(path)
    for path, content in recipe.FILES.items():
        _remove(os.path.join(tree, path))
        os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
        with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
            file.write(content)
        if path.startswith("usr/bin/"):
            os.chmod(os.path.join(tree, path), 0o755)
    for link, target in recipe.LINKS.items():
        if not os.path.lexists(os.path.join(tree, link)):
            os.makedirs(os.path.dirname(os.path.join(tree, link)), exist_ok=True)
            os.symlink(target, os.path.join(tree, link))
    for folder in recipe.FOLDERS:
        os.makedirs(os.path.join(tree, folder), exist_ok=True)
    _certificates(tree)


def entries(tree: str) -> Iterator[Entry]:
    """Everything in the tree by name; nothing is anybody's but root's, and no file gives privileges."""
    found: list[Entry] = []
    for folder, folders, files in os.walk(tree):
        for name in (*folders, *files):
            file = os.path.join(folder, name)
            found.append(_entry(os.path.relpath(file, tree), file, os.lstat(file)))
    yield from sorted(found)


def overlaid(lower: Iterable[Entry], upper: Iterable[Entry]) -> list[Entry]:
    """Both trees as one; the upper one wins."""
    return sorted({entry.path: entry for each in (lower, upper) for entry in each}.values())


def _entry(path: str, file: str, found: os.stat_result) -> Entry:
    mode = stat.S_IMODE(found.st_mode) & _PLAIN & ~_NOT_FOR_EVERYBODY
    if stat.S_ISLNK(found.st_mode):
        return Entry(path, stat.S_IFLNK, _PLAIN, 0, None, os.readlink(file))
    if stat.S_ISDIR(found.st_mode):
        owner = recipe.AGENT if f"/{path}" == recipe.WORKSPACE else 0
        return Entry(path, stat.S_IFDIR, _secret(path) or recipe.FOLDERS.get(path, mode | 0o755), owner)
    return Entry(path, stat.S_IFREG, _secret(path) or mode | 0o444, 0, file)


def _secret(path: str) -> int | None:
    """The mode of what only root may read, or none for the rest."""
    if path == f"{recipe.RUNTIME}/{recipe.SECRET}":
        return 0o700
    if fnmatch.fnmatch(path, f"{recipe.RUNTIME}/{recipe.SECRET}/*"):
        return 0o700 if not path.endswith((".pyc", ".py")) else 0o400
    return None


def _certificates(tree: str) -> None:
    bundle = os.path.join(tree, "etc/ssl/certs/ca-certificates.crt")
    os.makedirs(os.path.dirname(bundle), exist_ok=True)
    with open(bundle, "wb") as out:
        for name in sorted(glob.glob(os.path.join(tree, "usr/share/ca-certificates/mozilla/*.crt"))):
            with open(name, "rb") as certificate:
                out.write(certificate.read().rstrip(b"\n") + b"\n")
    _remove(os.path.join(tree, "usr/share/ca-certificates"))


def _remove(path: str) -> None:
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.isdir(path):
        shutil.rmtree(path)
