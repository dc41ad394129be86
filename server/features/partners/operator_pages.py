"""The operator's pages of partners: the list, one partner with all its changes, and the forms for a new one."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from flask import Response
from pydantic import ValidationError

from schemas import kinds
from schemas.errors import Rejected
from schemas.partner import FocalFunction, Partner, PartnerKind, valid_contact
from schemas.reference.bank_text import institution_called
from server.features.partners import grants, powers
from server.features.partners.access import listing
from server.features.partners.access.operations import (
    NameCredential,
    RegisterCertificate,
    RotateCredentials,
    SetRights,
    UnknownCredential,
)
from server.features.partners.activity import activities
from server.features.partners.grants import BadGrant, CollectionRights
from server.features.partners.membership import Joined
from server.features.partners.operations import (
    AddPartner,
    ChangePartner,
    LiftThrottle,
    NotThrottled,
    RemovePartner,
    RestorePartner,
    SetFocalPoints,
)
from server.features.partners.presets import PRESETS
from server.features.partners.properties import BadProperties, Properties, new_partner
from server.features.partners.sheets import joined_page
from server.features.partners.users import changes as users
from server.features.partners.users.changes import BadName, SameRole
from server.features.partners.users.operations import (
    AddPartnerUser,
    ChangePartnerUserRole,
    RemovePartnerUser,
    RenewUserLink,
)
from server.operations.dual_control import NotAllowed
from server.operations.rights import ADMINS, VIEWERS
from server.operations.run import run
from server.store import collections, focal_points, partners, quotas
from server.store.collections import CertificateNeeded, Collection, UnknownCollection
from server.store.credentials import BadCertificate
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.matching import match_grants
from server.store.operators.users import LINK_HOURS, NameInUse, PartnerRole, UnknownUser
from server.store.partners import NameTaken, UnknownPartner
from server.store.proposals.proposals import Proposal
from server.web.shell.forms import go_on
from server.web.shell.lists import asked
from server.web.shell.routes import BOTH, FORM, Route, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_FLAGS = ("trusted", "vouched", "forwards", "named", "shown_publicly", "peer")
_TEXTS = ("name", "kind", "country", "organisation", "institutions", "contact", "function", "sheet_language", *_FLAGS)
NO_PARTNER = mark("There is no such partner.")
_PROBLEMS: Mapping[str, Translatable] = {
    "name": mark("The name is one line of at most 100 letters, digits and spaces, without a colon."),
    "kind": mark("Choose the kind of organisation."),
    "country": mark("The country has two letters, such as TH."),
    "institutions": mark(
        "One of the institutions is not valid. Write one on each line: the name of a bank in the country of the "
        "partner, a BIC, a bank code such as TH:004, a wallet, a platform or numbers."
    ),
    "organisation": mark("The organisation is one line of at most 100 letters, digits and spaces, without a colon."),
}
_TAKEN = mark(
    "A partner with this name, or with one that looks like it, is registered already. If it has left, restore it."
)
_CONTACT = mark(
    "The contact may be the address of a person. Give the address of a role, such as fraud-desk@bank.example, or a "
    "page (https://…)."
)
_RIGHT = mark("One of the collections cannot be granted: it requires a certificate, or it no longer exists.")
_OTHER = mark("One of the fields is not valid.")
_MANY = mark(
    "This partner was changed in the meantime, or the form was sent twice. Check the page, and send the form again."
)
_NO_NAME = mark("Type the name of the partner exactly, to confirm its removal.")
_NO_CERTIFICATE = mark("This is not a certificate (PEM) or a fingerprint, or another partner has registered it.")
_BAD_PURPOSE = mark("The purpose has at most 60 characters on one line, and the credential is valid.")
_NO_PERSON = mark("The name of the person has 1 to 60 letters, digits and spaces, and is not used yet.")
_SAME_ROLE = mark("The person has this role already.")
_NOT_THROTTLED = mark("This partner is no longer throttled.")
_NOT_PROPOSED = mark("The retraction of its reports needs a second person, and you cannot propose more at present.")
_BACK = mark("This partner has not left.")


_REASONS: Mapping[type[Exception], Translatable] = {
    BadName: _NO_PERSON,
    NameInUse: _NO_PERSON,
    UnknownUser: _NO_PERSON,
    SameRole: _SAME_ROLE,
    BadCertificate: _NO_CERTIFICATE,
    NotThrottled: _NOT_THROTTLED,
}
_REFUSED: tuple[type[Exception], ...] = (
    *_REASONS,
    BadProperties,
    NameTaken,
    BadGrant,
    CertificateNeeded,
    UnknownCollection,
    Rejected,
)

_View = Callable[[Visit, str], Response]


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


def registered(visit: Visit, id: str, *, present: bool = False) -> Partner:
    """Return the partner as ``find_partner``, in a transaction of its own."""
    with visit.site.hub.store.read() as tx:
        return find_partner(visit, tx, id, present=present)


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
        "takes_two": powers.takes_two(tx, partner),
        "left": partners.departed_partners(tx).get(partner.name),
        "registered": partners.moments(tx)[partner.name][0],
        "collections": grantable(tx),
        "reads": {id_ for id_, (can_read, _) in rights.items() if can_read},
        "writes": {id_ for id_, (_, can_write) in rights.items() if can_write},
        "matches": set(match_grants.aliases(tx, partner.name)),
        "own": own,
        "issued": issued,
        "last_reads": listing.last_reads(tx, partner.name),
        "basis": str(issued[0].created) if issued else "",
        "certificates": partners.certificates_of(tx, partner.name),
        "contacts": {point.function.value: point.contact for point in focal_points.of(tx, partner.name)},
        "throttle": throttle if throttle is not None and throttle.lifted is None else None,
        "people": users.of(tx, partner),
        "did": activities(tx, [partner.name], now())[partner.name],
        "now": now(),
    }


def add(visit: Visit) -> Response:
    """Show the form for a new partner; register it, and show its credentials once."""
    if visit.request.method != "POST":
        return _new_form(visit, "")
    try:
        partner = new_partner(visit.field("name"), given_properties(visit))
        rights = CollectionRights(read=visit.fields("read"), write=visit.fields("write"))
        contact = valid_contact(visit.field("contact")) if visit.field("contact") else ""
        function = FocalFunction(visit.field("function")) if contact else FocalFunction.PREVENTION
        focal_point = (function, contact) if contact else None
        operation = AddPartner(partner=partner, collections=rights, focal_point=focal_point)
        done = run(visit.site.hub, operation, visit.actor)
    except (UnknownCollection, Rejected, ValueError) as error:
        return _new_form(visit, problem_of(error), 422)
    if isinstance(done, Proposal):
        return visit.go(f"/console/proposals/{done.id}")
    return joined_page(visit, done)


def given_properties(visit: Visit) -> Properties:
    """Return the properties in a form that has all of them."""
    return Properties(
        kind=visit.field("kind"),
        country=visit.field("country"),
        authority=visit.fields("authority"),
        institutions=[
            institution_called(line.strip(), visit.field("country").upper())
            for line in visit.field("institutions", 20_000).splitlines()
        ],
        organisation=visit.field("organisation"),
        **{name: bool(visit.field(name)) for name in (*_FLAGS, "drops_answers")},
    )


def problem_of(error: Exception) -> Translatable:
    """Return the reason, as a text of the catalogues, why a partner cannot be registered or changed."""
    if isinstance(error, BadProperties):
        return _PROBLEMS.get(str(error).partition(":")[0], _OTHER)
    if isinstance(error, Rejected):
        return _CONTACT
    if isinstance(error, NameTaken):
        return _TAKEN
    return _RIGHT if isinstance(error, BadGrant | CertificateNeeded | UnknownCollection) else _OTHER


def _new_form(visit: Visit, problem: Translatable, status: int = 200) -> Response:
    with visit.site.hub.store.read() as tx:
        found = grantable(tx)
    form = visit.request.form
    given = {
        **{name: form.get(name, "")[:20_000] for name in _TEXTS},
        **{name: form.getlist(name) for name in ("read", "write", "authority")},
    }
    preset = PRESETS.get(asked(visit, "preset")) if visit.request.method == "GET" else None
    if preset is not None:
        known = {collection.alias for collection in found}
        given |= {"kind": preset.kind.value, "read": [alias for alias in preset.reads if alias in known]}
    values = {"problem": problem, "given": given, "collections": found, "presets": PRESETS, **choices()}
    return visit.page("operator/new_partner.html", status, preset=preset, **values)


def _form(view: _View) -> _View:
    """Show the page of the partner with the reason where the operation of the form is refused."""

    @wraps(view)
    def shown(visit: Visit, id: str) -> Response:
        try:
            return view(visit, id)
        except UnknownPartner:
            raise PageRefused(404, NO_PARTNER) from None
        except _REFUSED as error:
            return partner_page(visit, id, 422, _REASONS.get(type(error)) or problem_of(error))

    return shown


@_form
def change(visit: Visit, id: str) -> Response:
    """Change the properties of a partner, and propose new powers; the server then checks the values that it keeps."""
    operation = ChangePartner(partner=registered(visit, id, present=True), properties=given_properties(visit))
    return _go_on(visit, id, run(visit.site.hub, operation, visit.actor))


def _go_on(visit: Visit, id_: str, done: Any) -> Response:
    """Go to the proposal if there is one, else back to the partner."""
    return go_on(visit, done, f"/console/partners/{id_}")


@_form
def set_rights(visit: Visit, id: str) -> Response:
    """Give a partner the chosen rights to collections, and no others."""
    chosen = CollectionRights(*(visit.fields(name) for name in ("read", "write", "match")))
    operation = SetRights(partner=registered(visit, id, present=True), collections=chosen)
    return partner_page(visit, id, ended=run(visit.site.hub, operation, visit.actor).ended)


def rotate(visit: Visit, id: str) -> Response:
    """Issue new credentials, and show them once; the old ones work for another week, or end at once."""
    partner = registered(visit, id, present=True)

    def check(tx: Tx) -> None:
        issued = partners.credentials_of(tx, partner.name)
        if visit.field("basis") != (str(issued[0].created) if issued else ""):
            raise PageRefused(409, _MANY)

    at_once, purpose = bool(visit.field("at_once")), visit.field("purpose")
    try:
        operation = RotateCredentials.model_validate({"partner": partner, "at_once": at_once, "purpose": purpose})
    except ValidationError:
        return partner_page(visit, id, 422, _BAD_PURPOSE)
    done = run(visit.site.hub, operation, visit.actor, check=check)
    return _go_on(visit, id, done) if isinstance(done, Proposal) else joined_page(visit, Joined(partner, done))


@_form
def add_certificate(visit: Visit, id: str) -> Response:
    """Register a client certificate; older ones work for another week, or end at once."""
    given = {
        "partner": registered(visit, id, present=True),
        "certificate": visit.field("certificate", 20_000),
        "at_once": bool(visit.field("at_once")),
        "purpose": visit.field("purpose"),
    }
    try:
        operation = RegisterCertificate.model_validate(given)
        return _go_on(visit, id, run(visit.site.hub, operation, visit.actor))
    except NameTaken:
        return partner_page(visit, id, 422, _NO_CERTIFICATE)
    except ValidationError:
        return partner_page(visit, id, 422, _BAD_PURPOSE)


@_form
def name_credential(visit: Visit, id: str) -> Response:
    """Record the purpose of a partner's credential."""
    given = {"credential": visit.field("credential"), "purpose": visit.field("purpose")}
    try:
        operation = NameCredential.model_validate({"partner": registered(visit, id, present=True), **given})
        return _go_on(visit, id, run(visit.site.hub, operation, visit.actor))
    except (ValidationError, UnknownCredential):
        return partner_page(visit, id, 422, _BAD_PURPOSE)


