"""TLP 2.0 as STIX markings: the five objects of the OASIS repository, and their older kin on the way back."""

import re
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
_OURS = frozenset(_IDS.values())
_OF_OPENCTI = {"statement": "custom"}
_BETWEEN = re.compile(r"[^a-z+]+")
_STRICTNESS = list(Tlp)
# Without what stands between the letters, a version's number too.
_NAMES = {f"tlp{tlp.value}": tlp for tlp in Tlp} | {"tlpwhite": Tlp.CLEAR, "tlpamberstrict": Tlp.AMBER_STRICT}
_NAMES |= {name.replace("tlp", "tlpv"): tlp for name, tlp in _NAMES.items()}
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


def tlp_of_definition(definition: Mapping[str, Any]) -> Tlp | None:
    """Give the TLP that a marking definition of anybody's stands for, TLP 1 or 2, by all that it says of itself.

    The narrowest of it holds. None where it is another marking, or says more than a level of TLP.
    """
    if definition.get("id") in _OURS:
        return _READ[definition["id"]]
    levels = [_READ.get(str(definition.get("id")))]
    for name in _texts(definition.get("name")):
        levels.append(tlp_named(name))
        if levels[-1] is None and "tlp" in name.lower():
            return None
    said = [definition.get(key) for key in ("definition", "x_opencti_definition")]
    if said == [_OF_OPENCTI, said[1]] and said[1] is not None:
        said = said[1:]  # which says in its own property what the statement stands for
    extensions = definition.get("extensions")
    said += extensions.values() if isinstance(extensions, dict) else []
    for part in said:
        if part is None:
            continue
        named = _named(part)
        if None in named:
            return None
        levels += named
    return narrowest(filter(None, levels))


def tlp_of_source_marking(definition: Mapping[str, Any]) -> Tlp | None:
    """Give the level to treat a marking of a source that the operator chose at: AMBER where it says nothing of TLP.

    Many tools mark all they make with a statement of who made it. None where it names a level that is not understood.
    """
    words = str([definition.get(key) for key in ("name", "definition", "x_opencti_definition", "extensions")])
    return tlp_of_definition(definition) or (None if "tlp" in words.lower() else Tlp.AMBER)


def tlp_named(name: str) -> Tlp | None:
    """Give the TLP that goes by a name, as ``TLP:AMBER+STRICT``, in TLP 1 or 2."""
    return _NAMES.get(_BETWEEN.sub("", name.lower()))


def is_defined_here(ref: Any) -> bool:
    """Tell whether a marking is one of TLP 2.0 itself, which nobody else defines."""
    return ref in _OURS


def refs(stix_object: Mapping[str, Any]) -> list[Any]:
    """Give the ids of all markings that an object bears, as a whole or in part."""
    found = _listed(stix_object.get("object_marking_refs"))
    for part in _listed(stix_object.get("granular_markings")):
        # One that says a language marks nothing.
        if not isinstance(part, dict) or "lang" not in part or "marking_ref" in part:
            found.append(part.get("marking_ref") if isinstance(part, dict) else None)
    return found


def unknown_refs(stix_object: Mapping[str, Any], others: Mapping[str, Tlp] = _NOTHING) -> list[str]:
    """Give the ids of those markings of an object of which no level is known; ``others`` as for ``tlp_of``."""
    return [
        str(ref) for ref in refs(stix_object) if not isinstance(ref, str) or (ref not in _READ and ref not in others)
    ]


def _named(part: Any) -> list[Tlp | None]:
    """Give the levels that a part of a definition names, None for all else that it says."""
    if isinstance(part, dict):
        words = [word for key, word in part.items() if key != "extension_type"]
        levels = [tlp_named(f"tlp:{word}") or tlp_named(word) if isinstance(word, str) else None for word in words]
        return levels or [None]
    return [tlp_named(text) for text in _texts(part)] or [None]


def _listed(thing: Any) -> list[Any]:
    """Give the members of a list; of what is none, but something, one that means nothing."""
    return list(thing) if isinstance(thing, list) else [None] if thing else []


def _texts(thing: Any) -> list[str]:
    return [thing] if isinstance(thing, str) else []


def tlp_of(stix_object: Mapping[str, Any], others: Mapping[str, Tlp] = _NOTHING) -> Tlp | None:
    """Give the narrowest TLP that an object is marked with, or None where it bears none that is known.

    A marking of a part of it is one, and so is a label that says a level. ``others`` are levels by the ids of markings
    that are not those of TLP itself.
    """
    levels: list[Tlp | None] = []
    for ref in refs(stix_object):
        if isinstance(ref, str):
            levels += [_READ.get(ref), others.get(ref)]
    for label in stix_object.get("labels") or ():
        if isinstance(label, str) and label[:3] in ("tlp", "TLP"):
            levels.append(tlp_named(label))
    return narrowest(filter(None, levels))


def narrowest(levels: Iterable[Tlp]) -> Tlp | None:
    """Give the narrowest of some levels, or None of none."""
    return max(levels, key=_STRICTNESS.index, default=None)
