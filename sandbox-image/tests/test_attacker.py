"""A hijacked tool with all its cunning gets no token; what it tried and got is printed."""

import os
import shutil
import sys
import unittest

from skerry_runtime import landlock
from tests.support import ControlPlane, Sandbox, SandboxTest, call, json_lines, script

HERE = os.path.dirname(os.path.realpath(__file__))


class AttackTest(SandboxTest):
    def attacked(self, plane: ControlPlane, sandbox: Sandbox, known: tuple[str, ...] = ()) -> None:
        """Has the attacker's program run by a tool, and looks at what it got and at what was stored meanwhile."""
        turn = plane.turns[0]
        plane.wait(lambda: turn.outcome is not None, 90)
        said = plane.conversation[2]["content"][0]["text"]
        report = json_lines(said)
        for line in report:
            got = "; ".join(line["got"]) or "nothing"
            print(f"  {line['attempt']}: {got} {line['note']}".rstrip(), file=sys.stderr)
        self.assertGreater(len(report), 15, said)
        found = {line["attempt"]: self.ours(plane, line["got"]) for line in report if line["attempt"] not in known}
        self.assertEqual({attempt: got for attempt, got in found.items() if got}, {})
        self.assertEqual([line for line in report if line["note"]], [])
        self.nothing_got_out(plane)
        self.assertEqual(sandbox.process.poll(), None)

    def ours(self, plane: ControlPlane, got: list[str]) -> list[str]:
        """Without what looks like a token on a machine that others use too, and is none of this session's."""
        return [each for each in got if ": " not in each or any(token in each for token in plane.tokens)]

    def nothing_got_out(self, plane: ControlPlane) -> None:
        """Neither a token nor a file behind a link is in what the model saw or the workspace keeps."""
        tokens = [token.encode() for token in plane.tokens]
        kept = [*plane.objects.values(), repr(plane.conversation).encode(), repr(plane.events).encode()]
        for content in kept:
            self.assertFalse([token for token in tokens if token in content])
            self.assertFalse(content.startswith(b"root:"))
        raced = [entry["path"] for entry in plane.workspace if entry["path"].startswith("race-")]
        self.assertTrue(all(path.endswith(("/shown.txt", "/plain")) for path in raced), raced)

    def attacker(self, workspace: str) -> None:
        shutil.copy(os.path.join(HERE, "attacker.py"), workspace)
        os.chmod(os.path.join(workspace, "attacker.py"), 0o644)

    def plane_under_attack(self) -> ControlPlane:
        command = "RACE_SECONDS=2 /usr/bin/python3 -I attacker.py"
        attack = call("c1", "bash", command=command, timeout_seconds=60)
        plane = self.plane(script([attack], [call("c2", "done", result="x")]))
        plane.submit("Attack")
        return plane


@unittest.skipUnless(os.geteuid() == 0, "a machine of its own takes root to start")
class OwnMachine(AttackTest):
    def test_gets_nothing_as_a_user_of_its_own(self) -> None:
        plane = self.plane_under_attack()
        sandbox = self.machine(plane, self.attacker)
        self.attacked(plane, sandbox)


@unittest.skipIf(landlock.version() < 6, "on a shared machine it is Landlock that keeps one user's processes apart")
class SharedMachine(AttackTest):
    def test_gets_no_token_as_the_same_user_as_the_gateway(self) -> None:
        plane = self.plane_under_attack()
        workspace = self.folder()
        self.attacker(workspace)
        self.attacked(plane, self.sandbox(plane, workspace), known=("runtime_files", "slowing", "impersonation"))


if __name__ == "__main__":
    unittest.main()
