"""The page that explains why a contribution is published, or is not."""

from flask import Response

from schemas.errors import Rejected
from server.console.operator.trail import note
from server.console.visit import Visit
from server.console.words import mark
from server.release.explain import ContributionExplanation, explain

_NOTHING = mark("Nothing of it is stored here, or it is no value that could be.")
_MOST_SHOWN = 50
_LONGEST = 2_000


def show(visit: Visit) -> Response:
    """Show the form, and explain the contributions of the id or the value that it has; the search is audited."""
    asked = visit.field("about", _LONGEST)
    found: list[ContributionExplanation] = []
    problem = ""
    if visit.request.method == "POST":
        hub, user = visit.site.hub, visit.known_user
        try:
            if asked:
                with hub.store.read() as tx:
                    found = explain(hub, tx, asked)
        except Rejected:
            pass
        problem = "" if found else _NOTHING
        # What was looked for is a value, and in no trail; an object that was found is.
        with hub.store.begin(in_passing=True) as tx:
            note(tx, "SEARCH", "explain", user, found[0].id if found else None, objects=len(found))
    return visit.page(
        "operator/explain.html",
        404 if problem else 200,
        asked=asked,
        found=found[:_MOST_SHOWN],
        more=max(0, len(found) - _MOST_SHOWN),
        problem=problem,
    )
