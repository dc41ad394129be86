"""The forms of one partner: each changes one thing of it, and shows the partner again."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response

from schemas.errors import Rejected
from schemas.partner import FocalFunction
from server.console.operator.joining_pages import given_properties, joined_page, problem_of, sheet_of
from server.console.operator.registry_pages import find_partner, grantable, partner_page
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.by_two_persons import departures
from server.release.partners import grants, membership, users
from server.release.partners.grants import BadGrant, CollectionRights
from server.release.partners.membership import Joined, NotThrottled
from server.release.partners.properties import BadProperties, changed_partner
from server.release.partners.users import BadName
from server.release.two_persons import NotAllowed
from server.store import collections, focal_points, partners
from server.store.collections import CertificateNeeded, UnknownCollection
from server.store.credentials import BadCertificate
from server.store.matching import match_grants
from server.store.matching.match_grants import NotMatchable
from server.store.operators.users import LINK_HOURS, NameInUse, PartnerRole, UnknownUser
from server.store.partners import NameTaken

_MANY = mark("Something of this partner changed meanwhile, or this was sent twice. Look at it, and send it again.")
_NO_NAME = mark("Write the partner’s name exactly as it is, to confirm that it leaves.")
_NO_CERTIFICATE = mark("This is neither a certificate (PEM) nor the fingerprint of one, or it is another partner’s.")
_NO_PERSON = mark("The name of the person: 1 to 60 letters, digits and spaces, and nobody else’s.")
_NOT_THROTTLED = mark("This partner is not throttled any more.")
_NOT_PROPOSED = mark("A second person has to take back its reports, and no more can be proposed now.")
_BACK = mark("This partner takes part already.")


class _Refused(Exception):
    """A change that cannot be made, with the reason for the page."""


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what cannot be done into a reason that the page shows."""
    try:
        yield
    except (BadName, NameInUse, UnknownUser):
        raise _Refused(_NO_PERSON) from None
    except BadCertificate:
        raise _Refused(_NO_CERTIFICATE) from None
    except NotThrottled:
        raise _Refused(_NOT_THROTTLED) from None
    except (BadProperties, NameTaken, BadGrant, CertificateNeeded, UnknownCollection, NotMatchable, Rejected) as error:
        raise _Refused(problem_of(error)) from None


def change(visit: Visit, id: str) -> Response:
    """Change the properties of a partner; the server then looks at what it keeps."""
    hub = visit.site.hub
    try:
        with _refusing(), hub.store.begin() as tx:
            before = find_partner(visit, tx, id, present=True)
            membership.change(hub, tx, before, changed_partner(before, given_properties(visit)), visit.known_user.name)
    except _Refused as refused:
        return partner_page(visit, id, 422, str(refused))
    return visit.go(f"/console/partners/{id}")


def set_rights(visit: Visit, id: str) -> Response:
    """Let a partner read, write and match against the collections that are chosen, and no others."""
    by, chosen = visit.known_user.name, {name: set(visit.fields(name)) for name in ("read", "write", "match")}
    try:
        with _refusing(), visit.site.hub.store.begin() as tx:
            partner = find_partner(visit, tx, id, present=True)
            rights, matched = collections.rights(tx, partner.name), set(match_grants.aliases(tx, partner.name))
            had = {"read": set[str](), "write": set[str](), "match": set[str]()}
            for found in grantable(tx):
                can_read, can_write = rights.get(found.id, (False, False))
                had["read"] |= {found.alias} if can_read else set()
                had["write"] |= {found.alias} if can_write and found.kind == "exchange" else set()
                had["match"] |= {found.alias} if found.alias in matched else set()
            lost = CollectionRights(*(had[name] - chosen[name] for name in chosen))
            ended = grants.revoke(tx, partner.name, lost, by) if any(lost) else {}
            gained = CollectionRights(*(sorted(chosen[name] - had[name]) for name in chosen))
            if any(gained):
                grants.grant(tx, partner.name, gained, by)
    except _Refused as refused:
        return partner_page(visit, id, 422, str(refused))
    return partner_page(visit, id, ended=ended)


def rotate(visit: Visit, id: str) -> Response:
    """Issue new credentials, and show them this once; the old ones work for another week, or end at once."""
    with visit.site.hub.store.begin() as tx:
        partner = find_partner(visit, tx, id, present=True)
        issued = partners.credentials_of(tx, partner.name)
        if visit.field("basis") != (str(issued[0].created) if issued else ""):
            raise PageRefused(409, _MANY)
        made = membership.rotate(tx, partner, visit.known_user.name, at_once=bool(visit.field("at_once")))
        sheet = sheet_of(visit, tx, partner, made)
    return joined_page(visit, Joined(partner, made, None), sheet)


