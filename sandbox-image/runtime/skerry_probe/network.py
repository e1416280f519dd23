"""N01 to N07: nobody can be reached but the control plane, and that only by the gateway."""

import contextlib
import errno
import itertools
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator

from skerry_probe.verdict import Surroundings, Target, Verdict, listed

CONNECT_SECONDS = 0.15
FULL_CONNECT_SECONDS = 1.0
METADATA = (Target("tcp", "169.254.169.254", 80), Target("tcp", "fd00:ec2::254", 80))
ELSEWHERE = (
    *METADATA,
    Target("tcp", "169.254.170.2", 80),
    Target("tcp", "169.254.1.1", 80),
    Target("tcp", "1.1.1.1", 443),
    Target("tcp", "8.8.8.8", 53),
    Target("tcp", "10.0.0.1", 80),
    Target("tcp", "172.17.0.1", 22),
    Target("tcp", "192.168.0.1", 80),
    Target("tcp", "100.64.0.1", 80),
    Target("tcp", "2606:4700:4700::1111", 443),
)
_DATAGRAMS = (("1.1.1.1", 53), ("8.8.8.8", 53), ("162.159.200.1", 123), ("1.1.1.1", 443))
_INTERNAL_PORTS = (22, 2375, 5432, 7070, 7071, 7233, 8080, 8233, 9090)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy")
_ESTABLISHED = "01"
_PING_ANSWER = 0


def has_own_network() -> bool:
    """Whether the only interface is a loopback that no other machine, and not even the sandbox's own, shares."""
    with open("/proc/net/dev", encoding="ascii") as devices:
        return [line.partition(":")[0].strip() for line in devices if ":" in line] == ["lo"]


def tcp(around: Surroundings) -> Verdict:
    """N01: no TCP to anybody; only the gateway has a way, and that one leads to the control plane's sandbox port."""
    shared = _shared(around)
    if shared is not None:
        return shared
    targets = METADATA if not around.in_full else (*ELSEWHERE, *_gateways(), *_of(around, "tcp"))
    return listed(_reached(targets, around), _closed(f"{len(targets)} targets tried over TCP"))


def datagrams(around: Surroundings) -> Verdict:
    """N02: no UDP, no ping, no IPv6 to anybody."""
    shared = _shared(around, "UDP")
    if shared is not None:
        return shared
    wanted = [*_DATAGRAMS, *((each.host, each.port) for each in _of(around, "udp"))]
    answered = [f"{host}:{port}" for host, port in _answers(wanted, bool)]
    answered += [
        f"ping {host}" for host in {"1.1.1.1", *(each.host for each in _gateways())} - _doors() if _pings(host)
    ]
    return listed(answered, _closed(f"{len(wanted)} UDP targets and ping tried"))


def names(around: Surroundings) -> Verdict:
    """N03: no name of the world outside can be looked up."""
    shared = _shared(around, "UDP")
    if shared is not None:
        return shared
    servers = _name_servers()
    answered = [f"name server {host}" for host, _ in _answers(servers, _knows)]
    return listed(answered, f"{len(servers)} name servers configured, none answers")


def proxies(_around: Surroundings) -> Verdict:
    """N04: nothing depends on a proxy variable; everything above was tried without one."""
    found = [name for name in os.environ if name.lower() in _PROXIES]
    return listed(found, "no proxy variable is set, and nothing was tried through one")


def neighbours(around: Surroundings) -> Verdict:
    """N05: other sandboxes cannot be reached."""
    shared = _shared(around)
    if shared is not None:
        return shared
    wanted = [*_of(around, "sandbox"), *(Target("tcp", host, 80) for host in _neighbours())]
    return listed(_reached(wanted, around), _closed(f"{len(wanted)} neighbouring addresses tried"))


def listeners(around: Surroundings) -> Verdict:
    """N06: nothing of the runtime can be connected to from outside."""
    if around.is_shared and not has_own_network():
        return Verdict("fail", "whatever listens on the machine is to be seen here")
    found = [f"port {port}" for port in _listening()]
    return listed(found, "nothing listens but on the loopback")


def internal(around: Surroundings) -> Verdict:
    """N07: the control plane's other ports, its API, Temporal and Postgres cannot be reached."""
    shared = _shared(around)
    if shared is not None:
        return shared
    hosts = {each.host for each in _gateways()}
    wanted = [Target("tcp", host, port) for host in sorted(hosts) for port in _INTERNAL_PORTS]
    wanted += _of(around, "internal")
    return listed(_reached(wanted, around), _closed(f"{len(wanted)} internal ports tried"))


def _shared(around: Surroundings, what: str = "TCP") -> Verdict | None:
    """A verdict without trying, where trying would knock at doors of a network that is not the sandbox's."""
    if not around.is_shared or has_own_network():
        return None
    if what == "TCP" and _kernel_denies_tcp():
        return Verdict("pass", "the network is the machine's, but the kernel denies this agent every TCP connection")
    return Verdict("fail", f"{what} shares the machine's network")


def _kernel_denies_tcp() -> bool:
    with socket.create_server(("127.0.0.1", 0)) as server:
        try:
            socket.create_connection(server.getsockname(), 1).close()
        except PermissionError:
            return True
    return False


def _closed(tried: str) -> str:
    return f"{tried}, none open" + ("; no interface but a loopback" if has_own_network() else "")


