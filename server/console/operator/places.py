"""The place where a page of a list goes on, as its address has it: a moment, and an id."""

from server.console.visit import Visit

_DIGITS = 18


def after_of(visit: Visit) -> tuple[int, str] | None:
    """Return where the page before ended, None for the first one, or for an address that says nothing."""
    moment, dot, id_ = visit.request.args.get("after", "")[:500].partition(".")
    is_number = moment.isascii() and moment.isdecimal() and len(moment) < _DIGITS
    return (int(moment), id_) if dot and is_number and "\x00" not in id_ else None
