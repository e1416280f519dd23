#!/usr/bin/env python3
"""The harness of this folder's own control plane: what `run.py` needs beside the protocol, as README.md describes it.

python3 sandbox-image/conformance/harness.py --port 9000
"""

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from server import ControlPlane, Json, Target, call, script, text


def plane() -> ControlPlane:
    """A session whose model calls two tools and is done."""
    return ControlPlane(
        script(
            [text("I write it."), call("call_1", "write", path="haiku.txt", content="one small island")],
            [text("I show it."), call("call_2", "bash", command="cat haiku.txt")],
            [call("call_3", "done", result="It is done.", files=["haiku.txt"])],
        )
    )


class Harness:
    """One control plane for each session."""

    def __init__(self, port: int = 0) -> None:
        self._planes: dict[str, ControlPlane] = {}
        handler = type("_HarnessHandler", (_Handler,), {"harness": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(self) -> None:
        """Answers until it is closed."""
        self._server.serve_forever(0.05)

    def close(self) -> None:
        """Stops, and every control plane with it."""
        self._server.shutdown()
        self._server.server_close()
        for each in self._planes.values():
            each.close()
            if each.target is not None:
                each.target.close()

    def answer(self, method: str, parts: list[str], body: Json) -> Json | None:
        """None for what is not offered."""
        if method == "POST" and parts == ["sessions"]:
            made = plane()
            made.session = f"ses_{len(self._planes) + 1:026d}"
            made.turn_prefix = f"trn_{len(self._planes) + 1}_"
            self._planes[made.session] = made
            return {"session": made.session}
        if len(parts) < 2 or parts[0] != "sessions":
            return None
        return self._session(self._planes[parts[1]], method, parts[2:], body)

    def _session(self, at: ControlPlane, method: str, parts: list[str], body: Json) -> Json | None:
        match [method, *parts]:
            case ["GET"]:
                return seen(at)
            case ["POST", "boot"]:
                variables = at.boot()
                return {"token": variables["SESSION_TOKEN"], "url": at.url, "incarnation": at.incarnation}
            case ["POST", "turns"]:
                return {"turn": at.submit(body["text"]).id}
            case ["POST", "turns", _, "give"]:
                return {}
            case ["POST", "turns", _, "cancel"]:
                with at.changed:
                    turn = at.running
                    if turn is not None:
                        turn.cancelled = True
                    at.changed.notify_all()
                return {}
            case ["POST", "flush"]:
                at.direct("flush")
                return {}
            case ["POST", "suspend"]:
                with at.changed:
                    at.expired, at.resuming = True, False
                    at.changed.notify_all()
                return {}
            case ["POST", "resume"]:
                at.expire()
                return {"incarnation": at.incarnation + 1}
            case ["POST", "end"]:
                at.end()
                return {}
            case ["POST", "target"]:
                at.target = Target()
                return {"url": at.target.url}
        return None


def seen(at: ControlPlane) -> Json:
    """What a case may look at behind the protocol."""
    with at.changed:
        return {
            "model_calls": at.model_calls,
            "open_reservations": 0,
            "roles": [message["role"] for message in at.conversation],
            "sandbox_logs": len(at.event_data("sandbox.log")),
            "target_hits": at.target.hits if at.target else 0,
        }


class _Handler(BaseHTTPRequestHandler):
    """HTTP around the harness."""

    protocol_version = "HTTP/1.1"
    harness: ClassVar[Harness]

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, format: str, *_arguments: Any) -> None:  # noqa: A002
        """Quiet."""

    def _handle(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.harness.answer(self.command, self.path.strip("/").split("/"), json.loads(raw) if raw else {})
        data = json.dumps(answer or {}).encode()
        self.send_response(501 if answer is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Serves until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9000)
    harness = Harness(parser.parse_args().port)
    print(f"Harness at {harness.url}", flush=True)
    thread = threading.Thread(target=harness.serve, daemon=True)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
