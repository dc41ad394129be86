"""Records of every type as STIX objects, and STIX objects read as records."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mappers import flow, grouping, identity, opinion, qualification, request_note, sighting
from mappers.indicator import Profile
from schemas.errors import Rejected
from schemas.qualification import Qualification
from schemas.record import Case, Flow, Opinion, Outcome, Record, Sighting
from schemas.request import Request, RequestAnswer

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def to_stix(record: Record, profile: Profile = Profile.FULL) -> list[dict[str, Any]]:
    """Return the STIX objects of a record, its own last. Raises ``Rejected`` where the profile has none."""
    match record:
        case Sighting():
            return [sighting.to_stix(record, profile)]
        case Outcome() | Opinion():
            return [opinion.to_stix(record, profile)]
        case Qualification():
            return [qualification.to_stix(record, profile)]
        case Flow():
            return flow.to_stix(record, profile)
        case Case():
            return [grouping.to_stix(record, profile)]
        case Request() | RequestAnswer():
            return [request_note.to_stix(record)]
    raise TypeError(f"no record: {type(record).__name__}")


def beside(record: Record) -> list[dict[str, Any]]:
    """Return the objects that a record refers to and that are not its reporter's: places and organisations."""
    if not isinstance(record, Sighting):
        return []
    named = record.seen_by is not None and not record.seen_by.startswith("identity--")
    return [*([identity.to_stix(str(record.seen_by))] if named else []), *sighting.beside(record)]


def from_stix(
    stix_object: Mapping[str, Any],
    reporters: Mapping[str, str] = _NOTHING,
    objects: Mapping[str, Mapping[str, Any]] = _NOTHING,
) -> Sequence[Record]:
    """Return the records of an object of any maker: one, or of an opinion one for each indicator.

    ``reporters`` names the identities by id; ``objects`` are those beside it by id. Raises ``Rejected`` for objects
    that are no records.
    """
    match stix_object.get("type"):
        case "sighting":
            return [sighting.from_stix(stix_object, reporters, objects)]
        case "opinion" if qualification.is_answer(stix_object):
            return qualification.from_stix(stix_object, reporters)
        case "opinion":
            return opinion.from_stix(stix_object, reporters)
        case "relationship":
            return [flow.from_stix(stix_object, objects, reporters)]
        case "grouping":
            return [grouping.from_stix(stix_object, reporters)]
        case "note" if request_note.told_by(stix_object):
            return [request_note.from_stix(stix_object, reporters)]
    raise Rejected("not-a-record", "only sightings, opinions, groupings, flows and requests are records")
