"""Sightings of indicators as STIX sightings."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mappers import common_objects, extension, ids, marking, record
from mappers.indicator import Profile
from schemas.record import Sighting

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def to_stix(sighting: Sighting, profile: Profile = Profile.FULL) -> dict[str, Any]:
    """Return the sighting. Raises ``Rejected`` where its subject is a value without a reporter.

    Without another place it was seen at the reporter's, as OpenCTI drops sightings without a place.
    """
    by, of = ids.identity(sighting.reporter), record.subject_ref(sighting.of, profile)
    first, last = record.moment(sighting.first_seen), record.moment(sighting.last_seen)
    places = [] if sighting.seen_by is None else [ids.identity_of(sighting.seen_by)]
    places += [ids.location(country) for country in sighting.countries]
    return {
        "type": "sighting",
        "spec_version": "2.1",
        "id": ids.sighting(by, of, first, last, places),
        **record.head(sighting),
        **({"description": sighting.description} if sighting.description else {}),
        **({"first_seen": first} if first else {}),
        **({"last_seen": last} if last else {}),
        "count": sighting.count,
        "sighting_of_ref": of,
        "where_sighted_refs": places if sighting.seen_by else [by, *places],
        "summary": False,
        "object_marking_refs": [marking.ref(sighting.tlp)],
        **record.extensions(sighting, reference=sighting.reference),
    }


def beside(sighting: Sighting) -> list[dict[str, Any]]:
    """Return the locations that the sighting refers to."""
    return [common_objects.location_object(country) for country in sighting.countries]


def from_stix(
    stix_object: Mapping[str, Any],
    reporters: Mapping[str, str] = _NOTHING,
    objects: Mapping[str, Mapping[str, Any]] = _NOTHING,
) -> Sighting:
    """Return the sighting of a STIX object of any maker. Raises ``Rejected`` where it is of no indicator.

    ``reporters`` names the identities by id; ``objects`` are those beside it by id, among them other makers' locations.
    """
    record.check(stix_object)
    places = record.refs(stix_object, "where_sighted_refs")
    creator = stix_object.get("created_by_ref")
    elsewhere = [ref for ref in places if ref.startswith("identity--") and ref != creator]
    countries = [common_objects.country_of(ref, objects) for ref in places if ref.startswith("location--")]
    return record.read(
        Sighting,
        stix_object,
        reporters,
        of={"ref": stix_object.get("sighting_of_ref")},
        count=stix_object.get("count", 1),
        first_seen=stix_object.get("first_seen"),
        last_seen=stix_object.get("last_seen"),
        seen_by=reporters.get(elsewhere[0], elsewhere[0]) if elsewhere else None,
        countries=[country for country in countries if country],
        description=stix_object.get("description"),
        reference=extension.context_of(stix_object).get("reference"),
    )
