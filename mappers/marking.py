"""TLP 2.0 as STIX markings: the five objects of the OASIS repository, and their older kin on the way back."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from schemas.vocabulary import Tlp

EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

_IDS = {
    Tlp.CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
_READ = {marking: tlp for tlp, marking in _IDS.items()} | {
    # TLP 1, STIX 2.1 §7.2.1.4, and OpenCTI's own AMBER+STRICT.
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
    "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37": Tlp.AMBER_STRICT,
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
}
_STRICTNESS = list(Tlp)
_NAMES = {f"tlp:{tlp.value}": tlp for tlp in Tlp} | {"tlp:white": Tlp.CLEAR, "tlp:amber-strict": Tlp.AMBER_STRICT}
_NOTHING: Mapping[str, Tlp] = MappingProxyType({})


def ref(tlp: Tlp) -> str:
    """Give the id of the marking for ``tlp``."""
    return _IDS[tlp]


def definition(tlp: Tlp) -> dict[str, Any]:
    """Give the marking definition for ``tlp``, property for property as OASIS publishes it."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": _IDS[tlp],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{tlp.value.upper()}",
        "extensions": {EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp.value}},
    }


def level(definition: Mapping[str, Any]) -> Tlp | None:
    """Give the TLP that a marking definition of anybody's stands for, TLP 1 or 2, or None where it is another."""
    if known := _READ.get(str(definition.get("id"))):
        return known
    names = [definition.get(key) for key in ("name", "definition", "x_opencti_definition")]
    parts = [definition.get("definition"), *_values(definition.get("extensions"))]
    names += [
        f"tlp:{part[key]}" for part in parts if isinstance(part, dict) for key in ("tlp", "tlp_2_0") if key in part
    ]
    return narrowest(filter(None, (called(name) for name in names if isinstance(name, str))))


def called(name: str) -> Tlp | None:
    """Give the TLP that goes by a name, as ``TLP:AMBER+STRICT``, in TLP 1 or 2."""
    return _NAMES.get(name.strip().lower())


def tlp_of(stix_object: Mapping[str, Any], others: Mapping[str, Tlp] = _NOTHING) -> Tlp | None:
    """Give the narrowest TLP that an object is marked with, or None where it bears none that is known.

    A marking of a part of it is one, and so is a label that says a level. ``others`` are levels by the ids of markings
    that are not those of TLP itself.
    """
    refs = stix_object.get("object_marking_refs") or ()
    if parts := stix_object.get("granular_markings"):
        refs = [*refs, *(part.get("marking_ref") for part in parts if isinstance(part, dict))]
    levels = [_READ.get(ref) or others.get(ref) for ref in refs if isinstance(ref, str)]
    for label in stix_object.get("labels") or ():
        if isinstance(label, str) and label[:3] in ("tlp", "TLP"):
            levels.append(called(label))
    return narrowest(filter(None, levels))


def _values(thing: Any) -> Iterable[Any]:
    return thing.values() if isinstance(thing, dict) else ()


def narrowest(levels: Iterable[Tlp]) -> Tlp | None:
    """Give the narrowest of some levels, or None of none."""
    return max(levels, key=_STRICTNESS.index, default=None)
