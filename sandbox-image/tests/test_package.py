"""What is shipped."""

import ast
import os
import sys
import unittest

from tests import RUNTIME


class Package(unittest.TestCase):
    def sources(self) -> list[str]:
        found = []
        for folder, _, names in os.walk(RUNTIME):
            found += [os.path.relpath(os.path.join(folder, name), RUNTIME) for name in names if name.endswith(".py")]
        return sorted(found)

    def test_files_lists_every_source_once(self) -> None:
        with open(os.path.join(RUNTIME, "FILES"), encoding="utf-8") as listed:
            self.assertEqual(listed.read().splitlines(), self.sources())

    def test_imports_nothing_but_the_standard_library_and_the_probes_not_even_the_runtime(self) -> None:
        for path in self.sources():
            own = {"skerry_probe"} if path.startswith("skerry_probe") else {"skerry_probe", "skerry_runtime"}
            with open(os.path.join(RUNTIME, path), encoding="utf-8") as source:
                for node in ast.walk(ast.parse(source.read())):
                    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                    if isinstance(node, ast.ImportFrom):
                        names = [node.module or ""]
                    for name in names:
                        self.assertIn(name.partition(".")[0], sys.stdlib_module_names | own, path)


if __name__ == "__main__":
    unittest.main()
