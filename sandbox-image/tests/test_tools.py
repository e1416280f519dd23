"""What the tools do, and what they say about a mistake."""

import os
import threading
import time
import unittest

from skerry_runtime.direct import DirectGateway
from skerry_runtime.toolbox import Toolbox
from skerry_runtime.wire import Refused
from skerry_runtime.workspace import Workspace
from tests.support import Json, SandboxTest, eventually, linux, profile


class ToolsTest(SandboxTest):
    @classmethod
    def setUpClass(cls) -> None:
        linux.adopt_orphans()

    def setUp(self) -> None:
        self.gateway = DirectGateway(profile(tool_output_bytes=4096), lambda _: [])
        self.root = self.folder()
        self.workspace = Workspace(self.root, self.gateway)
        self.toolbox = Toolbox(self.gateway, profile(tool_output_bytes=4096), self.workspace)
        self.cancelled = threading.Event()

    def run_tool(self, name: str, **arguments: object) -> tuple[str, bool]:
        result, _ = self.toolbox.run("trn_1", {"id": "call_1", "name": name, "arguments": arguments}, self.cancelled)
        return result["content"][0]["text"], result["is_error"]

    def answers(self, name: str, **arguments: object) -> str:
        said, is_error = self.run_tool(name, **arguments)
        self.assertFalse(is_error, said)
        return said

    def refuses(self, name: str, **arguments: object) -> str:
        said, is_error = self.run_tool(name, **arguments)
        self.assertTrue(is_error, said)
        return said


