"""Look up listings, tell the provider, and let a person decide: the value is cleared, or its listing stays."""

from collections.abc import Iterable
from typing import NamedTuple

from schemas.api.statements import ObjectionAnswer, UpholdReason
from schemas.records import Feedback, FeedbackEvent, FeedbackReason
from server.features.objections import elsewhere, records as objections
from server.features.objections.records import Objection
from server.features.requests import ending
from server.features.trends import answers as fair_answers
from server.features.trends.answers import FairAnswer
from server.features.trends.reporters import open_reporters
from server.release.hub import Hub
from server.release.retract import retract_all
from server.release.route.policy import PUBLIC
from server.release.session import ReleaseSession
from server.store import audit, collections, listings, log, value_index
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.inbox import object_id
from server.store.item import PLAIN
from server.store.proposals import frozen

REASON = "objection"
_CLEARED = Feedback(FeedbackEvent.RETRACTED, reason=FeedbackReason.OBJECTION)
_ASKED = Feedback(FeedbackEvent.REQUESTED, reason=FeedbackReason.OBJECTION)
_HUB = "hub"
# The reference in requests to restore: it names no objection.
_DELISTED = "DELISTED"


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
    """The objections that a decision ended, and the number of retracted reports."""

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
    """Look up listings for new objections, and tell the providers; return the number of objections."""
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
    provider = None
    for alias, id_ in sorted(where.ids.items()):
        # If a contributor excludes the provider, the provider's collection does not list the value.
        if (name := context.provider(alias)) is not None:
            provider = name
            if name != objection.keeper:
                session.feedback.add(name, _ASKED, id_)
    objections.route(context.tx, objection.id, listed=bool(where.ids), public=where.is_public, provider=provider)
    elsewhere.pass_on(session, objection, subjects)


def close_due(hub: Hub) -> int:
    """End objections that are due and have no listing; return their number."""
    with hub.store.read() as tx:
        if not objections.overdue(tx):
            return 0
    with hub.store.begin() as tx:
        due = objections.overdue(tx)
        subjects_by_id = objections.subjects_of(tx, [objection.id for objection in due])
        ended = [
            objection
            for objection in due
            if objection.routed is not None
            and not listed_where(tx, subjects_by_id.get(objection.id, [])).ids
            # A retraction while a decision under dual control is open does not end the objection.
            and not frozen.among(tx, subjects_by_id.get(objection.id, []))
        ]
        objections.answer(tx, [objection.id for objection in ended], ObjectionAnswer.REVIEWED, _HUB)
        elsewhere.tell(tx, ended, ObjectionAnswer.REVIEWED)
    return len(ended)


def clear(hub: Hub, tx: Tx, id_: str, by: str) -> DecidedObjections:
    """Delist the value of an objection everywhere; its reporters are told why, and later reports of it are held.

    All open objections about the value end too. A value without reports is not held: an objection is not an allowlist
    entry. Raises ``UnknownObjection`` and ``NotOpen``.
    """
    subjects, about = _open(tx, id_)
    reporters = open_reporters(tx, subjects)
    keys = {key for found in value_index.find(tx, subjects).values() for key in found}
    reports = sorted(key for key in keys if object_id(key).startswith("indicator--"))
    # The id of a listing means its value: other hubs' reports of it no longer count here either.
    listed = [id_ for subject in subjects for id_ in sorted(listings.ids(tx, subject))] if hub.peers else []
    done = retract_all(hub, tx, [*reports, *listed], reason=REASON, feedback=_CLEARED)
    # What platforms and carriers were asked to do about the value is undone.
    for subject in subjects:
        ending.end_cleared(hub, tx, subject, _DELISTED)
    _end(tx, about, ObjectionAnswer.CLEARED, by, None, reporters)
    return DecidedObjections(about, len(done))


def uphold(tx: Tx, id_: str, by: str, reason: UpholdReason) -> DecidedObjections:
    """Let a listing stay, for a reason; all open objections about its value end. Raises the same as ``clear``."""
    subjects, about = _open(tx, id_)
    _end(tx, about, ObjectionAnswer.STAYS, by, reason, open_reporters(tx, subjects))
    return DecidedObjections(about, 0)


def end_erased(tx: Tx, subjects: Iterable[str], by: str) -> int:
    """End the open objections about erased values, as cleared; return their number."""
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
    elsewhere.tell(tx, about, answer)
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
    for objection in about:
        audit.record_act(tx, by, answer.upper(), "objection", reference=objection.id)
