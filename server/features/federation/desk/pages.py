"""The pages that try another way to count a peer, and that list leftovers."""

import re
from typing import get_args

from flask import Response

from server.features.federation import leftovers
from server.features.federation.counting_trial import try_count
from server.features.federation.pages import WORDS, peer_named
from server.operations.rights import ANALYSTS
from server.release.peers import CountWord
from server.web.shell.routes import Route
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import mark

# A page may take seconds only; the command looks further.
_MOST_REPORTS, _SECONDS = 500, 5.0
_BATCHES, _MOST_LOADED = 10, 500
# A number of the value index, shorter than the largest one of a database.
_PLACE = re.compile(r"-1|[0-9]{1,18}", re.ASCII)
_NO_COUNT = mark("There is no such way to count a peer.")
_NO_PLACE = mark("There are no values after this place.")


def show_trial(visit: Visit, name: str) -> Response:
    """Show the listings that would change if a peer counted in another way."""
    hub, peer = visit.site.hub, peer_named(visit, name)
    count = visit.request.args.get("count", "")
    found = [word for word in get_args(CountWord) if word == count]
    if not found:
        raise PageRefused(404, _NO_COUNT)
    with hub.store.read() as tx:
        trial = try_count(hub, tx, peer, found[0], most=_MOST_REPORTS, seconds=_SECONDS)
    return visit.page("operator/peer_trial.html", peer=peer, count=count, trial=trial, words=WORDS)


def show_leftovers(visit: Visit) -> Response:
    """Show values that only second-hand reports list, among the next values of the hub."""
    asked = visit.request.args.get("after", "-1")
    if not _PLACE.fullmatch(asked):
        raise PageRefused(404, _NO_PLACE)
    found: list[leftovers.Leftover] = []
    looked_at, after, more = 0, int(asked), False
    for place, batch in enumerate(leftovers.find(visit.site.hub, after), 1):
        found += batch.found
        looked_at, after = batch.looked_at, batch.last
        if more := place == _BATCHES or batch.loaded >= _MOST_LOADED:
            break
    rows = [
        (kind, value, sorted(each.reports), sum(map(len, each.reports.values())))
        for each in found
        for kind, _, value in (each.subject.partition(":"),)
    ]
    return visit.page("operator/peer_leftovers.html", rows=rows, looked_at=looked_at, after=after if more else None)


ROUTES = (
    Route("/console/peers/<name>/trial", ANALYSTS, show_trial),
    Route("/console/peers/all/leftovers", ANALYSTS, show_leftovers),
)