class Files(ToolsTest):
    def test_write_makes_folders_and_read_numbers_the_lines(self) -> None:
        self.assertEqual(self.answers("write", path="a/b.txt", content="één\ntwo\nthree"), "wrote 15 bytes to a/b.txt")
        self.assertEqual(self.answers("read", path="a/b.txt"), "     1\téén\n     2\ttwo\n     3\tthree")
        self.assertEqual(
            self.answers("read", path="a/b.txt", offset=2, limit=1),
            "     2\ttwo\n[more lines follow; go on with offset 3]",
        )
        self.assertEqual(self.answers("read", path="a/b.txt", offset=9), "[the file has 3 lines]")

    def test_edit_replaces_one_exact_passage_only(self) -> None:
        self.write(self.root, "a.txt", "one two two")
        self.answers("edit", path="a.txt", old="one", new="1")
        self.assertIn("2 times", self.refuses("edit", path="a.txt", old="two", new="2"))
        self.assertIn("0 times", self.refuses("edit", path="a.txt", old="three", new="3"))
        self.assertEqual(self.answers("read", path="a.txt"), "     1\t1 two two")

    def test_no_path_leads_out_of_the_workspace(self) -> None:
        outside = self.folder()
        self.write(outside, "secret.txt", "secret")
        os.symlink(outside, os.path.join(self.root, "link"))
        os.symlink(os.path.join(outside, "secret.txt"), os.path.join(self.root, "file"))
        for path in ("../secret.txt", "/etc/passwd", "link/secret.txt", "file", f"{outside}/secret.txt"):
            with self.subTest(path):
                for said in (
                    self.refuses("read", path=path),
                    self.refuses("write", path=path, content="x"),
                    self.refuses("edit", path=path, old="secret", new="x"),
                ):
                    self.assertIn("leads out of the workspace", said)
        with open(os.path.join(outside, "secret.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "secret")

    def test_read_refuses_what_is_no_text_file(self) -> None:
        os.mkfifo(os.path.join(self.root, "pipe"))
        os.mkdir(os.path.join(self.root, "folder"))
        self.write(self.root, "binary", "a\0b")
        self.assertIn("not a regular file", self.refuses("read", path="pipe"))
        self.assertIn("List it with ls", self.refuses("read", path="folder"))
        self.assertIn("not text", self.refuses("read", path="binary"))
        self.assertIn("No such file", self.refuses("read", path="missing"))
        self.assertTrue(self.refuses("write", path="pipe", content="x"))

    def test_ls_glob_and_grep_find_things(self) -> None:
        self.write(self.root, "src/a.py", "import os\n")
        self.write(self.root, "src/deep/b.py", "import sys\n")
        self.write(self.root, ".tool-output/old.txt", "import nothing\n")
        self.assertEqual(self.answers("ls", path="src"), "a.py  10 bytes\ndeep/")
        self.assertEqual(self.answers("glob", pattern="**/*.py"), "src/a.py\nsrc/deep/b.py")
        found = sorted(self.answers("grep", pattern="^import").splitlines())
        self.assertEqual(found, ["./src/a.py:1:import os", "./src/deep/b.py:1:import sys"])
        self.assertEqual(self.answers("grep", pattern="nowhere"), "[no match]")
        self.assertIn("relative to the workspace", self.refuses("glob", pattern="../*"))


class Mistakes(ToolsTest):
    def test_tells_the_model_what_is_allowed(self) -> None:
        self.assertIn("The tools are: bash, python, read, write", self.refuses("rm", path="a"))
        self.assertIn("bash needs 'command'. bash takes: command (text)", self.refuses("bash"))
        self.assertIn("'offset' of read has the wrong type", self.refuses("read", path="a", offset="1"))
        self.assertIn("read does not take 'lines'", self.refuses("read", path="a", lines=3))
        self.assertIn("between 1 and 600", self.refuses("bash", command="true", timeout_seconds=601))

    def test_nudges_after_five_failures_in_a_row(self) -> None:
        said = [self.refuses("read", path="missing") for _ in range(5)]
        self.assertNotIn("in a row", said[3])
        self.assertIn("5 tool calls in a row have failed", said[4])
        self.answers("ls")
        self.assertNotIn("in a row", self.refuses("read", path="missing"))


class Bash(ToolsTest):
    def sleepers(self) -> int:
        return len(linux.descendants(os.getpid()))

    def test_merges_output_and_reports_the_exit_code(self) -> None:
        self.assertEqual(self.answers("bash", command="echo out; echo err >&2"), "out\nerr")
        self.assertEqual(self.refuses("bash", command="echo no; exit 3"), "no\n[exit code 3]")
        self.assertEqual(self.refuses("bash", command="kill -9 $$"), "[ended by signal 9]")
        self.assertEqual(self.answers("bash", command="true"), "[no output]")
        self.assertIn("syntax error", self.refuses("bash", command="if"))

    def test_goes_on_in_the_folder_where_the_last_command_ended(self) -> None:
        self.assertEqual(
            self.answers("bash", command="mkdir -p 'a b'; cd 'a b'; echo hi"), f"hi\n[now in {self.root}/a b]"
        )
        self.assertEqual(self.answers("bash", command="pwd"), f"{self.root}/a b")
        self.assertIn("[now in", self.refuses("bash", command="cd ..; exit 1"))
        self.answers("bash", command="mkdir gone; cd gone; rmdir ../gone")
        self.assertEqual(self.answers("bash", command="pwd"), self.root)

    def test_a_timeout_ends_all_that_the_command_started(self) -> None:
        started = time.monotonic()
        said = self.refuses("bash", command="(setsid sleep 300 &); sleep 301 & sleep 302", timeout_seconds=1)
        self.assertIn("timed out after 1 seconds", said)
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual(self.sleepers(), 0)

    def test_a_cancellation_ends_all_that_the_command_started(self) -> None:
        threading.Timer(0.2, self.cancelled.set).start()
        self.assertIn("cancelled", self.refuses("bash", command="trap '' TERM; sleep 301 & sleep 302"))
        self.assertEqual(self.sleepers(), 0)

    @unittest.skipUnless(os.geteuid() == 0, "counts the processes of a user of its own")
    def test_a_fork_bomb_is_ended(self) -> None:
        bomb = "bomb() { bomb | bomb & }; ulimit -u 150; bomb; sleep 60"
        command = f"setpriv --reuid 54321 --clear-groups bash -c '{bomb}'"
        self.assertIn("timed out", self.refuses("bash", command=command, timeout_seconds=1))
        self.assertEqual(self.sleepers(), 0)
        self.assertEqual(self.answers("bash", command="echo still here"), "still here")

    def test_a_tool_that_ignores_signals_and_floods_is_ended(self) -> None:
        said = self.refuses("bash", command="trap '' TERM INT HUP; yes", timeout_seconds=1)
        self.assertIn("bytes left out", said)
        self.assertLess(len(said), 5000)
        self.assertEqual(self.sleepers(), 0)

    def test_a_server_in_the_background_goes_on(self) -> None:
        said = self.answers("bash", command="(while true; do echo tick; sleep 0.02; done) & echo started")
        self.assertIn("started", said)
        self.assertGreaterEqual(self.sleepers(), 1)
        time.sleep(0.1)
        self.assertGreaterEqual(self.sleepers(), 1)
        linux.kill({process.pid for process in linux.descendants(os.getpid())})
        eventually(lambda: not linux.reap())

    def test_keeps_head_and_tail_and_spills_the_rest(self) -> None:
        said = self.answers("bash", command="seq 1 20000")
        self.assertTrue(said.startswith("1\n2\n"))
        self.assertTrue(said.endswith("\n19999\n20000"))
        self.assertIn("bytes left out; the full text: .tool-output/call_1.txt", said)
        self.assertLess(len(said), 4096 + 200)
        with open(os.path.join(self.root, ".tool-output/call_1.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "".join(f"{n}\n" for n in range(1, 20001)))
        self.workspace.sync("trn_1")
        self.assertEqual(self.gateway.workspace, [])

    def test_output_comes_in_small_pieces_while_it_runs(self) -> None:
        self.answers(
            "bash", command="for i in 1 2 3; do echo $i; sleep 0.15; done; head -c 100000 /dev/zero | tr '\\0' x"
        )
        pieces = [each["data"]["text"] for each in self.gateway.events if each["type"] == "tool.output"]
        self.assertEqual(pieces[:3], ["1\n", "2\n", "3\n"])
        self.assertLess(max(map(len, pieces)), 4097)
        self.assertLess(len(pieces), 10)

    def test_survives_output_that_is_no_text(self) -> None:
        self.assertIn("\ufffd", self.answers("bash", command="head -c 20 /dev/urandom; printf '\\377'"))


class Memory(ToolsTest):
    def test_a_shell_remembers_what_the_last_command_left(self) -> None:
        self.answers(
            "bash", command="name='a b'; export LOUD=yes; greet() { echo \"hi $1\"; }; umask 077; shopt -s nullglob"
        )
        said = self.answers(
            "bash", command='greet "$name"; printenv LOUD; umask; echo *.none; shopt -q nullglob && echo on'
        )
        self.assertEqual(said.splitlines(), ["hi a b", "yes", "0077", "", "on"])
        self.assertEqual(self.refuses("bash", command="name=changed; exit 3"), "[exit code 3]")
        self.assertEqual(self.answers("bash", command="echo $name"), "changed")

    def test_a_command_that_is_killed_leaves_the_memory_as_it_was(self) -> None:
        self.answers("bash", command="name=kept")
        self.refuses("bash", command="name=lost; sleep 60", timeout_seconds=1)
        self.refuses("bash", command="name=lost; kill -9 $$")
        self.assertEqual(self.answers("bash", command="echo $name"), "kept")

    def test_more_than_can_be_remembered_is_forgotten_and_nothing_breaks(self) -> None:
        self.answers("bash", command="small=1")
        self.answers("bash", command="small=2; big=$(head -c 2000000 /dev/zero | tr '\\0' x)")
        self.assertEqual(self.answers("bash", command="echo $small ${#big}"), "1 0")

    def test_python_runs_in_the_same_folder_and_not_in_the_loop(self) -> None:
        self.write(self.root, "helper.py", "ANSWER = 42\n")
        self.assertEqual(self.answers("python", code="import os, helper\nprint(helper.ANSWER, 'ä')"), "42 ä")
        pid = self.answers("python", code="import os; print(os.getpid())")
        self.assertNotEqual(pid, str(os.getpid()))
        said = self.refuses("python", code="1/0")
        self.assertIn('File "<python>", line 1', said)
        self.assertIn("ZeroDivisionError", said)
        self.assertIn("timed out", self.refuses("python", code="while True: pass", timeout_seconds=1))

    def test_refuses_what_no_program_can_be_told(self) -> None:
        self.assertIn("NUL", self.refuses("bash", command="echo a\0b"))


class Errands(ToolsTest):
    def test_a_plan_is_shown_and_wrong_ones_are_explained(self) -> None:
        items = [{"text": "first", "status": "done"}, {"text": "second\nline", "status": "doing"}, {"text": "third"}]
        self.assertEqual(self.answers("todo", items=items), "[x] first\n[>] second\n[ ] third")
        for wrong in ([], ["text"], [{"text": ""}], [{"text": "x", "status": "almost"}], [{"status": "done"}]):
            self.assertTrue(self.refuses("todo", items=wrong))

    def test_a_request_is_made_once_by_the_control_plane(self) -> None:
        orders: list[tuple[str, Json]] = []

        def http(key: str, order: Json) -> Json:
            orders.append((key, order))
            headers = {"Content-Type": ["text/plain"], "Set-Cookie": ["no"]}
            return {"status": 200, "url": order["url"], "headers": headers, "body": "hello", "truncated": False}

        self.gateway.http = http  # type: ignore[method-assign]
        order = {"method": "post", "url": "https://example.com/x", "body": "b", "credential": "crm"}
        for _ in range(2):
            said = self.answers("http", **order)
        self.assertEqual(said, "HTTP 200 https://example.com/x\nContent-Type: text/plain\n\nhello")
        self.assertEqual(orders[0], orders[1])
        self.assertEqual(orders[0][1], {**order, "method": "POST"})

    def test_a_request_that_is_not_made_says_why_and_what_to_do(self) -> None:
        self.assertIn("No rule allows GET https://a.b/", self.refuses("http", method="GET", url="https://a.b/"))
        self.assertIn("must be one of", self.refuses("http", method="CONNECT", url="https://a.b/"))
        self.assertIn("must be whole", self.refuses("http", method="GET", url="a.b"))

        def parked(key: str, order: Json) -> Json:
            raise Refused(423, "parked", f"{order['url']} waits under {key}.")

        self.gateway.http = parked  # type: ignore[method-assign]
        self.assertIn("person's approval", self.refuses("http", method="GET", url="https://a.b/"))


if __name__ == "__main__":
    unittest.main()
