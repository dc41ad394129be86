"""What can go wrong with a feed, by what happens next."""


class TryLater(Exception):
    """The other side cannot be had just now: the checkpoint stays, and the next run goes on from it."""

    def __init__(self, message: str, *, after: float = 0.0) -> None:
        """Tell what the matter is, and that the other side asks not to be asked for ``after`` seconds."""
        super().__init__(message)
        self.after = after


class Misconfigured(Exception):
    """Nothing will get better until a person changes something; the message says what."""
