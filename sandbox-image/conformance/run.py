#!/usr/bin/env python3
"""Plays the cases of this folder against any control plane, through its harness, and says which hold.

    python3 sandbox-image/conformance/run.py --harness http://127.0.0.1:9000 [--only TEXT] [--json]

README.md describes cases and harness. Exit code 0: every case holds; 1: some do not; 2: the harness cannot be used.
"""

import argparse
import http.client
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

Json = dict[str, Any]

CASES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "cases")
CALL_SECONDS = 40.0
UNTIL_SECONDS = 15.0
PAUSE_SECONDS = 0.05
MOST_SHOWN = 400
VARIABLE = re.compile(r"\{([a-z_0-9]+)\}")


class Deviation(Exception):
    """What a control plane answered is not what the protocol says."""


class Unsupported(Exception):
    """The harness cannot do what a case needs."""


class Answer(NamedTuple):
    """A status, the body as JSON where it is JSON, and the body as it came."""

    status: int
    body: Any
    raw: bytes


def send(method: str, url: str, headers: dict[str, str], content: bytes | None, hang_up: bool = False) -> Answer:
    """One request on a connection of its own; `hang_up` closes that after the first piece of the answer."""
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.netloc, timeout=CALL_SECONDS)
    try:
        path = parts.path + ("?" + parts.query if parts.query else "")
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        if hang_up:
            return Answer(response.status, None, response.read1(1))
        raw = response.read()
        kind = response.getheader("Content-Type") or ""
        if "event-stream" in kind:
            return Answer(response.status, last_event(raw), raw)
        return Answer(response.status, json.loads(raw) if raw and "json" in kind else None, raw)
    finally:
        connection.close()


def last_event(raw: bytes) -> Json:
    """The final event of a stream, which is authoritative, as `{"event", "data"}`."""
    events = [block for block in raw.decode().split("\n\n") if block.strip() and not block.startswith(":")]
    fields = dict(line.split(": ", 1) for line in events[-1].splitlines()) if events else {}
    return {"event": fields.get("event"), "data": json.loads(fields.get("data", "null"))}


class Play:
    """One case in progress: what it has saved, and how its steps are done."""

    def __init__(self, harness: str, openings: dict[str, list[Json]]) -> None:
        self._harness = harness.rstrip("/")
        self._openings = openings
        self._saved: Json = {}

    def case(self, case: Json) -> None:
        """Raises at the first step that does not hold."""
        for step in [*self._steps(case.get("begin")), *case["steps"]]:
            try:
                self._step(step)
            except Deviation as deviation:
                raise Deviation(f"{json.dumps(step)[:MOST_SHOWN]}\n      {deviation}") from None

    def _steps(self, opening: str | None) -> Iterator[Json]:
        if opening is None:
            return
        for step in self._openings[opening]:
            if "begin" in step:
                yield from self._steps(step["begin"])
            else:
                yield step

    def _step(self, step: Json) -> None:
        if "new" in step:
            self._saved.update({name: secrets.token_hex(16) for name in step["new"]})
        elif "keep" in step:
            self._saved.update({name: self._fill(value) for name, value in step["keep"].items()})
        elif "same" in step:
            first, second = (self._fill(value) for value in step["same"])
            if first != second:
                raise Deviation(f"{shown(first)} is not {shown(second)}")
        elif "until" in step:
            self._until(step["until"])
        elif "each" in step:
            for values in step["each"]:
                self._saved.update(self._fill(values))
                for inner in step["do"]:
                    try:
                        self._step(inner)
                    except Deviation as deviation:
                        raise Deviation(f"for {json.dumps(values)[:MOST_SHOWN]}: {deviation}") from None
        else:
            self._exchange(step)

    def _until(self, step: Json) -> None:
        deadline = time.monotonic() + UNTIL_SECONDS
        while True:
            try:
                self._exchange(step)
                return
            except Deviation:
                if time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE_SECONDS)

    def _exchange(self, step: Json) -> None:
        answer = self._harness_call(step) if "harness" in step else self._call(step)
        statuses = step.get("status", [200])
        statuses = statuses if isinstance(statuses, list) else [statuses]
        if answer.status not in statuses:
            raise Deviation(
                f"answered {answer.status}, not {statuses}: {answer.raw[:MOST_SHOWN].decode(errors='replace')}"
            )
        if "answer" in step:
            compare(self._fill(step["answer"]), answer.body, "answer")
        if "text" in step and answer.raw.decode(errors="replace") != self._fill(step["text"]):
            raise Deviation(f"the body is {answer.raw[:MOST_SHOWN]!r}")
        for name, path in step.get("save", {}).items():
            self._saved[name] = find(answer.body, path)

    def _harness_call(self, step: Json) -> Answer:
        method, path = self._fill(step["harness"]).split(" ", 1)
        content = json.dumps(self._fill(step.get("body", {}))).encode()
        answer = send(method, self._harness + path, {"Content-Type": "application/json"}, content)
        if answer.status == 501:
            raise Unsupported(f"the harness does not offer {method} {path.rpartition('/')[2]}")
        return answer

    def _call(self, step: Json) -> Answer:
        method, path = self._fill(step["call"]).split(" ", 1)
        base = str(self._saved["url"])
        url = urljoin(base, path) if "://" in path or path.startswith("/") else f"{base}/sandbox/v1/{path}"
        headers = {name: str(self._fill(value)) for name, value in step.get("headers", {}).items()}
        if "bearer" in step:
            headers["Authorization"] = f"Bearer {self._fill(step['bearer'])}"
        content = None
        if "body" in step:
            content = json.dumps(self._fill(step["body"])).encode()
            headers["Content-Type"] = "application/json"
        elif "bytes" in step:
            content = str(self._fill(step["bytes"])).encode()
            headers["Content-Type"] = "application/octet-stream"
        return send(method, url, headers, content, step.get("hang_up", False))

    def _fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._fill(key): self._fill(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._fill(each) for each in value]
        if not isinstance(value, str):
            return value
        whole = VARIABLE.fullmatch(value)
        if whole and whole[1] in self._saved:
            return self._saved[whole[1]]
        return VARIABLE.sub(lambda found: str(self._saved.get(found[1], found[0])), value)


