"""What this sandbox holds against whatever runs in it, tried out rather than assumed."""

import json
import os
import resource
import sys
from collections.abc import Callable
from typing import NamedTuple

from skerry_runtime import linux
from skerry_runtime.identity import driver
from skerry_runtime.wire import Probe

_TOKEN_VARIABLE = b"SESSION_TOKEN="


class Verdict(NamedTuple):
    """Whether something holds, and what was seen."""

    holds: bool
    detail: str


class Surroundings(NamedTuple):
    """The processes that a probe looks at; 0 stands for one that is not known."""

    init: int
    gateway: int
    driver: str

    @property
    def is_shared(self) -> bool:
        """Whether all processes are one user's on a machine that is not the sandbox's own."""
        return self.driver in ("plain", "bubblewrap")


def user(around: Surroundings) -> Verdict:
    """P01: the agent is nobody special, and another user than the gateway."""
    uid, groups = os.getuid(), set(os.getgroups()) - {os.getgid()}
    if uid == 0:
        return Verdict(False, "uid 0")
    if groups:
        return Verdict(False, f"uid {uid}, extra groups {sorted(groups)}")
    if around.gateway and _uid(around.gateway) == uid:
        return Verdict(False, f"uid {uid}, the same as the gateway's")
    return Verdict(True, f"uid {uid}, no extra groups")


def capabilities(_around: Surroundings) -> Verdict:
    """P02: all five capability sets are empty."""
    left = [f"{name} {value}" for name, value in _status().items() if name.startswith("Cap") and int(value, 16)]
    return Verdict(not left, ", ".join(left) or "all five sets empty")


def new_privileges(_around: Surroundings) -> Verdict:
    """P03: no set-uid file gives anything."""
    value = _status().get("NoNewPrivs", "absent")
    return Verdict(value == "1", f"NoNewPrivs {value}")


def system_calls(_around: Surroundings) -> Verdict:
    """P04: a seccomp filter is in force."""
    value = _status().get("Seccomp", "absent")
    return Verdict(value == "2", f"Seccomp {value}")


def becoming_root(_around: Surroundings) -> Verdict:
    """P06: neither setuid nor a file in /etc makes the agent more than it is."""
    if os.getuid() == 0:
        return Verdict(False, "is root already")
    if os.access("/etc", os.W_OK) or os.access("/etc/passwd", os.W_OK):
        return Verdict(False, "/etc is writable")
    child = os.fork()
    if child == 0:
        try:
            os.setuid(0)
        except OSError:
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    return Verdict(status == 0, "setuid(0) denied, /etc not writable" if status == 0 else "setuid(0) worked")


def environments(around: Surroundings) -> Verdict:
    """S01: no environment that can be read holds the token."""
    own = {os.getpid(), around.init, around.gateway} - {0}
    looked_at = own if around.is_shared else {process.pid for process in linux.processes()}
    readable = 0
    for pid in looked_at:
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                block = environ.read()
        except OSError:
            continue
        readable += 1
        if _TOKEN_VARIABLE in block:
            return Verdict(False, f"the environment of process {pid} holds a token")
    scope = "the runtime's own processes" if around.is_shared else "all processes"
    return Verdict(True, f"looked at {scope}: {readable} of {len(looked_at)} readable, none holds a token")


def gateway_memory(around: Surroundings) -> Verdict:
    """S02: the process that holds the token cannot be looked into."""
    others = [pid for pid in (around.gateway, around.init) if pid]
    if not others:
        return Verdict(False, "no gateway process found to try")
    opened = [f"/proc/{pid}/{name}" for pid in others for name in ("mem", "environ", "maps", "fd") if _opens(pid, name)]
    return Verdict(not opened, ", ".join(opened) + " can be opened" if opened else "gateway and init cannot be opened")


