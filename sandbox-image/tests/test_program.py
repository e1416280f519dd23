"""Another agent's program in the place of the loop."""

import json
import os
import time
import unittest
from collections.abc import Iterable, Iterator

from tests.support import ControlPlane, Json, SandboxTest, eventually, json_lines, script

REAL = os.environ.get("SKERRY_TEST_LLM", "")
"""Where the program `llm` from PyPI is installed; the test with it is skipped without."""


def completion(**message: object) -> Json:
    """An answer in OpenAI's form."""
    reason = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": None, **message}}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    made = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini"}
    return {**made, "choices": [choice], "usage": usage}


class ProgramTest(SandboxTest):
    def started(self, *command: str) -> ControlPlane:
        plane = self.plane(script())
        plane.profile["agent"] = {"command": list(command)}
        self.turn = plane.submit("What is\nthe answer?")
        self.box = self.sandbox(plane)
        return plane

    def ended(self, *command: str) -> Json:
        plane = self.started(*command)
        plane.wait(lambda: self.turn.outcome is not None, 20)
        self.told = plane
        assert self.turn.outcome is not None
        return self.turn.outcome

    def python(self, program: str, *arguments: str) -> Json:
        return self.ended("/usr/bin/python3", "-c", program, *arguments)


class Outcomes(ProgramTest):
    def test_its_output_is_shown_and_its_files_are_kept(self) -> None:
        outcome = self.ended("sh", "-c", "cat; echo one; sleep 0.3; echo two; echo made > made.txt; env")
        self.assertEqual((outcome["status"], outcome["reason"]), ("completed", None))
        self.assertTrue(outcome["result"].startswith("What is\nthe answer?one\ntwo\n"))
        self.assertEqual(self.told.content("made.txt"), b"made\n")
        self.assertEqual([each["name"] for each in self.told.event_data("tool.started")], ["sh"])
        self.assertEqual(
            "".join(each["text"] for each in self.told.event_data("tool.output"))[:19], "What is\nthe answer?"
        )
        self.assertEqual(self.told.event_data("tool.finished")[0]["is_error"], False)
        self.assertNotIn("SESSION", outcome["result"])

    def test_the_message_is_an_argument_where_it_is_asked_for(self) -> None:
        self.assertEqual(self.ended("printf", "[%s]", "{message}")["result"], "[What is\nthe answer?]")

    def test_its_failure_is_the_turns(self) -> None:
        outcome = self.ended("sh", "-c", "echo sorry; exit 3")
        self.assertEqual((outcome["status"], outcome["reason"]), ("failed", "agent_failed"))
        self.assertEqual(outcome["result"], "sh ended with exit code 3.\nsorry")
        outcome = self.ended("no-such-program")
        self.assertEqual((outcome["status"], outcome["reason"]), ("failed", "agent_missing"))

    def test_is_ended_with_all_it_started_when_the_turn_is_cancelled(self) -> None:
        plane = self.started("sh", "-c", "(setsid sleep 300 &); trap '' TERM; sleep 301")
        eventually(lambda: sum("sleep 30" in line for line in self.box.processes().values()) >= 2)
        self.turn.cancelled = True
        plane.wait(lambda: self.turn.outcome is not None)
        self.assertEqual(self.turn.outcome and self.turn.outcome["status"], "cancelled")
        self.assertEqual(len(self.box.processes()), 3)

    def test_is_not_run_again_when_its_outcome_is_unknown(self) -> None:
        plane = self.plane(script())
        plane.profile["agent"] = {"command": ["touch", "again"]}
        turn = plane.submit("Do it")
        turn.attempt = 1
        box = self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(turn.outcome and turn.outcome["reason"], "interrupted")
        self.assertEqual(os.listdir(box.workspace), [])

    def test_the_probes_are_such_a_program(self) -> None:
        report = json_lines(self.ended("skerry-probe", "--only", "P03,S03")["result"])
        self.assertEqual([each["result"] for each in report], ["pass", "pass"])


ASK = """
import json, os, sys, urllib.request
base = os.environ[sys.argv[1]]
body = json.dumps({"model": "m", "n": sys.argv[2]}).encode() if len(sys.argv) > 3 else None
headers = {"Authorization": "Bearer mine", "x-api-key": "mine", "Cookie": "a=b", "Content-Type": "application/json"}
try:
    with urllib.request.urlopen(urllib.request.Request(base + sys.argv[2], body, headers)) as answer:
        print(answer.status, sorted(name.lower() for name in answer.headers), answer.read().decode())
except urllib.error.HTTPError as refused:
    print(refused.code, refused.read().decode())
"""


