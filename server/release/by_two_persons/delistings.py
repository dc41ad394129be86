"""Two persons take a value back that many partners read: a dispute decided against it, or an objection."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas.errors import Rejected
from server.release import review as reviewing
from server.release.fuse.statements import CONTRADICTED, DOUBTS
from server.release.hub import Hub
from server.release.objections import decide as objecting
from server.release.retract import retract_all
from server.release.route.policy import PUBLIC
from server.release.two_persons import Arguments, Effects, Signatures, TwoPersonAction
from server.store import collections, inbox, reviews, value_index
from server.store.database.engine import Tx
from server.store.inbox import object_id
from server.store.objections import objections
from server.store.proposals.proposals import Effect
from server.store.reviews import Review


class Readership(NamedTuple):
    """The collections that list a value now, and how many partners read them; of ``public`` nobody knows how many."""

    aliases: list[str]
    readers: int

    def is_more_than(self, most: int) -> bool:
        """Return whether more partners read it; what anybody may read has more readers than any number."""
        return self.readers > most or PUBLIC in self.aliases


def readership(tx: Tx, subjects: Iterable[str]) -> Readership:
    """Return where these values are listed, and by how many partners they are read."""
    aliases = sorted(objecting.listed_where(tx, subjects).ids)
    listing = [found for found in collections.all_collections(tx) if found.alias in aliases] if aliases else []
    readers = {name for found in listing for name in collections.readers(tx, found)}
    return Readership(aliases, len(readers))


def delisted_by(tx: Tx, found: Iterable[Review], most: int) -> set[str]:
    """Return the ids of open disputes whose rejection takes back what more than ``most`` partners read.

    So does one that would end what two persons have to decide about the value.
    """
    doubted = [review for review in found if review.rule in DOUBTS and review.subject and review.state == "open"]
    far_read = {review.object_id for review in doubted if readership(tx, [str(review.subject)]).is_more_than(most)}
    return far_read | beside_contradictions(tx, doubted)


def beside_contradictions(tx: Tx, found: Iterable[Review]) -> set[str]:
    """Return the ids of the doubts about values of which two persons have to decide between keeper and authority."""
    return {review.object_id for review in found if review.rule in DOUBTS and _contradictions(tx, [review])}


def _contradictions(tx: Tx, found: Iterable[Review]) -> list[Review]:
    """Return the open reviews of keepers' answers about the values of these disputes."""
    subjects = sorted({str(review.subject) for review in found})
    return [review for subject in subjects for review in reviews.open_of(tx, subject) if review.rule == CONTRADICTED]


def _effects_of_disputes(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return what the rejection takes back. Raises ``UnknownReview``, and ``Rejected`` where one is open no more."""
    found = _open(tx, arguments)
    also = _contradictions(tx, found)
    lines = [Effect("values-delisted"), *(listed_value(tx, str(review.subject)) for review in found)]
    lines += [Effect("keeper-confirmed")] if also else []
    rows = [[review.object_id, review.subject, review.rule] for review in [*found, *also]]
    return Effects(lines, [rows, _reporters(reports_of(tx, (str(review.subject) for review in found)))])


def _reject_disputes(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    found = _open(tx, arguments)
    note = f"proposal {signatures.proposal}"
    ids = [review.object_id for review in found]
    reviewing.decide(hub, tx, ids, "rejected", signatures.confirmed_by, note, by_two=True)
    return [Effect("review", {"id": review.object_id}) for review in found]


def _open(tx: Tx, arguments: Arguments) -> list[Review]:
    found = [reviewing.find(tx, str(id_)) for id_ in arguments["ids"]]
    if not found or any(review.state != "open" or not review.subject for review in found):
        raise Rejected("not-open", "one of the disputes is decided already")
    return found


def _effects_of_objection(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return what clearing an objection takes back. Raises ``UnknownObjection``, and ``NotOpen`` where it has ended."""
    found = objections.find(tx, str(arguments["id"]))
    if found.answer is not None:
        raise objecting.NotOpen(f"the objection {found.id} has ended: {found.answer}")
    subjects = objections.subjects_of(tx, [found.id]).get(found.id, [])
    lines = [Effect("objection-cleared", {"id": found.id}), *(listed_value(tx, subject) for subject in subjects)]
    return Effects(lines, [found.id, subjects, _reporters(reports_of(tx, subjects))])


def _clear_objection(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    done = objecting.clear(hub, tx, str(arguments["id"]), signatures.confirmed_by)
    return [Effect("objection-cleared", {"id": objection.id}) for objection in done.objections]


def reports_of(tx: Tx, subjects: Iterable[str]) -> list[str]:
    """Return the keys of the reports of these values that stand."""
    keys = {key for found in value_index.find(tx, subjects).values() for key in found}
    found = inbox.latest(tx, (key for key in keys if object_id(key).startswith("indicator--")))
    return sorted(key for key, item in found.items() if not item.revoked)


def _reporters(keys: Iterable[str]) -> list[str]:
    """Return whose reports these are: another reporter is what the first person did not know of."""
    return sorted({str(inbox.space(key)) for key in keys})


def _effects_of_retraction(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return what a retraction takes back. Raises ``Rejected`` where nothing is reported."""
    subjects = [str(subject) for subject in arguments["subjects"]]
    value_index.lock(tx, subjects)
    keys = reports_of(tx, subjects)
    if not keys:
        raise Rejected("not-open", "no report of the value stands")
    # A reporter that reports it again makes no proposal void, else it could put off the second person for ever.
    asides = [Effect("value-retracted", {"reports": len(keys)})]
    return Effects([listed_value(tx, subject) for subject in subjects], [subjects, _reporters(keys)], asides)


def _retract(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    subjects = [str(subject) for subject in arguments["subjects"]]
    done = retract_all(hub, tx, reports_of(tx, subjects))
    return [Effect("value-retracted", {"reports": len(done)})]


def listed_value(tx: Tx, subject: str) -> Effect:
    """Return where a value is listed, and by how many it is read, as a line."""
    kind, _, value = subject.partition(":")
    found = readership(tx, [subject])
    readers = {"collections": found.aliases, "readers": found.readers}
    return Effect("listed-value", {"kind": kind, "value": value, **readers})


DELIST = TwoPersonAction("delist-disputed", _effects_of_disputes, _reject_disputes)
CLEAR = TwoPersonAction("clear-objection", _effects_of_objection, _clear_objection)
RETRACT = TwoPersonAction("retract-value", _effects_of_retraction, _retract)
