"""Dual control over delisting widely read values: after a dispute or an objection."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas.errors import Rejected
from server.features.federation import stored
from server.features.objections import decide as objecting, records as objections
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release import review as reviewing
from server.release.fuse.statements import CONTRADICTED, DOUBTS, ReportedValue
from server.release.guard.allowlists.hub_values import delist
from server.release.hub import Hub
from server.release.retract import retract_all
from server.release.route.policy import PUBLIC
from server.store import collections, inbox, listings, partners, reviews, value_index
from server.store.database.engine import Tx
from server.store.inbox import object_id
from server.store.proposals.proposals import Effect
from server.store.reviews import Review


class Readership(NamedTuple):
    """The collections that list a value now, and the number of partners that read them; for ``public`` it is
    unknown.
    """

    aliases: list[str]
    readers: int

    def is_more_than(self, most: int) -> bool:
        """Return whether more than ``most`` partners read it; a public value exceeds any number."""
        return self.readers > most or PUBLIC in self.aliases


def readership(tx: Tx, subjects: Iterable[str]) -> Readership:
    """Return the collections that list these values, and how many partners read them."""
    aliases = sorted(objecting.listed_where(tx, subjects).ids)
    listing = [found for found in collections.all_collections(tx) if found.alias in aliases] if aliases else []
    readers = {name for found in listing for name in collections.readers(tx, found)}
    return Readership(aliases, len(readers))


def delisted_by(tx: Tx, found: Iterable[Review], most: int) -> set[str]:
    """Return the ids of open disputes whose rejection delists a value that more than ``most`` partners read.

    These include disputes whose rejection would end a contradiction that is under dual control.
    """
    doubted = [review for review in found if review.rule in DOUBTS and review.subject and review.state == "open"]
    far_read = {review.object_id for review in doubted if readership(tx, [str(review.subject)]).is_more_than(most)}
    return far_read | beside_contradictions(tx, doubted)


def beside_contradictions(tx: Tx, found: Iterable[Review]) -> set[str]:
    """Return the ids of doubts about values with an open contradiction between provider and authority."""
    return {review.object_id for review in found if review.rule in DOUBTS and _contradictions(tx, [review])}


def _contradictions(tx: Tx, found: Iterable[Review]) -> list[Review]:
    """Return the open reviews of providers' findings on the values of these disputes."""
    subjects = sorted({str(review.subject) for review in found})
    return [review for subject in subjects for review in reviews.open_of(tx, subject) if review.rule == CONTRADICTED]


