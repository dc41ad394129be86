"""The page of a partner's credentials: passwords and tokens issued anew, client certificates registered and removed."""

from flask import Response

from schemas.partner import Partner
from server.console.operator.trail import note
from server.console.partner.own import own_partner
from server.console.visit import PageRefused, Visit
from server.console.words import Translatable, mark
from server.release.partners import possession
from server.release.partners.possession import NotPossessed
from server.store import hub_identity, partners
from server.store.credentials import BadCertificate, Credentials
from server.store.database.engine import Tx
from server.store.partners import NameTaken

_PATH = "/partner/credentials"
_LONGEST = 20_000
# A wrong password of anybody at the hub takes as long as to compare it with as many as one partner has at most.
_MOST_CREDENTIALS = 5
_MOST_CERTIFICATES = 20
_BAD_CERTIFICATE = mark(
    "This is no certificate as PEM, or the signature was not made with its key. Never send the private key itself."
)
_TAKEN = mark("This certificate cannot be registered here. Use another one.")
_MANY_CREDENTIALS = mark(
    "Five sets of credentials work already. Wait until one has ended, or ask the operator to end the old ones."
)
_MANY = mark("There are twenty certificates already. Remove one first.")
_NO_CERTIFICATE = mark("There is no such certificate.")


def rotate(visit: Visit) -> Response:
    """Show until when what works now works; issue new credentials, shown this once: the old ones work another week."""
    user = visit.known_user
    if visit.request.method != "POST":
        return _page(visit)
    with visit.site.hub.store.begin() as tx:
        name = own_partner(visit, tx).name
        # Two that rotate at the same time wait for each other.
        partners.lock(tx, name)
        has_room = len(partners.credentials_of(tx, name)) < _MOST_CREDENTIALS
        made = partners.rotate(tx, name) if has_room else None
        if has_room:
            note(tx, "ROTATE", "credentials", user, user.id)
    return _page(visit, made, None if has_room else _MANY_CREDENTIALS)


def add_certificate(visit: Visit) -> Response:
    """Register a client certificate, of which the partner has the key; older ones work for another week."""
    user, given = visit.known_user, visit.field("certificate", _LONGEST)
    if "PRIVATE KEY" in given:
        return _page(visit, problem=_BAD_CERTIFICATE)
    try:
        with visit.site.hub.store.begin() as tx:
            partner = own_partner(visit, tx)
            # Before anything is looked up: who has not the key learns nothing of whose certificate it is.
            fingerprint = possession.check(given, visit.field("signature", _LONGEST), _statement(tx, partner))
            name = partner.name
            has_room = len(partners.certificates_of(tx, name)) < _MOST_CERTIFICATES
            if has_room:
                note(tx, "ADD", "certificate", user, partners.set_certificate(tx, name, fingerprint))
    except (BadCertificate, NotPossessed):
        return _page(visit, problem=_BAD_CERTIFICATE)
    except NameTaken:
        return _page(visit, problem=_TAKEN)
    return visit.go(_PATH) if has_room else _page(visit, problem=_MANY)


def remove_certificate(visit: Visit) -> Response:
    """Let a client certificate count no more."""
    fingerprint = visit.field("fingerprint", 100)
    with visit.site.hub.store.begin() as tx:
        if not partners.remove_certificate(tx, own_partner(visit, tx).name, fingerprint):
            raise PageRefused(404, _NO_CERTIFICATE)
        note(tx, "REMOVE", "certificate", visit.known_user, fingerprint)
    return visit.go(_PATH)


def _statement(tx: Tx, partner: Partner) -> str:
    return possession.statement(hub_identity.identity(tx), partner)


def _page(visit: Visit, made: Credentials | None = None, problem: Translatable | None = None) -> Response:
    settings = visit.site.settings
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
        issued = partners.credentials_of(tx, partner.name)
        certificates = partners.certificates_of(tx, partner.name)
        statement = _statement(tx, partner)
    return visit.page(
        "partner/credentials.html",
        422 if problem else 200,
        credentials=made,
        days=partners.OVERLAP.days,
        issued=issued,
        certificates=certificates,
        statement=statement,
        takes_certificates=bool(settings.client_certificate_header),
        problem=problem,
    )
