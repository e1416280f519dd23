"""The process that holds the session token, and does nothing but speak to the control plane."""

import os
import signal
import socket
import sys
from typing import NoReturn

from skerry_runtime import boot, confine, exits, identity, linux, renewal


def main(control: int, credentials: int, own: str, callers: str, ready: int | None = None) -> int:
    """Gives up all rights and closes itself to inspection; then serves the agent until `init` ends it.

    With `ready` it does first all that it can do without the credentials, and closes that descriptor.
    """
    linux.forbid_inspection()
    linux.name_process("skerry-gateway")
    if ready is None:
        token, url, session = boot.read_credentials(credentials)
        if url.startswith("http:"):
            sys.modules["ssl"] = None  # type: ignore[assignment]
    from skerry_runtime import ipc
    from skerry_runtime.control_plane import ControlPlaneGateway

    confine.gateway(identity.parse(own))
    if ready is not None:
        os.close(ready)
        try:
            token, url, session = boot.read_credentials(credentials)
        except EOFError:
            return exits.USAGE
        renewal.of_this_process()
    caller = identity.parse(callers)
    try:
        gateway = ControlPlaneGateway(url, session, token, identity.driver(os.getppid()), _end, ipc.caller_is_gone)
    except ValueError as invalid:
        print(f"skerry-runtime: CONTROL_PLANE_URL is {invalid}.", file=sys.stderr)
        return exits.USAGE
    gateway.start()
    ipc.serve(socket.socket(fileno=control), gateway, os.getuid() if caller is None else caller.uid)
    while True:
        signal.pause()


def _end(code: int) -> NoReturn:
    os._exit(code)
