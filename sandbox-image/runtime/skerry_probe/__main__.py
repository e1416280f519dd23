"""Prints one line of JSON per probe, as the user who starts it; 1 if one failed."""

import os
import sys

PACKAGE = os.path.dirname(os.path.realpath(__file__))


def main(arguments: list[str]) -> int:
    """Makes the package importable from wherever it lies, and runs it."""
    if sys.path and os.path.realpath(sys.path[0]) == PACKAGE:
        del sys.path[0]
    sys.path.insert(0, os.path.dirname(PACKAGE))
    from skerry_probe import suite

    return suite.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
