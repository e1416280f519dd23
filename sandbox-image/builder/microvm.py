"""Packs the file system for a micro-VM: a kernel that need not unpack itself, a small initrd, and a read-only disk."""

import bz2
import glob
import gzip
import hashlib
import lzma
import os
import shutil
import stat
import struct
import subprocess
from collections.abc import Callable

from builder import archive, debian, image, recipe, tree, vm
from builder.failure import Failure

PACK_SECONDS = 300
_SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "microvm")
_SIGNATURE = b"~Module signature appended~\n"
_LZ4_LEGACY = b"\x02\x21\x4c\x18"
_CONSOLE = archive.Device("dev/console", 0o600, 5, 1)


def build(rootfs: image.Rootfs, order: image.Order, tell: Callable[[str], None]) -> dict[str, object]:
    """Makes kernel, initrd and disk, unless they are there."""
    if shutil.which("mksquashfs") is None:
        raise Failure("mksquashfs is missing. Install it (Debian, Ubuntu: apt install squashfs-tools).")
    parts = vm.kernel(order, tell)
    kernel = _unpacked_kernel(parts, tell)
    busybox = _busybox(order, tell)
    name = f"{os.path.basename(parts)}-{_digest(busybox)}-initrd.cpio"
    initrd = os.path.join(rootfs.folder, name)
    if not os.path.exists(initrd):
        tell("packing the initrd")
        _pack_initrd(parts, busybox, initrd)
    disk = os.path.join(rootfs.folder, "rootfs.squashfs")
    if not os.path.exists(disk):
        tell("packing the disk")
        _pack_disk(rootfs.tar, disk)
    return {"kernel": kernel, "initrd": initrd, "disk": disk}


def _unpacked_kernel(parts: str, tell: Callable[[str], None]) -> str:
    """Unpacking in the machine that builds costs seconds once, in an emulated one it costs some at every boot."""
    packed, unpacked = os.path.join(parts, "vmlinuz"), os.path.join(parts, "vmlinux")
    if os.path.exists(unpacked):
        return unpacked
    with open(packed, "rb") as file:
        content = file.read()
    if content[0x202:0x206] != b"HdrS":
        return packed
    tell("unpacking the kernel")
    start = (content[0x1F1] + 1) * 512 + struct.unpack_from("<I", content, 0x248)[0]
    payload = content[start : start + struct.unpack_from("<I", content, 0x24C)[0]]
    elf = _decompressed(payload)
    if elf is None:
        return packed
    with open(f"{unpacked}.new", "wb") as out:
        out.write(elf)
    os.rename(f"{unpacked}.new", unpacked)
    return unpacked


def _decompressed(payload: bytes) -> bytes | None:
    """The kernel itself, or nothing when it is packed in a way that Python's library does not know."""
    if payload.startswith(_LZ4_LEGACY):
        return _lz4(payload)
    if payload.startswith(b"\x1f\x8b"):
        return gzip.decompress(payload[:-4])
    if payload.startswith(b"BZh"):
        return bz2.BZ2Decompressor().decompress(payload)
    if payload.startswith((b"\xfd7zXZ", b"]\0\0")):
        return lzma.LZMADecompressor().decompress(payload)
    return None


def _lz4(payload: bytes) -> bytes:
    """LZ4's legacy frame: independent blocks, each led by its length."""
    out = bytearray()
    at = len(_LZ4_LEGACY)
    while at + 4 <= len(payload):
        size = struct.unpack_from("<I", payload, at)[0]
        at += 4
        if size == 0 or at + size > len(payload):
            break
        _lz4_block(payload, at, at + size, out)
        at += size
    return bytes(out)


