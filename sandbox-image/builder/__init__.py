"""Makes the sandbox image from a distribution's packages and the runtime, the same bytes every time."""
