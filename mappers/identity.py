"""Partners as STIX identities."""

from typing import Any

from mappers import ids, marking
from schemas.partner import PartnerKind
from schemas.vocabulary import Tlp

# industry-sector-ov (STIX 2.1 §10.7), as far as it has a word.
_SECTORS = {
    PartnerKind.BANK: ["financial-services"],
    PartnerKind.EXCHANGE: ["financial-services"],
    PartnerKind.PLATFORM: ["technology"],
    PartnerKind.TELECOM: ["telecommunications"],
    PartnerKind.GOVERNMENT: ["government"],
    PartnerKind.NGO: ["non-profit"],
    PartnerKind.RESEARCH: ["education"],
}

# Identities have one version: what is said here never changes, whenever it is said.
_SINCE = "2025-12-18T00:00:00.000Z"


def to_stix(name: str, kind: PartnerKind | None = None) -> dict[str, Any]:
    """Give the identity of the organisation called ``name``; everybody may know that it takes part."""
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
