"""The list of partners: their last contact, volume, quality, collections and powers."""

from flask import Response

from server.features.partners.activity import activities
from server.operations.rights import VIEWERS
from server.store import partners, quotas
from server.store.database.times import now
from server.web.shell.lists import asked, page_of
from server.web.shell.routes import MEMBERS, Route, Tab
from server.web.shell.visit import Visit
from server.web.shell.words import mark

_PAGE = 100


def show_partners(visit: Visit) -> Response:
    """Show a page of the partners, by name, with their kinds and collections."""
    after, words = asked(visit, "after"), asked(visit, "words")
    with visit.site.hub.store.read() as tx:
        registry = visit.site.hub.facts.at(tx).registry
        left = partners.departed_partners(tx)
    known = sorted(registry.by_identity.values(), key=lambda partner: partner.name)
    wanted = [partner for partner in known if partner.name > after and words.casefold() in partner.name.casefold()]
    shown, following = page_of(visit, wanted, _PAGE, lambda last: (last.name,), words=words)
    reads = {
        partner.name: sorted(alias for alias, names in registry.readers.items() if partner.name in names)
        for partner in shown
    }
    with visit.site.hub.store.read() as tx:
        activity = activities(tx, [partner.name for partner in shown], now())
        slowed = {throttle.partner for throttle in quotas.current_throttles(tx)}
    return visit.page(
        "operator/partners.html",
        found=shown,
        reads=reads,
        left=left,
        following=following,
        words=words,
        activity=activity,
        slowed=slowed,
        now=now(),
    )


ROUTES = (Route("/console/partners", VIEWERS, show_partners, tab=Tab(MEMBERS, 1, mark("All partners"))),)
