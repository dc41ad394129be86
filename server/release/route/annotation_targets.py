"""The targets of annotations: the objects to which sightings, opinions, notes, groupings and flows refer."""

from collections.abc import Mapping
from typing import Any

from mappers import common_objects, extension
from server.release.guard import stix_object

# Marking definitions are first because others depend on them, and groupings last because their members may be in the
# same contribution.
_ORDER = {"marking-definition": -1, "indicator": 0, "grouping": 2}


def processing_order(type_: str) -> int:
    """Return the rank of a type in the order in which the objects of one contribution are processed."""
    return _ORDER.get(type_, 1)


def refs(obj: Mapping[str, Any]) -> list[str]:
    """Return the ids of the objects that an annotation refers to; empty for other objects."""
    match obj["type"]:
        case "sighting":
            return [obj["sighting_of_ref"]]
        case "opinion" | "note" | "grouping":
            return list(obj["object_refs"])
    return [obj["source_ref"], obj["target_ref"]] if is_flow(obj) else []


def is_flow(obj: Mapping[str, Any]) -> bool:
    """Return whether an object is a flow: a relationship for money moved from one observable to another."""
    return obj["type"] == "relationship" and {"source", "target"} <= extension.context_of(obj).keys()


def is_relayed(obj: Mapping[str, Any]) -> bool:
    """Return whether an object is a question or a reply, which are passed on and never published."""
    if obj.get("type") != "note":
        return False
    context = extension.context_of(obj)
    return "question" in context or "answer_to" in context


def needs_visible_targets(obj: Mapping[str, Any]) -> bool:
    """Return whether the maker of an annotation has to see its targets. A sighting of a value needs no report of it."""
    return obj["type"] in ("opinion", "note", "grouping")


def locations_of(obj: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the location objects of the countries that a sighting refers to."""
    countries = common_objects.countries_by_location()
    places = obj.get("where_sighted_refs", ()) if obj["type"] == "sighting" else ()
    return [common_objects.location_object(countries[ref]) for ref in places if ref in countries]


def is_standard_stix(obj: Mapping[str, Any]) -> bool:
    """Return whether every STIX parser can read an object and its targets: their types are all in the standard."""
    if obj["type"] == "grouping":
        return all(stix_object.is_standard(ref.partition("--")[0]) for ref in refs(obj))
    return not is_flow(obj)


def about(obj: Mapping[str, Any], targets: list[str]) -> dict[str, Any] | None:
    """Return the annotation with only these of its targets, None if it says nothing without the others."""
    if targets == refs(obj):
        return dict(obj)
    return {**obj, "object_refs": targets} if targets and "object_refs" in obj else None


def with_targets(obj: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Return the annotation with other ids for its targets, each once; ``ids`` maps the ids in ``obj`` to them."""
    match obj["type"]:
        case "sighting":
            return {**obj, "sighting_of_ref": ids[obj["sighting_of_ref"]]}
        case "opinion" | "note" | "grouping":
            return {**obj, "object_refs": list(dict.fromkeys(ids[ref] for ref in obj["object_refs"]))}
    return dict(obj)
