"""The error of an item that is refused, with its reason."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails


class Rejected(Exception):
    """One item is refused; the others go on.

    ``reason`` is a stable kebab-case code that counts and scripts group by. ``message`` names the rule that was broken
    and the way out, for a person. Neither carries the value itself: it may be somebody's account or number.
    """

    def __init__(self, reason: str, message: str) -> None:
        """Refuse an item for ``reason``, explained by ``message``."""
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


def rejection_of(error: ValidationError, reason: str | None = None) -> Rejected:
    """Return the refusal for the first complaint of a model.

    Its reason is ``bad-`` and the name of the field, unless ``reason`` is given.
    """
    first = error.errors(include_input=False, include_url=False)[0]
    column = ".".join(str(part) for part in first["loc"]) or "row"
    return Rejected(reason or f"bad-{column.split('.')[0].replace('_', '-')}", f"{column}: {_said(first)}")


# The patterns of fields, in words.
_FORMS = {
    "^[a-z0-9]+(-[a-z0-9]+)*$": "write it in lower case, with hyphens between its words, as in foo-bar",
    r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$": "give the language as en or th",
    "^[A-Z]{2}$": "give each country by its two letters, as TH (ISO 3166-1)",
    "^[0-9a-f]{64}$": "give the digest as 64 hexadecimal digits",
    r"^[0-9]+(\.[0-9]+)?$": "give the amount in digits, as 1500.50",
}


def _said(fault: ErrorDetails) -> str:
    """Return the complaint about a field in words; a pattern is never shown."""
    if fault["type"] == "value_error":
        return fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "greater_than":
        return f"has to be greater than {fault['ctx']['gt']}"
    if fault["type"] != "string_pattern_mismatch":
        return fault["msg"]
    asked = fault.get("ctx", {}).get("pattern", "")
    return _FORMS.get(asked, "has characters that it cannot have, or another form than it has to have")
