"""The first milliseconds: takes the three variables out of the environment and starts over without them."""

import os
import sys

from skerry_runtime import exits

NAMES = ("SESSION_TOKEN", "CONTROL_PLANE_URL", "SESSION_ID")
WAIT_FOR = "SESSION_VALUES"
MOST_BYTES = 16 * 1024


def main(package: str) -> int:
    """Becomes `init` with an empty environment; the values travel in a pipe that only the gateway reads."""
    folder = os.environ.pop(WAIT_FOR, "")
    if folder:
        from skerry_runtime import waiting

        return waiting.main(package, folder)
    values = [os.fsencode(os.environ.pop(name, "")) for name in NAMES]
    missing = [name for name, value in zip(NAMES, values, strict=True) if not value]
    if missing:
        print(f"skerry-runtime: set {', '.join(missing)} to start a sandbox.", file=sys.stderr)
        return exits.USAGE
    block = b"\0".join(values)
    if len(block) > MOST_BYTES:
        print(f"skerry-runtime: {', '.join(NAMES)} are longer than {MOST_BYTES} bytes together.", file=sys.stderr)
        return exits.USAGE
    readable, writable = os.pipe()
    os.write(writable, block)
    os.close(writable)
    os.set_inheritable(readable, True)
    os.execve(interpreter(), command(package, "init", readable), {})


def interpreter() -> str:
    """The running Python's own file: an empty environment has no PATH to search.

    Never the link that a virtual environment makes to it: the agent may read Python, not whatever folder links to it.
    """
    return os.path.realpath(sys.executable or "/proc/self/exe")


def command(package: str, *arguments: int | str) -> list[str]:
    """The command line of a role: isolated, without site packages, UTF-8 whatever the locale says."""
    return [interpreter(), "-I", "-B", "-S", "-X", "utf8", package, *map(str, arguments)]


def read_credentials(descriptor: int) -> tuple[str, str, str]:
    """The session token, the control plane's URL and the session id; the pipe is empty afterwards.

    Raises EOFError when whoever was to write them ended without them.
    """
    with os.fdopen(descriptor, "rb") as pipe:
        block = pipe.read(MOST_BYTES + 1)
    if not block:
        raise EOFError
    token, url, session = block.split(b"\0")
    return token.decode(), url.decode(), session.decode()
