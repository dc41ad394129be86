"""STIX objects that others refer to: markings, the extension definition, its maker, countries."""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import product
from string import ascii_uppercase
from typing import Any

import pycountry

from mappers import extension, identity, ids, marking
from schemas import extension_schema
from schemas.partner import PartnerKind
from schemas.vocabulary import Tlp

PROJECT = "Scamfeed"
# When the content of the extension definition last changed.
_MODIFIED = "2026-11-26T23:30:00.000Z"


def for_levels(levels: Iterable[Tlp]) -> list[dict[str, Any]]:
    """Return the objects that our objects refer to, whoever reports, in an order in which they can be stored.

    ``levels`` are the TLP levels in use; the project's identity is TLP:CLEAR itself.
    """
    return [
        *(marking.definition(tlp) for tlp in sorted({Tlp.CLEAR, *levels}, key=list(Tlp).index)),
        identity.to_stix(PROJECT),
        extension_definition(),
    ]


def with_reporter(reporter: str, kind: PartnerKind | None, levels: Iterable[Tlp]) -> list[dict[str, Any]]:
    """Return the objects that the objects of ``reporter`` refer to."""
    return [*for_levels(levels), identity.to_stix(reporter, kind)]


def reserved_ids() -> frozenset[str]:
    """Return the ids of objects that only the hub may publish: markings, the extension, its maker, countries."""
    return frozenset(obj["id"] for obj in for_levels(Tlp)) | countries_by_location().keys()


def extension_definition() -> dict[str, Any]:
    """Return the extension definition, which the specification asks to share with the objects that use it.

    Its ``schema`` is the JSON Schema itself, so that every reader of the objects can check them.
    """
    maker = identity.to_stix(PROJECT)
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": extension.ID,
        "created_by_ref": maker["id"],
        "created": maker["created"],
        "modified": _MODIFIED,
        "name": "Scam report context",
        "description": "What a scam report says beside its value: the scam's type, channel and payment rail, when it "
        "was seen, what is asked of the reader, the account holder's status, evidence by hash; and what became of it.",
        "schema": extension_schema.text(),
        "version": extension_schema.VERSION,
        "extension_types": [extension.TYPE],
        "object_marking_refs": maker["object_marking_refs"],
    }


def location_object(country: str) -> dict[str, Any]:
    """Return the location of a country by its ISO 3166-1 alpha-2 code: the project's own, the same for everybody."""
    maker = identity.to_stix(PROJECT)
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
