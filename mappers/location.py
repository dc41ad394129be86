"""Countries as STIX locations: where something was seen."""

from collections.abc import Mapping
from functools import cache
from itertools import product
from string import ascii_uppercase
from typing import Any

import pycountry

from mappers import identity, ids
from mappers.extension import PROJECT


def to_stix(country: str) -> dict[str, Any]:
    """Give the location of a country, by its ISO 3166-1 alpha-2 code; the project says it, the same for everybody."""
    maker = identity.to_stix(PROJECT)
    return {
        "type": "location",
        "spec_version": "2.1",
        "id": ids.location(country),
        "created_by_ref": maker["id"],
        "created": maker["created"],
        "modified": maker["modified"],
        "name": _name(country),
        "country": country,
        "object_marking_refs": maker["object_marking_refs"],
    }


@cache
def every() -> Mapping[str, str]:
    """Give the codes that a country may have by the ids of their locations."""
    codes = ("".join(pair) for pair in product(ascii_uppercase, repeat=2))
    return {ids.location(code): code for code in codes}


def country_of(ref: str, objects: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Give the country that a location's id names, as one of ours or by the location itself among ``objects``."""
    ours = every().get(ref)
    if ours is not None:
        return ours
    said = objects.get(ref, {}).get("country")
    return said.upper() if isinstance(said, str) and len(said) == 2 else None


def _name(country: str) -> str:
    known = pycountry.countries.get(alpha_2=country)
    return str(getattr(known, "common_name", known.name)) if known else country
