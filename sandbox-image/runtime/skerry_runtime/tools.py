"""What the model can do, one function per tool; each answers with text and never raises for a mistake of the model."""

import glob as globbing
import os
import shlex
import shutil
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from skerry_runtime import boot, files, shell
from skerry_runtime.wire import Json
from skerry_runtime.workspace import Workspace

MOST_SECONDS = 600
DEFAULT_SECONDS = 120
SEARCH_SECONDS = 30
DEFAULT_LINES = 2000
MOST_NAMES = 1000
MOST_EDIT_BYTES = 16 * 1024 * 1024
TITLE_CHARACTERS = 120


_PROBES = shlex.join(boot.command(os.path.join(os.path.dirname(os.path.dirname(__file__)), "skerry_probe")))
_PROBE = "" if shutil.which("skerry-probe") else f"skerry-probe() {{ {_PROBES} \"$@\"; }}; "
"""Where the image brings no such command, the shell itself knows how to run the probes."""


class Mistake(Exception):
    """The model asked for something that cannot be; the message says what can."""


class Result(NamedTuple):
    """What a tool answers; the summary is one line for people."""

    text: str
    summary: str
    is_error: bool = False


class Context(NamedTuple):
    """What one call may use."""

    call: str
    workspace: Workspace
    limit: int
    cancelled: threading.Event
    show: Callable[[str], None]
    folder: list[str]


class Parameter(NamedTuple):
    """One argument of a tool."""

    kind: type
    required: bool = True


class Tool(NamedTuple):
    """One tool, as the loop runs it."""

    parameters: dict[str, Parameter]
    run: Callable[[Context, Json], Result]
    title: Callable[[Json], str]
    changes_files: bool = False


def bash(context: Context, arguments: Json) -> Result:
    """Runs a shell command; the folder it ends in is where the next one starts."""
    seconds = arguments.get("timeout_seconds", DEFAULT_SECONDS)
    if not 1 <= seconds <= MOST_SECONDS:
        raise Mistake(f"timeout_seconds must be between 1 and {MOST_SECONDS}")
    if not os.path.isdir(context.folder[0]):
        context.folder[0] = context.workspace.root
    program = "/bin/bash" if os.path.exists("/bin/bash") else "/bin/sh"
    left_in = os.memfd_create("folder")
    try:
        script = f"{_PROBE}trap 'pwd -P >/proc/self/fd/{left_in}' EXIT; {arguments['command']}"
        result = _run(context, [program, "-c", script], seconds, (left_in,))
        left = os.pread(left_in, 8192, 0).decode("utf-8", "surrogateescape").removesuffix("\n")
    finally:
        os.close(left_in)
    if left and left != context.folder[0] and os.path.isdir(left):
        context.folder[0] = left
        return result._replace(text=f"{result.text}\n[now in {ascii(left)[1:-1]}]".lstrip("\n"))
    return result


def read(context: Context, arguments: Json) -> Result:
    """Shows lines of a text file with their numbers."""
    first = arguments.get("offset", 1)
    count = arguments.get("limit", DEFAULT_LINES)
    if first < 1 or count < 1:
        raise Mistake("offset and limit count lines from 1")
    shown: list[str] = []
    size = number = 0
    with os.fdopen(_open(context, arguments["path"]), "rb") as file:
        if b"\0" in file.read(8192):
            raise Mistake(f"{arguments['path']} is not text. Look at it with bash, for example with xxd or file.")
        file.seek(0)
        for number, line in enumerate(file, 1):
            if number < first:
                continue
            if len(shown) == count or size > context.limit:
                shown.append(f"[more lines follow; go on with offset {number}]")
                break
            text = f"{number:6}\t" + line.decode("utf-8", "replace").rstrip("\r\n")
            size += len(text.encode())
            shown.append(text)
    if not shown:
        return Result(f"[the file has {number} lines]", f"{number} lines")
    return Result(_clip("\n".join(shown), context.limit), f"{len(shown)} lines")


def write(context: Context, arguments: Json) -> Result:
    """Writes a whole file, and makes the folders it needs."""
    full = context.workspace.resolve(arguments["path"])
    os.makedirs(os.path.dirname(full), exist_ok=True)
    content = arguments["content"].encode("utf-8", "replace")
    _write(full, content)
    text = f"wrote {len(content)} bytes to {arguments['path']}"
    return Result(text, text)


def edit(context: Context, arguments: Json) -> Result:
    """Replaces one passage that occurs exactly once."""
    path, old, new = arguments["path"], arguments["old"].encode(), arguments["new"].encode("utf-8", "replace")
    full = context.workspace.resolve(path)
    with os.fdopen(_open(context, path), "rb") as file:
        content = file.read(MOST_EDIT_BYTES + 1)
    if len(content) > MOST_EDIT_BYTES:
        raise Mistake(f"{path} is larger than {MOST_EDIT_BYTES} bytes. Change it with bash.")
    count = content.count(old) if old else 0
    if count != 1:
        raise Mistake(
            f"old occurs {count} times in {path}; it must occur exactly once. Read the file, then give more context."
        )
    _write(full, content.replace(old, new))
    text = f"edited {path}"
    return Result(text, text)


def ls(context: Context, arguments: Json) -> Result:
    """Lists a folder."""
    path = arguments.get("path", ".")
    lines = []
    with os.scandir(context.workspace.resolve(path)) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            name = ascii(entry.name)[1:-1] if not entry.name.isprintable() else entry.name
            if entry.is_symlink():
                lines.append(f"{name} -> {os.readlink(entry.path)}")
            elif entry.is_dir():
                lines.append(f"{name}/")
            else:
                lines.append(f"{name}  {entry.stat(follow_symlinks=False).st_size} bytes")
    return _names(lines)


