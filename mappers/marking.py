"""TLP 2.0 as STIX markings: the five objects of the OASIS repository; older and other markings are read too."""

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
# By letters alone, without separators and version numbers.
_NAMES = {f"tlp{tlp.value}": tlp for tlp in Tlp} | {"tlpwhite": Tlp.CLEAR, "tlpamberstrict": Tlp.AMBER_STRICT}
_NAMES |= {name.replace("tlp", "tlpv"): tlp for name, tlp in _NAMES.items()}
_NOTHING: Mapping[str, Tlp] = MappingProxyType({})


def ref(tlp: Tlp) -> str:
    """Return the id of the marking for ``tlp``."""
    return _IDS[tlp]


def definition(tlp: Tlp) -> dict[str, Any]:
    """Return the marking definition for ``tlp``, property for property as OASIS publishes it."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": _IDS[tlp],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{tlp.value.upper()}",
        "extensions": {EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp.value}},
    }


def tlp_of_definition(definition: Mapping[str, Any]) -> Tlp | None:
    """Return the narrowest TLP level, of TLP 1 or 2, that any maker's marking definition names.

    None where it is another marking, or states more than a TLP level.
    """
    if definition.get("id") in _OURS:
        return _READ[definition["id"]]
    levels = [_READ.get(str(definition.get("id")))]
    for name in _texts(definition.get("name")):
        levels.append(tlp_named(name))
        if levels[-1] is None and "tlp" in name.lower():
            return None
    parts = [definition.get(key) for key in ("definition", "x_opencti_definition")]
    if parts == [_OF_OPENCTI, parts[1]] and parts[1] is not None:
        parts = parts[1:]  # which says in its own property what the statement stands for
    extensions = definition.get("extensions")
    parts += extensions.values() if isinstance(extensions, dict) else []
    for part in parts:
        if part is None:
            continue
        named = _named(part)
        if None in named:
            return None
        levels += named
    return narrowest(filter(None, levels))


def tlp_of_source_marking(definition: Mapping[str, Any]) -> Tlp | None:
    """Return the TLP level for a marking of a source that the operator chose, AMBER if it states none.

    Many tools mark all their objects with a statement of their author. None if the stated level is unknown.
    """
    words = str([definition.get(key) for key in ("name", "definition", "x_opencti_definition", "extensions")])
    return tlp_of_definition(definition) or (None if "tlp" in words.lower() else Tlp.AMBER)


def tlp_named(name: str) -> Tlp | None:
    """Return the TLP level of a name such as ``TLP:AMBER+STRICT``, in TLP 1 or 2."""
    return _NAMES.get(_BETWEEN.sub("", name.lower()))


def is_defined_here(ref: Any) -> bool:
    """Return whether a marking is one of TLP 2.0 itself, which no other producer may define."""
    return ref in _OURS


def refs(stix_object: Mapping[str, Any]) -> list[Any]:
    """Return the ids of all markings of an object and of its parts."""
    found = _listed(stix_object.get("object_marking_refs"))
    for part in _listed(stix_object.get("granular_markings")):
        # A granular marking of a language marks nothing.
        if not isinstance(part, dict) or "lang" not in part or "marking_ref" in part:
            found.append(part.get("marking_ref") if isinstance(part, dict) else None)
    return found


def unknown_refs(stix_object: Mapping[str, Any], others: Mapping[str, Tlp] = _NOTHING) -> list[str]:
    """Return the ids of an object's markings without a known level; ``others`` as for ``tlp_of``."""
    return [
        str(ref) for ref in refs(stix_object) if not isinstance(ref, str) or (ref not in _READ and ref not in others)
    ]


def _named(part: Any) -> list[Tlp | None]:
    """Return the levels that a part of a definition names, None for everything else in it."""
    if isinstance(part, dict):
        words = [word for key, word in part.items() if key != "extension_type"]
        levels = [tlp_named(f"tlp:{word}") or tlp_named(word) if isinstance(word, str) else None for word in words]
        return levels or [None]
    return [tlp_named(text) for text in _texts(part)] or [None]


def _listed(thing: Any) -> list[Any]:
    """Return the members of a list; for another value that is not empty, one member without meaning."""
    return list(thing) if isinstance(thing, list) else [None] if thing else []


def _texts(thing: Any) -> list[str]:
    return [thing] if isinstance(thing, str) else []


def tlp_of(stix_object: Mapping[str, Any], others: Mapping[str, Tlp] = _NOTHING) -> Tlp | None:
    """Return the narrowest TLP level of an object, None where it has no known one.

    Markings of parts count, and so do labels that name a level. ``others`` are levels by the ids of markings other than
    TLP's own.
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
    """Return the narrowest of some levels, None for none."""
    return max(levels, key=_STRICTNESS.index, default=None)
