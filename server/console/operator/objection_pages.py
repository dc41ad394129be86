"""The pages of objections: those that wait, one of them, and the decision."""

from typing import Any
from urllib.parse import urlencode

from flask import Response

from schemas.api.objection import TEXTS, ObjectionAnswer, UpholdReason
from schemas.errors import Rejected
from server.console.operator.desk_words import GROUNDS, OBJECTION_ANSWERS, UPHOLD_REASONS
from server.console.operator.places import after_of
from server.console.operator.trail import note
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release.by_two_persons.delistings import CLEAR, readership
from server.release.key_files import BadKeyFile
from server.release.objections import decide as deciding
from server.release.objections.contacts import Contacts
from server.release.objections.decide import DecidedObjections, NotOpen
from server.release.two_persons import NotAllowed, propose
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.objections import objections
from server.store.objections.objections import Objection, UnknownObjection

_PAGE = 50
_MOST_ENDED = 100
_NO_OBJECTION = mark("There is no such objection.")
_NO_DECISION = mark("Choose whether the listing is taken back, or stays and why.")
_ENDED = mark("This objection was decided meanwhile.")


def show_all(visit: Visit) -> Response:
    """Show the objections that wait, the next due one first; or those that ended last."""
    is_ended, after = visit.request.args.get("show") == "ended", after_of(visit)
    with visit.site.hub.store.read() as tx:
        if is_ended:
            found = objections.ended(tx, most=_MOST_ENDED)
        else:
            found = objections.by_due(tx, after=after, most=_PAGE + 1)
        shown = found if is_ended else found[:_PAGE]
        values = objections.subjects_of(tx, [objection.id for objection in shown])
    following = ""
    if len(found) > len(shown):
        following = "/console/objections?" + urlencode({"after": f"{shown[-1].due}.{shown[-1].id}"})
    return visit.page(
        "operator/objections.html",
        found=shown,
        values=values,
        is_ended=is_ended,
        following=following,
        grounds=GROUNDS,
        answers=OBJECTION_ANSWERS,
        now=now(),
    )


def show_one(visit: Visit, id: str) -> Response:
    """Show an objection: its value, where that is listed and who reads it there, and the contact to who may decide."""
    hub = visit.site.hub
    with hub.store.read() as tx:
        found = _find(tx, id)
        subjects = objections.subjects_of(tx, [id]).get(id, [])
        listed = readership(tx, subjects)
        others = [other for other in objections.of_values(tx, subjects) if other.id != id]
    contact: str | None = ""
    if found.contact is not None and visit.right != "viewer":
        contact = _contact(visit, found)
        with hub.store.begin() as tx:
            note(tx, "READ", "objection-contact", visit.known_user, id)
    return visit.page(
        "operator/objection.html",
        found=found,
        values=subjects,
        listed=listed,
        takes_two=listed.is_more_than(hub.most_readers_by_one),
        others=others,
        contact=contact,
        grounds=GROUNDS,
        answers=OBJECTION_ANSWERS,
        reasons=UPHOLD_REASONS,
        now=now(),
    )


def decide(visit: Visit, id: str) -> Response:
    """Delist the value, or let it stay for a reason; what many partners read is taken back by two persons."""
    hub, by = visit.site.hub, visit.known_user.name
    is_clear = visit.field("decision") == "clear"
    given = visit.field("reason")
    if visit.field("decision") not in ("clear", "uphold") or (not is_clear and given not in list(UpholdReason)):
        raise PageRefused(422, _NO_DECISION)
    deciding.route_new(hub)
    try:
        with hub.store.begin() as tx:
            found = _find(tx, id)
            contact = _contact(visit, found)
            subjects = objections.subjects_of(tx, [id]).get(id, [])
            if is_clear and readership(tx, subjects).is_more_than(hub.most_readers_by_one):
                proposal = propose(hub, tx, CLEAR, {"id": id}, by)
                return visit.page("operator/decided.html", done=0, decision="clear", proposed=[proposal])
            done = deciding.clear(hub, tx, id, by) if is_clear else deciding.uphold(tx, id, by, UpholdReason(given))
    except (NotOpen, NotAllowed, Rejected):
        raise PageRefused(409, _ENDED) from None
    return visit.page("operator/objection_decided.html", **_decided(visit, done, is_clear=is_clear), contact=contact)


def _decided(visit: Visit, done: DecidedObjections, *, is_clear: bool) -> dict[str, Any]:
    """Return what was decided, and what the person is told."""
    is_public = any(objection.public for objection in done.objections)
    answer = ObjectionAnswer.CLEARED if is_clear else ObjectionAnswer.STAYS
    told = TEXTS[answer if is_public else ObjectionAnswer.REVIEWED]
    return {
        "answer": OBJECTION_ANSWERS[answer],
        "ended": len(done.objections),
        "retracted": done.retracted,
        "is_public": is_public,
        "told": told[visit.language.code],
    }


def _find(tx: Tx, id_: str) -> Objection:
    try:
        return objections.find(tx, id_)
    except UnknownObjection:
        raise PageRefused(404, _NO_OBJECTION) from None


def _contact(visit: Visit, found: Objection) -> str | None:
    """Return the contact of who objects, None where this machine cannot decrypt it, "" where there is none."""
    if found.contact is None:
        return ""
    file = visit.site.settings.objection_key_file
    try:
        return Contacts(file).decrypt(found.contact, found.id) if file is not None else None
    except BadKeyFile:
        return None
