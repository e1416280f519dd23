"""All probes in order, and the reasons for which a sandbox on a shared machine does not fail some of them."""

import argparse
import json
import os
from collections.abc import Callable
from typing import NamedTuple

from skerry_probe import kernel, limits, loot, network, rights
from skerry_probe.verdict import MOST_DETAIL, Answer, Surroundings, Target, Verdict


class Probe(NamedTuple):
    """One question; `shared_lacks` says why a sandbox on a shared machine may answer it with no."""

    id: str
    run: Callable[[Surroundings], Verdict]
    at_boot: bool
    shared_lacks: str | None


_USER = "this driver runs everything as the user who started it"
_FILES = "this driver shows the machine's own file system"
_NETWORK = "this driver leaves the sandbox on the machine's network, and a network of its own cannot be had here"
_LIMITS = "this driver sets no limits of its own"

PROBES = (
    Probe("P01", rights.user, True, _USER),
    Probe("P02", rights.capabilities, True, _USER),
    Probe("P03", rights.new_privileges, True, None),
    Probe("P04", rights.system_calls, True, "no filter is known for this processor, or the kernel takes none"),
    Probe("P05", rights.privileged_files, True, _FILES),
    Probe("P06", rights.becoming_root, True, _USER),
    Probe("P07", rights.namespaces, True, "no system call filter is in force"),
    Probe("P08", rights.escapes, True, "no system call filter is in force"),
    Probe("P09", rights.devices, True, _FILES),
    Probe("S01", loot.environments, True, None),
    Probe("S02", loot.memory, True, _USER),
    Probe("S03", loot.core_dumps, True, None),
    Probe("S04", loot.signals, True, _USER),
    Probe("S05", loot.key_material, True, _FILES),
    Probe("S07", loot.runtime_files, True, "this driver runs the runtime from its sources, as the user who started it"),
    Probe("S08", loot.host_doors, True, _FILES),
    Probe("F01", limits.system_folders, True, _FILES),
    Probe("F02", limits.mounts, True, _FILES),
    Probe("F04", limits.exhaustion, False, _LIMITS),
    Probe("F05", limits.kernel_files, True, _USER),
    Probe("F06", limits.other_processes, False, None),
    Probe("F07", limits.landlock, True, None),
    Probe("F08", limits.leftovers, False, _FILES),
    Probe("N01", network.tcp, True, _NETWORK),
    Probe("N02", network.datagrams, False, _NETWORK),
    Probe("N03", network.names, False, _NETWORK),
    Probe("N04", network.proxies, False, None),
    Probe("N05", network.neighbours, False, _NETWORK),
    Probe("N06", network.listeners, False, _NETWORK),
    Probe("N07", network.internal, False, _NETWORK),
)


def at_boot(init: int, gateway: int, driver: str, runtime: str, workspace: str) -> list[Answer]:
    """The report that goes with hello: what must hold before anything runs, within a blink."""
    around = Surroundings(init, gateway, driver, runtime, workspace)
    return [answer(probe, around) for probe in PROBES if probe.at_boot]


def answer(probe: Probe, around: Surroundings) -> Answer:
    """Tries one; what cannot be tried has failed."""
    try:
        verdict = probe.run(around)
    except (OSError, ValueError, LookupError) as failure:
        verdict = Verdict("fail", f"could not be tried: {failure}")
    if verdict.result == "fail" and around.is_shared and probe.shared_lacks is not None:
        verdict = Verdict("unsupported", f"{probe.shared_lacks}: {verdict.detail}")
    return {"id": probe.id, "result": verdict.result, "detail": verdict.detail[:MOST_DETAIL]}


def main(arguments: list[str]) -> int:
    """Prints the report of the sandbox that this process runs in."""
    parser = argparse.ArgumentParser(prog="skerry-probe", description="Tries what this sandbox holds.")
    parser.add_argument("--boot", action="store_true", help="only what every boot tries")
    parser.add_argument("--targets", metavar="FILE", help="lines of: tcp|udp|sandbox|internal HOST PORT")
    parser.add_argument("--only", metavar="IDS", help="only these, separated by commas")
    options = parser.parse_args(arguments)
    try:
        targets = read_targets(options.targets) if options.targets else ()
    except (OSError, ValueError) as failure:
        parser.error(f"{options.targets} cannot be used: {failure}")
    around = find(targets, not options.boot)
    wanted = set(options.only.split(",")) if options.only else {each.id for each in PROBES}
    chosen = [each for each in PROBES if each.id in wanted and (each.at_boot or not options.boot)]
    failed = False
    for probe in chosen:
        report = answer(probe, around)
        failed |= report["result"] == "fail"
        print(json.dumps(report), flush=True)
    return 1 if failed else 0


def read_targets(path: str) -> tuple[Target, ...]:
    """A target a line; empty lines and those that begin with # are for people."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    for line in lines:
        if len(line) != 3 or line[0] not in ("tcp", "udp", "sandbox", "internal") or not line[2].isdigit():
            raise ValueError(f"not 'tcp|udp|sandbox|internal HOST PORT': {' '.join(line)}")
    return tuple(Target(kind, host, int(port)) for kind, host, port in lines)


def find(targets: tuple[Target, ...] = (), in_full: bool = True) -> Surroundings:
    """The sandbox that this process runs in, found by the names that its processes gave themselves."""
    everything = kernel.processes()
    init = os.getpid()
    while init and _name(init) != "skerry-init":
        init = _parent(init)
    gateways = [pid for pid in everything if init and _name(pid) == "skerry-gateway" and _parent(pid) == init]
    workspace = os.environ.get("HOME") or os.getcwd()
    return Surroundings(
        init, gateways[0] if gateways else 0, _driver(init), _runtime(init), workspace, targets, in_full
    )


def _driver(init: int) -> str:
    first = _name(1)
    if first == "bwrap":
        return "bubblewrap"
    if os.path.exists("/.dockerenv") and (init == 1 or first in ("docker-init", "tini")):
        return "docker"
    return "vm" if init in (0, 1) and (init == 1 or not first) else "plain"


def _runtime(init: int) -> str:
    """Where the runtime lies, from the command line that started it."""
    try:
        with open(f"/proc/{init}/cmdline", "rb") as line:
            arguments = line.read().split(b"\0")
    except OSError:
        arguments = []
    named = [os.fsdecode(each) for each in arguments if os.path.basename(each) == b"skerry_runtime"]
    return named[0] if named else os.path.join(os.path.dirname(os.path.dirname(__file__)), "skerry_runtime")


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as comm:
            return comm.read().strip()
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0
