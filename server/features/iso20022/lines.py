"""Fields of requests that no element has: lines of ``AddtlInf``, which systems pass on unread."""

from collections.abc import Iterable

from server.features.iso20022.xml import MessageRefused

_PREFIX = "/scamfeed/"
_LONGEST = 105


def written(*fields: tuple[str, str | None]) -> list[str]:
    """Return the lines of the fields that have a text, as ``/scamfeed/deadline=2026-12-01T12:00:00Z``.

    Raises ``MessageRefused`` for a field that is longer than a line.
    """
    lines = [f"{_PREFIX}{name}={text}" for name, text in fields if text]
    for line in lines:
        if len(line) > _LONGEST:
            name = line.removeprefix(_PREFIX).partition("=")[0]
            raise MessageRefused("maxLength=105", name, f"{name} is too long for a line of AddtlInf", "not-writable")
    return lines


def read(text: str, names: Iterable[str]) -> tuple[str, str] | None:
    """Return the field of a line and its text; None for a line that is of none of these names."""
    name, mark, value = text.removeprefix(_PREFIX).partition("=")
    return (name, value) if mark and value and text.startswith(_PREFIX) and name in names else None
