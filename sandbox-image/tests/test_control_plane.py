"""The HTTP side of the gateway, where a mistake would give the token away or lose an answer."""

import os
import socket
import threading
import time
import unittest
from collections.abc import Callable
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NoReturn

from server import Problem
from skerry_runtime.clock import BackOff
from skerry_runtime.control_plane import ControlPlaneGateway
from skerry_runtime.event_queue import EventQueue
from skerry_runtime.http_client import Connections, Request, read_json
from skerry_runtime.wire import Json, Refused, event
from tests.support import ControlPlane, SandboxTest, script, text


class Left(Exception):
    """The gateway wanted to leave the process."""


def leave(code: int) -> NoReturn:
    raise Left(code)


class Elsewhere(BaseHTTPRequestHandler):
    """Another server, for example an object store; remembers what it was told."""

    protocol_version = "HTTP/1.1"
    seen: list[str | None]

    def do_GET(self) -> None:
        self.seen.append(self.headers["Authorization"])
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002
        """Quiet."""


class GatewayTest(SandboxTest):
    def gateway(self, plane: ControlPlane) -> ControlPlaneGateway:
        variables = plane.boot()
        gateway = ControlPlaneGateway(plane.url, plane.session, variables["SESSION_TOKEN"], "plain", leave)
        gateway.start()
        gateway.hello([])
        return gateway

    def elsewhere(self) -> tuple[str, list[str | None]]:
        seen: list[str | None] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("_Elsewhere", (Elsewhere,), {"seen": seen}))
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}", seen

    def test_the_token_never_goes_to_another_origin(self) -> None:
        plane = self.plane(script())
        gateway = self.gateway(plane)
        url, seen = self.elsewhere()
        with open(os.path.join(self.folder(), "a"), "wb") as file:
            gateway.download(url + "/object", 2, file.fileno())
        gateway.state()
        self.assertEqual(seen, [None])

    def test_a_redirect_is_not_followed(self) -> None:
        url, seen = self.elsewhere()
        with self.assertRaises(Refused):
            Connections(url).exchange(Request("GET", "/moved", None, {}, 5.0, False), read_json)
        self.assertEqual(len(seen), 1)

    def test_an_answer_counts_although_the_stream_stays_open(self) -> None:
        def dawdle(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n')
            time.sleep(1)
            connection.close()

        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        threading.Thread(target=lambda: dawdle(listener.accept()[0]), daemon=True).start()

        def first_piece(response: HTTPResponse) -> bytes:
            return response.read1(100)

        started = time.monotonic()
        answer = Connections(f"http://127.0.0.1:{listener.getsockname()[1]}").exchange(
            Request("GET", "/", None, {}, 5.0, False), first_piece
        )
        self.assertEqual(answer, b'{"a":1}')
        self.assertLess(time.monotonic() - started, 0.8)

    def test_a_repeat_of_a_model_call_is_answered_from_the_store(self) -> None:
        plane = self.plane(script([text("once")], [text("twice")]))
        gateway = self.gateway(plane)
        turn = plane.submit("Try")
        answers = [gateway.llm(turn.id, 1, [], ["bash"])["message"] for _ in range(2)]
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(plane.model_calls, 1)

    def test_refusals_name_their_code_and_reason(self) -> None:
        plane = self.plane(script())
        gateway = self.gateway(plane)
        turn = plane.submit("Try")
        plane.model_problem = Problem(502, "model_error", "No key.", reason="model_unauthorized")
        with self.assertRaises(Refused) as refused:
            gateway.llm(turn.id, 1, [], ["bash"])
        self.assertEqual((refused.exception.code, refused.exception.reason), ("model_error", "model_unauthorized"))

    def test_an_unusable_url_is_refused_without_naming_credentials(self) -> None:
        for url in ("ftp://host", "host:80", "http://"):
            with self.subTest(url), self.assertRaises(ValueError) as refused:
                ControlPlaneGateway(url, "ses_1", "secret", "plain", leave)
            self.assertNotIn("secret", str(refused.exception))


class Waiting(unittest.TestCase):
    def test_the_waits_double_to_five_seconds_and_are_spread(self) -> None:
        back_off = BackOff()
        waits = [back_off.next() for _ in range(12)]
        for wait, middle in zip(waits, (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5, 5, 5, 5), strict=True):
            self.assertTrue(0.75 * middle <= wait <= 1.25 * middle + 0.01, (wait, middle))
        self.assertGreater(len(set(waits[6:])), 1)


class Events(unittest.TestCase):
    def test_batches_are_bounded_and_numbered_without_a_gap(self) -> None:
        batches: list[list[Json]] = []

        def send(batch: Callable[[], list[Json]]) -> int:
            batches.append(batch())
            return int(batches[-1][-1]["seq"])

        queue = EventQueue(send)
        for number in range(250):
            queue.append(event("tool.output", {"text": "x" * (5000 if number < 100 else 1)}))
        queue.start()
        self.assertTrue(queue.drain(5))
        self.assertLessEqual(max(map(len, batches)), 100)
        self.assertLess(len(batches[0]), 60)
        self.assertEqual([each["seq"] for batch in batches for each in batch], list(range(1, 251)))

    def test_a_refused_batch_is_dropped_and_its_numbers_are_used_again(self) -> None:
        accepted: list[Json] = []

        def send(batch: Callable[[], list[Json]]) -> int:
            events = batch()
            if events[0]["type"] == "bad":
                raise Refused(422, "invalid_request", "bad")
            accepted.extend(events)
            return int(events[-1]["seq"])

        queue = EventQueue(send)
        queue.start()
        for kind in ("good", "bad", "good"):
            queue.append(event(kind, {}))
            self.assertTrue(queue.drain(5))
        self.assertEqual([each["seq"] for each in accepted], [1, 2])


if __name__ == "__main__":
    unittest.main()
