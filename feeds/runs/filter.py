"""Selects the objects that a push sends, by the kinds, actions, grades and countries of its settings."""

from collections.abc import Sequence
from typing import Any

import msgspec

from feeds.connector import Outgoing, PushSettings
from feeds.readers.stix import report_of
from feeds.runs import grades
from mappers import extension, kinds
from schemas.errors import Rejected
from server.store import deliveries
from server.store.item import Item

# What refers to an indicator, by the property that names it.
_ABOUT = {"relationship": ("source_ref", "target_ref"), "sighting": ("sighting_of_ref",)}


def select_items(outgoing: Outgoing, settings: PushSettings, items: Sequence[Item]) -> Sequence[Item]:
    """Return those of ``items`` that go to the partner, in their order.

    An indicator goes if it matches the settings. One that went before goes again whatever it says now: a partner that
    acts on a version must get the next. Relationships, sightings and other objects about indicators go with them;
    observables go by kind.
    """
    if not _filters(settings):
        return items
    parsed = {item.id: msgspec.json.decode(item.body) for item in items}
    about = {id_: _about(obj) for id_, obj in parsed.items()}
    going = _indicators_to_send(outgoing, settings, items, parsed, about)
    types = {type_ for name in settings.kinds for type_ in kinds.every()[name].types}
    observables = {type_ for mapper in kinds.every().values() for type_ in mapper.types}

    def goes(item: Item) -> bool:
        if item.type == "indicator":
            return item.id in going
        if item.type in observables:
            return not types or item.type in types
        return not about[item.id] or not going.isdisjoint(about[item.id])

    return [item for item in items if goes(item)]


def _indicators_to_send(
    outgoing: Outgoing,
    settings: PushSettings,
    items: Sequence[Item],
    parsed: dict[str, dict[str, Any]],
    about: dict[str, list[str]],
) -> set[str]:
    """Return the ids of indicators that match the settings, or went to the partner before."""
    indicators = [item.id for item in items if item.type == "indicator"]
    mentioned = [id_ for ids in about.values() for id_ in ids]
    with outgoing.store.read() as tx:
        sent = deliveries.known(tx, outgoing.feed, outgoing.partner, [*indicators, *mentioned])
    return sent | {id_ for id_ in indicators if matches(settings, parsed[id_])}


def matches(settings: PushSettings, indicator: dict[str, Any]) -> bool:
    """Return whether an indicator matches the settings; one without the needed facts does not."""
    if not _filters(settings):
        return True
    facts = _facts(indicator)
    return (
        (not settings.kinds or facts["kind"] in settings.kinds)
        and (not settings.actions or facts["action"] in settings.actions)
        and (not settings.countries or any(country in settings.countries for country in facts["countries"]))
        and grades.reaches(indicator, settings.least)
    )


def _filters(settings: PushSettings) -> bool:
    return bool(settings.kinds or settings.actions or settings.countries or settings.least)


def _facts(indicator: dict[str, Any]) -> dict[str, Any]:
    """Return kind, action and countries, from our extension if present, else from the indicator's report."""
    ours = indicator.get("extensions", {}).get(extension.ID, {})
    if "kind" in ours:
        return {
            "kind": ours["kind"],
            "action": ours.get("requested_action"),
            "countries": ours.get("countries", ()),
        }
    try:
        report = report_of(indicator)
    except Rejected:
        return {"kind": None, "action": None, "countries": []}
    return {"kind": report.kind, "action": report.action, "countries": report.countries}


def _about(obj: dict[str, Any]) -> list[str]:
    """Return the ids of the indicators that an object refers to."""
    named = [obj.get(name) for name in _ABOUT.get(obj["type"], ())] + list(obj.get("object_refs", ()))
    return [id_ for id_ in named if isinstance(id_, str) and id_.startswith("indicator--")]
