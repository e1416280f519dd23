"""What the model can do, one function per tool; each answers with text and never raises for a mistake of the model."""

import glob as globbing
import os
from typing import Any

from skerry_runtime import brokered, files, programs
from skerry_runtime.tool import Context, Mistake, Parameter, Result, Shell, Tool, clip, one_line
from skerry_runtime.wire import Json

SEARCH_SECONDS = 30
DEFAULT_LINES = 2000
MOST_NAMES = 1000
MOST_EDIT_BYTES = 16 * 1024 * 1024
MOST_ITEMS = 100
_MARKS = {"open": "[ ]", "doing": "[>]", "done": "[x]"}


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
    return Result(clip("\n".join(shown), context.limit), f"{len(shown)} lines")


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
    at_the_top = Shell(context.workspace.root)
    result = programs.run(context._replace(shell=at_the_top), command, SEARCH_SECONDS)
    if result.is_error and result.text == "[exit code 1]":
        return Result("[no match]", "no match")
    return result


def todo(_context: Context, arguments: Json) -> Result:
    """Writes the plan anew, so that the model and whoever watches know where the work stands."""
    items = arguments["items"]
    if not 0 < len(items) <= MOST_ITEMS:
        raise Mistake(f"items must be 1 to {MOST_ITEMS} objects")
    lines = []
    for item in items:
        text, status = (item.get("text"), item.get("status", "open")) if isinstance(item, dict) else (None, None)
        if not isinstance(text, str) or not text.strip() or status not in _MARKS:
            raise Mistake('each item must be {"text": "...", "status": "open" | "doing" | "done"}')
        lines.append(f"{_MARKS[status]} {one_line(text)}")
    finished = sum(line.startswith(_MARKS["done"]) for line in lines)
    return Result("\n".join(lines), f"{finished} of {len(lines)} done")


def ask_user(_context: Context, _arguments: Json) -> Result:
    """Ends the turn with a question: the loop takes the arguments, there is nothing to run."""
    raise AssertionError("the loop handles ask_user")


def done(_context: Context, _arguments: Json) -> Result:
    """Ends the turn: the loop takes the arguments, there is nothing to run."""
    raise AssertionError("the loop handles done")


_SECONDS = Parameter(int, False)
_OPTIONAL_TEXT = Parameter(str, False)

TOOLS: dict[str, Tool] = {
    "bash": Tool(
        {"command": Parameter(str), "timeout_seconds": _SECONDS},
        programs.bash,
        lambda a: a["command"],
        changes_files=True,
    ),
    "python": Tool(
        {"code": Parameter(str), "timeout_seconds": _SECONDS}, programs.python, lambda a: a["code"], changes_files=True
    ),
    "read": Tool(
        {"path": Parameter(str), "offset": Parameter(int, False), "limit": Parameter(int, False)},
        read,
        lambda a: a["path"],
        is_swift=True,
    ),
    "write": Tool({"path": Parameter(str), "content": Parameter(str)}, write, lambda a: a["path"], changes_files=True),
    "edit": Tool(
        {"path": Parameter(str), "old": Parameter(str), "new": Parameter(str)},
        edit,
        lambda a: a["path"],
        changes_files=True,
    ),
    "ls": Tool({"path": _OPTIONAL_TEXT}, ls, lambda a: a.get("path", "."), is_swift=True),
    "glob": Tool({"pattern": Parameter(str)}, glob, lambda a: a["pattern"], is_swift=True),
    "grep": Tool({"pattern": Parameter(str), "path": _OPTIONAL_TEXT}, grep, lambda a: a["pattern"]),
    "http": Tool(
        {
            "method": Parameter(str),
            "url": Parameter(str),
            "headers": Parameter(dict, False),
            "body": _OPTIONAL_TEXT,
            "credential": _OPTIONAL_TEXT,
        },
        brokered.http,
        lambda a: f"{a['method']} {a['url']}",
        is_swift=True,
    ),
    "todo": Tool({"items": Parameter(list)}, todo, lambda _: "", is_swift=True),
    "ask_user": Tool({"question": Parameter(str)}, ask_user, lambda a: a["question"]),
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
    kinds = {str: "text", int: "a whole number", list: "a list", dict: "an object"}
    parameters = [
        f"{key} ({kinds[parameter.kind]}{'' if parameter.required else ', optional'})"
        for key, parameter in tool.parameters.items()
    ]
    return f"{name} takes: {', '.join(parameters)}."


def title(tool: Tool, arguments: Json) -> str:
    """One line for people, to be shown after the tool's name."""
    return one_line(tool.title(arguments))


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
