"""Look up what is listed, tell the keeper, and let a person decide: the value is cleared, or its listing stays."""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.api.objection import ObjectionAnswer, UpholdReason
from schemas.feedback import Feedback, FeedbackEvent, FeedbackReason
from server.release.hub import Hub
from server.release.retract import retract_all
from server.release.route.policy import PUBLIC
from server.release.session import ReleaseSession
from server.release.trends.reporters import open_reporters
from server.store import audit, collections, listings, log, value_index
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.inbox import object_id
from server.store.objections import objections
from server.store.objections.objections import Objection
from server.store.objects.parts import PLAIN
from server.store.trends import answers as fair_answers
from server.store.trends.answers import FairAnswer

REASON = "objection"
_CLEARED = Feedback(FeedbackEvent.RETRACTED, reason=FeedbackReason.OBJECTION)
_ASKED = Feedback(FeedbackEvent.REQUESTED, reason=FeedbackReason.OBJECTION)
_HUB = "hub"


class NotOpen(ValueError):
    """The objection has ended."""


class ListedWhere(NamedTuple):
    """The collections that list a value now, by alias, with the listing's id in each."""

    ids: dict[str, str]

    @property
    def is_public(self) -> bool:
        """Return whether anybody may see it."""
        return PUBLIC in self.ids


class DecidedObjections(NamedTuple):
    """The objections that a decision ended, and how many reports were taken back."""

    objections: list[Objection]
    retracted: int


def listed_where(tx: Tx, subjects: Iterable[str]) -> ListedWhere:
    """Return where these values are listed now."""
    wanted = {id_ for subject in subjects for id_ in listings.ids(tx, subject)}
    found: dict[str, str] = {}
    for collection in collections.all_collections(tx) if wanted else ():
        if collection.filled_by_release and collection.part == PLAIN:
            for id_, item in log.latest(tx, collection, wanted).items():
                if not item.revoked:
                    found[collection.alias] = id_
    return ListedWhere(found)


def route_new(hub: Hub) -> int:
    """Look up what is listed for new objections, and tell the keepers; return the number of objections."""
    with hub.store.read() as tx:
        if not objections.unrouted(tx):
            return 0
    with hub.store.begin() as tx:
        new = objections.unrouted(tx)
        session = ReleaseSession.open(hub, tx)
        subjects_by_id = objections.subjects_of(tx, [objection.id for objection in new])
        for objection in new:
            _route(session, objection, subjects_by_id.get(objection.id, []))
        session.feedback.publish(session.publication)
        session.publication.write(REASON)
    return len(new)


def _route(session: ReleaseSession, objection: Objection, subjects: list[str]) -> None:
    context = session.context
    where = listed_where(context.tx, subjects)
    keeper = None
    for alias, id_ in sorted(where.ids.items()):
        # A contributor may have named the keeper as not to be told: then the keeper's collection does not list it.
        if (name := context.keeper(alias)) is not None:
            keeper = name
            if name != objection.keeper:
                session.feedback.add(name, _ASKED, id_)
    objections.route(context.tx, objection.id, listed=bool(where.ids), public=where.is_public, keeper=keeper)


def close_due(hub: Hub) -> int:
    """End the objections whose time has come and to which nothing is listed; return their number."""
    with hub.store.read() as tx:
        if not objections.overdue(tx):
            return 0
    with hub.store.begin() as tx:
        due = objections.overdue(tx)
        subjects_by_id = objections.subjects_of(tx, [objection.id for objection in due])
        ended = [
            objection.id
            for objection in due
            if objection.routed is not None and not listed_where(tx, subjects_by_id.get(objection.id, [])).ids
        ]
        objections.answer(tx, ended, ObjectionAnswer.REVIEWED, _HUB)
    return len(ended)


def clear(hub: Hub, tx: Tx, id_: str, by: str) -> DecidedObjections:
    """Delist the value of an objection everywhere; its reporters read why, and later reports of it are held.

    All open objections about the value end with it. What nobody reported is not held: an objection makes no allowlist.
    Raises ``UnknownObjection`` and ``NotOpen``.
    """
    subjects, about = _open(tx, id_)
    reporters = open_reporters(tx, subjects)
    keys = {key for found in value_index.find(tx, subjects).values() for key in found}
    reports = sorted(key for key in keys if object_id(key).startswith("indicator--"))
    done = retract_all(hub, tx, reports, reason=REASON, feedback=_CLEARED)
    _end(tx, about, ObjectionAnswer.CLEARED, by, None, reporters)
    return DecidedObjections(about, len(done))


def uphold(tx: Tx, id_: str, by: str, reason: UpholdReason) -> DecidedObjections:
    """Let a listing stay, for a reason; all open objections about its value end. Raises as ``clear``."""
    subjects, about = _open(tx, id_)
    _end(tx, about, ObjectionAnswer.STAYS, by, reason, open_reporters(tx, subjects))
    return DecidedObjections(about, 0)


def end_erased(tx: Tx, subjects: Iterable[str], by: str) -> int:
    """End the open objections about values that are erased, as cleared; return their number."""
    about = objections.of_values(tx, subjects)
    if about:
        _end(tx, about, ObjectionAnswer.CLEARED, by, None)
    return len(about)


def _open(tx: Tx, id_: str) -> tuple[list[str], list[Objection]]:
    """Return the values of an open objection, and all open objections about them."""
    found = objections.find(tx, id_)
    if found.answer is not None:
        raise NotOpen(f"the objection {id_} has ended: {found.answer}")
    subjects = objections.subjects_of(tx, [id_]).get(id_, [])
    return subjects, objections.of_values(tx, subjects)


def _end(
    tx: Tx,
    about: list[Objection],
    answer: ObjectionAnswer,
    by: str,
    reason: str | None,
    reporters: Iterable[str] = (),
) -> None:
    objections.answer(tx, [objection.id for objection in about], answer, by, reason)
    moment, organisations = now(), "\n".join(reporters)
    fair_answers.add(
        tx,
        [
            FairAnswer(
                fair_answers.OBJECTION,
                each.kind,
                answer,
                each.received,
                each.due,
                moment,
                "",
                organisations,
                is_open=each.public,
            )
            for each in about
        ],
    )
    audit.record_unsealed(
        tx,
        [
            AuditEvent(moment, moment, 1, None, by, answer.upper(), "objection", None, 200, 1, objection.id)
            for objection in about
        ],
    )
