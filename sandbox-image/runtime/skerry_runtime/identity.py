"""Who the processes of a sandbox are: users of their own, where the sandbox is a machine of its own."""

import os
from typing import NamedTuple

from skerry_runtime import linux

GATEWAY_USER, GATEWAY_UID = "gateway", 10001
AGENT_USER, AGENT_UID = "agent", 10002
_NOBODY_ELSE = "-"


class Identity(NamedTuple):
    """A user and its group."""

    uid: int
    gid: int

    def become(self) -> None:
        """Turns this process into the user for good; memory and descriptors are closed to others from here on."""
        linux.empty_the_bounding_set()
        os.setgroups([])
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)


class Identities(NamedTuple):
    """The two users that `init` starts processes as."""

    gateway: Identity
    agent: Identity


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


def separate() -> Identities | None:
    """The users to start processes as, or nothing where all must stay the user who started the sandbox."""
    if driver(os.getpid()) not in ("docker", "vm") or os.geteuid() != 0:
        return None
    needed = 1 << linux.CAP_SETUID | 1 << linux.CAP_SETGID
    if linux.effective_capabilities() & needed != needed:
        return None
    users = _users()
    found = Identities(
        users.get(GATEWAY_USER, Identity(GATEWAY_UID, GATEWAY_UID)),
        users.get(AGENT_USER, Identity(AGENT_UID, AGENT_UID)),
    )
    is_usable = 0 not in found.gateway and 0 not in found.agent and found.gateway.uid != found.agent.uid
    return found if is_usable and _are_mapped(found) else None


def argument(identity: Identity | None) -> str:
    """An identity on a command line."""
    return _NOBODY_ELSE if identity is None else f"{identity.uid}:{identity.gid}"


def parse(text: str) -> Identity | None:
    """The identity that `argument` wrote."""
    if text == _NOBODY_ELSE:
        return None
    uid, _, gid = text.partition(":")
    return Identity(int(uid), int(gid))


def _users() -> dict[str, Identity]:
    try:
        with open("/etc/passwd", encoding="utf-8", errors="replace") as passwd:
            lines = [line.split(":") for line in passwd]
    except OSError:
        return {}
    return {fields[0]: Identity(int(fields[2]), int(fields[3])) for fields in lines if len(fields) > 3}


def _are_mapped(identities: Identities) -> bool:
    """Whether this user namespace has these users and lets processes become them."""
    try:
        with open("/proc/self/uid_map", encoding="utf-8") as uids, open("/proc/self/gid_map", encoding="utf-8") as gids:
            maps = [[tuple(map(int, line.split())) for line in each] for each in (uids, gids)]
        with open("/proc/self/setgroups", encoding="utf-8") as setgroups:
            if setgroups.read().strip() != "allow":
                return False
    except OSError:
        return False
    return all(
        any(first <= number < first + count for first, _, count in ranges)
        for identity in identities
        for number, ranges in zip(identity, maps, strict=True)
    )
