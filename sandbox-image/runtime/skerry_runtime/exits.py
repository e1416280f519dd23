"""Exit codes, so that whoever started the sandbox knows why it ended without reading a log."""

STOPPED = 0
UNAUTHORIZED = 10
FENCED = 11
ENDED = 12
PROBE_FAILED = 13
UNREACHABLE = 14
USAGE = 64
INTERNAL = 70
TERMINATED = 143
