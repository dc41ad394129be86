"""The pages of objections: those that wait, one of them, and the decision."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import Response

from schemas.api.statements import TEXTS, Ground, ObjectionAnswer, UpholdReason
from schemas.errors import Rejected
from server.features.objections import decide as deciding, records as objections
from server.features.objections.contacts import Contacts
from server.features.objections.decide import DecidedObjections, NotOpen
from server.features.objections.operations import DecideObjection, ReadContact
from server.features.objections.records import Objection, UnknownObjection
from server.features.reports.delistings import readership
from server.operations.dual_control import NotAllowed
from server.operations.rights import VIEWERS
from server.operations.run import run
from server.release.key_files import BadKeyFile
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.proposals.proposals import Proposal
from server.web.shell.forms import submit
from server.web.shell.lists import PAGE, asked, moment_and_id, page_of
from server.web.shell.routes import FORM, WORK, Route, Tab, may_run
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark

_MOST_ENDED = 100
_NO_OBJECTION = mark("There is no such objection.")
_NO_DECISION = mark("Choose whether the listing ends, or stays and why.")
_ENDED = mark("This objection was decided in the meantime.")
GROUNDS: Mapping[str, Translatable] = MappingProxyType(
    {
        Ground.NOT_INVOLVED: mark("has nothing to do with it"),
        Ground.NUMBER_REASSIGNED: mark("got the number from somebody else"),
        Ground.OWN_BUSINESS: mark("it is an honest business"),
        Ground.OTHER_VALUE: mark("it is another one, which looks alike"),
        Ground.IMPERSONATED: mark("somebody pretends to be them"),
        Ground.HACKED: mark("it was broken into"),
        Ground.PAID_BACK: mark("the money was paid back"),
        Ground.OTHER: mark("another ground"),
    }
)
UPHOLD_REASONS: Mapping[str, Translatable] = MappingProxyType(
    {
        UpholdReason.PROVIDER_CONFIRMS: mark("the account-holding bank confirms it"),
        UpholdReason.AUTHORITY_CONFIRMS: mark("an authority confirms it"),
        UpholdReason.SEVERAL_REPORTS: mark("several partners report it"),
        UpholdReason.COURT_ORDER: mark("a court ordered it"),
        UpholdReason.NOT_THE_HOLDER: mark("who objects is not the holder"),
        UpholdReason.OTHER: mark("for another reason"),
    }
)
OBJECTION_ANSWERS: Mapping[str, Translatable] = MappingProxyType(
    {
        ObjectionAnswer.CLEARED: mark("taken back"),
        ObjectionAnswer.STAYS: mark("the listing stays"),
        ObjectionAnswer.REVIEWED: mark("looked at: nothing is listed"),
    }
)


def show_all(visit: Visit) -> Response:
    """Show the open objections, the next due one first; or those that ended last."""
    is_ended = asked(visit, "show") == "ended"
    with visit.site.hub.store.read() as tx:
        if is_ended:
            found = objections.ended(tx, most=_MOST_ENDED)
        else:
            found = objections.by_due(tx, after=moment_and_id(visit), most=PAGE + 1)
        most = _MOST_ENDED if is_ended else PAGE
        shown, following = page_of(visit, found, most, lambda last: (last.due, last.id))
        values = objections.subjects_of(tx, [objection.id for objection in shown])
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
    """Show an objection: its value, the listings and their readers, and the contact to users that may decide."""
    hub = visit.site.hub
    with hub.store.read() as tx:
        found = _find(tx, id)
        subjects = objections.subjects_of(tx, [id]).get(id, [])
        listed = readership(tx, subjects)
        hubs = objections.hubs_of(tx, id) if hub.peers else []
        others = [other for other in objections.of_values(tx, subjects) if other.id != id]
    contact: str | None = ""
    if found.contact is not None and visit.right != "viewer":
        contact = _contact(visit, found)
        run(hub, ReadContact(id=id), visit.actor)
    return visit.page(
        "operator/objection.html",
        found=found,
        values=subjects,
        listed=listed,
        takes_two=listed.is_more_than(hub.most_readers_by_one),
        others=others,
        hubs=hubs,
        hub_names={peer.origin: peer.name for peer in hub.peers},
        contact=contact,
        grounds=GROUNDS,
        answers=OBJECTION_ANSWERS,
        reasons=UPHOLD_REASONS,
        now=now(),
    )


def decide(visit: Visit, id: str) -> Response:
    """Delist the value, or uphold the listing for a reason; delisting a widely read value needs two persons."""
    hub = visit.site.hub
    is_clear = visit.field("decision") == "clear"
    given = visit.field("reason")
    if visit.field("decision") not in ("clear", "uphold") or (not is_clear and given not in list(UpholdReason)):
        raise PageRefused(422, _NO_DECISION)
    deciding.route_new(hub)
    with hub.store.read() as tx:
        contact = _contact(visit, _find(tx, id))
    operation = DecideObjection(id=id, reason=None if is_clear else UpholdReason(given))
    done = submit(visit, operation, dict.fromkeys((NotOpen, NotAllowed, Rejected), (409, _ENDED)))
    if isinstance(done, Proposal):
        return visit.page("operator/decided.html", done=0, decision="clear", aside=[], proposed=[done])
    return visit.page("operator/objection_decided.html", **_decided(visit, done, is_clear=is_clear), contact=contact)


def _decided(visit: Visit, done: DecidedObjections, *, is_clear: bool) -> dict[str, Any]:
    """Return the decision, and the text for the person who objected."""
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
    """Return the contact of the person who objects; "" without one, None if this machine cannot decrypt it."""
    if found.contact is None:
        return ""
    file = visit.site.settings.objection_key_file
    try:
        return Contacts(file).decrypt(found.contact, found.id) if file is not None else None
    except BadKeyFile:
        return None


ROUTES = (
    Route("/console/objections", VIEWERS, show_all, tab=Tab(WORK, 4, mark("Objections"))),
    Route("/console/objections/<id>", VIEWERS, show_one),
    Route("/console/objections/<id>/decide", may_run(DecideObjection), decide, methods=FORM),
)
