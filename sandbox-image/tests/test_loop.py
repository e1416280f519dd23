"""The loop alone, with a model that is a function and everything else in memory."""

import contextlib
import io
import unittest

from skerry_runtime.direct import DirectGateway, Model
from skerry_runtime.loop import Loop
from skerry_runtime.wire import Outcome
from skerry_runtime.workspace import Workspace
from tests.support import Json, SandboxTest, call, profile, script, text


class LoopTest(SandboxTest):
    def outcome(self, model: Model, max_steps: int = 50) -> Outcome:
        self.gateway = DirectGateway(profile(max_steps=max_steps), model)
        self.root = self.folder()
        workspace = Workspace(self.root, self.gateway)
        Loop(self.gateway, profile(max_steps=max_steps), workspace).run(self.gateway.submit("trn_1", "Do it"), [])
        return self.gateway.outcomes["trn_1"]

    def test_answers_parallel_calls_in_one_batch_in_order(self) -> None:
        batches: list[list[str]] = []

        def model(conversation: list[Json]) -> list[Json]:
            batches.append([each["tool_call_id"] for each in conversation if each["role"] == "tool"])
            if len(batches) == 1:
                return [call("b", "write", path="x", content="1"), call("a", "read", path="x"), call("c", "nothing")]
            return [text("done")]

        self.assertEqual(self.outcome(model)["result"], "done")
        self.assertEqual(batches, [[], ["b", "a", "c"]])

    def test_a_wrong_done_is_answered_like_any_mistake(self) -> None:
        outcome = self.outcome(script([call("a", "done", answer=42)], [call("b", "done", result="42")]))
        self.assertEqual(outcome["result"], "42")
        self.assertIn("done needs 'result'", self.gateway.conversation[2]["content"][0]["text"])

    def test_names_only_files_that_were_stored(self) -> None:
        model = script(
            [call("a", "write", path="d/x.txt", content="1")],
            [call("b", "done", result="ok", files=["./d/x.txt", "d/x.txt", "../etc/passwd", "none", 3])],
        )
        self.assertEqual(self.outcome(model)["files"], ["d/x.txt"])

    def test_keeps_the_last_words_at_the_limit(self) -> None:
        outcome = self.outcome(lambda _: [text("Half way."), call("a", "ls")], max_steps=2)
        self.assertEqual((outcome["status"], outcome["reason"]), ("limit", "max_steps"))
        self.assertIn("Half way.", outcome["result"])

    def test_a_bug_fails_the_turn_and_not_the_sandbox(self) -> None:
        def broken(_conversation: list[Json]) -> list[Json]:
            return [{"type": "tool_call", "id": "a"}]

        printed = io.StringIO()
        with contextlib.redirect_stderr(printed):
            outcome = self.outcome(broken)
        self.assertIn("KeyError", printed.getvalue())
        self.assertEqual((outcome["status"], outcome["reason"]), ("failed", "runtime_error"))


if __name__ == "__main__":
    unittest.main()
