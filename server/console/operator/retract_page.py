"""The page that takes a value back: first what that would do, then by one person, or proposed to a second."""

from typing import NamedTuple

from flask import Response

from schemas.errors import Rejected
from server.console.operator.trail import note
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.by_two_persons.delistings import RETRACT, Readership, readership, reports_of
from server.release.query import lookup
from server.release.retract import retract_all
from server.release.two_persons import NotAllowed, propose
from server.store import value_index
from server.store.database.engine import Tx

_LONGEST = 2_000
_NOTHING = mark("No report of it stands here, or it is no value that could be.")
_CHANGED = mark("What is reported of it has changed meanwhile. Look at it again; nothing was taken back.")


class Retractable(NamedTuple):
    """The effect of a retraction: values by their names, the number of reports, and who reads them."""

    subjects: list[str]
    reports: int
    readership: Readership


def show(visit: Visit) -> Response:
    """Show the form, what taking the value back would do, and then do it; the value is in no address."""
    hub, text = visit.site.hub, visit.field("value", _LONGEST)
    if visit.request.method == "GET":
        return visit.page("operator/retract.html", given="", found=None, takes_two=False, problem="")
    with hub.store.read() as tx:
        found = _find(tx, text)
    if found is None:
        return visit.page("operator/retract.html", 404, given=text, found=None, takes_two=False, problem=_NOTHING)
    takes_two = found.readership.is_more_than(hub.most_readers_by_one)
    if visit.field("step") == "do":
        return _take_back(visit, text)
    return visit.page("operator/retract.html", given=text, found=found, takes_two=takes_two, problem="")


def _take_back(visit: Visit, text: str) -> Response:
    """Retract the value as it was shown, or propose that."""
    hub, user = visit.site.hub, visit.known_user
    with hub.store.begin() as tx:
        found = _find(tx, text)
        if found is None or visit.field("reports") != str(found.reports):
            raise PageRefused(409, _CHANGED)
        if found.readership.is_more_than(hub.most_readers_by_one):
            try:
                made = propose(hub, tx, RETRACT, {"subjects": found.subjects}, user.name)
            except (NotAllowed, Rejected):
                raise PageRefused(409, _CHANGED) from None
            return visit.go(f"/console/proposals/{made.id}")
        value_index.lock(tx, found.subjects)
        done = retract_all(hub, tx, reports_of(tx, found.subjects))
        note(tx, "RETRACT", "value", user, None, objects=len(done))
    return visit.page("operator/retracted.html", done=len(done))


def _find(tx: Tx, text: str) -> Retractable | None:
    """Return what stands of a value in any spelling, None where nothing does."""
    try:
        subjects = sorted(lookup.subjects(tx, {text})) if text else []
    except Rejected:
        return None
    keys = reports_of(tx, subjects)
    return Retractable(subjects, len(keys), readership(tx, subjects)) if keys else None