def _effects_of_disputes(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the effects of the rejection. Raises ``UnknownReview``, and ``Rejected`` if one is no longer open."""
    found = _open(tx, arguments)
    also = _contradictions(tx, found)
    subjects = [str(review.subject) for review in found]
    lines = [Effect("values-delisted")]
    lines += [Effect("keeper-confirmed")] if also else []
    rows = [[review.object_id, review.subject] for review in [*found, *also]]
    return Effects(lines, rows, [listed_value(tx, subject) for subject in subjects], witnesses(tx, subjects))


def _disputed_subjects(tx: Tx, arguments: Arguments) -> list[str]:
    return [str(review.subject) for review in _open(tx, arguments)]


def _reject_disputes(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    found = _open(tx, arguments)
    note = f"proposal {signatures.proposal}"
    ids = [review.object_id for review in found]
    reviewing.decide(hub, tx, ids, "rejected", signatures.confirmed_by, note, by_two=True)
    return [Effect("review", {"id": review.object_id}) for review in found]


def _open(tx: Tx, arguments: Arguments) -> list[Review]:
    found = [reviewing.find(tx, str(id_)) for id_ in arguments["ids"]]
    if not found or any(review.state != "open" or not review.subject for review in found):
        raise Rejected("not-open", "one of the disputes is already decided")
    return found


def _effects_of_objection(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the effects of clearing an objection. Raises ``UnknownObjection``, and ``NotOpen`` if it has ended."""
    found = objections.find(tx, str(arguments["id"]))
    if found.answer is not None:
        raise objecting.NotOpen(f"the objection {found.id} has ended: {found.answer}")
    subjects = objections.subjects_of(tx, [found.id]).get(found.id, [])
    asides = [listed_value(tx, subject) for subject in subjects]
    lines = [Effect("objection-cleared", {"id": found.id})]
    return Effects(lines, [found.id, subjects], asides, witnesses(tx, subjects))


def _objected_subjects(tx: Tx, arguments: Arguments) -> list[str]:
    return objections.subjects_of(tx, [str(arguments["id"])]).get(str(arguments["id"]), [])


def _clear_objection(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    subjects = _objected_subjects(tx, arguments)
    done = objecting.clear(hub, tx, str(arguments["id"]), signatures.confirmed_by)
    hold_later(tx, subjects)
    return [Effect("objection-cleared", {"id": objection.id}) for objection in done.objections]


def reports_of(tx: Tx, subjects: Iterable[str]) -> list[str]:
    """Return the keys of the active reports of these values."""
    found = inbox.latest(tx, _all_reports_of(tx, subjects))
    return sorted(key for key, item in found.items() if not item.revoked)


def witnesses(tx: Tx, subjects: Iterable[str]) -> list[str]:
    """Return the organisations that ever reported these values, including those that retracted.

    A reporter that retracts and reports again does not count as new; otherwise it could delay the second person for
    ever.
    """
    spaces = {inbox.space(key) for key in _all_reports_of(tx, subjects)}
    known = partners.load_registry(tx).by_space if spaces else {}
    return sorted({known[space].counts_as for space in spaces if space in known})


def _all_reports_of(tx: Tx, subjects: Iterable[str]) -> set[str]:
    keys = {key for found in value_index.find(tx, subjects).values() for key in found}
    return {key for key in keys if object_id(key).startswith("indicator--")}


def reporting_hubs(hub: Hub, tx: Tx, subjects: Iterable[str]) -> list[str]:
    """Return the origins of other hubs' reports of these values."""
    found = stored.of_subjects(tx, subjects) if hub.peers else []
    return sorted({report.origin for report in found if report.peer and report.state != stored.EMPTY})


def hold_later(tx: Tx, subjects: Iterable[str]) -> None:
    """Hold later reports of values, even if all present ones were retracted while the proposal was open."""
    reported = [subject for subject in subjects if _all_reports_of(tx, [subject]) and not reports_of(tx, [subject])]
    delist(tx, [ReportedValue(subject) for subject in reported])


def _effects_of_retraction(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the effects of a retraction. Raises ``Rejected`` if there are no reports."""
    subjects = [str(subject) for subject in arguments["subjects"]]
    value_index.lock(tx, subjects)
    known = [*witnesses(tx, subjects), *reporting_hubs(hub, tx, subjects)]
    if not known:
        raise Rejected("not-open", "the value has no active report")
    asides = [Effect("value-retracted", {"reports": len(reports_of(tx, subjects))})]
    asides += [listed_value(tx, subject) for subject in subjects]
    return Effects([], subjects, asides, known)


def _retract(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    subjects = [str(subject) for subject in arguments["subjects"]]
    # Of several values, those that police hold stay listed: each of them is retracted on its own.
    spared: set[str] | None = set() if len(subjects) > 1 else None
    # The id of a listing means its value: other hubs' reports of it no longer count here either.
    listed = [id_ for subject in subjects for id_ in sorted(listings.ids(tx, subject))] if hub.peers else []
    done = retract_all(hub, tx, [*reports_of(tx, subjects), *listed], spared=spared)
    hold_later(tx, [subject for subject in subjects if subject not in (spared or ())])
    return [Effect("value-retracted", {"reports": len(done)})]


def listed_value(tx: Tx, subject: str) -> Effect:
    """Return the listings of a value, and the number of readers, as a line."""
    kind, _, value = subject.partition(":")
    found = readership(tx, [subject])
    readers = {"collections": found.aliases, "readers": found.readers}
    return Effect("listed-value", {"kind": kind, "value": value, **readers})


def _named_subjects(tx: Tx, arguments: Arguments) -> list[str]:
    del tx
    return [str(subject) for subject in arguments["subjects"]]


DELIST = DualControlAction("delist-disputed", _effects_of_disputes, _reject_disputes, freezes=_disputed_subjects)
CLEAR = DualControlAction("clear-objection", _effects_of_objection, _clear_objection, freezes=_objected_subjects)
RETRACT = DualControlAction("retract-value", _effects_of_retraction, _retract, freezes=_named_subjects)
