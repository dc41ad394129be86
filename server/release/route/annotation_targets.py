"""Objects that speak of others (sightings, opinions, notes, cases, flows): of which, and who may hear it."""

from collections.abc import Mapping
from typing import Any

from mappers import common_objects, extension
from schemas.vocabulary import Tlp
from server.release.guard import stix_object
from server.release.route.policy import SHARED

# Definitions are first, and groupings last: they may hold what comes with them.
_ORDER = {"marking-definition": -1, "indicator": 0, "grouping": 2}


def processing_order(type_: str) -> int:
    """Give the place of an object of that type among those that come with it: first what others go by."""
    return _ORDER.get(type_, 1)


def refs(obj: Mapping[str, Any]) -> list[str]:
    """Give the ids of the objects that ``obj`` speaks of; none where it speaks of none."""
    match obj["type"]:
        case "sighting":
            return [obj["sighting_of_ref"]]
        case "opinion" | "note" | "grouping":
            return list(obj["object_refs"])
    return [obj["source_ref"], obj["target_ref"]] if is_flow(obj) else []


def is_flow(obj: Mapping[str, Any]) -> bool:
    """Tell whether a relationship says that money went from one observable to another."""
    return obj["type"] == "relationship" and {"source", "target"} <= extension.context_of(obj).keys()


def needs_visible_targets(obj: Mapping[str, Any]) -> bool:
    """Tell whether its maker has to see what ``obj`` speaks of; who sees a value need not know who reports it."""
    return obj["type"] in ("opinion", "note", "grouping")


def locations_of(obj: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the countries that a sighting refers to."""
    countries = common_objects.countries_by_location()
    places = obj.get("where_sighted_refs", ()) if obj["type"] == "sighting" else ()
    return [common_objects.location_object(countries[ref]) for ref in places if ref in countries]


def is_standard_stix(obj: Mapping[str, Any]) -> bool:
    """Tell whether every reader of STIX can take an object: it speaks of nothing that STIX itself does not have."""
    if obj["type"] == "grouping":
        return all(stix_object.is_standard(ref.partition("--")[0]) for ref in refs(obj))
    return not is_flow(obj)


def with_targets(obj: Mapping[str, Any], meant: Mapping[str, str]) -> dict[str, Any]:
    """Give the object speaking of what is ``meant`` by the ids that it names, each once."""
    match obj["type"]:
        case "sighting":
            return {**obj, "sighting_of_ref": meant[obj["sighting_of_ref"]]}
        case "opinion" | "note" | "grouping":
            return {**obj, "object_refs": list(dict.fromkeys(meant[ref] for ref in obj["object_refs"]))}
    return dict(obj)


def why_nowhere(obj: Mapping[str, Any], tlp: Tlp, *, unseen: bool) -> str:
    """Say why an object is released to nobody."""
    if unseen:
        return "it speaks of something that is not here for you to see"
    if is_flow(obj) and tlp in SHARED:
        return "no collection that you read has both its ends"
    return f"TLP:{tlp.value.upper()} reaches only whom it names, and it names nobody"
