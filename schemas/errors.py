"""The one error of this room: an item that cannot be taken, and why."""


class Rejected(Exception):
    """One item is refused; the others go on.

    ``reason`` is a stable kebab-case code that counts and scripts group by. ``message`` says to a person which rule
    was broken and what to change. Neither carries the value itself: it may be somebody's account or number.
    """

    def __init__(self, reason: str, message: str) -> None:
        """Refuse an item for ``reason``, explained by ``message``."""
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
