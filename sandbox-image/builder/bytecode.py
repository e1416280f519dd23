"""Compiles Python with the image's own interpreter, run from the unpacked tree without entering it."""

import glob
import os
import subprocess

from builder.failure import Failure

_COMPILE_SECONDS = 300

_LIBRARY = """
import compileall, py_compile, sys
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
sys.exit(not compileall.compile_dir(
    sys.argv[1], quiet=1, force=True, stripdir=sys.argv[2], prependdir="/", invalidation_mode=mode, workers=1))
"""

_PROGRAM = """
import os, py_compile, sys
source, tree, root = sys.argv[1:]
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for folder, folders, files in os.walk(source):
    folders.sort()
    for name in sorted(files):
        file = os.path.join(folder, name)
        shown = os.path.join(root, os.path.relpath(file, source))
        py_compile.compile(file, os.path.join(tree, shown[1:] + "c"), shown, True, invalidation_mode=mode)
"""


def compile_library(tree: str) -> None:
    """Gives the standard library its bytecode, because a read-only image can never write it."""
    for folder in sorted(glob.glob(os.path.join(tree, "usr/lib/python3.[0-9]*"))):
        _python(tree, _LIBRARY, folder, tree)


def compile_program(base: str, source: str, tree: str, root: str) -> None:
    """Compiles the sources into `tree` below `root`; no source goes along."""
    _python(base, _PROGRAM, source, tree, f"/{root}")


def _python(tree: str, program: str, *arguments: str) -> None:
    loaders = glob.glob(os.path.join(tree, "usr/lib/*-linux-gnu/ld-linux-*.so.*"))
    interpreters = glob.glob(os.path.join(tree, "usr/bin/python3.[0-9]*"))
    if not loaders or not interpreters:
        raise Failure("The packages hold no Python interpreter. Check the recipe.")
    python = [loaders[0], "--library-path", os.path.dirname(loaders[0]), interpreters[0], "-B", "-S", "-s"]
    done = subprocess.run(
        [*python, "-c", program, *arguments],
        env={"PYTHONHOME": os.path.join(tree, "usr"), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_COMPILE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Failure(f"Compiling failed:\n{(done.stdout + done.stderr).strip()}")
