"""The sizes of the allowlists: the number of entries, their date, and whether the operator updated them."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from server.release.guard.allowlists import folder
from server.release.guard.allowlists.catalogue import ALLOWLISTS


class ListSize(NamedTuple):
    """The size of one list: its ``day`` is YYYY-MM-DD, "" for an empty list."""

    name: str
    entries: int
    day: str
    is_updated: bool


def sizes(updated: Path | None) -> Sequence[ListSize]:
    """Return the sizes of all lists, from the folder of updates or as bundled; files are read once for each update."""
    return _sizes(updated, folder.stamp(updated))


@lru_cache(maxsize=4)
def _sizes(updated: Path | None, stamp: int) -> tuple[ListSize, ...]:
    del stamp
    found = []
    for allowlist in ALLOWLISTS.values():
        stored = folder.read(allowlist, updated)
        is_updated = updated is not None and (updated / f"{allowlist.name}.txt.gz").exists()
        found.append(ListSize(allowlist.name, len(stored.entries), stored.day, is_updated))
    return tuple(found)
