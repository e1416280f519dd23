"""The suite against its own control plane and planted faults; the runtime's gateways against each other."""

import threading
import unittest
from typing import Any

import harness
import run
from server import TOOLS, ControlPlane, Problem, Turn
from skerry_runtime.control_plane import ControlPlaneGateway
from skerry_runtime.direct import DirectGateway, Model
from skerry_runtime.loop import Loop
from skerry_runtime.wire import Gateway
from skerry_runtime.workspace import Workspace
from tests.support import Json, SandboxTest, call, profile, script, text
from tests.test_control_plane import leave


class SuiteTest(unittest.TestCase):
    def results(self, only: str = "") -> dict[str, str]:
        """What became of each case, by title."""
        served = harness.Harness()
        threading.Thread(target=served.serve, daemon=True).start()
        self.addCleanup(served.close)
        return {each["title"]: each["result"] + " " + each["detail"] for each in run.run(served.url, only)}

    def plant(self, owner: type, name: str, faulty: Any) -> None:
        """Replaces a method until the test ends."""
        whole = getattr(owner, name)
        setattr(owner, name, faulty)
        self.addCleanup(setattr, owner, name, whole)

    def test_every_case_holds_on_the_suites_own_control_plane(self) -> None:
        results = self.results()
        wrong = {title: result for title, result in results.items() if result.startswith("deviates")}
        unsupported = [title for title, result in results.items() if result.startswith("unsupported")]
        self.assertEqual(wrong, {})
        self.assertTrue(all("killed" in title for title in unsupported), unsupported)
        self.assertGreater(len(results), 35)

    def test_notices_a_repeat_that_is_charged_again(self) -> None:
        whole = ControlPlane.accept_results

        def forgetful(plane: ControlPlane, body: Json) -> tuple[Turn, Json | None]:
            for turn in plane.turns:
                turn.answers.pop(body["seq"], None)
                turn.asked.discard(body["seq"])
                turn.open = [] if not body["new_messages"] else turn.open
            return whole(plane, body)

        self.plant(ControlPlane, "accept_results", forgetful)
        self.assertTrue(
            self.results("charged once")[
                "a repeat of a model call returns the stored answer and is charged once"
            ].startswith("deviates")
        )

    def test_notices_a_token_that_outlives_its_incarnation(self) -> None:
        whole = ControlPlane.authorise

        def trusting(plane: ControlPlane, bearer: str) -> Any:
            try:
                return whole(plane, bearer)
            except Problem as problem:
                if problem.document["code"] != "fenced":
                    raise
                return plane.tokens[bearer]

        self.plant(ControlPlane, "authorise", trusting)
        results = self.results("after the next boot")
        self.assertEqual([result[:8] for result in results.values()], ["deviates"])

    def test_notices_a_second_side_effect(self) -> None:
        whole = ControlPlane.broker

        def twice(plane: ControlPlane, key: str | None, body: Json) -> Json:
            plane.answered_requests.clear()
            return whole(plane, key, body)

        self.plant(ControlPlane, "broker", twice)
        self.assertTrue(self.results("made once")["a brokered request is made once for its key"].startswith("deviates"))


class GatewaysTest(SandboxTest):
    """A loop cannot tell the gateway in memory from the real one, but for names that only an authority gives."""

    def model(self) -> Model:
        return script(
            [
                text("I begin."),
                call("a", "write", path="x.txt", content="one\n"),
                call("b", "bash", command="cat x.txt"),
            ],
            [call("c", "nothing"), call("d", "bash", command="exit 3")],
            [call("e", "done", result="It is done.", files=["x.txt", "missing.txt"])],
        )

    def played(self, gateway: Gateway, turn: Any) -> str:
        folder = self.folder()
        workspace = Workspace(folder, gateway)
        Loop(gateway, profile(), workspace).run(turn, [])
        return folder

    def test_the_same_script_leaves_the_same_conversation_outcome_and_files(self) -> None:
        direct = DirectGateway(profile(), self.model())
        self.played(direct, direct.submit("trn_1", "Do it"))

        plane = self.plane(self.model())
        plane.profile["tools"] = [{"name": name, "description": name, "input_schema": {}} for name in TOOLS]
        variables = plane.boot()
        gateway = ControlPlaneGateway(plane.url, plane.session, variables["SESSION_TOKEN"], "plain", leave)
        gateway.start()
        gateway.hello([])
        turn = plane.submit("Do it")
        self.played(gateway, turn.document())

        self.assertEqual(said(direct.conversation), said(plane.conversation))
        self.assertEqual(direct.outcomes["trn_1"], turn.outcome)
        self.assertEqual(direct.workspace, plane.workspace)
        self.assertEqual([event["type"] for event in direct.events], [event["type"] for event in plane.events])


def said(conversation: list[Json]) -> list[Json]:
    """Without the names that the control plane gives, and with durations made equal."""
    return [{key: message[key] for key in message if key not in ("id", "stop_reason")} for message in conversation]


if __name__ == "__main__":
    unittest.main()