@_form
def set_contacts(visit: Visit, id: str) -> Response:
    """Set the focal points of a partner; an empty field removes one."""
    partner = registered(visit, id, present=True)
    with visit.site.hub.store.read() as tx:
        before = {point.function: point.contact for point in focal_points.of(tx, partner.name)}
    given = {function: visit.field(function.value) or None for function in FocalFunction}
    changed = {function: contact for function, contact in given.items() if contact != before.get(function)}
    run(visit.site.hub, SetFocalPoints(partner=partner, contacts=changed), visit.actor)
    return _go_on(visit, id, None)


@_form
def change_people(visit: Visit, id: str) -> Response:
    """Add a user of a partner, change the role, issue a new link, or remove one; a link is shown once."""
    hub, do, user = visit.site.hub, visit.field("do"), visit.field("person")
    role = visit.field("role") if visit.field("role") in list(PartnerRole) else None
    if do not in ("add", "role", "link", "remove") or (do in ("add", "role") and role is None):
        return partner_page(visit, id, 422, _NO_PERSON)
    partner = registered(visit, id, present=do != "remove")
    if do == "remove":
        return _go_on(visit, id, run(hub, RemovePartnerUser(partner=partner, user=user), visit.actor))
    if role is not None and do == "role":
        changed = ChangePartnerUserRole(partner=partner, user=user, role=PartnerRole(role))
        return _go_on(visit, id, run(hub, changed, visit.actor))
    if role is not None and do == "add":
        done = run(hub, AddPartnerUser(partner=partner, user=user, role=PartnerRole(role)), visit.actor)
    else:
        done = run(hub, RenewUserLink(partner=partner, user=user), visit.actor)
    if isinstance(done, Proposal):
        return _go_on(visit, id, done)
    return visit.page(
        "operator/user_link.html",
        partner=partner,
        person=user,
        address=f"{visit.root}/welcome/{done}",
        hours=LINK_HOURS,
    )


