"""What a confined process can no longer do, tried in processes of its own because there is no way back."""

import errno
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import threading
import unittest
from collections.abc import Callable
from typing import ClassVar

from skerry_runtime import exits, ipc, landlock, linux, seccomp
from skerry_runtime.direct import DirectGateway
from tests.support import Sandbox, SandboxTest, call, profile, script

NOWHERE = -1


def apart(work: Callable[[], str]) -> str:
    """What `work` says in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            linux.forbid_new_privileges()
            said = work()
        except BaseException as failure:
            said = f"{type(failure).__name__}: {failure}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as said_there:
        answer = said_there.read()
    os.waitpid(child, 0)
    return answer


def error_of(number: int, *arguments: int) -> str:
    """The error that a system call ends with."""
    try:
        linux.syscall(number, *arguments)
        return "none"
    except OSError as failure:
        return errno.errorcode[failure.errno or 0]


class SystemCalls(unittest.TestCase):
    machine = seccomp._MACHINES[platform.machine()]

    def refused(self, number: int, *arguments: int) -> str:
        def work() -> str:
            seccomp.restrict()
            return error_of(number, *arguments)

        return apart(work)

    def test_refuses_what_escapes_begin_with(self) -> None:
        def work() -> str:
            seccomp.restrict()
            return " ".join(
                name
                for name, numbers in seccomp._REFUSED.items()
                if error_of(numbers[self.machine.column], *[NOWHERE] * 5) != "EPERM"
            )

        self.assertEqual(apart(work), "")

    def test_knows_no_call_that_came_later_and_no_way_around_a_look_at_the_flags(self) -> None:
        self.assertEqual(self.refused(600), "ENOSYS")
        self.assertEqual(self.refused(0x40000000 + 39), "ENOSYS")
        self.assertEqual(self.refused(435, NOWHERE, 0), "ENOSYS")

    def test_refuses_new_namespaces_but_not_new_processes(self) -> None:
        for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
            with self.subTest(hex(flag)):
                self.assertEqual(self.refused(self.machine.clone, flag | signal.SIGCHLD, 0, 0, 0, 0), "EPERM")

    def test_lets_only_local_and_plain_network_sockets_be_made(self) -> None:
        def work() -> str:
            seccomp.restrict()
            return " ".join(f"{family}/{kind}" for family in range(46) for kind in (1, 2, 3) if made(family, kind))

        def made(family: int, kind: int) -> bool:
            try:
                socket.socket(family, kind).close()
                return True
            except PermissionError:
                return False
            except OSError:
                return True

        allowed = {f"{family}/{kind}" for family in (1, 2, 10) for kind in (1, 2)} | {"1/3", "16/1", "16/2", "16/3"}
        self.assertEqual(set(apart(work).split()), allowed)

    def test_refuses_to_type_into_a_terminal(self) -> None:
        for request in (0x5412, 0x541C):
            self.assertEqual(self.refused(self.machine.ioctl, 0, request, 0), "EPERM")

    def test_the_tools_of_a_developer_work(self) -> None:
        program = (
            "import os, socket, subprocess, tempfile, threading, mmap\n"
            "thread = threading.Thread(target=lambda: None); thread.start(); thread.join()\n"
            "server = socket.create_server(('127.0.0.1', 0)); socket.create_connection(server.getsockname())\n"
            "socket.getaddrinfo('127.0.0.1', 80); socket.if_nameindex()\n"
            "mmap.mmap(-1, 4096); os.memfd_create('x'); tempfile.TemporaryFile(); os.personality = 0\n"
            "print(subprocess.run(['sh', '-c', 'echo fine | cat'], capture_output=True, text=True).stdout, end='')\n"
        )

        def work() -> str:
            seccomp.restrict()
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
            return done.stdout + done.stderr

        self.assertEqual(apart(work), "fine\n")

    def test_the_gateway_starts_nothing(self) -> None:
        def work() -> str:
            seccomp.restrict(may_execute=False)
            os.execv("/bin/true", ["true"])

        self.assertIn("PermissionError", apart(work))


@unittest.skipIf(landlock.version() < 6, "this kernel's Landlock is older than version 6, or missing")
class Landlock(SandboxTest):
    def confined(self, work: Callable[[], str], only_port: int | None = None) -> str:
        inside = self.folder()
        outside = self.write(self.folder(), "secret", "secret")

        def run() -> str:
            grants = [landlock.Grant(path, landlock.READ) for path in ("/usr", "/lib", "/lib64", "/bin", "/proc")]
            grants.append(landlock.Grant(inside, landlock.READ | landlock.WRITE))
            linux.keep_capabilities()
            landlock.restrict(grants, only_port=only_port)
            os.chdir(inside)
            self.outside = outside
            return work()

        return apart(run)

    def test_works_in_its_folder_only(self) -> None:
        def work() -> str:
            with open("mine", "w", encoding="utf-8") as mine:
                mine.write("x")
            os.rename("mine", "moved")
            said = []
            attempts: list[Callable[[], None]] = [
                lambda: open(self.outside, encoding="utf-8").close(),
                lambda: open(self.outside, "a", encoding="utf-8").close(),
                lambda: os.unlink(self.outside),
                lambda: os.link("moved", self.outside + "2"),
                lambda: os.mkdir("/tmp/skerry-escaped"),
                lambda: os.truncate(self.outside, 0),
            ]
            for attempt in attempts:
                try:
                    attempt()
                    said.append("done")
                except OSError as failure:
                    said.append(errno.errorcode[failure.errno or 0])
            return " ".join(said)

        self.assertIn(self.confined(work), ("EACCES EACCES EACCES EXDEV EACCES EACCES", "EACCES " * 5 + "EACCES"))

    def test_signals_and_looks_into_nobody_outside(self) -> None:
        parent = os.getpid()

        def work() -> str:
            child = os.fork()
            if child == 0:
                signal.pause()
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            said = ""
            attempts: list[Callable[[], None]] = [
                lambda: os.kill(parent, 0),
                lambda: open(f"/proc/{parent}/environ", "rb").close(),
            ]
            for attempt in attempts:
                try:
                    attempt()
                    said += "done "
                except PermissionError:
                    said += "denied "
            return said

        self.assertEqual(self.confined(work), "denied denied ")

    def test_connects_to_nobody_where_the_network_is_shared(self) -> None:
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def work() -> str:
            socket.create_connection(server.getsockname(), 1).close()
            return "connected"

        self.assertEqual(self.confined(work), "connected")
        self.assertIn("PermissionError", self.confined(work, only_port=1))
        self.assertEqual(self.confined(work, only_port=server.getsockname()[1]), "connected")


class Callers(unittest.TestCase):
    def test_listens_only_to_the_process_that_spoke_first(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        gateway = DirectGateway(profile(), lambda _: [])
        threading.Thread(target=ipc.serve, args=(theirs, gateway, os.getuid()), daemon=True).start()
        remote = ipc.RemoteGateway(ours)
        self.assertEqual(remote.state()["incarnation"], 1)
        self.assertIn("GatewayGone", apart(lambda: str(remote.state())))
        self.assertEqual(remote.state()["incarnation"], 1)
        ours.close()

    def test_does_not_listen_to_another_user(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        gateway = DirectGateway(profile(), lambda _: [])
        threading.Thread(target=ipc.serve, args=(theirs, gateway, os.getuid() + 1), daemon=True).start()
        with self.assertRaises(ipc.GatewayGone):
            ipc.RemoteGateway(ours).state()
        ours.close()


@unittest.skipUnless(os.geteuid() == 0, "separate users take root to start")
class Identities(SandboxTest):
    USERS: ClassVar = {"skerry-init": "0", "skerry-gateway": "10001", "skerry-agent": "10002"}

    def test_three_users_and_no_rights_in_a_machine_of_its_own(self) -> None:
        command = "id; grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status; pwd"
        command += "; echo x > made; stat -c %u made; ulimit -c"
        plane = self.plane(script([call("c1", "bash", command=command), call("c2", "bash", command="sleep 30")]))
        plane.submit("Look")
        sandbox = self.machine(plane)
        plane.wait(lambda: len(plane.event_data("tool.started")) == 2)
        seen = "".join(each["text"] for each in plane.event_data("tool.output")).splitlines()
        self.assertEqual(re.sub(r"\(.*?\)", "", seen[0]), "uid=10002 gid=10002 groups=10002")
        self.assertEqual({line.split()[1] for line in seen if line.startswith("Cap")}, {"0" * 16})
        self.assertEqual([line.split()[1] for line in seen if line.startswith(("NoNew", "Sec"))], ["1", "2"])
        self.assertEqual(seen[-3:], [sandbox.workspace, "10002", "0"])
        status = {name: self.status(pid) for pid, name in self.names(sandbox).items()}
        self.assertEqual({name: each["Uid"].split()[0] for name, each in status.items()}, self.USERS)
        self.assertEqual(int(status["skerry-gateway"]["CapBnd"], 16), 0)
        self.assertEqual(status["skerry-gateway"]["Seccomp"], "2")
        self.assertEqual(int(status["skerry-init"]["CapEff"], 16), 1 << linux.CAP_KILL)

    def names(self, sandbox: Sandbox) -> dict[int, str]:
        """The runtime's own processes by the names they gave themselves."""
        found = {}
        for pid in sandbox.processes():
            name = self.status(pid)["Name"]
            if name in self.USERS:
                found[pid] = name
        return found

    def status(self, pid: int) -> dict[str, str]:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            return {name: value.strip() for name, _, value in (line.partition(":") for line in status)}

    def test_ends_everything_although_it_belongs_to_others(self) -> None:
        plane = self.plane(script([call("c1", "bash", command="trap '' TERM; (setsid sleep 300 &) ; sleep 301")]))
        plane.submit("Sleep")
        sandbox = self.machine(plane)
        plane.wait(lambda: bool(plane.event_data("tool.started")))
        family = sandbox.processes()
        self.assertGreater(len(family), 4)
        os.kill(next(pid for pid, name in self.names(sandbox).items() if name == "skerry-init"), signal.SIGTERM)
        self.assertEqual(sandbox.wait(), exits.TERMINATED)
        self.assertFalse([pid for pid in family if os.path.exists(f"/proc/{pid}")])


if __name__ == "__main__":
    unittest.main()
