"""What runs inside a sandbox: an agent loop with tools, and the one process that may speak for it."""

VERSION = "0.1.0"