def _reached(targets: Iterable[Target], around: Surroundings) -> list[str]:
    """The targets that accept a connection, or refuse one: those are there too, but for the door, which has to be."""
    doors = _doors()
    waiting: dict[int, tuple[socket.socket, Target]] = {}
    found = []
    poll = select.poll()
    for target in dict.fromkeys(targets):
        made = _socket(target)
        if made is None:
            continue
        code = _begin(made, target)
        if code == errno.EINPROGRESS:
            waiting[made.fileno()] = (made, target)
            poll.register(made, select.POLLOUT)
            continue
        if _is_reached(code, target, doors):
            found.append(f"{target.host}:{target.port}")
        made.close()
    ends = time.monotonic() + (FULL_CONNECT_SECONDS if around.in_full else CONNECT_SECONDS)
    while waiting and (left := ends - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left * 1000):
            made, target = waiting.pop(descriptor)
            poll.unregister(descriptor)
            if _is_reached(made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), target, doors):
                found.append(f"{target.host}:{target.port}")
            made.close()
    for made, _ in waiting.values():
        made.close()
    return found


def _socket(target: Target) -> socket.socket | None:
    """Nothing where the kernel does without the address's family: then nobody is reached that way."""
    try:
        made = socket.socket(socket.AF_INET6 if ":" in target.host else socket.AF_INET, socket.SOCK_STREAM)
    except OSError as failure:
        if failure.errno == errno.EAFNOSUPPORT:
            return None
        raise
    made.setblocking(False)
    return made


def _is_reached(code: int, target: Target, doors: set[str]) -> bool:
    return code == 0 or (code == errno.ECONNREFUSED and target.host not in doors)


def _doors() -> set[str]:
    """Whom somebody in this sandbox is connected to: the gateway, to the control plane or whatever leads there."""
    found = set()
    with contextlib.suppress(OSError), open("/proc/net/tcp", encoding="ascii") as lines:
        for line in list(lines)[1:]:
            fields = line.split()
            if fields[3] == _ESTABLISHED:
                found.add(socket.inet_ntoa(struct.pack("<I", int(fields[2].partition(":")[0], 16))))
    return found


def _begin(made: socket.socket, target: Target) -> int:
    try:
        return made.connect_ex((target.host, target.port))
    except OSError as failure:
        return failure.errno or errno.EINVAL


def _answers(targets: Iterable[tuple[str, int]], counts: Callable[[bytes], bool]) -> Iterator[tuple[str, int]]:
    """Who answers a question for a name outside, a question for the time, or anything at all."""
    query = struct.pack(">6H", 0x5C33, 0x0100, 1, 0, 0, 0) + b"\7example\3com\0" + struct.pack(">2H", 1, 1)
    sockets: dict[socket.socket, tuple[str, int]] = {}
    for host, port in targets:
        made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            made.connect((host, port))
            made.send(query if port != 123 else b"\x23" + bytes(47))
            sockets[made] = (host, port)
        except OSError:
            made.close()
    for made in select.select(list(sockets), [], [], FULL_CONNECT_SECONDS)[0] if sockets else []:
        with contextlib.suppress(OSError):
            if counts(made.recv(512)):
                yield sockets[made]
    for made in sockets:
        made.close()


def _knows(answer: bytes) -> bool:
    """Whether a name server's answer holds an address, rather than a refusal."""
    return len(answer) > 12 and struct.unpack(">H", answer[6:8])[0] > 0


def _pings(host: str) -> bool:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as made:
            made.settimeout(CONNECT_SECONDS)
            made.sendto(b"\x08\0\xf7\xff\0\0\0\0", (host, 0))
            return made.recv(64)[:1] == bytes([_PING_ANSWER])
    except OSError:
        return False


def _of(around: Surroundings, kind: str) -> list[Target]:
    return [target for target in around.targets if target.kind == kind]


def _gateways() -> list[Target]:
    """The way out of this network, if there is one, and the first address of each network that this one is in."""
    hosts = []
    with contextlib.suppress(OSError), open("/proc/net/route", encoding="ascii") as routes:
        for line in list(routes)[1:]:
            fields = line.split()
            address, gateway, mask = (int(fields[index], 16) for index in (1, 2, 7))
            hosts.append(gateway or (address & mask) + (1 << 24))
    return [Target("tcp", socket.inet_ntoa(struct.pack("<I", host)), 22) for host in dict.fromkeys(hosts)]


def _neighbours() -> list[str]:
    """The addresses next to this one."""
    found = []
    with contextlib.suppress(OSError), open("/proc/net/fib_trie", encoding="ascii") as addresses:
        lines = [line.split() for line in addresses]
        own = {
            before[1]
            for before, line in itertools.pairwise(lines)
            if line[:2] == ["/32", "host"] and line[2:] == ["LOCAL"] and len(before) == 2
        }
        for address in sorted(each for each in own if not each.startswith("127.")):
            head, _, last = address.rpartition(".")
            found += [f"{head}.{number}" for number in range(2, 16) if number != int(last)]
    return found


def _name_servers() -> list[tuple[str, int]]:
    with contextlib.suppress(OSError), open("/etc/resolv.conf", encoding="utf-8") as lines:
        return [(line.split()[1], 53) for line in lines if line.startswith("nameserver") and len(line.split()) > 1]
    return []


def _listening() -> Iterator[int]:
    loopbacks = ("0100007F", "00000000000000000000000001000000")
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/net/{name}", encoding="ascii") as lines:
            for line in list(lines)[1:]:
                fields = line.split()
                address, _, port = fields[1].partition(":")
                if fields[3] == "0A" and address not in loopbacks and not address.endswith("7F"):
                    yield int(port, 16)
