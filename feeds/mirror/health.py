"""The health of a mirror: the state of each copy, and whether somebody has to look."""

from typing import Any, NamedTuple

from feeds.mirror.check import MirrorState, VisibleCopy


class MirrorHealth(NamedTuple):
    """The state of each copy, and whether answers can be relied on, ready for JSON."""

    is_well: bool
    shown: dict[str, Any]


def health_of(state: MirrorState, now: int) -> MirrorHealth:
    """Return the health of a mirror at a moment (milliseconds).

    It is well if no copy is older than ``max_age``, none is missing, and none is known to differ from its hub.
    """
    copies = [
        {
            "hub": copy.hub,
            "collection": copy.alias,
            "active": copy.active,
            "as_of": copy.as_of_text,
            "age_seconds": None if copy.as_of is None else round((now - copy.as_of) / 1000, 1),
            "stale": state.is_old(copy.as_of, now),
            "digest": copy.digest,
            "error": copy.error,
        }
        | _log_of(copy)
        for copy in state.copies.values()
    ]
    stale, differs = state.is_stale(now), any(copy["digest"] == "differs" for copy in copies)
    is_well = not (stale or differs)
    shown = {
        "status": "ok" if is_well else "stale" if stale else "differs",
        "as_of": state.oldest_text,
        "max_age_seconds": state.rules.max_age,
        "copies": copies,
        "missing": list(state.missing),
        "filling": list(state.filling),
        "errors": dict(state.errors),
    }
    return MirrorHealth(is_well, shown)


def _log_of(copy: VisibleCopy) -> dict[str, Any]:
    """Return how far a copy was checked against the log of its collection; nothing where it is not checked."""
    if not copy.log:
        return {}
    shown = {name: copy.log.get(name) for name in ("verified_up_to", "size", "cosigned_by", "cosigned")}
    return {"log": shown | {"unproven": len(copy.log.get("unproven", {}))}}
