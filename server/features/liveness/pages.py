"""The page of liveness: listed names that are gone, and those that have a new owner."""

from flask import Response

from server.features.dispatch.mail_text import defanged
from server.features.liveness import records
from server.operations.rights import VIEWERS
from server.web.shell.routes import WORK, Route, Tab
from server.web.shell.visit import Visit
from server.web.shell.words import mark

_MOST_ROWS = 200


def show(visit: Visit) -> Response:
    """Show the names, the latest first."""
    with visit.site.hub.store.read() as tx:
        return visit.page(
            "operator/liveness.html",
            is_on=bool(visit.site.settings.dns_servers),
            hosts=records.count_hosts(tx),
            gone=records.gone(tx, _MOST_ROWS),
            ended=records.ended(tx, _MOST_ROWS),
            hours=lambda since, until: (until - since) // 3_600_000_000,
            defanged=defanged,
        )


ROUTES = (Route("/console/liveness", VIEWERS, show, tab=Tab(WORK, 9, mark("Names that are gone"))),)
