"""Packages of the distribution, fetched with the machine's own apt and unpacked without installing anything."""

import glob
import hashlib
import os
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from builder.failure import Failure

FETCH_SECONDS = 600
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+]")
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Package(NamedTuple):
    """One package of the image."""

    name: str
    version: str
    architecture: str
    sha256: str
    source: str
    file: str


class Archive:
    """A view of the package archive in which nothing is installed yet."""

    def __init__(self, work: str, suite: str, mirror: str | None) -> None:
        for tool in ("apt-get", "dpkg-deb"):
            if shutil.which(tool) is None:
                raise Failure(f"{tool} is missing. Build the image on Debian or Ubuntu, or with the Dockerfile.")
        self._work = work
        self._suite = suite
        for folder in ("state/lists/partial", "cache/archives/partial", "empty"):
            os.makedirs(os.path.join(work, folder), exist_ok=True)
        for name in ("status", "preferences"):
            with open(os.path.join(work, name), "w", encoding="utf-8"):
                pass
        with open(os.path.join(work, "sources.list"), "w", encoding="utf-8") as file:
            file.write(_sources(suite, mirror))
        self._run("apt-get", "update")

    def closure(self, names: Sequence[str]) -> list[str]:
        """The packages with everything they depend on, as `name=version`."""
        for name in names:
            if not _NAME.fullmatch(name):
                raise Failure(f"{name!r} is not a package's name. Write it as `apt-cache search` prints it.")
        said = self._run("apt-get", "--simulate", "install", *names)
        return sorted(
            f"{match[1]}={match[2]}" for match in re.finditer(r"^Inst (\S+) \((\S+) ", said, flags=re.MULTILINE)
        )

    def dependencies(self, name: str) -> list[str]:
        """What a package depends on directly."""
        said = self._run("apt-cache", "depends", "--no-recommends", "--no-suggests", name)
        return re.findall(r"Depends: (\S+)", said)

    def fetch(self, pinned: Iterable[str]) -> list[Package]:
        """Downloads the packages; apt verifies each against the signed index."""
        folder = os.path.join(self._work, "packages")
        os.makedirs(folder, exist_ok=True)
        self._run("apt-get", "download", *pinned, folder=folder)
        wanted = set(pinned)
        found = (_describe(file) for file in sorted(glob.glob(os.path.join(folder, "*.deb"))))
        return [each for each in found if {each.name, f"{each.name}={each.version}"} & wanted]

    def _run(self, tool: str, *arguments: str, folder: str | None = None) -> str:
        at = self._work
        options = {
            "Acquire::Languages": "none",
            "APT::Get::Assume-Yes": "true",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
            "Debug::NoLocking": "true",
            "Dir::Cache": f"{at}/cache",
            "Dir::Etc::preferences": f"{at}/preferences",
            "Dir::Etc::preferencesparts": f"{at}/empty",
            "Dir::Etc::sourcelist": f"{at}/sources.list",
            "Dir::Etc::sourceparts": f"{at}/empty",
            "Dir::State": f"{at}/state",
            "Dir::State::status": f"{at}/status",
        }
        command = [tool, "-q"]
        for name, value in options.items():
            command += ["-o", f"{name}={value}"]
        try:
            done = subprocess.run(
                [*command, *arguments],
                cwd=folder,
                env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=FETCH_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failure(f"{tool} {arguments[0]} took longer than {FETCH_SECONDS} s. Check the network.") from None
        if done.returncode != 0:
            unknown = re.search(r"Unable to locate package (\S+)|Package '?(\S+?)'? has no installation", done.stderr)
            if unknown:
                raise Failure(f"{self._suite} has no package {unknown[1] or unknown[2]}. Correct its name.")
            last = "\n".join(line for line in done.stderr.splitlines() if line.startswith(("E:", "Err"))) or done.stderr
            raise Failure(f"{tool} {arguments[0]} failed. Check the network and the package sources.\n{last.strip()}")
        return done.stdout


def unpack(package: Package, tree: str) -> None:
    """Puts a package's files into the tree; links that stand for folders stay."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package.file], stdout=subprocess.PIPE) as files:
        subprocess.run(
            ["tar", "--extract", "--keep-directory-symlink", "--no-same-owner", "--directory", tree],
            stdin=files.stdout,
            check=True,
        )
    if files.returncode != 0:
        raise Failure(f"{os.path.basename(package.file)} is damaged. Build again with --fresh.")


def _describe(file: str) -> Package:
    form = "${Package}\t${Version}\t${Architecture}\t${source:Package}"
    said = subprocess.run(
        ["dpkg-deb", "--show", f"--showformat={form}", file], check=True, capture_output=True, text=True
    )
    name, version, architecture, source = said.stdout.split("\t")
    with open(file, "rb") as package:
        digest = hashlib.file_digest(package, "sha256") if hasattr(hashlib, "file_digest") else None
        sha256 = digest.hexdigest() if digest else hashlib.sha256(package.read()).hexdigest()
    return Package(name, version, architecture, sha256, source, file)


def _sources(suite: str, mirror: str | None) -> str:
    keyring = f" [signed-by={_KEYRING}]" if os.path.exists(_KEYRING) else ""
    if mirror:
        return f"deb{keyring} {mirror} {suite} main\n"
    found = sorted(set(_machine_sources(suite)))
    if not found:
        raise Failure(f"This machine's package sources do not have {suite}. Name an archive with --mirror URL.")
    return "".join(f"deb{keyring} {uri} {name} main\n" for uri, name in found)


def _machine_sources(suite: str) -> Iterable[tuple[str, str]]:
    """The addresses and suites of the distribution that this machine installs from itself."""
    suites = {suite, f"{suite}-updates", f"{suite}-security"}
    files = ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*")]
    for file in filter(os.path.isfile, files):
        with open(file, encoding="utf-8", errors="replace") as lines:
            text = lines.read()
        if file.endswith(".sources"):
            stanzas = re.split(r"\n\s*\n", text)
            pairs = [(uri, name) for each in stanzas for uri in _field(each, "URIs") for name in _field(each, "Suites")]
        elif file.endswith(".list"):
            pairs = re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", text, flags=re.MULTILINE)
        else:
            continue
        for uri, name in pairs:
            if name in suites and "debian" in urllib.parse.urlsplit(uri).path:
                yield uri, name


def _field(stanza: str, name: str) -> list[str]:
    match = re.search(rf"^{name}:(.*(?:\n[ \t].*)*)", stanza, flags=re.MULTILINE)
    return match[1].split() if match else []
