"""A partner's pages of its own access: how its programs connect, its credentials, and the operators' acts on them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import Response
from pydantic import ValidationError

from schemas import kinds
from schemas.partner import Partner
from server.features.partners import notices, possession
from server.features.partners.access import listing
from server.features.partners.access.operations import (
    NameCredential,
    RegisterOwnCertificate,
    RemoveOwnCertificate,
    RotateOwnCredentials,
    TooMany,
    UnknownCertificate,
    UnknownCredential,
)
from server.features.partners.client_help import ConnectionPlace, clients
from server.features.partners.notices import PartnerNotice
from server.features.partners.possession import NotPossessed
from server.operations.rights import PARTNER_ADMINS, PARTNERS
from server.operations.run import run
from server.store import collections, hub_identity, partners
from server.store.credentials import BadCertificate, Credentials
from server.store.database.engine import Tx
from server.store.partners import NameTaken
from server.web.shell.forms import own_partner
from server.web.shell.languages import Language
from server.web.shell.lists import asked
from server.web.shell.routes import BOTH, CONNECTION, FORM, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, label, mark

_PATH = "/partner/credentials"
_LONGEST = 20_000
_BAD_CERTIFICATE = mark(
    "This is not a certificate as PEM, or the signature was not made with its key. Never send the private key itself."
)
_TAKEN = mark("This certificate cannot be registered here. Use another one.")
_BAD_PURPOSE = mark("The purpose has at most 60 characters on one line.")
_NO_CREDENTIAL = mark("There is no such credential.")
_MANY_CREDENTIALS = mark(
    "Five sets of credentials are valid already. Wait until one expires, or ask the operator to end the old ones."
)
_MANY = mark("Twenty certificates are registered already. Remove one first.")
_NO_CERTIFICATE = mark("There is no such certificate.")
_MOST_NOTICES = 200
_TEXTS: Mapping[str, Translatable] = MappingProxyType(
    {
        "credentials-issued": mark("Operators of the hub issued new credentials for your programs."),
        "certificate-registered": mark("Operators of the hub registered a client certificate: %(certificate)s"),
        "user-added": mark("Operators of the hub added the user %(name)s, with the role “%(role)s”."),
        "link-issued": mark(
            "Operators of the hub issued a new one-time link for %(name)s. The earlier password and second factor "
            "ended."
        ),
        "role-changed": mark("Operators of the hub changed the role of %(name)s to “%(role)s”."),
        "restored": mark("Operators of the hub let your organisation take part again, with new credentials."),
        "linked": mark(
            "Operators of the hub linked your organisation. Hubs with the same secret learn which values it reported "
            "at several of them."
        ),
        "unlinked": mark("Operators of the hub ended the link of your organisation."),
        "peer-given": mark("Your organisation is a peer of this hub: it reads hub reports, and no listings."),
        "peer-ended": mark("Your organisation is no longer a peer of this hub, and reads no hub reports."),
        "trusted-given": mark(
            "Your organisation is trusted from now on: listings that it calls wrong are delisted at once."
        ),
        "trusted-ended": mark(
            "Your organisation is no longer trusted: listings that it calls wrong are reviewed first."
        ),
        "authority-changed": mark("The kinds for which your report alone is enough to block are now: %(authority)s"),
        "institutions-changed": mark("The institutions whose accounts you answer for are now: %(institutions)s"),
        "credentials-proposed": mark(
            "An operator proposed new credentials for your programs. A second person decides."
        ),
        "certificate-proposed": mark("An operator proposed a client certificate for you. A second person decides."),
        "user-proposed": mark("An operator proposed a new user of your organisation. A second person decides."),
        "link-proposed": mark(
            "An operator proposed a new one-time link for one of your users. A second person decides."
        ),
        "role-proposed": mark("An operator proposed another role for one of your users. A second person decides."),
        "return-proposed": mark(
            "An operator proposed that your organisation takes part again. A second person decides."
        ),
        "powers-proposed": mark(
            "An operator proposed more powers for your organisation: trust, authority or institutions. A second person "
            "decides."
        ),
    }
)
_NONE = mark("none")
_FULL = "-full"


def rotate(visit: Visit) -> Response:
    """Show until when the current credentials work; issue new ones, shown once. The old ones work for another week."""
    if visit.request.method != "POST":
        return _credentials_page(visit)
    given = {"partner": _partner(visit), "purpose": visit.field("purpose")}
    try:
        operation = RotateOwnCredentials.model_validate(given)
        return _credentials_page(visit, run(visit.site.hub, operation, visit.actor))
    except ValidationError:
        return _credentials_page(visit, problem=_BAD_PURPOSE)
    except TooMany:
        return _credentials_page(visit, problem=_MANY_CREDENTIALS)


def name_credential(visit: Visit) -> Response:
    """Say what a credential is for."""
    given = {"partner": _partner(visit), "credential": visit.field("credential"), "purpose": visit.field("purpose")}
    try:
        run(visit.site.hub, NameCredential.model_validate(given), visit.actor)
    except ValidationError:
        return _credentials_page(visit, problem=_BAD_PURPOSE)
    except UnknownCredential:
        raise PageRefused(404, _NO_CREDENTIAL) from None
    return visit.go(_PATH)


def add_certificate(visit: Visit) -> Response:
    """Register a client certificate whose key the partner has; older ones work for another week."""
    given = visit.field("certificate", _LONGEST)
    if "PRIVATE KEY" in given:
        return _credentials_page(visit, problem=_BAD_CERTIFICATE)
    signature = visit.field("signature", _LONGEST)
    fields = {"certificate": given, "signature": signature, "purpose": visit.field("purpose")}
    try:
        operation = RegisterOwnCertificate.model_validate({"partner": _partner(visit), **fields})
        run(visit.site.hub, operation, visit.actor)
    except ValidationError:
        return _credentials_page(visit, problem=_BAD_PURPOSE)
    except (BadCertificate, NotPossessed):
        return _credentials_page(visit, problem=_BAD_CERTIFICATE)
    except NameTaken:
        return _credentials_page(visit, problem=_TAKEN)
    except TooMany:
        return _credentials_page(visit, problem=_MANY)
    return visit.go(_PATH)


def remove_certificate(visit: Visit) -> Response:
    """Remove a client certificate."""
    operation = RemoveOwnCertificate(partner=_partner(visit), fingerprint=visit.field("fingerprint", 100))
    try:
        run(visit.site.hub, operation, visit.actor)
    except UnknownCertificate:
        raise PageRefused(404, _NO_CERTIFICATE) from None
    return visit.go(_PATH)


def _partner(visit: Visit) -> Partner:
    with visit.site.hub.store.read() as tx:
        return own_partner(visit, tx)


def _credentials_page(visit: Visit, made: Credentials | None = None, problem: Translatable | None = None) -> Response:
    settings = visit.site.settings
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        issued = partners.credentials_of(tx, partner.name)
        certificates = partners.certificates_of(tx, partner.name)
        statement = possession.statement(hub_identity.identity(tx), partner)
        reads = listing.last_reads(tx, partner.name)
    return visit.page(
        "partner/credentials.html",
        422 if problem else 200,
        credentials=made,
        days=partners.OVERLAP.days,
        issued=issued,
        certificates=certificates,
        reads=reads,
        statement=statement,
        takes_certificates=bool(settings.client_certificate_header),
        problem=problem,
    )


def show_access(visit: Visit) -> Response:
    """Show the latest notices about the partner's access, the newest first."""
    with visit.site.hub.store.read() as tx:
        found = notices.latest(tx, own_partner(visit, tx).name, _MOST_NOTICES)
    rows = [(notice.at, _sentence(visit.language, notice)) for notice in found]
    return visit.page("partner/access.html", rows=rows)


