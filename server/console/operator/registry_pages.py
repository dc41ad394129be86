"""The pages of the partners: the list, and one partner with all that an operator can change of it."""

from typing import Any

from flask import Response

from schemas import kinds
from schemas.partner import FocalFunction, Partner, PartnerKind
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.partners import grants, users
from server.store import collections, focal_points, partners, quotas
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.matching import match_grants
from server.store.operators.users import PartnerRole

_PAGE = 100
NO_PARTNER = mark("There is no such partner.")


def show_partners(visit: Visit) -> Response:
    """Show a page of the partners, by name: what they are, and what they read."""
    after, words = (visit.request.args.get(name, "")[:200] for name in ("after", "words"))
    with visit.site.hub.store.read() as tx:
        registry = visit.site.hub.facts.at(tx).registry
        left = partners.departed_partners(tx)
    known = sorted(registry.by_identity.values(), key=lambda partner: partner.name)
    wanted = [partner for partner in known if partner.name > after and words.casefold() in partner.name.casefold()]
    shown = wanted[:_PAGE]
    reads = {
        partner.name: sorted(alias for alias, names in registry.readers.items() if partner.name in names)
        for partner in shown
    }
    following = shown[-1].name if len(wanted) > _PAGE else ""
    return visit.page("operator/partners.html", found=shown, reads=reads, left=left, following=following, words=words)


def show_partner(visit: Visit, id: str) -> Response:
    """Show one partner."""
    return partner_page(visit, id)


def partner_page(visit: Visit, id: str, status: int = 200, problem: str = "", **more: Any) -> Response:
    """Return the page of a partner; with a ``problem`` where a change was refused. Raises ``PageRefused``."""
    with visit.site.hub.store.read() as tx:
        partner = find_partner(visit, tx, id)
        values = _of_partner(tx, partner)
    return visit.page(
        "operator/partner.html", status, partner=partner, problem=problem, **choices(), **{**values, **more}
    )


def find_partner(visit: Visit, tx: Tx, id: str, *, present: bool = False) -> Partner:
    """Return the partner with the identity ``id``, ``present`` one that has not left. Raises ``PageRefused``."""
    found = visit.site.hub.facts.at(tx).registry
    partner = found.by_identity.get(id)
    if partner is None or (present and partner.name in found.gone):
        raise PageRefused(404, NO_PARTNER)
    return partner


def choices() -> dict[str, Any]:
    """Return what the forms of partners let choose from."""
    return {
        "partner_kinds": [kind.value for kind in PartnerKind],
        "value_kinds": sorted(kinds.every()),
        "functions": [function.value for function in FocalFunction],
        "partner_roles": [role.value for role in PartnerRole],
    }


def grantable(tx: Tx) -> list[Collection]:
    """Return the collections that a partner may be let read, those without a full variant's name first."""
    found = [collection for collection in grants.grantable(tx) if collection.kind != "inbox"]
    return sorted(found, key=lambda collection: collection.alias.endswith("-full"))


def _of_partner(tx: Tx, partner: Partner) -> dict[str, Any]:
    rights = collections.rights(tx, partner.name)
    throttle = quotas.last_throttle(tx, partner.name)
    own = [found for found in collections.all_collections(tx) if found.owner == partner.name]
    issued = partners.credentials_of(tx, partner.name)
    return {
        "ended": {},
        "left": partners.departed_partners(tx).get(partner.name),
        "registered": partners.moments(tx)[partner.name][0],
        "collections": grantable(tx),
        "reads": {id_ for id_, (can_read, _) in rights.items() if can_read},
        "writes": {id_ for id_, (_, can_write) in rights.items() if can_write},
        "matches": set(match_grants.aliases(tx, partner.name)),
        "own": own,
        "issued": issued,
        "basis": str(issued[0].created) if issued else "",
        "certificates": partners.certificates_of(tx, partner.name),
        "contacts": {point.function.value: point.contact for point in focal_points.of(tx, partner.name)},
        "throttle": throttle if throttle is not None and throttle.lifted is None else None,
        "people": users.of(tx, partner),
    }