def add_certificate(visit: Visit, id: str) -> Response:
    """Register a client certificate; older ones work for another week, or end at once."""
    try:
        with _refusing(), visit.site.hub.store.begin() as tx:
            partner = find_partner(visit, tx, id, present=True)
            given, at_once = visit.field("certificate", 20_000), bool(visit.field("at_once"))
            try:
                membership.set_certificate(tx, partner, given, visit.known_user.name, at_once=at_once)
            except NameTaken:
                raise _Refused(_NO_CERTIFICATE) from None
    except _Refused as refused:
        return partner_page(visit, id, 422, str(refused))
    return visit.go(f"/console/partners/{id}")


def set_contacts(visit: Visit, id: str) -> Response:
    """Set the focal points of a partner; an empty field removes one."""
    by = visit.known_user.name
    try:
        with _refusing(), visit.site.hub.store.begin() as tx:
            partner = find_partner(visit, tx, id, present=True)
            before = {point.function: point.contact for point in focal_points.of(tx, partner.name)}
            for function in FocalFunction:
                contact = visit.field(function.value) or None
                if contact != before.get(function):
                    membership.set_focal_point(tx, partner, function, contact, by)
    except _Refused as refused:
        return partner_page(visit, id, 422, str(refused))
    return visit.go(f"/console/partners/{id}")


def change_people(visit: Visit, id: str) -> Response:
    """Add a user of a partner, issue a new link, or remove one; a link is shown this once."""
    name, by, secret = visit.field("person"), visit.known_user.name, ""
    try:
        with _refusing(), visit.site.hub.store.begin() as tx:
            partner = find_partner(visit, tx, id, present=visit.field("do") != "remove")
            match visit.field("do"):
                case "add" if visit.field("role") in list(PartnerRole):
                    secret = users.add(tx, partner, name, PartnerRole(visit.field("role")), by)
                case "link":
                    secret = users.renew_link(tx, partner, name, by)
                case "remove":
                    users.remove(tx, partner, name, by)
                case _:
                    raise _Refused(_NO_PERSON)
    except _Refused as refused:
        return partner_page(visit, id, 422, str(refused))
    if not secret:
        return visit.go(f"/console/partners/{id}")
    root = visit.site.settings.public_url.rstrip("/") or visit.request.host_url.rstrip("/")
    return visit.page(
        "operator/user_link.html", partner=partner, person=name, address=f"{root}/welcome/{secret}", hours=LINK_HOURS
    )


def lift_throttle(visit: Visit, id: str) -> Response:
    """Lift the throttle of a partner."""
    try:
        with _refusing(), visit.site.hub.store.begin() as tx:
            membership.lift_throttle(tx, find_partner(visit, tx, id), visit.known_user.name)
    except _Refused as refused:
        return partner_page(visit, id, 422, str(refused))
    return visit.go(f"/console/partners/{id}")


def leave(visit: Visit, id: str) -> Response:
    """Show what ends and what stays when a partner leaves; then end its access, once its name is written."""
    hub, reason = visit.site.hub, " ".join(visit.field("reason", 200).split())
    with hub.store.read() as tx:
        partner = find_partner(visit, tx, id, present=True)
    if visit.request.method != "POST":
        return visit.page("operator/leave.html", partner=partner, problem="")
    if visit.field("name") != partner.name or (visit.field("retract") and not reason):
        return visit.page("operator/leave.html", 422, partner=partner, problem=_NO_NAME)
    try:
        with hub.store.begin() as tx:
            partner = find_partner(visit, tx, id, present=True)
            taken_back = reason if visit.field("retract") else None
            proposal = departures.leave(hub, tx, partner, taken_back, visit.known_user.name).proposal
    except NotAllowed:
        return visit.page("operator/leave.html", 409, partner=partner, problem=_NOT_PROPOSED)
    return visit.go(f"/console/partners/{id}" if proposal is None else f"/console/proposals/{proposal.id}")


def restore(visit: Visit, id: str) -> Response:
    """Bring a partner back that left, and show its new credentials this once."""
    hub = visit.site.hub
    try:
        with hub.store.begin() as tx:
            partner = find_partner(visit, tx, id)
            joined = membership.restore(hub, tx, partner, CollectionRights(), visit.known_user.name)
            sheet = sheet_of(visit, tx, partner, joined.credentials)
    except NameTaken:
        return partner_page(visit, id, 422, _BACK)
    return joined_page(visit, joined, sheet)