@_form
def lift_throttle(visit: Visit, id: str) -> Response:
    """Lift the throttle of a partner."""
    return _go_on(visit, id, run(visit.site.hub, LiftThrottle(partner=registered(visit, id)), visit.actor))


def leave(visit: Visit, id: str) -> Response:
    """Show the effects of a removal; end the access of the partner after its name is typed."""
    partner, reason = registered(visit, id, present=True), " ".join(visit.field("reason", 200).split())
    if visit.request.method != "POST":
        return visit.page("operator/leave.html", partner=partner, problem="")
    if visit.field("name") != partner.name or (visit.field("retract") and not reason):
        return visit.page("operator/leave.html", 422, partner=partner, problem=_NO_NAME)
    operation = RemovePartner(partner=partner, reason=reason if visit.field("retract") else None)
    try:
        return _go_on(visit, id, run(visit.site.hub, operation, visit.actor))
    except NotAllowed:
        return visit.page("operator/leave.html", 409, partner=partner, problem=_NOT_PROPOSED)


@_form
def restore(visit: Visit, id: str) -> Response:
    """Let a partner that left return, and show its new credentials once."""
    try:
        done = run(visit.site.hub, RestorePartner(partner=registered(visit, id)), visit.actor)
    except NameTaken:
        return partner_page(visit, id, 422, _BACK)
    return _go_on(visit, id, done) if isinstance(done, Proposal) else joined_page(visit, done)


