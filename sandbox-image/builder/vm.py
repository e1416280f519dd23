"""Packs the file system for a virtual machine: a kernel, its drivers, and an initrd that holds everything."""

import glob
import gzip
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable

from builder import archive, debian, image, recipe, tree
from builder.failure import Failure

_DEVICES = (archive.Device("dev/console", 0o600, 5, 1), archive.Device("dev/null", 0o666, 1, 3))


def build(rootfs: image.Rootfs, order: image.Order, init: str | None, tell: Callable[[str], None]) -> dict[str, object]:
    """Makes the kernel and the initrd, unless they are there."""
    parts = kernel(order, tell)
    name = f"initrd-{archive.sha256(init)[:12]}.gz" if init else "initrd.gz"
    initrd = os.path.join(rootfs.folder, f"{os.path.basename(parts)}-{name}")
    if not os.path.exists(initrd):
        tell("packing the initrd")
        _pack(image.entries(rootfs, order), parts, init, initrd)
    with open(os.path.join(parts, "modules"), encoding="utf-8") as file:
        modules = file.read().split()
    return {
        "kernel": os.path.join(parts, "vmlinuz"),
        "initrd": initrd,
        "modules": [os.path.join(parts, f"{each}.ko") for each in modules],
    }


def kernel(order: image.Order, tell: Callable[[str], None]) -> str:
    """The folder with the distribution's kernel and the drivers of the recipe."""
    found = sorted(glob.glob(os.path.join(order.output, "kernel-*[0-9a-z]")))
    if found and not order.fresh:
        return found[-1]
    tell("fetching the kernel")
    source = debian.Archive(os.path.join(order.output, "apt"), order.suite, order.mirror)
    names = [name for name in source.dependencies(recipe.KERNEL) if name.startswith("linux-image-")]
    if not names:
        raise Failure(f"The package archive has no {recipe.KERNEL} for this machine's architecture.")
    package = source.fetch(names[:1])[-1]
    folder = os.path.join(order.output, f"kernel-{package.version}".replace("~", "-"))
    with tempfile.TemporaryDirectory(dir=order.output) as work:
        debian.unpack(package, work)
        made = os.path.join(work, "made")
        os.makedirs(made)
        shutil.move(glob.glob(os.path.join(work, "boot", "vmlinuz-*"))[0], os.path.join(made, "vmlinuz"))
        ordered = _with_needed(work, recipe.KERNEL_MODULES)
        for path in ordered:
            shutil.copyfile(path, os.path.join(made, f"{_module(path)}.ko"))
        with open(os.path.join(made, "modules"), "w", encoding="utf-8") as file:
            file.writelines(f"{_module(path)}\n" for path in ordered)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(made, folder)
    return folder


def _with_needed(root: str, names: tuple[str, ...]) -> list[str]:
    """The files of the modules and of what they need, in an order in which they can be loaded."""
    files = {_module(path): path for path in glob.glob(os.path.join(root, "lib/modules/**/*.ko"), recursive=True)}
    files |= {_module(path): path for path in glob.glob(os.path.join(root, "usr/lib/modules/**/*.ko"), recursive=True)}
    ordered: dict[str, str] = {}

    def need(name: str) -> None:
        if name in ordered or name not in files:
            return
        with open(files[name], "rb") as file:
            match = re.search(rb"\0depends=([^\0]*)\0", file.read())
        for each in (match[1].decode().split(",") if match else []):
            need(each.replace("-", "_"))
        ordered[name] = files[name]

    for name in names:
        need(name)
    return list(ordered.values())


def _module(path: str) -> str:
    return os.path.basename(path).removesuffix(".ko").replace("-", "_")


def _pack(entries: list[tree.Entry], kernel: str, init: str | None, initrd: str) -> None:
    own = [tree.Entry("usr/lib/modules", stat.S_IFDIR, 0o755, 0)]
    for file in ("modules", *(os.path.basename(each) for each in glob.glob(os.path.join(kernel, "*.ko")))):
        own.append(tree.Entry(f"usr/lib/modules/{file}", stat.S_IFREG, 0o444, 0, os.path.join(kernel, file)))
    if init:
        own.append(tree.Entry("init", stat.S_IFREG, 0o755, 0, init))
    fresh = f"{initrd}.new"
    with (
        open(fresh, "wb") as out,
        gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0, compresslevel=6) as packed,
    ):
        archive.write_cpio(tree.overlaid(entries, own), _DEVICES, image.timestamp(), packed)
    os.rename(fresh, initrd)