def _lz4_block(data: bytes, at: int, end: int, out: bytearray) -> None:
    while at < end:
        token = data[at]
        at += 1
        length = token >> 4
        if length == 15:
            while data[at] == 255:
                length += 255
                at += 1
            length += data[at]
            at += 1
        out += data[at : at + length]
        at += length
        if at >= end:
            return
        distance = data[at] | data[at + 1] << 8
        at += 2
        length = (token & 15) + 4
        if length == 19:
            while data[at] == 255:
                length += 255
                at += 1
            length += data[at]
            at += 1
        start = len(out) - distance
        if length <= distance:
            out += out[start : start + length]
        else:
            pattern = bytes(out[start:])
            out += (pattern * (length // distance + 1))[:length]


def _busybox(order: image.Order, tell: Callable[[str], None]) -> str:
    file = os.path.join(order.output, recipe.FIRST_PROGRAMS, "busybox")
    if order.fresh or not os.path.exists(file):
        tell(f"fetching {recipe.FIRST_PROGRAMS}")
        source = debian.Archive(os.path.join(order.output, "apt"), order.suite, order.mirror)
        package = source.fetch([recipe.FIRST_PROGRAMS])[-1]
        folder = os.path.dirname(file)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(f"{folder}.new", ignore_errors=True)
        os.makedirs(f"{folder}.new")
        debian.unpack(package, f"{folder}.new")
        found = glob.glob(os.path.join(f"{folder}.new", "**", "busybox"), recursive=True)
        program = next(each for each in found if os.path.isfile(each) and os.access(each, os.X_OK))
        os.makedirs(folder)
        os.rename(program, file)
        shutil.rmtree(f"{folder}.new")
    return file


def _pack_initrd(kernel: str, busybox: str, initrd: str) -> None:
    with open(os.path.join(kernel, "modules"), encoding="utf-8") as file:
        modules = [each for each in file.read().split() if each in recipe.MICRO_VM_MODULES]
    work = f"{initrd}.parts"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    with open(os.path.join(work, "order"), "w", encoding="utf-8") as file:
        file.writelines(f"{module}\n" for module in modules)
    entries = [tree.Entry(folder, stat.S_IFDIR, 0o755, 0) for folder in ("bin", "dev", "modules", "root")]
    for module in modules:
        bare = os.path.join(work, f"{module}.ko")
        _without_signature(os.path.join(kernel, f"{module}.ko"), bare)
        entries.append(tree.Entry(f"modules/{module}.ko", stat.S_IFREG, 0o444, 0, bare))
    entries.append(tree.Entry("modules/order", stat.S_IFREG, 0o444, 0, os.path.join(work, "order")))
    entries.append(tree.Entry("bin/busybox", stat.S_IFREG, 0o755, 0, busybox))
    entries.append(tree.Entry("init", stat.S_IFREG, 0o755, 0, os.path.join(_SOURCES, "init")))
    entries.append(tree.Entry("sysctl", stat.S_IFREG, 0o444, 0, os.path.join(_SOURCES, "sysctl")))
    with open(os.path.join(work, "initrd"), "wb") as out:
        archive.write_cpio(entries, (_CONSOLE,), image.timestamp(), out)
    os.rename(os.path.join(work, "initrd"), initrd)
    shutil.rmtree(work)


def _without_signature(module: str, bare: str) -> None:
    """The initrd is as trusted as the kernel beside it, and an emulated machine is slow at checking signatures."""
    with open(module, "rb") as file:
        content = file.read()
    if content.endswith(_SIGNATURE):
        content = content[: -len(_SIGNATURE)]
        content = content[: -12 - struct.unpack(">I", content[-4:])[0]]
    with open(bare, "wb") as file:
        file.write(content)


def _pack_disk(tar: str, disk: str) -> None:
    """Not compressed: an emulated machine reads faster than it unpacks, and machines share what the host has read."""
    options = ("-noI", "-noD", "-noF", "-noX", "-no-xattrs", "-noappend", "-quiet", "-no-progress")
    fresh = f"{disk}.new"
    with open(tar, "rb") as content:
        done = subprocess.run(
            ["mksquashfs", "-", fresh, "-tar", *options, "-mkfs-time", str(image.timestamp())],
            stdin=content,
            env={name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"},
            capture_output=True,
            text=True,
            timeout=PACK_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise Failure(f"mksquashfs failed; version 4.5 or newer is needed.\n{done.stderr.strip()}")
    os.rename(fresh, disk)


def _digest(busybox: str) -> str:
    """Changes with everything that goes into the initrd besides the kernel's modules."""
    digest = hashlib.sha256(repr(recipe.MICRO_VM_MODULES).encode())
    for path in (busybox, *(os.path.join(_SOURCES, name) for name in ("init", "sysctl"))):
        digest.update(archive.sha256(path).encode())
    return digest.hexdigest()[:12]