ROUTES = (
    Route("/console/partners/<id>", VIEWERS, show_partner),
    Route("/console/partners/new", may_run(AddPartner), add, methods=BOTH, is_fresh=True),
    Route("/console/partners/<id>/change", may_run(ChangePartner), change, methods=FORM, is_fresh=True),
    Route("/console/partners/<id>/rights", may_run(SetRights), set_rights, methods=FORM, is_fresh=True),
    Route("/console/partners/<id>/contacts", may_run(SetFocalPoints), set_contacts, methods=FORM, is_fresh=True),
    Route("/console/partners/<id>/credentials", may_run(RotateCredentials), rotate, methods=FORM, is_fresh=True),
    Route("/console/partners/<id>/credential-name", ADMINS, name_credential, methods=FORM),
    Route(
        "/console/partners/<id>/certificate",
        may_run(RegisterCertificate),
        add_certificate,
        methods=FORM,
        is_fresh=True,
    ),
    Route(
        "/console/partners/<id>/people",
        may_run(AddPartnerUser, ChangePartnerUserRole, RemovePartnerUser, RenewUserLink),
        change_people,
        methods=FORM,
        is_fresh=True,
    ),
    Route("/console/partners/<id>/restore", may_run(RestorePartner), restore, methods=FORM, is_fresh=True),
    Route("/console/partners/<id>/lift", may_run(LiftThrottle), lift_throttle, methods=FORM),
    Route("/console/partners/<id>/leave", may_run(RemovePartner), leave, methods=BOTH, is_fresh=True),
)
