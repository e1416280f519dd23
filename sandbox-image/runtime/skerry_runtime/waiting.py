"""A start in two halves: first what costs time, then the three variables; a copy made between holds no secret."""

import contextlib
import os
import sys
import time

from skerry_runtime import boot, exits, renewal

SEED = "ENTROPY"
WAITING = "skerry-runtime: warm, waiting for a session."
TEMPLATE_SWITCH = "/uk/libukp/template_instance"
LOOK_SECONDS = 0.01


def main(package: str, folder: str) -> int:
    """Becomes `init` without the values; a child brings them once they are in the folder, one file for each.

    Only a machine of its own may wait: elsewhere what runs in the sandbox could read the folder, and nothing is gained.
    """
    if os.getpid() != 1 or os.geteuid() != 0:
        names = ", ".join(boot.NAMES)
        print(f"skerry-runtime: {boot.WAIT_FOR} is for a virtual machine; set {names}.", file=sys.stderr)
        return exits.USAGE
    try:
        renewal.of_the_kernel(b"")
    except OSError as failure:
        print(f"skerry-runtime: a copy could not renew the kernel's randomness: {failure}", file=sys.stderr)
        return exits.USAGE
    values, bring = os.pipe()
    go, hold = os.pipe()
    warm, ready = os.pipe()
    if os.fork() == 0:
        for descriptor in (values, go, ready):
            os.close(descriptor)
        os._exit(_child(folder, warm, bring, hold))
    for descriptor in (bring, hold, warm):
        os.close(descriptor)
    for descriptor in (values, go, ready):
        os.set_inheritable(descriptor, True)
    os.execve(boot.interpreter(), boot.command(package, "init", values, go, ready), {})


def _child(folder: str, warm: int, bring: int, hold: int) -> int:
    os.read(warm, 1)
    announce()
    try:
        values, seed = wait(folder)
        renewal.of_the_kernel(seed)
    except (OSError, ValueError) as failure:
        print(f"skerry-runtime: the values in {folder} cannot be used: {failure}", file=sys.stderr)
        return exits.USAGE
    os.write(bring, values)
    os.close(bring)
    os.close(hold)
    return 0


def announce() -> None:
    """Becomes a template where the platform lets a machine do so, and returns in each copy; else says that it waits."""
    try:
        switch = os.open(TEMPLATE_SWITCH, os.O_WRONLY)
    except OSError:
        print(WAITING, flush=True)
        return
    try:
        os.write(switch, b"1")
    except OSError:
        print(WAITING, flush=True)
    finally:
        os.close(switch)


def wait(folder: str) -> tuple[bytes, bytes]:
    """The three values as one block, and the seed, whose file is complete last; leaves no file that can be removed."""
    seed = _content(folder, SEED)
    while len(seed) < renewal.SEED_BYTES:
        time.sleep(LOOK_SECONDS)
        seed = _content(folder, SEED)
    values = [_content(folder, name) for name in boot.NAMES]
    for name in (*boot.NAMES, SEED):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, name))
    missing = [name for name, value in zip(boot.NAMES, values, strict=True) if not value]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing")
    block = b"\0".join(values)
    if len(block) > boot.MOST_BYTES or block.count(b"\0") != len(boot.NAMES) - 1:
        raise ValueError(f"longer than {boot.MOST_BYTES} bytes together, or no text")
    return block, seed


def _content(folder: str, name: str) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read(boot.MOST_BYTES + 1)
    except FileNotFoundError:
        return b""
