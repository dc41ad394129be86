"""Answers of a keeper about what it keeps, by a value or a listing's id: found, written as STIX, and contributed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mappers import qualification
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.qualification import Qualification, QualificationCode
from schemas.subject import Subject
from schemas.vocabulary import Tlp
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import listings
from server.store.database.engine import Tx
from server.store.item import Item
from server.store.keepers import kept_accounts

_NOT_LISTED = Rejected(
    "not-listed", "nothing that you keep is listed under it: ask for what is, in your collection accounts-…"
)


class GivenAnswer(NamedTuple):
    """The answer about a value, by its subjects in the readings that it has, or about a listing, by its id."""

    of: str | frozenset[str]
    code: QualificationCode
    note: str | None = None
    reference: str | None = None


class AnswerResult(NamedTuple):
    """The listing that an answer is about and the id of the answer, or why it was refused."""

    listing: str | None = None
    answer: str | None = None
    refused: Rejected | None = None
    held: str | None = None


def answer_all(hub: Hub, tx: Tx, partner: Partner, given: Sequence[GivenAnswer]) -> list[AnswerResult]:
    """Contribute these answers of ``partner``, and return what became of each; one that is wrong stops no other.

    A value that nobody reports, that is not the partner's, and one that it may not hear of are refused alike.
    """
    listed = _listings_of(tx, partner, given)
    objects, results = {}, []
    for answer in given:
        subjects = {answer.of} if isinstance(answer.of, str) else answer.of
        found = sorted({id_ for subject in subjects for id_ in listed.get(subject, ())})
        if len(found) != 1:
            results.append(AnswerResult(refused=_NOT_LISTED))
            continue
        try:
            obj = _written(partner, found[0], answer)
        except (Rejected, ValueError) as error:
            refusal = error if isinstance(error, Rejected) else Rejected("bad-note", "the note cannot be stored")
            results.append(AnswerResult(found[0], refused=refusal))
            continue
        item = Item.of(obj)
        objects[item.id] = item
        results.append(AnswerResult(found[0], item.id))
    done = contribute(hub, tx, partner, list(objects.values()))
    refused = {failed.id: Rejected("refused", failed.message) for failed in done.failed}
    pending = {kept.id: kept.message for kept in done.pending}
    return [
        result._replace(refused=refused.get(result.answer, result.refused), held=pending.get(result.answer))
        if result.answer
        else result
        for result in results
    ]


def _written(partner: Partner, listing: str, answer: GivenAnswer) -> dict[str, object]:
    record = Qualification(
        reporter=partner.name,
        reported_at=timestamp.now(),
        tlp=Tlp.AMBER_STRICT,
        of=Subject(ref=listing),
        code=answer.code,
        description=answer.note,
        reference=answer.reference,
    )
    return qualification.to_stix(record)


def _listings_of(tx: Tx, partner: Partner, given: Iterable[GivenAnswer]) -> dict[str, set[str]]:
    """Return the listing of each value that is listed for the partner now, by its subject and by its own id."""
    ids = {answer.of for answer in given if isinstance(answer.of, str)}
    subjects = {subject for answer in given if not isinstance(answer.of, str) for subject in answer.of}
    subjects |= set(listings.subjects(tx, ids).values())
    present = {
        kept.subject
        for kept in kept_accounts.find(tx, partner.name, every=True, values=subjects, limit=len(subjects) or 1)
        if kept.left is None
    }
    track, found = listings.track_of_keeper(partner.name), dict[str, set[str]]()
    for subject, tracks in listings.find(tx, present).items():
        if known := tracks.get(track):
            found.setdefault(subject, set()).add(known[-1])
            # Whichever of its listings is named, also one that was withdrawn since.
            for id_ in ids & set(known):
                found.setdefault(id_, set()).add(known[-1])
    return found