def core_dumps(_around: Surroundings) -> Verdict:
    """S03: a crash writes no memory to a file."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    return Verdict(limits == (0, 0), f"core limit {limits[0]}, at most {limits[1]}")


def signals(around: Surroundings) -> Verdict:
    """S04: the agent cannot end the gateway or init."""
    for pid in (around.gateway, around.init):
        try:
            os.kill(pid or os.getpid(), 0)
            return Verdict(False, "gateway or init can be signalled")
        except PermissionError:
            continue
    return Verdict(True, "gateway and init cannot be signalled")


def system_folders(_around: Surroundings) -> Verdict:
    """F01: system folders are read-only."""
    writable = [path for path in ("/", "/etc", "/usr", "/usr/bin", "/lib") if _is_writable(path)]
    return Verdict(not writable, ", ".join(writable) + " writable" if writable else "not writable")


def mounts(_around: Surroundings) -> Verdict:
    """F02: the folders that can be written give no set-uid files and no devices."""
    lax = []
    for path in (os.getcwd(), "/tmp"):
        flags = os.statvfs(path).f_flag
        if not flags & os.ST_NOSUID or not flags & os.ST_NODEV:
            lax.append(path)
    return Verdict(not lax, ", ".join(lax) + " without nosuid and nodev" if lax else "nosuid and nodev")


class _Entry(NamedTuple):
    """A probe; `plain_lacks` says why a sandbox on a shared machine does not fail it."""

    id: str
    run: Callable[[Surroundings], Verdict]
    plain_lacks: str | None


_SHARED = "this driver runs everything as the user who started it"
_PROBES = (
    _Entry("P01", user, _SHARED),
    _Entry("P02", capabilities, _SHARED),
    _Entry("P03", new_privileges, None),
    _Entry("P04", system_calls, "this driver installs no seccomp filter"),
    _Entry("P06", becoming_root, _SHARED),
    _Entry("S01", environments, None),
    _Entry("S02", gateway_memory, _SHARED),
    _Entry("S03", core_dumps, None),
    _Entry("S04", signals, _SHARED),
    _Entry("F01", system_folders, "this driver shares the machine's file system"),
    _Entry("F02", mounts, "this driver shares the machine's file system"),
)


def at_boot(gateway: int) -> list[Probe]:
    """The report that goes with hello."""
    return run(Surroundings(os.getppid(), gateway, driver(os.getppid())))


def run(around: Surroundings) -> list[Probe]:
    """Tries everything; what cannot be tried has failed."""
    return [_try(entry, around) for entry in _PROBES]


def main() -> int:
    """Prints one JSON line per probe; 1 if one failed."""
    report = run(_around_here())
    for probe in report:
        print(json.dumps(probe))
    sys.stdout.flush()
    return 1 if any(probe["result"] == "fail" for probe in report) else 0


def _try(entry: _Entry, around: Surroundings) -> Probe:
    try:
        verdict = entry.run(around)
    except (OSError, ValueError, KeyError) as failure:
        verdict = Verdict(False, f"could not be tried: {failure}")
    if verdict.holds:
        return {"id": entry.id, "result": "pass", "detail": verdict.detail}
    if entry.plain_lacks is not None and around.is_shared:
        return {"id": entry.id, "result": "unsupported", "detail": f"{entry.plain_lacks}: {verdict.detail}"}
    return {"id": entry.id, "result": "fail", "detail": verdict.detail}


def _around_here() -> Surroundings:
    """The sandbox that this process runs in, found by the names that its processes gave themselves."""
    everything = linux.processes()
    parents = {process.pid: process.parent for process in everything}
    init = os.getpid()
    while init and _comm(init) != "skerry-init":
        init = parents.get(init, 0)
    gateways = [each.pid for each in everything if init and each.parent == init and _comm(each.pid) == "skerry-gateway"]
    return Surroundings(init, gateways[0] if gateways else 0, driver(init))


def _status() -> dict[str, str]:
    with open("/proc/self/status", encoding="utf-8") as status:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in status)}


def _uid(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Uid:"))


def _comm(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as comm:
            return comm.read().strip()
    except OSError:
        return ""


def _opens(pid: int, name: str) -> bool:
    path = f"/proc/{pid}/{name}"
    try:
        if name == "fd":
            os.listdir(path)
        else:
            with open(path, "rb") as file:
                return name != "environ" or file.read() is not None
    except OSError:
        return False
    return True


def _is_writable(path: str) -> bool:
    return os.access(path, os.W_OK)
