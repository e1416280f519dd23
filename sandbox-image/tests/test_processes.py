"""What the three processes hide, and that none of them outlives the sandbox."""

import os
import signal
import subprocess
import sys
import unittest

from skerry_runtime import boot, exits, linux
from tests.support import RUNTIME, ControlPlane, Sandbox, SandboxTest, call, eventually, json_lines, script, text


class Secrets(SandboxTest):
    def test_the_token_is_in_no_environment_and_no_command_line(self) -> None:
        plane = self.plane(script([call("c1", "bash", command="env; sleep 30")]))
        plane.submit("Look")
        variables = plane.boot()
        sandbox = Sandbox(variables, self.folder())
        self.addCleanup(sandbox.close)
        plane.wait(lambda: bool(plane.event_data("tool.output")))
        token = variables["SESSION_TOKEN"].encode()
        family = sandbox.processes()
        self.assertGreaterEqual(len(family), 4)
        for pid in family:
            for name in ("environ", "cmdline"):
                with self.subTest(name, process=family[pid]):
                    self.assertNotIn(token, self.contents(f"/proc/{pid}/{name}"))
        self.assertEqual(self.contents(f"/proc/{sandbox.pid}/environ"), b"")
        names = {line.partition("=")[0] for line in plane.event_data("tool.output")[0]["text"].splitlines()}
        self.assertLessEqual(names, {"PATH", "HOME", "LANG", "PWD", "SHLVL", "_", "OLDPWD"})

    def test_the_gateway_cannot_be_inspected_by_its_own_user(self) -> None:
        plane = self.plane(script())
        sandbox = self.sandbox(plane)
        plane.wait(lambda: bool(plane.hellos))
        gateway = next(pid for pid, line in sandbox.processes().items() if " gateway " in line)
        self.assertEqual(os.stat(f"/proc/{gateway}/mem").st_uid, 0)
        self.assertEqual(os.stat(f"/proc/{gateway}/environ").st_uid, 0)

    def test_a_tool_inherits_no_descriptor_of_the_runtime(self) -> None:
        plane = self.plane(script([call("c1", "bash", command="ls -l /proc/self/fd | grep -c socket")], [text("done")]))
        turn = plane.submit("Look")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        self.assertTrue(plane.conversation[2]["content"][0]["text"].startswith("0"))

    def test_the_probe_suite_can_be_run_by_a_tool(self) -> None:
        command = f"{boot.interpreter()} -B -I {os.path.join(RUNTIME, 'skerry_probe')} --boot"
        plane = self.plane(script([call("c1", "bash", command=command)], [text("done")]))
        turn = plane.submit("Look")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        said = plane.conversation[2]["content"][0]["text"]
        by_id = {probe["id"]: probe["result"] for probe in json_lines(said)}
        at_boot = {probe["id"]: probe["result"] for probe in plane.hellos[0]["probes"]}
        self.assertEqual(by_id, at_boot, said)

    def contents(self, path: str) -> bytes:
        try:
            with open(path, "rb") as file:
                return file.read()
        except PermissionError:
            return b""


class Lives(SandboxTest):
    def busy(self) -> tuple[ControlPlane, Sandbox]:
        plane = self.plane(
            script([call("c1", "bash", command="echo kept > kept.txt; (setsid sleep 300 &) ; sleep 301")])
        )
        plane.submit("Sleep")
        sandbox = self.sandbox(plane)
        eventually(lambda: sum("sleep 30" in line for line in sandbox.processes().values()) >= 2)
        return plane, sandbox

    def gone(self, family: dict[int, str]) -> bool:
        return not any(os.path.exists(f"/proc/{pid}") for pid in family)

    def test_sigterm_stores_the_files_and_leaves_nothing_running(self) -> None:
        plane, sandbox = self.busy()
        family = sandbox.processes()
        os.kill(sandbox.pid, signal.SIGTERM)
        self.assertEqual(sandbox.wait(), exits.TERMINATED, sandbox.output())
        self.assertTrue(self.gone(family))
        self.assertEqual(plane.content("kept.txt"), b"kept\n")

    def test_a_killed_init_takes_everything_with_it(self) -> None:
        _, sandbox = self.busy()
        family = sandbox.processes()
        os.kill(sandbox.pid, signal.SIGKILL)
        sandbox.wait()
        eventually(lambda: self.gone({pid: line for pid, line in family.items() if pid != sandbox.pid}))

    def test_a_killed_agent_takes_everything_with_it(self) -> None:
        _, sandbox = self.busy()
        family = sandbox.processes()
        os.kill(next(pid for pid, line in family.items() if " agent " in line), signal.SIGKILL)
        self.assertEqual(sandbox.wait(), exits.INTERNAL)
        self.assertTrue(self.gone(family))

    def test_refuses_to_start_without_its_variables(self) -> None:
        finished = subprocess.run(
            [sys.executable, "-B", "-I", os.path.join(RUNTIME, "skerry_runtime")],
            env={"SESSION_ID": "ses_1"},
            capture_output=True,
            text=True,
        )
        self.assertEqual(finished.returncode, exits.USAGE)
        self.assertIn("SESSION_TOKEN, CONTROL_PLANE_URL", finished.stderr)

    def test_says_hello_soon(self) -> None:
        best = min(self.seconds_to_hello() for _ in range(3))
        self.assertLess(best, 0.5, "the promise is 0.25 s on an idle machine")

    def seconds_to_hello(self) -> float:
        """Processor time, which a busy machine changes less than the time on the wall."""
        plane = self.plane(script())
        sandbox = self.sandbox(plane)
        plane.wait(lambda: bool(plane.hellos))
        spent = sum(self.ticks(pid) for pid in sandbox.processes()) / os.sysconf("SC_CLK_TCK")
        sandbox.close()
        return spent

    def ticks(self, pid: int) -> int:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
        return int(fields[11]) + int(fields[12])


class Memory(unittest.TestCase):
    def test_what_a_tool_started_before_anybody_looked_is_ended_before_the_runtime_too(self) -> None:
        before = linux.descendants(os.getpid())
        with subprocess.Popen(["sh", "-c", "sleep 60 & echo started; wait"], stdout=subprocess.PIPE) as tool:
            assert tool.stdout is not None
            tool.stdout.readline()
            try:
                linux.sacrifice(os.getpid(), before)
                scores = [self.score(process.pid) for process in linux.descendants(os.getpid()) - before]
            finally:
                linux.kill({process.pid for process in linux.descendants(os.getpid()) - before})
        self.assertEqual(scores, [800, 800])

    def score(self, pid: int) -> int:
        with open(f"/proc/{pid}/oom_score_adj", encoding="ascii") as file:
            return int(file.read())


if __name__ == "__main__":
    unittest.main()
