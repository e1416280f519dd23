"""Tests of the sandbox's runtime; run them with `python3 -m unittest discover` in `sandbox-image`."""

import os
import sys

IMAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
RUNTIME = os.path.join(IMAGE, "runtime")
sys.path[:0] = [RUNTIME, os.path.join(IMAGE, "conformance")]
