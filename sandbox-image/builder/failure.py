"""What ends a build with a sentence instead of a stack trace."""


class Failure(Exception):
    """Why the image cannot be made, and what to do about it."""
