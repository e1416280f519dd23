"""The tools that start programs: a shell that remembers, and Python."""

import os
import shlex
import shutil

from skerry_runtime import boot, files, shell
from skerry_runtime.tool import Context, Mistake, Result, one_line
from skerry_runtime.wire import Json

MOST_SECONDS = 600
DEFAULT_SECONDS = 120
MOST_MEMORY_BYTES = 1024 * 1024
_BASH = "/bin/bash"
_PROBES = shlex.join(boot.command(os.path.join(os.path.dirname(os.path.dirname(__file__)), "skerry_probe")))
_PROBE = "" if shutil.which("skerry-probe") else f'skerry-probe() {{ {_PROBES} "$@"; }}; '
"""Where the image brings no such command, the shell itself knows how to run the probes."""


def bash(context: Context, arguments: Json) -> Result:
    """Runs a shell command; folder, variables, functions and options are there again for the next one."""
    seconds = _seconds(arguments)
    folder = _folder(context)
    left_in, memory = os.memfd_create("folder"), os.memfd_create("memory")
    try:
        os.write(memory, context.shell.memory)
        program = _BASH if os.path.exists(_BASH) else "/bin/sh"
        script = _script(program, arguments["command"], left_in, memory)
        result = run(context, [program, "-c", script], seconds, (left_in, memory))
        left = os.pread(left_in, 8192, 0).decode("utf-8", "surrogateescape").removesuffix("\n")
        if left:
            _remember(context, memory)
    finally:
        os.close(left_in)
        os.close(memory)
    if left and left != folder and os.path.isdir(left):
        context.shell.folder = left
        return result._replace(text=f"{result.text}\n[now in {ascii(left)[1:-1]}]".lstrip("\n"))
    return result


def python(context: Context, arguments: Json) -> Result:
    """Runs a piece of Python in a process of its own."""
    seconds = _seconds(arguments)
    _folder(context)
    source = os.memfd_create("code")
    try:
        os.write(source, arguments["code"].encode("utf-8", "replace"))
        program = f"exec(compile(open('/proc/self/fd/{source}', encoding='utf-8').read(), '<python>', 'exec'))"
        interpreter = shutil.which("python3") or boot.interpreter()
        return run(context, [interpreter, "-B", "-c", program], seconds, (source,))
    finally:
        os.close(source)


def _seconds(arguments: Json) -> int:
    seconds = arguments.get("timeout_seconds", DEFAULT_SECONDS)
    if not 1 <= seconds <= MOST_SECONDS:
        raise Mistake(f"timeout_seconds must be between 1 and {MOST_SECONDS}")
    return int(seconds)


def _folder(context: Context) -> str:
    if not os.path.isdir(context.shell.folder):
        context.shell.folder = context.workspace.root
    return context.shell.folder


def _script(program: str, command: str, left_in: int, memory: int) -> str:
    """Wakes what the last command left, runs this one, and writes down what it leaves, however it ends."""
    if "\0" in command:
        raise Mistake("command must not contain the character NUL")
    folder = f"pwd -P >/proc/self/fd/{left_in}"
    if program != _BASH:
        return f"{_PROBE}trap '{folder}' EXIT; {command}"
    keep = f"{{ declare -p; declare -f; shopt -p; set +o; umask -p; }} >/proc/self/fd/{memory}"
    wake = f"source /proc/self/fd/{memory} 2>/dev/null; : >/proc/self/fd/{memory}"
    return f"{_PROBE}{wake}; trap '{folder}; {keep}' EXIT; {command}"


def _remember(context: Context, memory: int) -> None:
    kept = os.pread(memory, MOST_MEMORY_BYTES + 1, 0)
    if len(kept) <= MOST_MEMORY_BYTES:
        context.shell.memory = kept


def run(context: Context, command: list[str], seconds: int, inherited: tuple[int, ...] = ()) -> Result:
    """Runs a program to its end, passing on what it prints; the whole of a long output is kept in a file."""
    name = f"{files.TOOL_OUTPUT}/{_file_name(context.call)}.txt"
    output = shell.Output(context.limit, os.path.join(context.workspace.root, name))
    pieces = shell.Pieces(context.show)

    def take(data: bytes) -> None:
        output.append(data)
        pieces.append(data)

    try:
        finished = shell.run(
            command, context.shell.folder, seconds, context.cancelled, take, lambda: pieces.flush(False), inherited
        )
    finally:
        output.close()
    pieces.flush(True)
    text = output.text(name).rstrip("\n")
    ending = _ending(finished, seconds)
    if ending:
        return Result(f"{text}\n[{ending}]".lstrip("\n"), ending, True)
    return Result(text or "[no output]", one_line(text) or "no output")


def _ending(finished: shell.Finished, seconds: int) -> str:
    if finished.timed_out:
        return f"timed out after {seconds} seconds; it and all it started were ended"
    if finished.cancelled:
        return "cancelled; it and all it started were ended"
    if finished.code < 0:
        return f"ended by signal {-finished.code}"
    return f"exit code {finished.code}" if finished.code else ""


def _file_name(call: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in call)[:100] or "call"
