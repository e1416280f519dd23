"""When enough is enough: what a turn may use up, and how a loop that leads nowhere is noticed."""

import hashlib
import json
import time
from collections import deque
from typing import NamedTuple

from skerry_runtime.wire import Answer, ToolCall, ToolResult

WINDOW = 20
REPEATS_BEFORE_NUDGE = 3
REPEATS = 8
FAILURES = 15
TURN_SECONDS = 4 * 3600.0
WARN_AT = 0.75
_LONGEST_STEP_SECONDS = 900.0


class Limit(NamedTuple):
    """Why a turn has to end; the reason is a stable code."""

    reason: str
    text: str


class Guard:
    """Counts for one turn. Frozen hours do not count, nor does anything that happened before this sandbox."""

    def __init__(self, most_steps: int, seconds: float = TURN_SECONDS) -> None:
        self._most_steps = most_steps
        self._left = seconds
        self._seconds = seconds
        self._now = time.monotonic()
        self._failures = 0
        self._actions: deque[str] = deque(maxlen=WINDOW)
        self._budget: float | None = None
        self._said: set[str] = set()

    def answered(self, answer: Answer) -> str | None:
        """What the model should know about the money after an answer."""
        remaining = (answer.get("budget") or {}).get("remaining_usd")
        if not isinstance(remaining, (int, float)):
            return None
        self._budget = max(self._budget or 0.0, float(remaining))
        if self._budget > 0 and remaining <= (1 - WARN_AT) * self._budget:
            return self._once(
                "budget", f"Most of the budget is spent: {remaining:.4f} US dollars are left."
            )
        return None

    def acted(self, call: ToolCall, result: ToolResult) -> str | None:
        """Takes note of an action and its result; what the model should know about it."""
        self._failures = self._failures + 1 if result["is_error"] else 0
        said = json.dumps([call["name"], call["arguments"], result["content"]], sort_keys=True, default=str)
        action = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
        self._actions.append(action)
        repeats = self._actions.count(action)
        if repeats >= REPEATS_BEFORE_NUDGE:
            return (
                f"The same call has had the same result {repeats} times in the last {len(self._actions)} calls. "
                "Try something else, or end with done and say what could not be done."
            )
        return None

    def step(self, seq: int) -> str | None:
        """What the model should know before a step."""
        if seq == self._most_steps:
            return self._once("last", "This is the last step: only done is left. Say what is done and what is not.")
        if seq >= WARN_AT * self._most_steps:
            return self._once("steps", f"{self._most_steps - seq + 1} steps are left of {self._most_steps}.")
        if self._spent() >= WARN_AT * self._seconds:
            return self._once("time", f"{self._left / 60:.0f} minutes are left for this task.")
        return None

    def limit(self) -> Limit | None:
        """What has been used up, if anything."""
        if self._failures >= FAILURES:
            return Limit("too_many_failures", f"Stopped after {self._failures} failed tool calls in a row.")
        if self._actions and max(map(self._actions.count, set(self._actions))) >= REPEATS:
            return Limit("repeating", f"Stopped: the same call had the same result {REPEATS} times.")
        if self._spent() >= self._seconds:
            return Limit("deadline", f"Stopped after {self._seconds / 3600:g} hours.")
        return None

    def _spent(self) -> float:
        before, self._now = self._now, time.monotonic()
        self._left -= min(self._now - before, _LONGEST_STEP_SECONDS)
        return self._seconds - self._left

    def _once(self, kind: str, text: str) -> str | None:
        if kind in self._said:
            return None
        self._said.add(kind)
        return text