def glob(context: Context, arguments: Json) -> Result:
    """Finds files by pattern; `**` matches any folders."""
    pattern = arguments["pattern"]
    if pattern.startswith("/") or ".." in pattern.split("/"):
        raise Mistake("pattern must be relative to the workspace and without '..', for example '**/*.py'")
    found = globbing.iglob(pattern, root_dir=context.workspace.root, recursive=True)
    names = []
    for name in found:
        names.append(name)
        if len(names) > MOST_NAMES or context.cancelled.is_set():
            break
    return _names(sorted(names))


def grep(context: Context, arguments: Json) -> Result:
    """Finds lines by extended regular expression."""
    path = context.workspace.relative(context.workspace.resolve(arguments.get("path", ".")))
    command = ["grep", "-rnIE", f"--exclude-dir={files.TOOL_OUTPUT}", "-e", arguments["pattern"], "--", path]
    result = _run(context._replace(folder=[context.workspace.root]), command, SEARCH_SECONDS)
    if result.is_error and result.text == "[exit code 1]":
        return Result("[no match]", "no match")
    return result


def done(_context: Context, _arguments: Json) -> Result:
    """Ends the turn: the loop takes the arguments, there is nothing to run."""
    raise AssertionError("the loop handles done")


TOOLS: dict[str, Tool] = {
    "bash": Tool(
        {"command": Parameter(str), "timeout_seconds": Parameter(int, False)}, bash, lambda a: a["command"], True
    ),
    "read": Tool(
        {"path": Parameter(str), "offset": Parameter(int, False), "limit": Parameter(int, False)},
        read,
        lambda a: a["path"],
    ),
    "write": Tool({"path": Parameter(str), "content": Parameter(str)}, write, lambda a: a["path"], True),
    "edit": Tool(
        {"path": Parameter(str), "old": Parameter(str), "new": Parameter(str)},
        edit,
        lambda a: a["path"],
        True,
    ),
    "ls": Tool({"path": Parameter(str, False)}, ls, lambda a: a.get("path", ".")),
    "glob": Tool({"pattern": Parameter(str)}, glob, lambda a: a["pattern"]),
    "grep": Tool({"pattern": Parameter(str), "path": Parameter(str, False)}, grep, lambda a: a["pattern"]),
    "done": Tool({"result": Parameter(str), "files": Parameter(list, False)}, done, lambda _: ""),
}


def check(name: str, arguments: Any, offered: list[str]) -> Tool:
    """The tool of this name; raises `Mistake` if it is not offered or takes other arguments."""
    tool = TOOLS.get(name) if name in offered else None
    if tool is None:
        raise Mistake(f"there is no tool {name!r}. The tools are: {', '.join(offered)}.")
    if not isinstance(arguments, dict):
        raise Mistake(f"the arguments of {name} must be a JSON object. {usage(name, tool)}")
    for key, parameter in tool.parameters.items():
        if arguments.get(key) is None:
            arguments.pop(key, None)
            if parameter.required:
                raise Mistake(f"{name} needs {key!r}. {usage(name, tool)}")
        elif not isinstance(arguments[key], parameter.kind) or isinstance(arguments[key], bool):
            raise Mistake(f"{key!r} of {name} has the wrong type. {usage(name, tool)}")
    unknown = arguments.keys() - tool.parameters.keys()
    if unknown:
        raise Mistake(f"{name} does not take {', '.join(map(repr, sorted(unknown)))}. {usage(name, tool)}")
    return tool


def usage(name: str, tool: Tool) -> str:
    """One sentence on how to call a tool."""
    kinds = {str: "text", int: "a whole number", list: "a list"}
    parameters = [
        f"{key} ({kinds[parameter.kind]}{'' if parameter.required else ', optional'})"
        for key, parameter in tool.parameters.items()
    ]
    return f"{name} takes: {', '.join(parameters)}."


def title(tool: Tool, arguments: Json) -> str:
    """One line for people, to be shown after the tool's name."""
    return one_line(tool.title(arguments))


def one_line(text: str) -> str:
    """The first line that says something, shortened."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1] + "…"


def _run(context: Context, command: list[str], seconds: int, inherited: tuple[int, ...] = ()) -> Result:
    name = f"{files.TOOL_OUTPUT}/{_file_name(context.call)}.txt"
    output = shell.Output(context.limit, os.path.join(context.workspace.root, name))
    pieces = shell.Pieces(context.show)

    def take(data: bytes) -> None:
        output.append(data)
        pieces.append(data)

    try:
        finished = shell.run(
            command, context.folder[0], seconds, context.cancelled, take, lambda: pieces.flush(False), inherited
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


def _open(context: Context, path: str) -> int:
    full = context.workspace.resolve(path)
    if os.path.isdir(full):
        raise Mistake(f"{path} is a folder. List it with ls.")
    return files.open_regular(full)


def _write(full: str, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(full, flags, 0o644), "wb") as file:
        file.write(content)


def _names(lines: list[str]) -> Result:
    text = "\n".join(lines[:MOST_NAMES]) or "[nothing]"
    if len(lines) > MOST_NAMES:
        text += f"\n[more than {MOST_NAMES}; be more specific]"
    return Result(text.encode("utf-8", "replace").decode(), f"{min(len(lines), MOST_NAMES)} names")


def _clip(text: str, limit: int) -> str:
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[:limit].decode("utf-8", "ignore") + f"\n[cut after {limit} of {len(encoded)} bytes]"
