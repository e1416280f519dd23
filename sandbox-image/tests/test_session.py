"""A sandbox and a control plane, as real processes, through everything that a session goes through."""

import os
import time
import unittest

from server import Problem, Turn
from skerry_runtime import exits
from tests.support import ControlPlane, Json, SandboxTest, call, script, text

HAIKU = "one small island\n"


def results(plane: ControlPlane) -> list[Json]:
    return [message for message in plane.conversation if message["role"] == "tool"]


def said(result: Json) -> str:
    return str(result["content"][0]["text"])


class MainPath(SandboxTest):
    def test_runs_a_turn_to_its_end_and_stores_the_files(self) -> None:
        plane = self.plane(
            script(
                [text("I write."), call("c1", "bash", command=f"printf '{HAIKU}' > haiku.txt; cat haiku.txt")],
                [call("c2", "write", path="notes/a.md", content="ä\n"), call("c3", "read", path="notes/a.md")],
                [call("c4", "done", result="See haiku.txt.", files=["haiku.txt", "missing.txt"])],
            )
        )
        turn = plane.submit("Write a haiku")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(
            turn.outcome, {"status": "completed", "result": "See haiku.txt.", "reason": None, "files": ["haiku.txt"]}
        )
        self.assertEqual(plane.content("haiku.txt"), HAIKU.encode())
        self.assertEqual(plane.content("notes/a.md"), "ä\n".encode())
        self.assertEqual(said(results(plane)[0]), HAIKU.strip())
        self.assertEqual(said(results(plane)[2]), "     1\tä")
        self.assertEqual([each["title"] for each in plane.event_data("tool.started")][1:], ["notes/a.md", "notes/a.md"])
        self.assertIn({"path": "haiku.txt", "size": len(HAIKU), "change": "created"}, plane.event_data("file.changed"))
        self.assertEqual([event["seq"] for event in plane.events], list(range(1, len(plane.events) + 1)))

    def test_says_hello_with_an_honest_report_and_stops_when_told(self) -> None:
        plane = self.plane(script())
        sandbox = self.sandbox(plane)
        plane.direct("stop")
        self.assertEqual(sandbox.wait(), exits.STOPPED, sandbox.output())
        hello = plane.hellos[0]
        self.assertEqual(hello["driver"], "plain")
        report = {probe["id"]: probe["result"] for probe in hello["probes"]}
        self.assertEqual((report["P03"], report["S01"], report["S03"]), ("pass", "pass", "pass"))
        self.assertNotIn("fail", report.values())
        self.assertTrue(all(probe["detail"] for probe in hello["probes"]))

    def test_tells_of_a_tool_before_it_asks_the_model_again(self) -> None:
        seen: list[int] = []

        def model(_conversation: list[Json]) -> list[Json]:
            seen.append(len(plane.event_data("tool.finished")))
            return [call(f"c{len(seen)}", "ls")] if len(seen) < 4 else [text("It is empty.")]

        plane = self.plane(model)
        turn = plane.submit("Look four times")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(seen, [0, 1, 2, 3])

    def test_takes_the_text_as_result_when_the_model_just_ends(self) -> None:
        plane = self.plane(script([text("It is 42.")]))
        turn = plane.submit("What is it?")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(turn.outcome, {"status": "completed", "result": "It is 42.", "reason": None, "files": []})

    def test_runs_one_turn_after_the_other(self) -> None:
        plane = self.plane(
            script(
                [call("c1", "bash", command="mkdir sub; cd sub")],
                [text("1")],
                [call("c2", "bash", command="pwd")],
                [text("2")],
            )
        )
        first, second = plane.submit("one"), plane.submit("two")
        sandbox = self.sandbox(plane)
        plane.wait(lambda: second.outcome is not None)
        self.assertEqual(first.outcome and first.outcome["result"], "1")
        self.assertEqual(said(results(plane)[-1]), os.path.join(sandbox.workspace, "sub"))

    def test_ends_a_turn_at_the_step_limit(self) -> None:
        plane = self.plane(lambda _: [text("Still at it."), call("c1", "ls")], max_steps=3)
        turn = plane.submit("Go on for ever")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        assert turn.outcome is not None
        self.assertEqual((turn.outcome["status"], turn.outcome["reason"]), ("limit", "max_steps"))
        self.assertEqual(plane.model_calls, 3)

    def test_says_what_the_control_plane_refused(self) -> None:
        for problem, expected in (
            (Problem(402, "budget_exceeded", "The cap is 1 USD."), ("limit", "budget_reached")),
            (Problem(502, "model_error", "No key.", reason="model_unauthorized"), ("failed", "model_unauthorized")),
            (Problem(403, "policy_denied", "Not this model."), ("failed", "policy_denied")),
            (Problem(422, "invalid_request", "Bad."), ("failed", "invalid_request")),
        ):
            with self.subTest(problem.document["code"]):
                plane = self.plane(script())
                plane.model_problem = problem
                turn = plane.submit("Try")
                self.sandbox(plane)
                plane.wait(lambda turn=turn: turn.outcome is not None)  # type: ignore[misc]
                assert turn.outcome is not None
                self.assertEqual((turn.outcome["status"], turn.outcome["reason"]), expected)
                self.assertIn(problem.document["detail"], turn.outcome["result"])

    def test_flushes_when_told(self) -> None:
        plane = self.plane(script())
        sandbox = self.sandbox(plane)
        plane.wait(lambda: bool(plane.hellos))
        self.write(sandbox.workspace, "late.txt", "written by a background process")
        plane.direct("flush")
        plane.wait(lambda: plane.flushes == 1)
        self.assertEqual(plane.content("late.txt"), b"written by a background process")


