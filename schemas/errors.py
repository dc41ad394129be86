"""The one error of this room: an item that cannot be taken, and why."""

from pydantic import ValidationError


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


def of_validation(error: ValidationError, reason: str | None = None) -> Rejected:
    """Give the refusal that a model's first complaint comes to: ``bad-`` and the field, unless ``reason`` is given."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    column = ".".join(str(part) for part in first["loc"]) or "row"
    return Rejected(reason or f"bad-{column.split('.')[0].replace('_', '-')}", f"{column}: {first['msg']}")
