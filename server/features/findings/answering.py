"""A provider's findings, given by value or by listing id: look up the listing, write the STIX note, contribute it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mappers import records
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import Qualification, Subject
from schemas.vocabulary import QualificationCode, Tlp
from server.features.findings.accounts import basis_of, present_accounts
from server.release.contribute import contribute
from server.release.guard.ends import PROGRAM, Sender
from server.release.hub import Hub
from server.store import listings
from server.store.database.engine import Tx
from server.store.item import Item
from server.store.providers import kept_accounts

NOT_LISTED = Rejected(
    "not-listed",
    "no value of which you are the provider is listed under it: your collection accounts-… has the listed ones",
)

_CHANGED = Rejected(
    "changed-meanwhile",
    "the account has a new finding or a new report since the preview: look at it again",
)


class GivenAnswer(NamedTuple):
    """A finding on a value, by the subjects of all its readings, or on a listing, by its id.

    ``basis`` is the state of the account that a person decided on; without it the account may have changed.
    """

    of: str | frozenset[str]
    code: QualificationCode
    note: str | None = None
    reference: str | None = None
    basis: str | None = None


class AnswerResult(NamedTuple):
    """The listing that a finding is about and the finding's id, or why it was refused.

    ``why`` is the code of the rule by which the hub refused or held the finding itself, "" if there is none.
    """

    listing: str | None = None
    answer: str | None = None
    refused: Rejected | None = None
    held: str | None = None
    why: str = ""


def answer_all(
    hub: Hub, tx: Tx, partner: Partner, given: Sequence[GivenAnswer], sender: Sender = PROGRAM
) -> list[AnswerResult]:
    """Contribute these findings of ``partner``, and return the result of each; a wrong one does not stop the others.

    Three cases get the same refusal: a value that is not reported, that belongs to another provider, or that the
    partner may not know of.
    """
    listed = _listings_of(tx, partner, given)
    bases = _bases(tx, partner, given)
    objects, results = {}, []
    for answer in given:
        subjects = {answer.of} if isinstance(answer.of, str) else answer.of
        found = sorted({id_ for subject in subjects for id_ in listed.get(subject, ())})
        if len(found) != 1:
            results.append(AnswerResult(refused=NOT_LISTED))
            continue
        if answer.basis is not None and bases.get(found[0]) != answer.basis:
            results.append(AnswerResult(found[0], refused=_CHANGED))
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
    done = contribute(hub, tx, partner, list(objects.values()), sender)
    refused = {failed.id: Rejected("refused", failed.message) for failed in done.failed}
    pending = {kept.id: kept.message for kept in done.pending}
    why = {one.id: one.reason for one in (*done.failed, *done.pending)}
    return [
        result._replace(
            refused=refused.get(result.answer, result.refused),
            held=pending.get(result.answer),
            why=why.get(result.answer, ""),
        )
        if result.answer
        else result
        for result in results
    ]


def _bases(tx: Tx, partner: Partner, given: Iterable[GivenAnswer]) -> dict[str, str]:
    """Return the state of the accounts on which a person decided, by listing."""
    decided = {answer.of for answer in given if answer.basis is not None and isinstance(answer.of, str)}
    subjects = listings.subjects(tx, decided).values()
    return {account.listing: basis_of(account) for account in present_accounts(tx, partner, subjects, 0)}


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
    return records.to_stix(record)[0]


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
    track, found = listings.track_of_provider(partner.name), dict[str, set[str]]()
    for subject, tracks in listings.find(tx, present).items():
        if known := tracks.get(track):
            found.setdefault(subject, set()).add(known[-1])
            # Any of its listings may be named, also one delisted since.
            for id_ in ids & set(known):
                found.setdefault(id_, set()).add(known[-1])
    return found
