"""The command line of the image builder."""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence

from builder import docker, image, microvm, recipe, scan, vm
from builder.failure import Failure

_HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def main(arguments: Sequence[str]) -> int:
    """Builds what was asked for and prints what came out; progress goes to standard error."""
    options = _parser().parse_args(arguments)
    if options.command == "scan":
        return _scan(options.image)
    order = image.Order(
        os.path.realpath(options.output), options.suite, options.mirror, tuple(sorted(options.package)), options.fresh
    )
    started = time.monotonic()
    try:
        if options.command == "docker" and not order.fresh and (known := docker.known(order, options.tag)):
            print(json.dumps(known | {"seconds": round(time.monotonic() - started, 1)}, indent=1))
            return 0
        made = image.build(order, _tell)
        facts = {**made.facts, "rootfs": made.tar, "sbom": os.path.join(made.folder, "sbom.spdx.json")}
        match options.command:
            case "docker":
                _tell("handing the image to the Docker Engine")
                facts |= docker.load(made, order, options.tag)
            case "inspect":
                facts |= {"contents": _contents(str(facts["sbom"]))}
            case "initrd":
                facts |= vm.build(made, order, options.init, _tell)
            case "microvm":
                facts |= microvm.build(made, order, _tell)
    except Failure as failure:
        print(f"sandbox-image: {failure}", file=sys.stderr)
        return 1
    except (OSError, subprocess.CalledProcessError) as failure:
        print(f"sandbox-image: the image could not be made: {failure}", file=sys.stderr)
        return 1
    print(json.dumps(facts | {"seconds": round(time.monotonic() - started, 1)}, indent=1))
    return 0


def _contents(bill: str) -> dict[str, str]:
    """Package names and versions; the first entry of a bill is the image itself."""
    with open(bill, encoding="utf-8") as file:
        return {each["name"]: each["versionInfo"] for each in json.load(file)["packages"][1:]}


def _scan(name: str) -> int:
    try:
        findings = scan.scan(name)
    except (Failure, OSError, tarfile.TarError) as failure:
        print(f"sandbox-image: nothing was scanned: {failure}", file=sys.stderr)
        return 1
    for finding in findings:
        print(json.dumps(finding._asdict()), flush=True)
    return 1 if any(finding.result == "fail" for finding in findings) else 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sandbox-image/build", description="Makes the sandbox image from the distribution's packages."
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--output", default=os.path.join(_HERE, "target", "image"), help="where results are kept")
    shared.add_argument("--suite", default=recipe.SUITE, help="release of the distribution")
    shared.add_argument("--mirror", help="package archive; by default where this machine installs from")
    shared.add_argument("--package", action="append", default=[], help="one more package; may be repeated")
    shared.add_argument("--fresh", action="store_true", help="fetch the packages' newest versions and build again")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("rootfs", parents=[shared], help="the file system as a tar archive")
    commands.add_parser("inspect", parents=[shared], help="what the image is made of, package by package")
    engine = commands.add_parser("docker", parents=[shared], help="an image in the Docker Engine of DOCKER_HOST")
    engine.add_argument("--tag", default=f"{docker.NAME}:local", help="a name besides the one made of the digest")
    machine = commands.add_parser("initrd", parents=[shared], help="a kernel and an initrd for a virtual machine")
    machine.add_argument("--init", help="the program to start first, as /init; without it /init is missing")
    looks = commands.add_parser("scan", help="search an image for what must not be in it, without starting it")
    looks.add_argument("image", nargs="?", default=f"{docker.NAME}:local", help="an archive, or an image's name")
    looks.add_argument("--output", help=argparse.SUPPRESS)
    commands.add_parser("microvm", parents=[shared], help="a kernel, an initrd and a disk for a micro-VM")
    return parser
