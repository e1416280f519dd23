"""A start in two halves: warm without any secret, then the three values."""

import os
import sys
import unittest

from skerry_runtime import boot, exits, renewal, waiting
from tests.support import ControlPlane, Sandbox, SandboxTest, eventually, script, text

IS_ROOT = os.geteuid() == 0


@unittest.skipUnless(IS_ROOT, "only root can start a system of its own")
class Waiting(SandboxTest):
    def warm(self, plane: ControlPlane) -> tuple[Sandbox, str]:
        folder = os.path.join(self.folder(), "values")
        sandbox = self.machine(plane, variables={boot.WAIT_FOR: folder})
        eventually(lambda: waiting.WAITING in sandbox.output(), 20)
        return sandbox, folder

    def bring(self, folder: str, values: dict[str, str], seed: bytes) -> None:
        os.mkdir(folder)
        for name, value in values.items():
            self.write(folder, name, value)
        with open(os.path.join(folder, waiting.SEED), "wb") as file:
            file.write(seed)

    def test_says_hello_once_it_has_its_values_and_leaves_no_file_of_them(self) -> None:
        plane = self.plane(script([text("done")]))
        turn = plane.submit("Look")
        sandbox, folder = self.warm(plane)
        self.assertEqual(plane.hellos, [])
        self.bring(folder, plane.boot(), os.urandom(renewal.SEED_BYTES))
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(len(plane.hellos), 1)
        self.assertEqual(os.listdir(folder), [])
        self.assertIsNone(sandbox.process.poll())

    def test_is_complete_before_the_values_come(self) -> None:
        sandbox, _ = self.warm(self.plane(script()))
        lines = [line for line in sandbox.processes().values() if " -X utf8 " in line]
        roles = [line.split("skerry_runtime ")[1].split()[0] for line in lines]
        self.assertEqual(sorted(roles), ["agent", "gateway", "init"])

    def test_a_seed_that_is_too_short_is_waited_for(self) -> None:
        plane = self.plane(script())
        _, folder = self.warm(plane)
        self.bring(folder, plane.boot(), b"short")
        with self.assertRaises(TimeoutError):
            eventually(lambda: bool(plane.hellos), 0.5)
        with open(os.path.join(folder, waiting.SEED), "wb") as file:
            file.write(os.urandom(renewal.SEED_BYTES))
        plane.wait(lambda: bool(plane.hellos))

    def test_values_that_are_not_all_there_end_it_with_the_missing_one_named(self) -> None:
        plane = self.plane(script())
        sandbox, folder = self.warm(plane)
        values = plane.boot()
        del values["SESSION_TOKEN"]
        self.bring(folder, values, os.urandom(renewal.SEED_BYTES))
        self.assertEqual(sandbox.wait(), exits.USAGE)
        self.assertIn("SESSION_TOKEN missing", sandbox.output())


class Refusing(SandboxTest):
    def test_does_not_wait_where_it_is_no_machine_of_its_own(self) -> None:
        sandbox = Sandbox({boot.WAIT_FOR: "/run/values"}, self.folder())
        self.addCleanup(sandbox.close)
        self.assertEqual(sandbox.wait(), exits.USAGE)
        self.assertIn("is for a virtual machine", sandbox.output())


class Renewal(unittest.TestCase):
    def test_a_process_draws_anew_what_a_copy_of_it_would_draw_too(self) -> None:
        import random

        state = random.getstate()
        self.assertIn("random", sys.modules)
        renewal.of_this_process()
        self.assertNotEqual(random.getstate(), state)

    @unittest.skipUnless(IS_ROOT, "only root may reseed the kernel")
    def test_the_kernel_takes_a_seed(self) -> None:
        renewal.of_the_kernel(os.urandom(renewal.SEED_BYTES))
