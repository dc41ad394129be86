"""Errors of feeds and files, named by the next step."""


class TryLater(Exception):
    """The other side cannot be reached now: the checkpoint stays, and the next run continues from it."""

    def __init__(self, message: str, *, after: float = 0.0, status: int = 0) -> None:
        """Describe the failure; ``after`` is how many seconds the other side asks us to wait.

        ``status`` is the HTTP status of its response, 0 if there was none.
        """
        super().__init__(message)
        self.after = after
        self.status = status


class Misconfigured(Exception):
    """The feed stops until a person changes something; the message says what to change.

    ``status`` is the HTTP status of the other side's response, 0 if there was none.
    """

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class UnknownFormat(ValueError):
    """No format has this name, or the format does not support the operation; the message lists suitable formats."""


class UnreadableFile(ValueError):
    """The rest of the file cannot be read; the message states the reason and the way out."""
