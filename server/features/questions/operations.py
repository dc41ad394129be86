"""Ask the reporters of a value, and answer such a question."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field

from mappers import extension, marking
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.question import LONGEST_DAYS, LONGEST_TEXT, QuestionKind, written
from schemas.vocabulary import Tlp
from server.features.findings.accounts import own_account
from server.features.findings.answering import NOT_LISTED
from server.features.questions.asking import ask
from server.operations.operation import Actor, Operation, TrailEntry
from server.operations.rights import ANALYSTS, PARTNER_WRITERS, PROGRAMS
from server.release.context import open_context
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.questions import refuse_contact, refuse_many
from server.release.reasons import Reason
from server.release.results import Results
from server.store import inbox, listings, partners
from server.store.database.engine import Tx
from server.store.database.times import micros
from server.store.item import Item
from server.store.questions import questions
from server.store.questions.questions import Question

_USUAL_TIME, _LONGEST_TIME = timedelta(days=3), timedelta(days=LONGEST_DAYS)


class AskReporters(Operation[int]):
    """Ask all reporters of a value; none of them learns who else reports it."""

    name: ClassVar[str] = "ask"
    rights: ClassVar[frozenset[str]] = ANALYSTS
    verb: ClassVar[str] = "ASK"
    what: ClassVar[str] = "reporters"
    texts: ClassVar[tuple[str, ...]] = ("question",)

    question: str
    about: str = Field(description="the value or the id that the question names")
    subjects: frozenset[str] = Field(description="the values whose reporters are asked")
    held: tuple[str, ...] = Field((), description="held objects whose contributors are asked too")

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> int:
        """Send the question, and return the number of partners asked. Raises ``Rejected``."""
        return ask(hub, tx, self.question, self.about, self.subjects, self.held)

    def entries(self, result: int) -> Iterable[TrailEntry]:
        """Return the entry with the number of partners asked."""
        return [TrailEntry(self.verb, self.what, objects=result)] if result else ()


class AnswerQuestion(Operation[Results]):
    """Answer a question about an own report; the asker does not learn whose answer it is."""

    name: ClassVar[str] = "question answer"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS | PROGRAMS
    verb: ClassVar[str] = "ANSWER"
    what: ClassVar[str] = "question"

    partner: Partner = Field(description="the partner that answers")
    id: str = Field(description="the id of the question")
    of: str = Field("", description="the id of the own object that the question is about, if the hub does not know it")
    text: str = Field(description="the answer")

    def acts_for(self) -> str | None:
        """Return the partner that answers."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Results:
        """Contribute the answer as a note; the result has the refusal, if any. Raises ``Rejected``."""
        found = questions.find(tx, self.id, self.partner.name)
        about = self.of or (found[1].report if found is not None else None)
        if found is None or about is None:
            raise Reason.TARGET_NOT_VISIBLE.rejected()
        if found[0].kind is not None:
            refuse_contact(self.text)
        note = note_of(self.partner, about, self.text, answer_to=self.id)
        done = contribute(hub, tx, self.partner, [Item.of(note)], actor.sender)
        for unread in done.kept:
            raise Rejected("refused", unread.message)
        return done

    def entries(self, result: Results) -> Iterable[TrailEntry]:
        """Return the entry with the id of the question."""
        status = 403 if result.failed else 200
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, reference=self.id, status=status)]


class AskAboutAccount(Operation[Question]):
    """Ask the reporters of an account in the name of its provider; neither side learns the other's name."""

    name: ClassVar[str] = "account ask"
    rights: ClassVar[frozenset[str]] = PARTNER_WRITERS | PROGRAMS
    verb: ClassVar[str] = "ASK"
    what: ClassVar[str] = "account"

    partner: Partner = Field(description="the provider of the account")
    listing: str = Field(description="the id of the account's listing in the provider's collection")
    kind: QuestionKind = Field(description="what is asked")
    text: str = Field("", max_length=LONGEST_TEXT, description="further words, without personal data or addresses")
    deadline: datetime | None = Field(None, description="by when an answer is wanted; without it in three days")

    def acts_for(self) -> str | None:
        """Return the provider."""
        return self.partner.name

    def apply(self, hub: Hub, tx: Tx, actor: Actor) -> Question:
        """Pass the question on. Raises ``Rejected``, the same for another's account and for an unknown one."""
        if own_account(tx, self.partner, self.listing) is None:
            raise NOT_LISTED
        moment = timestamp.now()
        due = moment + _USUAL_TIME if self.deadline is None else self.deadline
        if not moment < due <= moment + _LONGEST_TIME:
            raise Rejected("bad-deadline", f"deadline: give a time in the next {LONGEST_DAYS} days, or a duration: 3d")
        refuse_contact(self.text)
        [subject] = listings.subjects(tx, [self.listing]).values()
        known = listings.all_of(listings.find(tx, [subject])[subject])
        refuse_many(open_context(hub, tx), self.partner, known)
        note = note_of(self.partner, self.listing, written(self.kind, self.text), question=True)
        done = contribute(hub, tx, self.partner, [Item.of(note)], actor.sender)
        for refused in (*done.failed, *done.held):
            raise Rejected(refused.reason or "refused", refused.message)
        key = inbox.key(partners.space(tx, self.partner.name), note["id"])
        asked = questions.by_note(tx, self.partner.name, key)
        if asked is None:
            raise Reason.TARGET_NOT_VISIBLE.rejected()
        questions.set_kind(tx, asked.id, self.kind, micros(due))
        return asked._replace(kind=self.kind, due=micros(due))

    def entries(self, result: Question) -> Iterable[TrailEntry]:
        """Return the entry with the id of the question."""
        return [TrailEntry(self.verb, self.what, partner=self.partner.name, reference=result.id)]


def note_of(partner: Partner, of: str, text: str, **said: Any) -> dict[str, Any]:
    """Return a partner's note about an object: a question, or the answer to one, as ``said`` tells."""
    at = timestamp.text(timestamp.now())
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": f"note--{uuid.uuid4()}",
        "created_by_ref": partner.identity,
        "created": at,
        "modified": at,
        "content": text,
        "object_refs": [of],
        "object_marking_refs": [marking.ref(Tlp.AMBER_STRICT)],
        "extensions": {extension.ID: extension.build(**said)},
    }
