"""Events of MISP one by one: what they say, and what they say no more."""

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from feeds.connector import Batch
from feeds.mapping.batches import batch_of_outcomes, taken_back
from feeds.mapping.options import Options
from feeds.mapping.rows import map_rows
from feeds.readers import misp
from feeds.runs.parts import parts

_Event = Mapping[str, Any]


class Version(NamedTuple):
    """An event at a time, as MISP counts them: seconds since 1970, never compared with a clock of ours."""

    uuid: str
    timestamp: str

    @property
    def digest(self) -> str:
        """Name the version, as files are named that have been read."""
        return sha256(f"misp-event:{self.uuid}:{self.timestamp}".encode()).hexdigest()


def event_in(said: Any) -> _Event | None:
    """Find the event in what a feed's file or one item of a search holds; None where there is none."""
    event = said.get("Event", said) if isinstance(said, dict) else None
    return event if isinstance(event, dict) else None


def batches(
    event: _Event,
    version: Version,
    start: int,
    options: Options,
    size: int,
    at: Callable[[int], dict[str, Any]],
) -> Iterator[Batch]:
    """Give an event's rows from number ``start`` on, ``size`` a batch; ``at`` makes a checkpoint of the rows done.

    What the event says to be deleted is taken back with the last of them.
    """
    live, deleted = split(event)
    gone = taken_back(misp.of_event(deleted), options)
    if gone:
        # What was deleted and is said again in another place stands.
        standing = {each.subject for each in taken_back(misp.of_event(live), options)}
        gone = [each for each in gone if each.subject not in standing]
    outcomes = iter(map_rows(misp.of_event(live), options.reporter, options))
    row = start
    for part in parts(outcomes, size, start):
        row += len(part.outcomes)
        ends = len(part.outcomes) < size
        yield batch_of_outcomes(
            part.outcomes, at(row), gone=gone if ends else (), done=[(version.digest, version.uuid)] if ends else ()
        )


def split(event: _Event) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give an event without what is deleted in it, and one of nothing but that, as it was before."""
    live, deleted = {**event}, {**event}
    live["Attribute"], deleted["Attribute"] = _parted(event.get("Attribute"))
    live["Object"], deleted["Object"] = [], []
    for obj in _dicts(event.get("Object")):
        if _is_deleted(obj):
            every = [{**each, "deleted": False} for each in _dicts(obj.get("Attribute"))]
            deleted["Object"].append({**obj, "deleted": False, "Attribute": every})
            continue
        kept, gone = _parted(obj.get("Attribute"))
        live["Object"].append({**obj, "Attribute": kept})
        if gone:
            deleted["Object"].append({**obj, "Attribute": gone})
    return live, deleted


def _parted(attributes: Any) -> tuple[list[Any], list[dict[str, Any]]]:
    """Give the attributes that stand, and those that are deleted, no longer marked as such."""
    listed = attributes if isinstance(attributes, list) else []
    kept = [each for each in listed if not _is_deleted(each)]
    return kept, [{**each, "deleted": False} for each in listed if _is_deleted(each)]


def _dicts(said: Any) -> list[dict[str, Any]]:
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []


def _is_deleted(said: Any) -> bool:
    return isinstance(said, dict) and (said.get("deleted") is True or said.get("deleted") in (1, "1", "true"))
