"""The process that holds the session token, and does nothing but speak to the control plane."""

import os
import signal
import socket
import sys
from typing import NoReturn

from skerry_runtime import boot, exits, linux


def main(control: int, credentials: int) -> int:
    """Closes itself to inspection before it reads the token; then serves the agent until `init` ends it."""
    linux.forbid_inspection()
    linux.name_process("skerry-gateway")
    token, url, session = boot.read_credentials(credentials)
    if url.startswith("http:"):
        sys.modules["ssl"] = None  # type: ignore[assignment]
    from skerry_runtime import ipc
    from skerry_runtime.control_plane import ControlPlaneGateway

    try:
        gateway = ControlPlaneGateway(url, session, token, driver(os.getppid()), _end, ipc.caller_is_gone)
    except ValueError as invalid:
        print(f"skerry-runtime: CONTROL_PLANE_URL is {invalid}.", file=sys.stderr)
        return exits.USAGE
    gateway.start()
    ipc.serve(socket.socket(fileno=control), gateway)
    while True:
        signal.pause()


def driver(init: int) -> str:
    """What this sandbox is made of, as far as can be seen from inside; `init` is the runtime's first process."""
    try:
        with open("/proc/1/comm", encoding="utf-8") as comm:
            first = comm.read().strip()
    except OSError:
        first = ""
    if first == "bwrap":
        return "bubblewrap"
    if os.path.exists("/.dockerenv") and (init == 1 or first in ("docker-init", "tini")):
        return "docker"
    return "vm" if init == 1 else "plain"


def _end(code: int) -> NoReturn:
    os._exit(code)
