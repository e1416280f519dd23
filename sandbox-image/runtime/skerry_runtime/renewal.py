"""New randomness for what was copied together with its memory: two copies must not draw the same numbers."""

import fcntl
import os
import struct
import sys

SEED_BYTES = 64
_KERNEL = "/dev/urandom"
_ADD_ENTROPY = 0x40085203
_RESEED = 0x5207


def of_the_kernel(seed: bytes) -> None:
    """Mixes the seed in and has the kernel's generator start over from it; raises OSError without the right to."""
    device = os.open(_KERNEL, os.O_WRONLY)
    try:
        fcntl.ioctl(device, _ADD_ENTROPY, struct.pack("ii", 8 * len(seed), len(seed)) + seed)
        fcntl.ioctl(device, _RESEED)
    finally:
        os.close(device)


def of_this_process() -> None:
    """Has this process's own generators start over from the kernel's."""
    if "random" in sys.modules:
        sys.modules["random"].seed()
    if "ssl" in sys.modules:
        sys.modules["ssl"].RAND_add(os.urandom(SEED_BYTES), float(SEED_BYTES))
