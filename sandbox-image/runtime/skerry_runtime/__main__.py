"""Starts the role that the command line names; without one, the whole sandbox."""

import os
import sys

PACKAGE = os.path.dirname(os.path.realpath(__file__))


def main(arguments: list[str]) -> int:
    """Imports nothing but the role it starts, because a sandbox's boot time is a promise."""
    if sys.path and os.path.realpath(sys.path[0]) == PACKAGE:
        del sys.path[0]
    sys.path.insert(0, os.path.dirname(PACKAGE))
    match arguments:
        case []:
            from skerry_runtime import boot

            return boot.main(PACKAGE)
        case ["init", credentials]:
            from skerry_runtime import init

            return init.main(PACKAGE, int(credentials))
        case ["init", credentials, go, ready]:
            from skerry_runtime import init

            return init.main(PACKAGE, int(credentials), (int(go), int(ready)))
        case ["gateway", control, credentials, identity, agent_identity]:
            from skerry_runtime import gateway

            return gateway.main(int(control), int(credentials), identity, agent_identity)
        case ["gateway", control, credentials, ready, identity, agent_identity]:
            from skerry_runtime import gateway

            return gateway.main(int(control), int(credentials), identity, agent_identity, int(ready))
        case ["agent", control, gateway_pid, identity]:
            from skerry_runtime import agent

            return agent.main(PACKAGE, int(control), int(gateway_pid), identity)
        case ["agent", control, go, ready, gateway_pid, identity]:
            from skerry_runtime import agent

            return agent.main(PACKAGE, int(control), int(gateway_pid), identity, (int(go), int(ready)))
    print(
        "usage: python3 -B -I skerry_runtime   start the sandbox\n"
        "       python3 -B -I skerry_probe     print what this sandbox holds against an attacker",
        file=sys.stderr,
    )
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
