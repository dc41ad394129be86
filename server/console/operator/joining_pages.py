"""The pages by which a partner joins: one form, and the sheet that the partner gets, which is shown once."""

import shlex
from collections.abc import Mapping
from typing import Any

from flask import Response
from markupsafe import Markup

from schemas.errors import Rejected
from schemas.partner import FocalFunction, Partner
from schemas.reference.banks.shown import institution_called
from server.console.operator.registry_pages import choices, grantable
from server.console.visit import Visit
from server.console.words import Translatable, mark
from server.release.partners import membership
from server.release.partners.connection import client_settings
from server.release.partners.grants import BadGrant, CollectionRights
from server.release.partners.membership import Joined
from server.release.partners.properties import BadProperties, Properties, new_partner
from server.store.collections import CertificateNeeded, UnknownCollection
from server.store.credentials import Credentials
from server.store.database.engine import Tx
from server.store.partners import NameTaken

_PROBLEMS: Mapping[str, Translatable] = {
    "name": mark("The name: one line of at most 100 letters, digits and spaces, without a colon."),
    "kind": mark("Choose the kind of organisation."),
    "country": mark("The country: two letters, as in TH."),
    "institutions": mark(
        "One of the institutions is none: write a bank’s name with the country of the partner above, a BIC, a bank’s "
        "code as TH:004, a wallet, a platform or numbers, one a line."
    ),
    "organisation": mark("The organisation: one line of at most 100 letters, digits and spaces, without a colon."),
}
_TAKEN = mark("A partner of this name takes part already, or has left: bring that one back instead.")
_CONTACT = mark(
    "The contact may be a person’s address: name a role’s, as fraud-desk@bank.example, or a page (https://…)."
)
_RIGHT = mark("One of the collections cannot be read: it asks for a certificate, or it is not there any more.")
_OTHER = mark("One of the fields is not as it has to be.")


def add(visit: Visit) -> Response:
    """Show the form for a new partner; register it, and show once what it needs."""
    if visit.request.method != "POST":
        return _form(visit, "")
    hub, by = visit.site.hub, visit.known_user.name
    try:
        partner = new_partner(visit.field("name"), given_properties(visit))
        with hub.store.begin() as tx:
            joined = membership.add(
                hub, tx, partner, CollectionRights(read=visit.fields("read"), write=visit.fields("write")), by
            )
            contact, function = visit.field("contact"), visit.field("function")
            if contact:
                membership.set_focal_point(tx, partner, FocalFunction(function), contact, by)
            sheet = sheet_of(visit, tx, joined.partner, joined.credentials)
    except (BadProperties, NameTaken, BadGrant, CertificateNeeded, UnknownCollection, Rejected, ValueError) as error:
        return _form(visit, problem_of(error), 422)
    return joined_page(visit, joined, sheet)


def joined_page(visit: Visit, joined: Joined, sheet: Markup) -> Response:
    """Return the page that shows once what a partner that joined needs."""
    nothing = membership.keeping_nothing(joined.partner)
    return visit.page("operator/joined.html", partner=joined.partner, sheet=sheet, nothing=nothing)


def given_properties(visit: Visit) -> Properties:
    """Return the properties in a form that has all of them."""
    return Properties(
        kind=visit.field("kind"),
        country=visit.field("country"),
        trusted=bool(visit.field("trusted")),
        authority=visit.fields("authority"),
        institutions=[
            institution_called(line.strip(), visit.field("country").upper())
            for line in visit.field("institutions", 20_000).splitlines()
        ],
        forwards=bool(visit.field("forwards")),
        named=bool(visit.field("named")),
        shown_publicly=bool(visit.field("shown_publicly")),
        organisation=visit.field("organisation"),
        drops_answers=bool(visit.field("drops_answers")),
    )


def sheet_of(visit: Visit, tx: Tx, partner: Partner, credentials: Credentials) -> Markup:
    """Return what a partner needs to connect, in the language that the form names for it; it is stored nowhere."""
    site = visit.site
    code = visit.field("sheet_language") if visit.field("sheet_language") in site.languages else visit.language.code
    base = site.settings.public_url.rstrip("/") or visit.request.host_url.rstrip("/")
    client = client_settings(tx, base, partner)
    template = site.environments[code].get_template("operator/sheet.html")
    language = site.languages[code]
    values: dict[str, Any] = {"partner": partner, "credentials": credentials, "client": client}
    return Markup(  # noqa: S704 - the template escapes whatever is put into it
        template.render(values | {"commands": _commands(partner, client), "language": language})
    )


def problem_of(error: Exception) -> Translatable:
    """Return in words that the catalogues have why a partner cannot be registered or changed so."""
    if isinstance(error, BadProperties):
        return _PROBLEMS.get(str(error).partition(":")[0], _OTHER)
    if isinstance(error, Rejected):
        return _CONTACT
    if isinstance(error, NameTaken):
        return _TAKEN
    return _RIGHT if isinstance(error, BadGrant | CertificateNeeded | UnknownCollection) else _OTHER


def _commands(partner: Partner, client: Mapping[str, Any]) -> list[tuple[Translatable, str]]:
    """Return the first commands of a partner: what it sees, what it reads, and how it contributes."""
    user, media = shlex.quote(partner.name), "'application/taxii+json;version=2.1'"
    curl = f"curl --user {user} -H 'Accept: application/taxii+json;version=2.1'"
    reads = next((row for row in client["collections"] if row["read"]), None)
    inbox = next((row for row in client["collections"] if row["write"]), None)
    commands = [(mark("See which collections you have:"), f"{curl} {client['api_root']}collections/")]
    if reads is not None:
        commands.append((mark("Read the first ten listings:"), f"{curl} '{reads['url']}objects/?limit=10'"))
    if inbox is not None:
        posted = f"{curl} -H 'Content-Type: {media[1:-1]}' --data @reports.json {inbox['url']}objects/"
        commands.append((mark("Contribute the STIX objects of a file:"), posted))
    return commands


def _form(visit: Visit, problem: Translatable, status: int = 200) -> Response:
    with visit.site.hub.store.read() as tx:
        found = grantable(tx)
    form = visit.request.form
    given = {
        **{name: form.get(name, "")[:20_000] for name in _TEXTS},
        **{name: form.getlist(name) for name in ("read", "write", "authority")},
    }
    return visit.page(
        "operator/new_partner.html",
        status,
        problem=problem,
        given=given,
        collections=found,
        **choices(),
    )


_TEXTS = (
    *("name", "kind", "country", "organisation", "institutions", "contact", "function", "sheet_language"),
    *("trusted", "forwards", "named", "shown_publicly"),
)