class LostAnswers(SandboxTest):
    def test_repeats_the_same_nonce_when_the_hello_answer_is_lost(self) -> None:
        plane = self.plane(script([text("done")]))
        plane.lose.append("POST hello")
        turn = plane.submit("Try")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(plane.requests.count("POST hello"), 2)
        self.assertEqual(len(plane.hellos), 1)

    def test_asks_the_model_once_although_answers_are_lost_everywhere(self) -> None:
        plane = self.plane(
            script([call("c1", "bash", command="echo a >> a.txt")], [call("c2", "done", result="ok", files=["a.txt"])])
        )
        plane.lose += [
            "GET state",
            "POST llm",
            "POST llm",
            "POST events",
            "PUT files/manifest",
            "POST files/uploads",
            "POST turns/trn_1/outcome",
        ]
        plane.busy += ["POST llm", "GET state"]
        turn = plane.submit("Try")
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None and not plane.lose)
        self.assertEqual(plane.model_calls, 2)
        self.assertEqual(plane.content("a.txt"), b"a\n")


class Resume(SandboxTest):
    def test_answers_open_calls_as_interrupted_and_never_runs_them_again(self) -> None:
        plane = self.plane(script([call("c3", "done", result="went on", files=["kept.txt"])]))
        turn = plane.submit("Try")
        plane.store("kept.txt", b"from before")
        plane.store_answer(turn, 1, [call("c1", "bash", command="touch ran-again"), call("c2", "ls")])
        sandbox = self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(
            [(each["tool_call_id"], said(each), each["is_error"]) for each in results(plane)],
            [("c1", "interrupted: outcome unknown", True), ("c2", "interrupted: outcome unknown", True)],
        )
        self.assertEqual(
            turn.outcome, {"status": "completed", "result": "went on", "reason": None, "files": ["kept.txt"]}
        )
        self.assertEqual(os.listdir(sandbox.workspace), ["kept.txt"])

    def test_takes_the_stored_last_answer_when_only_its_outcome_was_lost(self) -> None:
        plane = self.plane(script())
        turn = plane.submit("Try")
        plane.store_answer(turn, 1, [text("It was 42.")])
        self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(turn.outcome and turn.outcome["result"], "It was 42.")
        self.assertEqual(plane.model_calls, 0)

    def test_a_killed_sandbox_is_continued_by_the_next(self) -> None:
        plane = self.plane(
            script(
                [call("c1", "write", path="a.txt", content="first")],
                [call("c2", "bash", command="echo $$ > pid; sleep 60")],
                [call("c3", "done", result="ok", files=["a.txt"])],
            )
        )
        turn = plane.submit("Try")
        first = self.sandbox(plane)
        plane.wait(lambda: any(each["call"] == "c2" for each in plane.event_data("tool.started")))
        first.close()
        second = self.sandbox(plane)
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(turn.outcome and turn.outcome["files"], ["a.txt"])
        self.assertEqual(os.listdir(second.workspace), ["a.txt"])

    def test_restores_only_what_is_not_here_already(self) -> None:
        plane = self.plane(script())
        for path, data in (("same.txt", b"same"), ("other.txt", b"stored"), ("deep/er/new.txt", b"new")):
            plane.store(path, data)
        folder = self.folder()
        self.write(folder, "same.txt", "same")
        self.write(folder, "other.txt", "local")
        self.sandbox(plane, folder)
        plane.wait(lambda: "GET next" in plane.requests)
        for path in ("same.txt", "other.txt", "deep/er/new.txt"):
            with open(os.path.join(folder, path), "rb") as file:
                self.assertEqual(file.read(), plane.content(path))
        self.assertEqual(sorted(os.listdir(folder)), ["deep", "other.txt", "same.txt"])


