"""Copies: reports pulled from the fused listings of a hub that is now a peer, which earlier versions did not mark.

They become second-hand at the first start with the ``[[peer]]`` table. A background step releases their values again.
"""

from collections.abc import Set

from server.features.federation import pending
from server.release.hub import Hub
from server.store import inbox, jobs, value_index

_JOB = "copies of listings"
_AT_ONCE = 1_000


def note_next(hub: Hub) -> bool:
    """Schedule the release of the next values with copies; return whether the hub has more values to check.

    The walk begins again when other partners contribute copies.
    """
    if not hub.copies:
        return False
    by = sorted(hub.copies)
    with hub.store.read() as tx:
        found = jobs.find(tx, _JOB)
        if found is not None and found.state["by"] == by and found.ended is not None:
            return False
    with hub.store.begin(in_passing=True) as tx:
        found = jobs.find(tx, _JOB)
        if found is None or found.state["by"] != by:
            found = jobs.begin(tx, _JOB, {"by": by, "after": -1})
        elif found.ended is not None:
            return False
        registry = hub.facts.at(tx).registry
        spaces = {registry.spaces[name] for name in by if name in registry.spaces}
        values = value_index.values_after(tx, found.state["after"], _AT_ONCE)
        keys = value_index.find(tx, values.values())
        copied = {subject for subject, known in keys.items() if any(_is_in(key, spaces) for key in known)}
        pending.note(tx, copied, release=True)
        after = max(values, default=found.state["after"])
        jobs.save(tx, _JOB, {"by": by, "after": after}, ended=not values)
    return bool(values)


def _is_in(key: str, spaces: Set[int | str]) -> bool:
    """Return whether the object with that key is a contribution in one of these spaces."""
    return inbox.is_key(key) and inbox.space(key) in spaces
