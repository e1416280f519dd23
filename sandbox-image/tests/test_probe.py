"""Each probe on something that does not hold, so that none can pass by not looking."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from unittest import mock

from skerry_probe import limits, loot, network, rights, suite
from skerry_probe.verdict import Surroundings, Target, Verdict
from tests import IMAGE
from tests.support import RUNTIME, SandboxTest, call, json_lines, script

EVERYWHERE = "METADATA", "ELSEWHERE", "_DATAGRAMS"
is_root = os.geteuid() == 0


class ProbeTest(SandboxTest):
    """A test is unconfined, so that most of what a sandbox refuses is there for it to be found."""

    def setUp(self) -> None:
        self.workspace = self.folder()
        for name in EVERYWHERE:
            patch = mock.patch.object(network, name, ())
            patch.start()
            self.addCleanup(patch.stop)

    def around(
        self,
        targets: tuple[Target, ...] = (),
        holder: int = 0,
        runtime: str = "/nowhere/skerry_runtime",
        in_full: bool = False,
    ) -> Surroundings:
        return Surroundings(holder, holder, "vm", runtime, self.workspace, targets, in_full)

    def fails(self, verdict: Verdict, because: str) -> None:
        self.assertEqual(verdict.result, "fail", verdict.detail)
        self.assertIn(because, verdict.detail)

    def holder(self, environment: dict[str, str] | None = None) -> int:
        """A process that hides nothing, and is what it was started as."""
        process = subprocess.Popen(
            ["/bin/sh", "-c", "echo; exec 1>&-; read -r _"],
            env=environment or {},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        process.stdout.readline()
        return process.pid


class Rights(ProbeTest):
    @unittest.skipUnless(is_root, "shows what root has")
    def test_root_is_somebody(self) -> None:
        self.fails(rights.user(self.around()), "uid 0")
        self.fails(rights.capabilities(self.around()), "CapEff")
        self.fails(rights.becoming_root(self.around()), "root already")

    @unittest.skipIf(is_root, "shows what a user shares")
    def test_a_user_who_is_the_gateway_too(self) -> None:
        self.fails(rights.user(self.around(holder=self.holder())), f"gateway {os.getuid()}")

    def test_what_a_process_has_that_gave_nothing_up(self) -> None:
        self.fails(rights.new_privileges(self.around()), "NoNewPrivs 0")
        self.fails(rights.system_calls(self.around()), "Seccomp 0")
        self.fails(rights.escapes(self.around()), "process_vm_readv")

    @unittest.skipUnless(is_root, "a machine may keep namespaces and devices from its users")
    def test_namespaces_and_devices_of_a_machine(self) -> None:
        self.fails(rights.namespaces(self.around()), "clone user")
        self.fails(rights.devices(self.around()), "/dev/")

    def test_files_that_give_privileges(self) -> None:
        path = self.write(self.workspace, "tool", "#!/bin/sh\n")
        for mode, found in ((0o755, False), (0o4755, True), (0o2755, True), (0o2644, False)):
            os.chmod(path, mode)
            self.assertEqual(rights.gives_privileges(path, os.stat(path)), found, oct(mode))
        os.chmod(path, 0o4755)
        self.fails(rights.privileged_files(self.around()), path)
        os.chmod(path, 0o755)
        if is_root:
            os.setxattr(path, "security.capability", b"\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
            self.fails(rights.privileged_files(self.around()), path)


class Loot(ProbeTest):
    def test_a_token_in_an_environment(self) -> None:
        self.holder({"SESSION_TOKEN": "x"})
        self.fails(loot.environments(self.around()), "holds a token")

    def test_a_process_that_can_be_looked_into(self) -> None:
        verdict = loot.memory(self.around(holder=self.holder({"A": "b"})))
        for way in ("mem of", "environ of", "maps of", "descriptor 0 of"):
            self.fails(verdict, way)

    def test_core_files(self) -> None:
        before = resource.getrlimit(resource.RLIMIT_CORE)
        if before[1] == 0:
            self.skipTest("this machine allows no core files")
        self.fails(loot.core_dumps(self.around()), "core limit")

    def test_a_process_that_can_be_ended(self) -> None:
        self.fails(loot.signals(self.around(holder=self.holder())), "by handle")

    def test_key_material(self) -> None:
        body = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w"
        for kind, secret in (
            ("cloud access key", "AKIA" + "Z7" * 8),
            ("API key", "sk-" + "aB3" * 8),
            ("code host token", "ghp_" + "a1B2" * 9),
            ("private key", f"-----BEGIN EC PRIVATE KEY-----\n{body}"),
            ("JSON web token", f"eyJ{body}.eyJ{body}.{body}"),
            ("session token", "SESSION_TOKEN=" + "a" * 20),
            ("session token", "skb1.k1.ses_" + "A1" * 13 + ".4." + "x" * 43),
        ):
            with self.subTest(kind):
                path = self.write(self.workspace, "some/notes.txt", f"key = '{secret}'\n")
                self.fails(loot.key_material(self.around()), f"{kind} in {path}")
        self.write(self.workspace, "some/notes.txt", "ask-me-about-some-task-list-of-2026 AKIA eyJ sk-learn\n")
        self.assertNotIn(self.workspace, loot.key_material(self.around()).detail)

    def test_a_runtime_that_lies_open(self) -> None:
        runtime = os.path.join(self.workspace, "skerry_runtime")
        self.write(runtime, "__main__.py", "")
        verdict = loot.runtime_files(self.around(runtime=runtime))
        for what in ("can be listed", "__main__.py is a source", "can be read", "can be written"):
            self.fails(verdict, what)

    def test_a_door_to_the_host(self) -> None:
        path = os.path.join(self.workspace, "engine.sock")
        with socket.socket(socket.AF_UNIX) as listener, mock.patch.object(loot, "_SOCKETS", (path,)):
            listener.bind(path)
            self.fails(loot.host_doors(self.around()), path)
        with mock.patch.object(loot, "_ACCOUNTS", (self.workspace,)):
            self.fails(loot.host_doors(self.around()), self.workspace)


class Limits(ProbeTest):
    @unittest.skipUnless(is_root, "only root may write there")
    def test_what_root_may_write(self) -> None:
        self.fails(limits.system_folders(self.around()), "/etc writable")
        self.fails(limits.kernel_files(self.around()), "core_pattern")

    def test_a_workspace_on_the_systems_disk(self) -> None:
        self.fails(limits.mounts(self.around()), "without nosuid and nodev")

    def test_no_end_of_processes(self) -> None:
        with mock.patch.object(limits, "MOST_PROCESSES", 50), mock.patch.object(limits, "_limit", lambda _: 40):
            self.fails(limits.exhaustion(self.around()), "50 processes in spite of a limit of 40")
        with mock.patch.object(limits, "_limit", lambda _: None):
            self.fails(limits.exhaustion(self.around()._replace(driver="docker")), "memory has no limit")

    def test_a_process_without_landlock(self) -> None:
        if limits.landlock(self.around()).result != "unsupported":
            self.fails(limits.landlock(self.around()), "not in force")

    @unittest.skipUnless(is_root, "only root starts a process for somebody else")
    def test_other_users_processes(self) -> None:
        process = subprocess.Popen(["/bin/sleep", "60"], user=12345, group=12345)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(limits.other_processes(self.around()).result, "unsupported")

    def test_leftovers(self) -> None:
        path = self.write(self.workspace, "old", "")
        with mock.patch.object(limits, "_started", lambda _: time.time() + 60):
            self.fails(limits.leftovers(self.around()), "/tmp/")
        os.unlink(path)


class Network(ProbeTest):
    def listener(self, kind: int, host: str = "127.0.0.1") -> socket.socket:
        made = socket.socket(socket.AF_INET, kind)
        self.addCleanup(made.close)
        made.bind((host, 0))
        return made

    def server(self) -> int:
        made = self.listener(socket.SOCK_STREAM)
        made.listen()
        return int(made.getsockname()[1])

    def answering(self, answer: bytes) -> int:
        """A server that answers one datagram."""
        made = self.listener(socket.SOCK_DGRAM)

        def serve() -> None:
            query, asker = made.recvfrom(512)
            made.sendto(query[:2] + answer, asker)

        threading.Thread(target=serve, daemon=True).start()
        return int(made.getsockname()[1])

    def test_somebody_who_can_be_reached(self) -> None:
        refusing = self.listener(socket.SOCK_STREAM, "127.0.0.9")
        for host, port in (("127.0.0.1", self.server()), ("127.0.0.9", refusing.getsockname()[1])):
            around = self.around((Target("tcp", host, port),), in_full=True)
            with mock.patch.object(network, "_gateways", list):
                self.fails(network.tcp(around), f"{host}:{port}")

    def test_the_door_may_be_there_but_has_one_port_only(self) -> None:
        port, refusing = self.server(), self.listener(socket.SOCK_STREAM)
        with socket.create_connection(("127.0.0.1", port)), mock.patch.object(network, "_neighbours", list):
            closed = Target("sandbox", "127.0.0.1", refusing.getsockname()[1])
            self.assertEqual(network.neighbours(self.around((closed,))).result, "pass")
            self.fails(network.neighbours(self.around((Target("sandbox", "127.0.0.1", self.server()),))), "127.0.0.1")

    def test_metadata_that_answers_at_boot(self) -> None:
        with mock.patch.object(network, "METADATA", (Target("tcp", "127.0.0.1", self.server()),)):
            self.fails(network.tcp(self.around()), "127.0.0.1:")

    def test_somebody_who_answers_datagrams(self) -> None:
        port = self.answering(b"hello")
        with mock.patch.object(network, "_DATAGRAMS", ()), mock.patch.object(network, "_pings", lambda _: False):
            self.fails(network.datagrams(self.around((Target("udp", "127.0.0.1", port),))), f"127.0.0.1:{port}")
        with mock.patch.object(network, "_pings", lambda host: host == "1.1.1.1"):
            self.fails(network.datagrams(self.around()), "ping")

    def test_a_name_server_that_knows_the_world(self) -> None:
        knows, refuses = b"\x81\x80\0\1\0\1\0\0\0\0rest", b"\x81\x85\0\1\0\0\0\0\0\0rest"
        with mock.patch.object(network, "_name_servers", lambda: [("127.0.0.1", self.answering(knows))]):
            self.fails(network.names(self.around()), "127.0.0.1")
        with mock.patch.object(network, "_name_servers", lambda: [("127.0.0.1", self.answering(refuses))]):
            self.assertEqual(network.names(self.around()).result, "pass")

    def test_a_proxy(self) -> None:
        with mock.patch.dict(os.environ, {"HTTPS_PROXY": "http://127.0.0.1:3128"}):
            self.fails(network.proxies(self.around()), "HTTPS_PROXY")

    def test_a_neighbour_and_an_internal_port(self) -> None:
        port = self.server()
        with mock.patch.object(network, "_neighbours", list), mock.patch.object(network, "_gateways", list):
            self.fails(network.neighbours(self.around((Target("sandbox", "127.0.0.1", port),))), f":{port}")
            self.fails(network.internal(self.around((Target("internal", "127.0.0.1", port),))), f":{port}")

    def test_a_listener(self) -> None:
        made = self.listener(socket.SOCK_STREAM, "0.0.0.0")
        made.listen()
        self.fails(network.listeners(self.around()), f"port {made.getsockname()[1]}")

    def test_knocks_at_no_door_of_a_network_that_is_not_its_own(self) -> None:
        around = self.around((Target("tcp", "127.0.0.1", self.server()),))._replace(driver="plain")
        with mock.patch.object(network, "has_own_network", lambda: False):
            self.fails(network.tcp(around), "shares the machine's network")


class Report(ProbeTest):
    def test_what_cannot_be_tried_has_failed(self) -> None:
        def broken(_around: Surroundings) -> Verdict:
            raise OSError("no such thing")

        probe = suite.Probe("X01", broken, True, "there is nothing")
        self.assertEqual(suite.answer(probe, self.around())["result"], "fail")
        shared = suite.answer(probe, self.around()._replace(driver="plain"))
        self.assertEqual((shared["result"], shared["detail"].split(":")[0]), ("unsupported", "there is nothing"))

    def test_targets_come_from_a_file(self) -> None:
        path = self.write(self.workspace, "targets", "# mine\n\ntcp 127.0.0.1 80\nsandbox ::1 22\n")
        self.assertEqual(suite.read_targets(path), (Target("tcp", "127.0.0.1", 80), Target("sandbox", "::1", 22)))
        with self.assertRaises(ValueError):
            suite.read_targets(self.write(self.workspace, "targets", "tcp 127.0.0.1\n"))

    def test_is_a_program_that_prints_lines_and_fails_when_one_fails(self) -> None:
        program = [sys.executable, "-B", "-I", os.path.join(RUNTIME, "skerry_probe"), "--only", "P03,N04"]
        done = subprocess.run(program, capture_output=True, text=True, env={})
        self.assertEqual([each["id"] for each in json_lines(done.stdout)], ["P03", "N04"])
        self.assertEqual(done.returncode, 1)

    def test_a_boot_tries_within_a_blink(self) -> None:
        started = time.process_time()
        report = suite.at_boot(os.getpid(), self.holder(), "vm", "/nowhere", self.workspace)
        self.assertLess(time.process_time() - started, 0.3)
        self.assertEqual(len({each["id"] for each in report}), len(report))


class SharedMachine(SandboxTest):
    def test_a_plain_process_holds_what_is_documented(self) -> None:
        plane = self.plane(script([call("c1", "bash", command="skerry-probe")], [call("c2", "done", result="ok")]))
        turn = plane.submit("Look")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None, 60)
        report = json_lines(plane.conversation[2]["content"][0]["text"])
        documented = self.documented("process/plain")
        self.assertEqual([each["id"] for each in report], list(documented))
        for each in report:
            allowed = ("pass", "unsupported") if documented[each["id"]] == "varies" else (documented[each["id"]],)
            self.assertIn(each["result"], allowed, each)

    def documented(self, driver: str) -> dict[str, str]:
        with open(os.path.join(os.path.dirname(IMAGE), "docs", "isolation.md"), encoding="utf-8") as lines:
            rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
        column = next(row for row in rows if row[0] == "probe").index(driver)
        return {row[0]: row[column] for row in rows if re.fullmatch("[A-Z][0-9]{2}", row[0])}


@unittest.skipUnless(is_root, "a machine of its own takes root to start")
class Machine(SandboxTest):
    """What only the image and its driver can give is left out: the system's files and the size of the workspace."""

    NEEDS_AN_IMAGE = frozenset(("P05", "P09", "S05", "S08", "F01", "F02", "F04", "F08"))

    def test_all_that_the_runtime_itself_gives_holds_for_a_tool(self) -> None:
        wanted = ",".join(each.id for each in suite.PROBES if each.id not in self.NEEDS_AN_IMAGE)
        plane = self.plane(lambda _: [call("c1", "bash", command=self.probe(wanted)), call("c2", "done", result="ok")])
        turn = plane.submit("Look")
        sandbox = self.machine(plane)
        plane.wait(lambda: turn.outcome is not None, 30)
        output = "".join(each["text"] for each in plane.event_data("tool.output"))
        report = {each["id"]: each["result"] for each in json_lines(output)}
        self.assertEqual({key for key, result in report.items() if result != "pass"}, {"F06"}, output)
        self.assertEqual(set(report), set(wanted.split(",")))
        boot = {each["id"]: each["result"] for each in plane.hellos[0]["probes"]}
        self.assertEqual({key for key, result in boot.items() if result == "fail"} - self.NEEDS_AN_IMAGE, set())
        os.kill(sandbox.pid, signal.SIGKILL)

    def probe(self, wanted: str) -> str:
        return f"/usr/bin/python3 -B -I {self.runtime}/skerry_probe --only {wanted}"


if __name__ == "__main__":
    unittest.main()
