"""Errors of feeds and files, named by what happens next."""


class TryLater(Exception):
    """The other side cannot be reached now: the checkpoint stays, and the next run continues from it."""

    def __init__(self, message: str, *, after: float = 0.0, status: int = 0) -> None:
        """Describe the failure; ``after`` is for how many seconds the other side asks not to be asked.

        ``status`` is that of its answer by HTTP, 0 where there was none.
        """
        super().__init__(message)
        self.after = after
        self.status = status


class Misconfigured(Exception):
    """The feed stops until a person changes something; the message names what.

    ``status`` is that of the other side's answer by HTTP, 0 where there was none.
    """

    def __init__(self, message: str, *, status: int = 0) -> None:
        """Describe what is to be changed."""
        super().__init__(message)
        self.status = status


class UnknownFormat(ValueError):
    """No format has this name, or the format cannot do what was asked; the message names the formats that can."""


class UnreadableFile(ValueError):
    """The file as a whole cannot be read any further; the message says why and what to do about it."""
