"""Partners and the hub as STIX identities."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from mappers import extension, ids, marking
from schemas import timestamp
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


def to_stix(name: str, kind: PartnerKind | None = None) -> dict[str, Any]:
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


def of_hub(hub: HubIdentity, focal_points: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """Return the identity under which the hub publishes its consensus.

    ``focal_points`` are pairs of a function and a contact for it.
    """
    return _registered(hub.identity, hub.identity, hub.name, hub.created, hub.modified, focal_points=focal_points)


def of_partner(
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