def _sentence(language: Language, notice: PartnerNotice) -> str:
    text = _TEXTS.get(notice.code)
    shown = {name: _shown(language, name, value) for name, value in notice.values.items()}
    return notice.code if text is None else language.text(text) % shown


def _shown(language: Language, name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(language, name, entry) for entry in value) or language.text(_NONE)
    if name == "authority" and value in kinds.every():
        return kinds.get(value).title[language.code]
    return language.text(label(str(value))) if name == "role" else str(value)


def show_connection(visit: Visit) -> Response:
    """Show the partner's own addresses, and the settings of each client for the collection that is chosen."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        rights = _rights(tx, partner)
    place = _place(visit.root, partner.name, rights, asked(visit, "collection"))
    values: dict[str, Any] = {"partner": partner, "rights": rights, "root": visit.root, "place": place}
    readable = sorted({found["alias"].removesuffix(_FULL) for found in rights if found["reads"]})
    return visit.page("partner/connection.html", readable=readable, clients=clients(place), **values)


def _place(root: str, user: str, rights: list[dict[str, Any]], chosen: str) -> ConnectionPlace:
    """Return where to connect for the collection that is chosen, else for the first that the partner reads."""
    ids = {found["alias"]: found["id"] for found in rights if found["reads"]}
    names = [alias.removesuffix(_FULL) for alias in ids]
    alias = chosen if chosen in names else next(iter(names), "COLLECTION")
    plain, full = ids.get(alias, ""), ids.get(alias + _FULL, "")
    return ConnectionPlace(root, user, alias, plain or ("" if full else "COLLECTION"), full)


def _rights(tx: Tx, partner: Partner) -> list[dict[str, Any]]:
    rights = collections.rights(tx, partner.name)
    return [
        {"alias": found.alias, "collection": found, "id": found.id, "reads": rights[found.id][0]}
        for found in collections.all_collections(tx)
        if found.id in rights
    ]


ROUTES = (
    Route(
        "/partner/credentials",
        may_run(RotateOwnCredentials),
        rotate,
        methods=BOTH,
        is_fresh=True,
        tab=Tab(CONNECTION, 13, mark("Credentials")),
    ),
    Route("/partner/credentials/name", PARTNER_ADMINS, name_credential, methods=FORM),
    Route(
        "/partner/credentials/certificate",
        may_run(RegisterOwnCertificate),
        add_certificate,
        methods=FORM,
        is_fresh=True,
    ),
    Route(
        "/partner/credentials/remove-certificate",
        may_run(RemoveOwnCertificate),
        remove_certificate,
        methods=FORM,
        is_fresh=True,
    ),
    Route("/partner/access", PARTNERS, show_access, tab=Tab(CONNECTION, 12, mark("Access"))),
    Route("/partner/connection", PARTNERS, show_connection, tab=Tab(CONNECTION, 10, mark("Connect"))),
)