def compare(wanted: Any, found: Any, where: str) -> None:
    """Raises unless `found` has at least what is wanted; a list has exactly as many elements."""
    if isinstance(wanted, dict) and len(wanted) == 1 and next(iter(wanted)).startswith("$"):
        test(*next(iter(wanted.items())), found, where)
    elif isinstance(wanted, dict):
        if not isinstance(found, dict):
            raise Deviation(f"{where} is {shown(found)}, not an object")
        for name, each in wanted.items():
            if each == {"$absent": True}:
                if name in found:
                    raise Deviation(f"{where}.{name} is {shown(found[name])} and should not be there")
            elif name not in found:
                raise Deviation(f"{where} has no {name}: {shown(found)}")
            else:
                compare(each, found[name], f"{where}.{name}")
    elif isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            raise Deviation(f"{where} is {shown(found)}, not a list of {len(wanted)}")
        for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
            compare(one, other, f"{where}[{index}]")
    elif wanted != found or isinstance(wanted, bool) != isinstance(found, bool):
        raise Deviation(f"{where} is {shown(found)}, not {shown(wanted)}")


def test(name: str, wanted: Any, found: Any, where: str) -> None:
    """The special forms of an expectation."""
    match name:
        case "$type":
            types: dict[str, type | tuple[type, ...]] = {
                "string": str,
                "number": (int, float),
                "object": dict,
                "list": list,
            }
            holds = isinstance(found, types[wanted])
        case "$matches":
            holds = isinstance(found, str) and re.search(wanted, found) is not None
        case "$not":
            holds = found != wanted
        case "$lacks":
            holds = wanted not in json.dumps(found)
        case _:
            raise ValueError(f"a case uses the unknown form {name}")
    if not holds:
        raise Deviation(f"{where} is {shown(found)}, which {name} {shown(wanted)} does not allow")


def find(body: Any, path: str) -> Any:
    """The value at a dotted path; a number counts in a list, a negative one from its end."""
    for part in path.split(".") if path else []:
        try:
            body = body[int(part)] if isinstance(body, list) else body[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise Deviation(f"there is no {path} in {shown(body)}") from None
    return body


def shown(value: Any) -> str:
    """Enough of a value to recognise it."""
    return json.dumps(value)[:MOST_SHOWN]


def load() -> tuple[list[Json], dict[str, list[Json]]]:
    """Every case, and how cases begin."""
    cases: list[Json] = []
    openings: dict[str, list[Json]] = {}
    for name in sorted(os.listdir(CASES)):
        with open(os.path.join(CASES, name), encoding="utf-8") as file:
            document = json.load(file)
        openings.update(document.get("openings", {}))
        cases.extend({"file": name, **case} for case in document.get("cases", []))
    return cases, openings


def run(harness: str, only: str = "") -> list[Json]:
    """What became of each case: `holds`, `deviates` or `unsupported`."""
    cases, openings = load()
    results: list[Json] = []
    for case in cases:
        if only and only not in case["title"] and only not in case["file"]:
            continue
        result, detail, started = "holds", "", time.monotonic()
        try:
            Play(harness, openings).case(case)
        except Deviation as deviation:
            result, detail = "deviates", str(deviation)
        except Unsupported as unsupported:
            result, detail = "unsupported", str(unsupported)
        except (OSError, http.client.HTTPException, ValueError) as broken:
            result, detail = "deviates", f"{type(broken).__name__}: {broken}"
        results.append(
            {
                "guarantee": case["guarantee"],
                "title": case["title"],
                "result": result,
                "detail": detail,
                "seconds": round(time.monotonic() - started, 3),
            }
        )
    return results


def main() -> int:
    """Prints a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--harness", required=True, help="address of the harness")
    parser.add_argument("--only", default="", help="play only cases whose title or file holds this text")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    arguments = parser.parse_args()
    try:
        send("GET", arguments.harness.rstrip("/") + "/", {}, None)
    except OSError as unreachable:
        print(f"No harness answers at {arguments.harness}: {unreachable}", file=sys.stderr)
        return 2
    results = run(arguments.harness, arguments.only)
    if arguments.json:
        print(json.dumps(results, indent=1))
    else:
        for each in results:
            print(f"{each['result']:11} {each['guarantee']:>2}  {each['title']}  ({each['seconds']} s)")
            if each["detail"]:
                print(f"      {each['detail']}")
    held = [each for each in results if each["result"] == "holds"]
    wrong = [each for each in results if each["result"] == "deviates"]
    print(f"{len(held)} of {len(results)} cases hold, {len(wrong)} do not.", file=sys.stderr)
    return 1 if wrong or not held else 0


if __name__ == "__main__":
    sys.exit(main())
