"""The loop alone, with a model that is a function and everything else in memory."""

import contextlib
import io
import os
import threading
import unittest
from typing import Any
from unittest import mock

from skerry_runtime import clock
from skerry_runtime.direct import DirectGateway, Model
from skerry_runtime.loop import Loop
from skerry_runtime.wire import Answer, Outcome, Profile
from skerry_runtime.workspace import Workspace
from tests.support import Json, SandboxTest, call, profile, script, text


class LoopTest(SandboxTest):
    def outcome(self, model: Model, max_steps: int = 50) -> Outcome:
        return self.outcome_with(profile(max_steps=max_steps), model)

    def outcome_with(self, granted: Profile, model: Model) -> Outcome:
        self.gateway = DirectGateway(granted, model)
        self.root = self.folder()
        workspace = Workspace(self.root, self.gateway)
        Loop(self.gateway, granted, workspace).run(self.gateway.submit("trn_1", "Do it"), [])
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


class Ends(LoopTest):
    def reports(self, work: list[Json]) -> Model:
        """A model that works until only done is left."""

        def model(conversation: list[Json]) -> list[Json]:
            said = str(conversation[-1]["content"])
            return [call("end", "done", result="half done")] if "Only done is left" in said else list(work)

        return model

    def test_after_too_many_failures_with_a_report(self) -> None:
        outcome = self.outcome(lambda c: self.reports([call(f"c{len(c)}", "read", path=f"missing{len(c)}")])(c))
        self.assertEqual((outcome["status"], outcome["reason"]), ("limit", "too_many_failures"))
        self.assertEqual(outcome["result"], "half done")

    def test_when_the_same_call_has_the_same_result_again_and_again(self) -> None:
        outcome = self.outcome(self.reports([call("c", "ls")]))
        self.assertEqual((outcome["status"], outcome["reason"]), ("limit", "repeating"))
        said = [str(each["content"]) for each in self.gateway.conversation if each["role"] == "tool"]
        self.assertNotIn("same result", said[1])
        self.assertIn("the same result 3 times", said[2])

    def test_not_when_the_same_call_has_other_results(self) -> None:
        count = iter(range(1000))
        outcome = self.outcome(lambda _: [call("c", "bash", command=f"echo {next(count)}")], max_steps=12)
        self.assertEqual(outcome["reason"], "max_steps")

    def test_at_the_deadline(self) -> None:
        granted: Profile = {**profile(), "max_turn_seconds": 0.3}
        outcome = self.outcome_with(granted, self.reports([call("c", "bash", command="sleep 0.4")]))
        self.assertEqual((outcome["status"], outcome["reason"]), ("limit", "deadline"))

    def test_the_last_step_is_for_a_report(self) -> None:
        offered: list[list[str]] = []

        def model(conversation: list[Json]) -> list[Json]:
            offered.append([str(conversation[-1]["content"])])
            is_last = "This is the last step" in offered[-1][0]
            return [call("e", "done", result="so far")] if is_last else [call("c", "bash", command="date +%N")]

        outcome = self.outcome(model, max_steps=4)
        self.assertEqual((outcome["status"], outcome["result"], len(offered)), ("limit", "so far", 4))
        self.assertEqual(self.gateway.tools[-1], ["done"])
        self.assertIn("steps are left of 4", offered[2][0])

    def test_with_a_question(self) -> None:
        outcome = self.outcome(script([call("a", "ask_user", question="Which one?")]))
        self.assertEqual(
            (outcome["status"], outcome["reason"], outcome["result"]), ("completed", "question", "Which one?")
        )

    def test_the_model_hears_that_most_of_the_budget_is_spent(self) -> None:
        remaining = iter((1.0, 0.5, 0.2, 0.1))
        llm = DirectGateway.llm

        def priced(gateway: DirectGateway, *arguments: Any) -> Answer:
            return {**llm(gateway, *arguments), "budget": {"remaining_usd": next(remaining)}}

        with mock.patch.object(DirectGateway, "llm", priced):
            self.outcome(script(*[[call(f"c{n}", "bash", command="date +%N")] for n in range(3)], [text("done")]))
        said = [str(each["content"]) for each in self.gateway.conversation if each["role"] == "tool"]
        self.assertEqual(["0.2000 US dollars are left" in each for each in said], [False, False, True])


class Together(LoopTest):
    def test_calls_that_change_nothing_run_at_once_and_answer_in_order(self) -> None:
        meeting = threading.Barrier(3, timeout=5)

        def http(_key: str, order: Json) -> Json:
            meeting.wait()
            return {"status": 200, "url": order["url"], "headers": {}, "body": order["url"][-1], "truncated": False}

        calls = [call(f"c{n}", "http", method="GET", url=f"https://a.b/{n}") for n in range(3)]
        with mock.patch.object(DirectGateway, "http", lambda _, key, order: http(key, order)):
            self.outcome(script(calls, [text("done")]))
        said = [each["content"][0]["text"][-1] for each in self.gateway.conversation if each["role"] == "tool"]
        self.assertEqual(said, ["0", "1", "2"])

    def test_work_before_done_is_done_and_work_after_it_is_not(self) -> None:
        calls = [
            call("a", "write", path="x", content="1"),
            call("b", "done", result="ok"),
            call("c", "write", path="y", content=""),
        ]
        self.assertEqual(self.outcome(script(calls))["result"], "ok")
        self.assertEqual(os.listdir(self.root), ["x"])


class Proof(unittest.TestCase):
    def test_asks_only_when_time_passed_unnoticed(self) -> None:
        asked: list[int] = []
        proof = clock.LeaseProof(lambda: asked.append(1))
        proof.demand()
        self.assertEqual(len(asked), 0)
        for jump in ((60.0, 0.0, 0.0), (0.0, 3600.0, 0.0), (0.0, -3600.0, 0.0), (0.0, 0.0, 60.0)):
            asked.clear()
            now = clock._clocks()
            later = tuple(a + b for a, b in zip(now, jump, strict=True))
            with mock.patch.object(clock, "_clocks", lambda later=later: later):
                proof.demand()
                proof.demand()
            self.assertEqual(len(asked), 1, jump)
            proof.given()

    def test_who_may_act_no_longer_does_not_act(self) -> None:
        class Fenced(Exception):
            pass

        def ask() -> None:
            raise Fenced

        proof = clock.LeaseProof(ask)
        with mock.patch.object(clock, "_clocks", lambda: (0.0, 0.0, 0.0)), self.assertRaises(Fenced):
            proof.demand()


if __name__ == "__main__":
    unittest.main()
