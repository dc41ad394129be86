"""A partner's own page: link its organisation at several hubs."""

from flask import Response
from pydantic import SecretStr

from server.features.federation.members import linking
from server.features.federation.members.linking import BadLinkSecret
from server.features.federation.members.operations import LinkPartner, NotLinked, UnlinkPartner
from server.operations.rights import PARTNER_ADMINS, PARTNERS
from server.operations.run import run
from server.web.shell.forms import own_partner
from server.web.shell.routes import FORM, Route, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_PATH = "/partner/link"
_LONGEST = 1_000
_BAD = mark(
    "This secret cannot be used. Paste the one line of at least 32 characters that your organisation uses at its other "
    "hubs, and that no other organisation uses here."
)
_NOT_LINKED = mark("Your organisation is not linked.")


def show(visit: Visit) -> Response:
    """Show whether the organisation is linked, and what a link reveals."""
    return _page(visit)


def link(visit: Visit) -> Response:
    """Link the organisation by its secret."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    try:
        run(
            visit.site.hub,
            LinkPartner(partner=partner, secret=SecretStr(visit.field("secret", _LONGEST))),
            visit.actor,
        )
    except BadLinkSecret:
        return _page(visit, _BAD)
    return visit.go(_PATH)


def unlink(visit: Visit) -> Response:
    """End the link of the organisation."""
    with visit.site.hub.store.read() as tx:
        partner = own_partner(visit, tx)
    try:
        run(visit.site.hub, UnlinkPartner(partner=partner), visit.actor)
    except NotLinked:
        raise PageRefused(409, _NOT_LINKED) from None
    return visit.go(_PATH)


def _page(visit: Visit, problem: Translatable | None = None) -> Response:
    with visit.site.hub.store.read() as tx:
        found = linking.find(tx, own_partner(visit, tx).counts_as)
    since = None if found is None else found.created
    may_link = visit.right in PARTNER_ADMINS
    return visit.page("partner/link.html", 422 if problem else 200, since=since, may_link=may_link, problem=problem)


ROUTES = (
    Route(_PATH, PARTNERS, show),
    Route("/partner/link/set", may_run(LinkPartner), link, methods=FORM, is_fresh=True),
    Route("/partner/link/end", may_run(UnlinkPartner), unlink, methods=FORM, is_fresh=True),
)