class Freeze(SandboxTest):
    def test_a_frozen_sandbox_wakes_with_its_session_token_as_a_new_incarnation(self) -> None:
        plane = self.plane(script([call("c1", "ls")], [text("before")], [call("c2", "ls")], [text("after")]))
        first = plane.submit("one")
        sandbox = self.sandbox(plane)
        plane.wait(lambda: first.outcome is not None)
        sandbox.freeze()
        plane.expire()
        second = plane.submit("two")
        time.sleep(0.3)
        self.assertIsNone(second.outcome)
        sandbox.thaw()
        plane.wait(lambda: second.outcome is not None and len(plane.event_data("tool.finished")) == 2)
        self.assertEqual(plane.incarnation, 2)
        self.assertEqual(len({hello["nonce"] for hello in plane.hellos}), 2)
        self.assertEqual(plane.event_numbers, {1: 2, 2: 2})

    def test_leaves_when_the_wake_is_refused(self) -> None:
        plane = self.plane(script())
        sandbox = self.sandbox(plane)
        plane.wait(lambda: "GET next" in plane.requests)
        plane.expire()
        plane.resuming = False
        self.assertEqual(sandbox.wait(), exits.UNAUTHORIZED)


class Endings(SandboxTest):
    def started_sleeping(self) -> tuple[ControlPlane, Turn]:
        plane = self.plane(
            script([call("c1", "bash", command="(setsid sleep 300 &) ; sleep 301 & sleep 302")], [text("never")])
        )
        return plane, plane.submit("Sleep")

    def test_cancel_ends_the_running_tool_and_all_it_started(self) -> None:
        plane, turn = self.started_sleeping()
        sandbox = self.sandbox(plane)
        plane.wait(lambda: bool(plane.event_data("tool.started")))
        while sum("sleep 30" in line for line in sandbox.processes().values()) < 4:
            time.sleep(0.01)
        turn.cancelled = True
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(turn.outcome and turn.outcome["status"], "cancelled")
        self.assertEqual(len(sandbox.processes()), 3)

    def test_a_turn_that_was_cancelled_before_it_was_seen_has_an_outcome(self) -> None:
        plane = self.plane(script([text("It goes on.")]))
        self.sandbox(plane)
        plane.wait(lambda: "GET next" in plane.requests)
        with plane.changed:
            turn = plane.submit("Never mind")
            turn.cancelled = True
        plane.wait(lambda: turn.outcome is not None)
        self.assertEqual(turn.outcome and turn.outcome["status"], "cancelled")
        self.assertEqual(plane.model_calls, 0)
        following = plane.submit("Go on")
        plane.wait(lambda: following.outcome is not None)
        self.assertEqual(following.outcome and following.outcome["status"], "completed")

    def test_cancel_ends_a_model_call(self) -> None:
        def slow(_conversation: list[Json]) -> list[Json]:
            time.sleep(4)
            return [text("too late")]

        plane = self.plane(slow)
        turn = plane.submit("Think")
        self.sandbox(plane)
        plane.wait(lambda: plane.model_calls == 1)
        turn.cancelled = True
        plane.wait(lambda: turn.outcome is not None, 3.5)
        self.assertEqual(turn.outcome and turn.outcome["status"], "cancelled")

    def test_a_turn_that_is_over_is_dropped_without_an_outcome(self) -> None:
        plane, turn = self.started_sleeping()
        sandbox = self.sandbox(plane)
        plane.wait(lambda: bool(plane.event_data("tool.started")))
        with plane.changed:
            turn.outcome = {"status": "cancelled"}
        plane.wait(lambda: "GET next" in plane.requests)
        self.assertNotIn(f"POST turns/{turn.id}/outcome", plane.requests)
        self.assertEqual(len(sandbox.processes()), 3)

    def test_leaves_at_once_when_another_incarnation_speaks(self) -> None:
        plane, _ = self.started_sleeping()
        sandbox = self.sandbox(plane)
        plane.wait(lambda: bool(plane.event_data("tool.started")))
        family = sandbox.processes()
        plane.boot()
        self.assertEqual(sandbox.wait(), exits.FENCED)
        self.assertFalse([pid for pid in family if os.path.exists(f"/proc/{pid}")])

    def test_leaves_when_the_session_is_over(self) -> None:
        plane = self.plane(script())
        sandbox = self.sandbox(plane)
        plane.wait(lambda: "GET next" in plane.requests)
        plane.end()
        self.assertEqual(sandbox.wait(), exits.ENDED)

    def test_leaves_when_its_boot_token_is_spent(self) -> None:
        plane = self.plane(script())
        variables = plane.boot()
        plane.greetings[variables["SESSION_TOKEN"]] = ("0" * 32, {})
        plane.boot = lambda: variables  # type: ignore[method-assign]
        sandbox = self.sandbox(plane)
        self.assertEqual(sandbox.wait(), exits.UNAUTHORIZED)
        self.assertNotIn(variables["SESSION_TOKEN"], sandbox.output())

    def test_leaves_when_the_lease_is_over_and_nobody_answers(self) -> None:
        plane = self.plane(script())
        plane.lease_seconds = 0.5
        sandbox = self.sandbox(plane)
        plane.wait(lambda: "GET next" in plane.requests)
        plane.end_answers()
        self.assertEqual(sandbox.wait(), exits.UNREACHABLE, sandbox.output())


if __name__ == "__main__":
    unittest.main()
