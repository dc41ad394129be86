"""STIX objects that others refer to: identities, markings, the extension definition, countries."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from string import ascii_uppercase
from typing import Any, NamedTuple

import pycountry

from mappers import extension, ids, marking
from schemas import timestamp
from schemas.json_schema import EXTENSION_VERSION, extension_schema_text
from schemas.partner import Partner, PartnerKind
from schemas.vocabulary import Tlp

# industry-sector-ov (STIX 2.1 §10.7), for the kinds that have a word in it.
_SECTORS = {
    PartnerKind.BANK: ["financial-services"],
    PartnerKind.EXCHANGE: ["financial-services"],
    PartnerKind.PLATFORM: ["technology"],
    PartnerKind.TELECOM: ["telecommunications"],
    PartnerKind.GOVERNMENT: ["government"],
    PartnerKind.NGO: ["non-profit"],
    PartnerKind.RESEARCH: ["education"],
}

# The identity in a mapped file never changes, so it has one version.
_SINCE = "2025-12-18T00:00:00.000Z"


def identity_object(name: str, kind: PartnerKind | None = None) -> dict[str, Any]:
    """Return the identity of the organisation called ``name``; everybody may know that it takes part."""
    identity = ids.identity(name)
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": identity,
        "created_by_ref": identity,
        "created": _SINCE,
        "modified": _SINCE,
        "name": name,
        "identity_class": "organization",
        **({"sectors": _SECTORS[kind]} if kind else {}),
        "object_marking_refs": [marking.ref(Tlp.CLEAR)],
    }


class HubIdentity(NamedTuple):
    """The hub's identity: id, name, and when the name was first and last set (microseconds)."""

    identity: str
    name: str
    created: int
    modified: int


def hub_identity(hub: HubIdentity, focal_points: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """Return the identity under which the hub publishes its consensus.

    ``focal_points`` are pairs of a function and a contact for it.
    """
    return _registered(hub.identity, hub.identity, hub.name, hub.created, hub.modified, focal_points=focal_points)


def partner_identity(
    partner: Partner, hub: str, created: int, modified: int, focal_points: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Return a partner's identity as the hub registers it, by its identity's id.

    A partner that is not to be named has its kind there, and nothing by which it could be found out.
    """
    if not partner.named:
        name = f"A partner ({partner.kind.value})"
        return _registered(partner.identity, hub, name, created, modified, kind=partner.kind)
    countries = [partner.country] if partner.country else []
    return _registered(
        partner.identity,
        hub,
        partner.name,
        created,
        modified,
        kind=partner.kind,
        countries=countries,
        focal_points=focal_points,
    )


def _registered(
    id_: str,
    maker: str,
    name: str,
    created: int,
    modified: int,
    *,
    kind: PartnerKind | None = None,
    countries: Sequence[str] = (),
    focal_points: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    context = extension.build(
        countries=list(countries),
        focal_points=[{"function": str(function), "contact": contact} for function, contact in sorted(focal_points)],
    )
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": id_,
        "created_by_ref": maker,
        "created": _stamp(created),
        "modified": _stamp(modified),
        "name": name,
        **({"roles": [kind.value]} if kind else {}),
        "identity_class": "organization",
        **({"sectors": _SECTORS[kind]} if kind else {}),
        "object_marking_refs": [marking.ref(Tlp.CLEAR)],
        **({"extensions": {extension.ID: context}} if countries or focal_points else {}),
    }


def _stamp(micros: int) -> str:
    """Return a moment in microseconds as text, to the whole millisecond."""
    return timestamp.text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=micros // 1000))


PROJECT = "Scamfeed"
# When the content of the extension definition last changed.
_MODIFIED = "2026-11-30T19:00:00.000Z"


def for_levels(levels: Iterable[Tlp]) -> list[dict[str, Any]]:
    """Return the objects that our objects refer to, for any reporter, in an order in which they can be stored.

    ``levels`` are the TLP levels in use; the project's identity is TLP:CLEAR itself.
    """
    return [
        *(marking.definition(tlp) for tlp in sorted({Tlp.CLEAR, *levels}, key=list(Tlp).index)),
        identity_object(PROJECT),
        extension_definition(),
    ]


def with_reporter(reporter: str, kind: PartnerKind | None, levels: Iterable[Tlp]) -> list[dict[str, Any]]:
    """Return the objects that the objects of ``reporter`` refer to."""
    return [*for_levels(levels), identity_object(reporter, kind)]


def reserved_ids() -> frozenset[str]:
    """Return the ids of objects that only the hub may publish: markings, the extension, its maker, countries."""
    return frozenset(obj["id"] for obj in for_levels(Tlp)) | countries_by_location().keys()


def extension_definition() -> dict[str, Any]:
    """Return the extension definition, which by the specification is shared together with the objects that use it.

    Its ``schema`` is the JSON Schema itself, so that every reader of the objects can check them.
    """
    maker = identity_object(PROJECT)
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": extension.ID,
        "created_by_ref": maker["id"],
        "created": maker["created"],
        "modified": _MODIFIED,
        "name": "Scam report context",
        "description": "The context of a scam report besides its value: the scam's type, channel and payment rail, "
        "times, the requested action, the account holder's status, evidence by hash, and the outcome.",
        "schema": extension_schema_text(),
        "version": EXTENSION_VERSION,
        "extension_types": [extension.TYPE],
        "object_marking_refs": maker["object_marking_refs"],
    }


def location_object(country: str) -> dict[str, Any]:
    """Return the location of a country by its ISO 3166-1 alpha-2 code: the project's own, the same on every hub."""
    maker = identity_object(PROJECT)
    return {
        "type": "location",
        "spec_version": "2.1",
        "id": ids.location(country),
        "created_by_ref": maker["id"],
        "created": maker["created"],
        "modified": maker["modified"],
        "name": _country_name(country),
        "country": country,
        "object_marking_refs": maker["object_marking_refs"],
    }


@cache
def countries_by_location() -> Mapping[str, str]:
    """Return the country code of every location id of ours."""
    codes = ("".join(pair) for pair in product(ascii_uppercase, repeat=2))
    return {ids.location(code): code for code in codes}


def country_of(ref: str, objects: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the country of a location's id, by our ids or by the location itself among ``objects``."""
    code = countries_by_location().get(ref)
    if code is not None:
        return code
    country = objects.get(ref, {}).get("country")
    return country.upper() if isinstance(country, str) and len(country) == 2 else None


def _country_name(country: str) -> str:
    known = pycountry.countries.get(alpha_2=country)
    return str(getattr(known, "common_name", known.name)) if known else country
