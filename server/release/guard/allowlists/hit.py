"""A value that is on a list: which, and what may be reported instead."""

from typing import NamedTuple

from server.release.guard.allowlists.catalogue import Allowlist


class AllowlistMatch(NamedTuple):
    """The list that a value is on, and what to do instead; the value itself is not said again."""

    list: str
    message: str


def match_of(listing: Allowlist | None, where: str = "") -> AllowlistMatch | None:
    """Give the hit that a list comes to, None for none; ``where`` is how the value stands to the entry (``below``)."""
    if listing is None:
        return None
    return AllowlistMatch(listing.name, f"this is {where}{listing.what} (list {listing.name}): {listing.instead}")
