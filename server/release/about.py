"""Objects that speak of others (sightings, opinions, notes, cases, flows): of which, and who may hear it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mappers import extension, location
from schemas.vocabulary import Tlp
from server.release import guard, route

# Groupings are last: they may hold what comes with them.
_ORDER = {"indicator": 0, "grouping": 2}

Out = Mapping[str, Mapping[str, Any]]


def order(type_: str) -> int:
    """Give the place of an object of that type among those that come with it: first what others speak of."""
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
    return obj["type"] == "relationship" and {"source", "target"} <= extension.found(obj).keys()


def wants_sight(obj: Mapping[str, Any]) -> bool:
    """Tell whether its maker has to see what ``obj`` speaks of; who sees a value need not know who reports it."""
    return obj["type"] in ("opinion", "note", "grouping")


def beside(obj: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the countries that a sighting refers to."""
    countries = location.every()
    places = obj.get("where_sighted_refs", ()) if obj["type"] == "sighting" else ()
    return [location.to_stix(countries[ref]) for ref in places if ref in countries]


def places(obj: Mapping[str, Any], tlp: Tlp, out: Out, readable: Collection[str]) -> set[str]:
    """Give the collections, twins included, for an object that speaks of others, at the level ``tlp``.

    ``out`` has by collection what is out there, ``readable`` the collections that the contributor reads. Sightings,
    opinions, notes and cases go where sightings go, a case also wherever all its members are. A flow goes where both
    its ends are out, as far as the contributor can see them there: its answer tells nobody more than they know.
    """
    if not route.may_be_released(tlp):
        return set()
    named = refs(obj)
    together = {name for name, there in out.items() if all(ref in there for ref in named)}
    if tlp is not Tlp.CLEAR:
        together -= {route.PUBLIC, route.PUBLIC + route.FULL}
    if is_flow(obj):
        return {name for name in together if name in readable and name.endswith(route.FULL)}
    wide = {name for alias in route.aliases(route.SIGHTINGS, tlp) for name in (alias, alias + route.FULL)}
    if obj["type"] != "grouping":
        return wide
    plain = all(guard.is_standard(ref.partition("--")[0]) for ref in named)
    return {name for name in wide | together if plain or name.endswith(route.FULL)}


def level(obj: Mapping[str, Any], about: Iterable[Mapping[str, Any] | None]) -> Tlp:
    """Give the level of what ``obj`` says: its own, and no wider than that of any object it speaks of.

    Of an object that is not here, None, it is not known how wide that is.
    """
    tlp = route.level(obj)
    for each in about:
        tlp = route.narrower(tlp, Tlp.AMBER if each is None else route.level(each))
    return tlp


def why_nowhere(obj: Mapping[str, Any], tlp: Tlp, *, unseen: bool) -> str:
    """Say why an object is released to nobody."""
    if unseen:
        return "it speaks of something that is not here for you to see"
    if is_flow(obj) and route.may_be_released(tlp):
        return "no collection that you read has both its ends"
    return route.why_nowhere(tlp)
