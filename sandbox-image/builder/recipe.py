"""What is in the image: the only file to read to know, and the only one to change."""

from typing import NamedTuple

SUITE = "bookworm"

PACKAGES = (
    "base-files",
    "bash",
    "ca-certificates",
    "coreutils",
    "dash",
    "diffutils",
    "findutils",
    "grep",
    "gzip",
    "libc-bin",
    "libpython3-stdlib",
    "mawk",
    "patch",
    "procps",
    "python3-minimal",
    "sed",
    "tar",
)

LEFT_OUT = (
    "debconf",
    "dpkg",
    "init-system-helpers",
    "libdebconfclient0",
    "libfile-find-rule-perl",
    "libgdbm-compat4",
    "libgdbm6",
    "libnumber-compare-perl",
    "libperl5.36",
    "libtext-glob-perl",
    "openssl",
    "perl",
    "perl-base",
    "perl-modules-5.36",
    "usr-is-merged",
    "usrmerge",
)
"""Needed to install packages, not to run them: no package manager and no Perl stay behind."""

PRUNED = (
    "etc/cron.*",
    "etc/init.d",
    "etc/update-motd.d",
    "usr/lib/python3.*/ensurepip",
    "usr/lib/python3.*/lib2to3/tests",
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/doc/*/[!c]*",
    "usr/share/doc/*/c[!o]*",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/menu",
    "usr/share/pixmaps",
    "usr/share/python3/runtime.d",
    "var/cache/*",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/log/*",
)
"""Documentation (licences stay), translations and what only an installation needs."""


class Identity(NamedTuple):
    """A user and the group of the same name and number."""

    name: str
    number: int
    home: str


IDENTITIES = (
    Identity("root", 0, "/"),
    Identity("gateway", 10001, "/"),
    Identity("agent", 10002, "/workspace"),
    Identity("nobody", 65534, "/"),
)
AGENT = 10002

LABELS = {
    "org.opencontainers.image.title": "skerry/sandbox",
    "org.opencontainers.image.description": "An agent loop with nothing worth stealing and nothing worth keeping",
    "org.opencontainers.image.licenses": "Apache-2.0",
}

KERNEL = "linux-image-cloud-amd64"
KERNEL_MODULES = (
    "virtio_mmio",
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
    "virtio_console",
    "virtio_rng",
    "qemu_fw_cfg",
    "overlay",
    "squashfs",
    "erofs",
)
"""What a virtual machine needs of the kernel beyond what is built in; what they need comes along."""

MICRO_VM_MODULES = (
    "virtio_ring",
    "virtio",
    "virtio_mmio",
    "virtio_blk",
    "failover",
    "net_failover",
    "virtio_net",
    "squashfs",
)
"""The least that a micro-VM with a disk and one network address can do with: each costs time at every boot."""

FIRST_PROGRAMS = "busybox-static"
"""What a micro-VM's first script is written with."""

RUNTIME = "usr/lib/skerry"
SECRET = "skerry_runtime"
"""Root's alone: what the runtime needs it reads before it gives its privileges up. The probes are everybody's."""

INTERPRETER = "/usr/bin/python3"
ENTRYPOINT = (INTERPRETER, "-I", "-B", "-S", "-X", "utf8", f"/{RUNTIME}/skerry_runtime")
WORKSPACE = "/workspace"

EPOCH = 1735689600
"""Every file's time, unless SOURCE_DATE_EPOCH says another: 2025-01-01."""

FILES = {
    "etc/hostname": "sandbox\n",
    "etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/resolv.conf": "",
    "etc/passwd": "".join(f"{i.name}:x:{i.number}:{i.number}::{i.home}:/bin/bash\n" for i in IDENTITIES),
    "etc/group": "".join(f"{i.name}:x:{i.number}:\n" for i in IDENTITIES),
    "usr/bin/skerry-probe": f'#!/bin/sh\nexec {INTERPRETER} -I -B -S -X utf8 /{RUNTIME}/skerry_probe "$@"\n',
}
"""No name server: a sandbox reaches one address, and is told it as a number."""

LINKS = {
    "bin": "usr/bin",
    "lib": "usr/lib",
    "lib64": "usr/lib64",
    "sbin": "usr/sbin",
    "usr/bin/awk": "mawk",
    "usr/bin/python": "python3",
    "usr/bin/sh": "dash",
    "usr/lib/ssl/cert.pem": "/etc/ssl/certs/ca-certificates.crt",
    "usr/lib/ssl/certs": "/etc/ssl/certs",
}

FOLDERS = {
    "dev": 0o755,
    "proc": 0o755,
    "root": 0o700,
    "run": 0o755,
    "sys": 0o755,
    "tmp": 0o1777,
    "workspace": 0o700,
}