class Relay(ProgramTest):
    def asks(self, variable: str, path: str, *more: str, provider: Iterable[bytes] = (b"{}",)) -> str:
        plane = self.plane(script())
        plane.profile["agent"] = {"command": ["/usr/bin/python3", "-c", ASK, variable, path, *more]}
        self.named: list[str] = []

        def answer(name: str, _body: Json) -> tuple[str, Iterable[bytes]]:
            self.named.append(name)
            return "application/json", provider

        plane.provider = answer
        turn = plane.submit("Ask")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None, 20)
        self.told = plane
        return str(turn.outcome and turn.outcome["result"])

    def test_adds_the_token_and_leaves_the_programs_key_and_cookies_behind(self) -> None:
        said = self.asks("OPENAI_BASE_URL", "/chat/completions", "body", provider=(b'{"a":', b"1}"))
        self.assertEqual(said, "200 ['content-type', 'transfer-encoding'] {\"a\":1}")
        self.assertEqual(self.named, ["POST llm/openai/v1/chat/completions"])
        sent = self.told.passed_on[0]
        self.assertNotIn("mine", json.dumps(sent))
        self.assertNotIn("cookie", sent)
        self.assertTrue(sent["authorization"].startswith("Bearer "))
        self.assertNotIn(sent["authorization"].split()[1], said)

    def test_knows_both_providers_and_nothing_else(self) -> None:
        self.assertTrue(self.asks("ANTHROPIC_BASE_URL", "/v1/messages", "body").startswith("200"))
        self.assertTrue(self.asks("OPENAI_BASE_URL", "/models").startswith("200"))
        for path in ("/../../state", "/files", "/chat/completions/../../../../next"):
            self.assertTrue(self.asks("OPENAI_BASE_URL", path).startswith("404"), path)
            self.assertEqual(self.named, [])

    def test_passes_a_stream_on_as_it_comes(self) -> None:
        def slow() -> Iterator[bytes]:
            for number in range(3):
                yield b"data: %d\n\n" % number
                time.sleep(0.4)

        program = (
            "import os, time, urllib.request\n"
            "url = os.environ['OPENAI_BASE_URL'] + '/chat/completions'\n"
            "with urllib.request.urlopen(url, b'{}') as stream:\n"
            "    for line in stream:\n"
            "        if line.strip(): print(round(time.monotonic(), 1))\n"
        )
        plane = self.plane(script())
        plane.profile["agent"] = {"command": ["/usr/bin/python3", "-c", program]}
        plane.provider = lambda _name, _body: ("text/event-stream", slow())
        turn = plane.submit("Ask")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None, 20)
        times = [float(line) for line in (turn.outcome or {})["result"].split()]
        self.assertEqual(len(times), 3)
        self.assertGreater(times[2] - times[0], 0.5)

    def test_goes_on_after_the_lease_was_lost(self) -> None:
        plane = self.plane(script())
        program = "import os, time; open('ready', 'w'); time.sleep(1.5); " + ASK.replace(
            "import json, os, sys", "import json, sys"
        )
        plane.profile["agent"] = {"command": ["/usr/bin/python3", "-c", program, "OPENAI_BASE_URL", "/models"]}
        plane.provider = lambda _name, _body: ("application/json", [b"{}"])
        turn = plane.submit("Ask")
        box = self.sandbox(plane)
        eventually(lambda: os.path.exists(os.path.join(box.workspace, "ready")))
        plane.expire()
        plane.wait(lambda: turn.outcome is not None, 20)
        self.assertTrue((turn.outcome or {})["result"].startswith("200"), turn.outcome)
        self.assertEqual(plane.incarnation, 2)


@unittest.skipUnless(REAL and os.geteuid() == 0, "takes root, and SKERRY_TEST_LLM to name where the program llm is")
class RealProgram(SandboxTest):
    def test_a_program_from_pypi_uses_tools_through_the_loopback(self) -> None:
        calls: list[Json] = []

        def provider(_name: str, body: Json) -> tuple[str, list[bytes]]:
            calls.append(body)
            if len(calls) == 1:
                arguments = json.dumps({"command": "echo $((6 * 7)) > answer.txt; cat answer.txt; id -u"})
                function = {"name": "shell", "arguments": arguments}
                answer = completion(tool_calls=[{"id": "call_1", "type": "function", "function": function}])
            else:
                answer = completion(content="The answer is in answer.txt.")
            return "application/json", [json.dumps(answer).encode()]

        tool = (
            "def shell(command: str) -> str:\n"
            "    'Runs a shell command.'\n"
            "    import subprocess\n"
            "    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout\n"
        )
        plane = self.plane(script())
        program = os.path.join(REAL, "bin", "llm")
        options = ["--no-stream", "--no-log", "-m", "gpt-4o-mini", "--functions", tool]
        plane.profile["agent"] = {"command": [program, "prompt", *options, "{message}"]}
        plane.provider = provider
        turn = plane.submit("What is six times seven?")
        self.machine(plane)
        plane.wait(lambda: turn.outcome is not None, 60)
        assert turn.outcome is not None
        self.assertEqual(
            (turn.outcome["status"], turn.outcome["result"]), ("completed", "The answer is in answer.txt.")
        )
        self.assertEqual(plane.content("answer.txt"), b"42\n")
        self.assertIn("six times seven", json.dumps(calls[0]["messages"]))
        self.assertEqual(calls[1]["messages"][-1]["content"].split(), ["42", "10002"])


if __name__ == "__main__":
    unittest.main()
